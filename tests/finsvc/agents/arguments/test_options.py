from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.options import parse_expiry, parse_strike
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode

AS_OF = date(2022, 12, 28)


@pytest.mark.parametrize(
    ("text", "strike"),
    [
        ("4000", "4000"),
        ("4,000", "4000"),
        ("$150", "150"),
        ("150.5", "150.5"),
        ("4000 strike", "4000"),
        ("strike 4000", "4000"),
        ("strike of 4000", "4000"),
        ("a strike of 4,000", "4000"),
        ("strike price 150", "150"),
        ("at 4000", "4000"),
        ("4k", "4000"),
        ("150 USD", "150"),
        ("USD 150", "150"),
        ("150 dollars", "150"),
        ("$4,000", "4000"),
        ("12,500", "12500"),
        ("four thousand", "4000"),
        ("3950", "3950"),
        ("7.25", "7.25"),
        ("4000 points", "4000"),
        ("struck at", None),
        ("K=4000", "4000"),
        ("k = 4000", "4000"),
        ("one hundred and fifty", "150"),
        ("US$150", "150"),
        ("0.5", "0.5"),
        ("4.1k", "4100"),
        ("strike at 4000", "4000"),
        ("4000.", "4000"),
        ("the 4000 strike", "4000"),
        ("4000-strike", "4000"),
    ],
)
def test_strike_is_read(text: str, strike: str | None) -> None:
    if strike is None:
        with pytest.raises(InputError):
            parse_strike(text)
    else:
        assert parse_strike(text, currency=CurrencyCode("USD")).value == Decimal(strike)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-5",
        "ATM",
        "at the money",
        "10% OTM",
        "90%",
        "4000/4200",
        "4000-4200",
        "\u20ac4000",
        "4.000,0",
    ],
)
def test_what_is_no_strike_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_strike(text, currency=CurrencyCode("USD"))
    assert caught.value.field == "strike"


@pytest.mark.parametrize(
    ("text", "expiry", "is_noted"),
    [
        ("2023-06-16", "2023-06-16", False),
        ("16 June 2023", "2023-06-16", False),
        ("June 16, 2023", "2023-06-16", False),
        ("16/06/2023", "2023-06-16", False),
        ("16.06.2023", "2023-06-16", False),
        ("16-Jun-2023", "2023-06-16", False),
        ("expiring 16 June 2023", "2023-06-16", False),
        ("on 16 June 2023", "2023-06-16", False),
        ("June 2023", "2023-06-16", True),
        ("Jun 2023", "2023-06-16", True),
        ("March 2023", "2023-03-17", True),
        ("December 2023", "2023-12-15", True),
        ("June 2023 expiry", "2023-06-16", True),
        ("June", "2023-06-16", True),
        ("Dec", "2023-12-15", True),
        ("January", "2023-01-20", True),
        ("3 months", "2023-03-28", True),
        ("in six months", "2023-06-28", True),
        ("3-month", "2023-03-28", True),
        ("3m", "2023-03-28", True),
        ("six months", "2023-06-28", True),
        ("6M", "2023-06-28", True),
        ("1y", "2023-12-28", True),
        ("one year", "2023-12-28", True),
        ("a year", "2023-12-28", True),
        ("90 days", "2023-03-28", True),
        ("30-day", "2023-01-27", True),
        ("6 weeks", "2023-02-08", True),
        ("two weeks", "2023-01-11", True),
        ("18 months", "2024-06-28", True),
        ("2 years", "2024-12-28", True),
        ("in 3 months' time", None, True),
        ("2 months", "2023-02-28", True),
        ("14 months", "2024-02-28", True),
        ("30 days from now", "2023-01-27", True),
        ("12-month", "2023-12-28", True),
    ],
)
def test_expiry_is_read(text: str, expiry: str | None, is_noted: bool) -> None:
    if expiry is None:
        with pytest.raises(InputError):
            parse_expiry(text, as_of=AS_OF)
        return
    parsed = parse_expiry(text, as_of=AS_OF)
    assert parsed.value == date.fromisoformat(expiry)
    assert bool(parsed.notes) is is_noted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "June 23",
        "Dec 22",
        "16 June",
        "soon",
        "Q2 2023",
        "2023",
        "0 days",
        "expiry",
        "06/07/2023",
        "31 June 2023",
        "3",
        "-3 months",
        "1.5 years",
        "60 years",
        "end of the year",
        "next month",
        "\u0663 months",
        "99999999 days",
    ],
)
def test_what_is_no_expiry_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_expiry(text, as_of=AS_OF)
    assert caught.value.field == "expiry"


@pytest.mark.parametrize(
    "text", ["2022-12-28", "2022-06-17", "June 2022", "December 2022", "2020-01-01"]
)
def test_expiry_that_is_over_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="an expiry after the valuation date 2022-12-28"):
        parse_expiry(text, as_of=AS_OF)


@given(st.integers(min_value=1, max_value=1000))
def test_days_to_expiry_are_calendar_days(days: int) -> None:
    assert parse_expiry(f"{days} days", as_of=AS_OF).value == AS_OF + timedelta(days=days)


@given(st.integers(min_value=2023, max_value=2060), st.integers(min_value=1, max_value=12))
def test_month_of_expiry_is_its_third_friday(year: int, month: int) -> None:
    day = parse_expiry(f"{date(year, month, 1):%B %Y}", as_of=AS_OF).value
    assert (day.year, day.month, day.weekday()) == (year, month, 4)
    assert 15 <= day.day <= 21
