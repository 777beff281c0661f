import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.durations import parse_horizon_days, parse_window_days
from finsvc.domain.errors import InputError


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("10-day", 10),
        ("10 days", 10),
        ("10 day", 10),
        ("10d", 10),
        ("1d", 1),
        ("1D", 1),
        ("10 d", 10),
        ("one-day", 1),
        ("one day", 1),
        ("a day", 1),
        ("ten-day", 10),
        ("ten days", 10),
        ("two weeks", 10),
        ("2w", 10),
        ("2-week", 10),
        ("a week", 5),
        ("1 week", 5),
        ("overnight", 1),
        ("daily", 1),
        ("weekly", 5),
        ("monthly", 21),
        ("one month", 21),
        ("1 month", 21),
        ("1m", 21),
        ("a fortnight", 10),
        ("a quarter", 63),
        ("3 months", 63),
        ("10 trading days", 10),
        ("10 business days", 10),
        ("the next 10 days", 10),
        ("over 10 days", 10),
        ("10-day horizon", 10),
        ("21 trading day", 21),
        ("one year", 252),
        ("250 days", 250),
        ("twenty days", 20),
        ("1y", 252),
        ("ninety days", 90),
    ],
)
def test_horizon_is_read(text: str, days: int) -> None:
    assert parse_horizon_days(text).value == days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("250 days", 250),
        ("250d", 250),
        ("250-day", 250),
        ("90-day", 90),
        ("one year", 252),
        ("1y", 252),
        ("1Y", 252),
        ("one-year", 252),
        ("a year", 252),
        ("past year", 252),
        ("last year", 252),
        ("the past year", 252),
        ("annual", 252),
        ("yearly", 252),
        ("two years", 504),
        ("3 years", 756),
        ("6 months", 126),
        ("6m", 126),
        ("half a year", 126),
        ("past month", 21),
        ("last quarter", 63),
        ("quarterly", 63),
        ("last 90 days", 90),
        ("the last 60 trading days", 60),
        ("30 days", 30),
        ("12 weeks", 60),
        ("12w", 60),
        ("past decade", 2520),
        ("500 business days", 500),
        ("trailing 90 days", 90),
        ("252", None),
        ("90 days of data", 90),
        ("60-day window", 60),
        ("past week", 5),
    ],
)
def test_window_is_read(text: str, days: int | None) -> None:
    if days is None:
        with pytest.raises(InputError):
            parse_window_days(text)
    else:
        assert parse_window_days(text).value == days


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "ten",
        "0 days",
        "-1 day",
        "1.5 days",
        "intraday",
        "10 calendar days",
        "10 hours",
        "soon",
        "1.1 weeks",
        "10-20 days",
        "10 days or 5",
        "d",
        "days10",
        "\u0661\u0660 days",
        "a long time",
        "1,000,000 days",
        "x days",
        "1\u00bd days",
        "5 minutes",
        "10 dayss",
        "until Friday",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_horizon_days(text)
    assert caught.value.field == "horizon"


def test_window_of_one_day_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2"):
        parse_window_days("1 day")


def test_conventions_are_noted_and_plain_days_are_not() -> None:
    assert parse_horizon_days("10 days").notes == ()
    assert parse_horizon_days("overnight").notes == ()
    assert parse_horizon_days("one month").notes == (
        "The horizon 'one month' is read as 21 trading days.",
    )


@given(st.integers(min_value=1, max_value=5000))
def test_number_of_days_is_read_back(days: int) -> None:
    for text in (f"{days} days", f"{days}d", f"{days}-day", f"{days:,} trading days"):
        assert parse_horizon_days(text).value == days
