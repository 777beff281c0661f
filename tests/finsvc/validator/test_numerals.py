import pytest

from finsvc.validator.numerals import has_numeral, number_words, numeric_tokens, unbound_numbers


@pytest.mark.parametrize("text", ["7", "٣", "Ⅷ", "½", "²", "三", "①", "\U0001d7d7"])
def test_numeral_of_any_script_is_found(text: str) -> None:
    assert has_numeral(f"about {text} lots")


def test_text_without_numerals_has_none() -> None:
    assert not has_numeral("value at risk of Coca-Cola")


def test_tokens_are_stripped_of_punctuation_at_the_edges() -> None:
    text = 'VaR (99%), "10-day", by 2022-12-28.'
    assert [text[a:b] for a, b in numeric_tokens(text)] == ["99%", "10-day", "2022-12-28"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two million, doubled", ["two", "million", "doubled"]),
        ("seventeen and ninety", ["seventeen", "ninety"]),
        ("a tenfold rise to half", ["tenfold", "half"]),
        ("None of the tools; someone phoned about Lonestar", []),
    ],
)
def test_number_words_are_found_as_whole_words(text: str, words: list[str]) -> None:
    assert number_words(text) == words


def test_number_that_the_caller_wrote_may_be_quoted() -> None:
    assert unbound_numbers("The 10-day 99% figure", "What is the 10-day 99% VaR?") == []


@pytest.mark.parametrize(
    ("literal", "unbound"),
    [
        ("It is 42.", ["42"]),
        ("The 95% figure", ["95%"]),
        ("about two million", ["two", "million"]),
        ("the 10-da 99 figure", ["10-da", "99"]),
    ],
)
def test_number_that_the_caller_did_not_write_is_unbound(literal: str, unbound: list[str]) -> None:
    assert unbound_numbers(literal, "What is the 10-day 99% VaR?") == unbound
