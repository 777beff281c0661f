import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.harmony.spans import BARRIER, is_numeral, numeric_words, span_chunks

CHUNKS = {
    "the sample book?": ["the", " ", "sample", " ", "book", "?"],
    "10,000 Apple": ["10,000", " ", "Apple"],
    "99% 97.5%": ["99%", " ", "97.5%"],
    "10-day 1d 5m": ["10", "-", "day", " ", "1d", " ", "5m"],
    "$5m": ["$", "5m"],
    "1,200.50k 1.200,5 97,5%": ["1,200.50k", " ", "1.200,5", " ", "97,5%"],
    "put,1,200,6 years": ["put", ",", "1,200", ",", "6", " ", "years"],
    "in 2008,2009.": ["in", " ", "2008", ",", "2009", "."],
    "equities -20% (+3)": ["equities", " ", "-20%", " ", "(", "+3", ")"],
    "2022-06-30 2022-06 30/06/2022": ["2022-06-30", " ", "2022-06", " ", "30/06/2022"],
    "30.06.2022,": ["30.06.2022", ","],
    "12022-06-301": ["12022", "-", "06", "-", "301"],
    "EUR/USD EURUSD": ["EUR", "/", "USD", " ", "EURUSD"],
    "JPY10000 gbp2.5m SX5E": ["JPY", "10000", " ", "gbp", "2.5m", " ", "SX5E"],
    'a "b" \\c': ["a", " ", '\\"', "b", '\\"', " ", "\\\\", "c"],
    "e\u0301t\u00e9 \u0663\u0665": ["e\u0301t\u00e9", " ", "\u0663\u0665"],
    "a\nb\u200bc": ["a", BARRIER, "b", BARRIER, "c"],
    "x <|end|> y": ["x", " ", BARRIER, "end", "|", ">", " ", "y"],
    "ok " + "z" * 101: ["ok", " ", BARRIER],
    "  ": [],
    "\n": [],
    "": [],
}


@pytest.mark.parametrize(("source", "chunks"), CHUNKS.items())
def test_span_chunks_keep_numbers_and_dates_whole(source: str, chunks: list[str]) -> None:
    assert _merged(span_chunks(source)) == chunks


def _merged(chunks: list[str]) -> list[str]:
    """Join neighbouring barriers, whose number does not matter."""
    return [c for i, c in enumerate(chunks) if c != BARRIER or i == 0 or chunks[i - 1] != BARRIER]


@given(st.text(max_size=60))
def test_span_chunks_between_barriers_are_the_message_itself(source: str) -> None:
    for run in "".join(span_chunks(source)).split(BARRIER):
        text = json.loads(f'"{run}"')
        assert text in source
        assert "<|" not in text
        assert not any(unicodedata.category(character)[0] == "C" for character in text)


NUMERIC_WORDS = {
    'Is it "10-day", 99% or (10,000)?': ["10-day", "99%", "10,000"],
    "2022-06-30: 5m. 5m!": ["2022-06-30", "5m"],
    "-20% +3 .5 ,5 $8 9\u20ac": ["-20%", "+3", ".5", ",5", "$8", "9\u20ac"],
    "\u0663 \u2167 \u4e94\u5341 \U0001f51f x\u00b2": [
        "\u0663",
        "\u2167",
        "\u4e94\u5341",
        "\U0001f51f",
        "x\u00b2",
    ],
    "[[c9.x|USD|0]]": ["c9.x", "0"],
    "<|end|>5": ["5"],
    "5\u200b6 7": ["7"],
    "1" * 41: [],
    "no numbers": [],
}


@pytest.mark.parametrize(("source", "words"), NUMERIC_WORDS.items())
def test_numeric_words_stand_without_quotes_and_stops(source: str, words: list[str]) -> None:
    assert numeric_words(source) == words


def test_is_numeral_covers_every_script() -> None:
    assert all(
        map(is_numeral, "7\u0667\u096d\uff17\u2166\u00bc\u2468\u3286\u4e03\u842c\u3007\U0001f4af")
    )
    assert not any(map(is_numeral, "aZ%-\u4f60\u00e9\u20ac"))
