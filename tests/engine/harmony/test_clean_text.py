import random
import re
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.harmony.clean_text import SpellingFilter, Utf8Reader

_SPELLING = re.compile(r"<\|[A-Za-z0-9_]+\|>")
_LETTERS = st.text(alphabet=st.sampled_from(list("<|>ab_ \u00e9")), max_size=40)


def removed_until_nothing_changes(text: str) -> str:
    while (shorter := _SPELLING.sub("", text)) != text:
        text = shorter
    return text


@settings(max_examples=3_000, deadline=None)
@given(_LETTERS, st.integers(0, 2**32))
@example("a<|e<|end|>nd|>b", 1)
@example("<<|a|>|b|>", 1)
@example("<|a||>", 1)
@example("<||>", 1)
def test_filter_gives_the_whole_removal_for_every_cut(text: str, seed: int) -> None:
    expected = removed_until_nothing_changes(text)
    rng = random.Random(seed)
    spellings, parts, at = SpellingFilter(), [], 0
    while at < len(text):
        size = rng.randint(1, 4)
        parts.append(spellings.read(text[at : at + size]))
        assert removed_until_nothing_changes(text[: at + size]).startswith("".join(parts))
        at += size
    assert "".join(parts) + spellings.end() == expected
    assert spellings.has_removed == (expected != text)
    assert spellings.is_idle


def test_filter_holds_back_nothing_that_is_decided() -> None:
    spellings = SpellingFilter()
    assert spellings.read("a < b <| c <|d") == "a < b <| c "
    assert not spellings.is_idle
    assert spellings.read(" e") == "<|d e"
    assert spellings.is_idle


def test_filter_of_hostile_text_does_work_in_proportion() -> None:
    start = time.perf_counter()
    spellings = SpellingFilter()
    for _ in range(100_000):
        spellings.read("<<|a")
    assert len(spellings.end()) == 400_000
    assert time.perf_counter() - start < 10


@settings(max_examples=3_000, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=5), st.text(max_size=3).map(str.encode)), max_size=8))
@example([b"\xe2", b"\x28\xa1"])
@example([b"\xf0\x9f", b"\x98\x80"])
@example(["\ufffd".encode()])
@example(["\ufffd".encode()[:2], "\ufffd".encode()[2:]])
@example([b"\xf0\x9f"])
def test_reader_gives_the_whole_decoding_for_every_cut(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    reader = Utf8Reader()
    text = "".join([*map(reader.read, parts), reader.end()])
    assert text == whole.decode("utf-8", "replace")
    assert reader.has_replaced == (text.encode() != whole)
    assert reader.is_idle
