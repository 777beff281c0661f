from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.numbers import read_number, read_quantity

_UNIT_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
)
_UNITS = _UNIT_WORDS.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spell(number: int) -> str:
    """Write a number below 1000 in words, independently of the parser's tables."""
    if number < 20:
        return _UNITS[number]
    if number < 100:
        tens, unit = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_UNITS[unit]}" if unit else "")
    hundreds, rest = divmod(number, 100)
    return f"{_UNITS[hundreds]} hundred" + (f" and {spell(rest)}" if rest else "")


@given(st.integers(min_value=0, max_value=999))
def test_number_in_words_is_read_back(number: int) -> None:
    assert read_number(spell(number)) == number
    assert read_number(spell(number).replace("-", " ").replace(" and ", " ")) == number


@given(st.decimals(min_value=0, max_value=10**14, places=4))
def test_number_in_digits_is_read_back_with_and_without_groups(number: Decimal) -> None:
    assert read_number(f"{number:f}") == number
    assert read_number(f"{number:,f}") == number


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_none(text: str) -> None:
    for value in (read_number(text), read_quantity(text)):
        assert value is None or value.is_finite()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5m", "5000000"),
        ("5 m", "5000000"),
        ("5mm", "5000000"),
        ("5mn", "5000000"),
        ("2 mio", "2000000"),
        ("1.5 mln", "1500000"),
        ("5 million", "5000000"),
        ("1.5bn", "1500000000"),
        ("1b", "1000000000"),
        ("250k", "250000"),
        ("1.25m", "1250000"),
        ("500 grand", "500000"),
        ("five grand", "5000"),
        ("half a million", "500000"),
        ("quarter of a million", "250000"),
        ("a quarter of a million", "250000"),
        ("a million", "1000000"),
        ("one million", "1000000"),
        ("a thousand", "1000"),
        ("a hundred", "100"),
        ("two million", "2000000"),
        ("a hundred thousand", "100000"),
        ("three hundred thousand", "300000"),
        ("one hundred and fifty million", "150000000"),
        ("2,500,000", "2500000"),
        ("99.95", "99.95"),
        (".5", "0.5"),
        ("1,234.56", "1234.56"),
        ("7.5", "7.5"),
        ("ten thousand", "10000"),
        ("fifty thousand", "50000"),
        ("0.5m", "500000"),
        ("1.2345k", "1234.5"),
    ],
)
def test_quantity_is_read(text: str, value: str) -> None:
    assert read_quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "million",
        "1,00",
        "1,0000",
        "12,34,567",
        "1.000,50",
        "1 000",
        "1e6",
        "1_000",
        "--5",
        "+5",
        "5x",
        "five six",
        "twenty eleven",
        "twenty-zero",
        "hundred",
        "two hundred and",
        "ten hundred",
        "half",
        "a",
        "a five",
        "hundred and one",
        "1/2",
        "1.2.3",
        "5 m m",
        "inf",
        "nan",
        "0x5",
        "many",
        "couple of million",
    ],
)
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert read_quantity(text) is None
