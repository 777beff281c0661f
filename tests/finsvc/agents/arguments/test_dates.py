from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.dates import DateContext, Period, parse_date, parse_period
from finsvc.domain.errors import DateOutOfRangeError, InputError
from tests.finsvc.marketdata.factories import real_market

AS_OF = date(2022, 12, 28)
CONTEXT = DateContext(
    as_of=AS_OF,
    roll=lambda day: real_market().last_trading_day(day, instruments=("SPX",), uses_fx=False),
)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2022-06-30", "2022-06-30"),
        ("2022/06/30", "2022-06-30"),
        ("20220630", "2022-06-30"),
        ("30 June 2022", "2022-06-30"),
        ("30 Jun 2022", "2022-06-30"),
        ("June 30 2022", "2022-06-30"),
        ("June 30, 2022", "2022-06-30"),
        ("Jun 30, 2022", "2022-06-30"),
        ("30/06/2022", "2022-06-30"),
        ("06/30/2022", "2022-06-30"),
        ("30.06.2022", "2022-06-30"),
        ("5.6.2022", "2022-06-05"),
        ("31st March 2021", "2021-03-31"),
        ("March 31st, 2021", "2021-03-31"),
        ("31st of March 2021", "2021-03-31"),
        ("the 3rd of May 2019", "2019-05-03"),
        ("3-May-2019", "2019-05-03"),
        ("03/03/2020", "2020-03-03"),
        ("25 December 2022", "2022-12-25"),
        ("Friday 24 June 2022", "2022-06-24"),
        ("Friday, June 24, 2022", "2022-06-24"),
        ("on 24 June 2022", "2022-06-24"),
        ("as of 2022-06-24", "2022-06-24"),
        ("close of 24 June 2022", "2022-06-24"),
        ("the close on 24 June 2022", "2022-06-24"),
        ("24 June 2022 close", "2022-06-24"),
        ("29 February 2020", "2020-02-29"),
        ("1 Sept 2021", "2021-09-01"),
        ("2022 June 30", "2022-06-30"),
        ("MAY 2nd, 2022", "2022-05-02"),
        ("2022-6-3", "2022-06-03"),
        ("3-Jun-22", "2022-06-03"),
        ("31-Dec-99", "1999-12-31"),
        ("1999-01-04", "1999-01-04"),
        ("2050-01-01", "2050-01-01"),
    ],
)
def test_exact_day_is_read_and_never_moved(text: str, day: str) -> None:
    parsed = parse_date(text, field="as_of", context=CONTEXT)
    assert parsed.value == date.fromisoformat(day)
    assert parsed.notes == ()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("June 2022", "2022-06-30"),
        ("Jun 2022", "2022-06-30"),
        ("end of June 2022", "2022-06-30"),
        ("2022-06", "2022-06-30"),
        ("end June 2022", "2022-06-30"),
        ("April 2022", "2022-04-29"),
        ("end of July 2022", "2022-07-29"),
        ("month end April 2022", "2022-04-29"),
        ("Q2 2022", "2022-06-30"),
        ("2022 Q1", "2022-03-31"),
        ("end of Q3 2022", "2022-09-30"),
        ("1Q21", "2021-03-31"),
        ("first quarter of 2022", "2022-03-31"),
        ("quarter end Q3 2022", "2022-09-30"),
        ("H1 2022", "2022-06-30"),
        ("year end 2021", "2021-12-31"),
        ("year-end 2021", "2021-12-31"),
        ("2021 year end", "2021-12-31"),
        ("end of 2021", "2021-12-31"),
        ("end 2021", "2021-12-31"),
        ("end-2021", "2021-12-31"),
        ("2021", "2021-12-31"),
        ("2017", "2017-12-29"),
        ("2022", "2022-12-28"),
        ("December 2022", "2022-12-28"),
        ("Q4 2022", "2022-12-28"),
        ("start of 2022", "2021-12-31"),
        ("beginning of March 2022", "2022-02-28"),
        ("the end of 2021", "2021-12-31"),
        ("EOY 2021", "2021-12-31"),
        ("YE 2021", "2021-12-31"),
        ("last trading day of 2021", "2021-12-31"),
        ("last day of April 2022", "2022-04-29"),
        ("the year end 2021", "2021-12-31"),
        ("today", "2022-12-28"),
        ("now", "2022-12-28"),
        ("latest", "2022-12-28"),
        ("yesterday", "2022-12-27"),
        ("yesterday's close", "2022-12-27"),
        ("the day before yesterday", "2022-12-23"),
        ("T-1", "2022-12-27"),
        ("last Friday", "2022-12-23"),
        ("Friday", "2022-12-23"),
        ("last Wednesday", "2022-12-21"),
        ("last Monday", "2022-12-26"),
        ("last month end", "2022-11-30"),
        ("last quarter end", "2022-09-30"),
        ("last year end", "2021-12-31"),
        ("end of last year", "2021-12-31"),
        ("last year", "2021-12-31"),
        ("last month", "2022-11-30"),
        ("last week", "2022-12-23"),
        ("two weeks ago", "2022-12-14"),
        ("a month ago", "2022-11-28"),
        ("a year ago", "2021-12-28"),
        ("three days ago", "2022-12-22"),
        ("3 months ago", "2022-09-28"),
        ("10 years ago", "2012-12-28"),
    ],
)
def test_period_end_or_relative_date_is_read_and_noted(text: str, day: str) -> None:
    parsed = parse_date(text, field="as_of", context=CONTEXT)
    assert parsed.value == date.fromisoformat(day)
    assert len(parsed.notes) == 1
    assert parsed.value.isoformat() in parsed.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "03/04/2022",
        "3-4-2022",
        "30/06/22",
        "12/11/2022",
        "June",
        "30 June",
        "the 30th",
        "mid 2022",
        "early 2022",
        "late March 2022",
        "this morning",
        "last night",
        "2022-02-30",
        "31 June 2022",
        "29 February 2022",
        "30/30/2022",
        "2022-13-01",
        "tomorrow",
        "next year",
        "Christmas",
        "soon",
        "Monday 24 June 2022",
        "22",
        "June 30",
        "1850-01-01x",
        "30 June 2022 or later",
        "June '22",
        "\u0662\u0660\u0662\u0662",
        "2022-06-30T10:00",
        "between",
        "Q5 2022",
        "\u2461022",
        "zero days ago",
        "1.5 months ago",
        "99999 years ago",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_date(text, field="as_of", context=CONTEXT)
    assert caught.value.field == "as_of"


@pytest.mark.parametrize(
    "text", ["end of 2022", "June 2023", "2030", "1989", "100 years ago", "end of December 2022"]
)
def test_period_end_outside_the_data_is_out_of_range(text: str) -> None:
    with pytest.raises(DateOutOfRangeError):
        parse_date(text, field="as_of", context=CONTEXT)


@pytest.mark.parametrize("text", ["03/04/2022", "12-11-2022"])
def test_ambiguous_day_is_refused_as_such(text: str) -> None:
    with pytest.raises(InputError, match="cannot be mistaken"):
        parse_date(text, field="as_of", context=CONTEXT)


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2099, 12, 31)))
def test_written_day_is_read_back(day: date) -> None:
    for text in (
        day.isoformat(),
        f"{day:%d %B %Y}",
        f"{day:%B} {day.day}, {day.year}",
        f"{day:%b} {day.day} {day.year}",
        f"{day:%d.%m.%Y}",
        f"{day:%Y%m%d}",
        f"{day:%A}, {day.day} {day:%B} {day.year}",
    ):
        assert parse_date(text, field="as_of", context=CONTEXT).value == day


@given(st.text(alphabet="0123456789 /-.,JuneQaylsthgo'", max_size=20))
def test_any_text_is_a_date_or_an_input_error(text: str) -> None:
    for parse in (parse_date, parse_period):
        try:
            value = parse(text, field="start", context=CONTEXT).value
        except InputError as error:
            value = error
        assert isinstance(value, date | Period | InputError)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2021", "2020-12-31", "2021-12-31"),
        ("in 2021", "2020-12-31", "2021-12-31"),
        ("calendar year 2021", "2020-12-31", "2021-12-31"),
        ("2022", "2021-12-31", "2022-12-28"),
        ("Q1 2022", "2021-12-31", "2022-03-31"),
        ("2022 Q1", "2021-12-31", "2022-03-31"),
        ("1Q22", "2021-12-31", "2022-03-31"),
        ("the first quarter of 2022", "2021-12-31", "2022-03-31"),
        ("Q4 2022", "2022-09-30", "2022-12-28"),
        ("H1 2022", "2021-12-31", "2022-06-30"),
        ("second half of 2021", "2021-06-30", "2021-12-31"),
        ("March 2020", "2020-02-28", "2020-03-31"),
        ("Mar 2020", "2020-02-28", "2020-03-31"),
        ("during March 2020", "2020-02-28", "2020-03-31"),
        ("December 2022", "2022-11-30", "2022-12-28"),
        ("since 30 June 2022", "2022-06-30", "2022-12-28"),
        ("30 June 2022", "2022-06-30", "2022-12-28"),
        ("since 2021", "2020-12-31", "2022-12-28"),
        ("since the start of 2022", "2021-12-31", "2022-12-28"),
        ("since June 2022", "2022-05-31", "2022-12-28"),
        ("since yesterday", "2022-12-27", "2022-12-28"),
        ("YTD", "2021-12-31", "2022-12-28"),
        ("year to date", "2021-12-31", "2022-12-28"),
        ("this year", "2021-12-31", "2022-12-28"),
        ("MTD", "2022-11-30", "2022-12-28"),
        ("this month", "2022-11-30", "2022-12-28"),
        ("QTD", "2022-09-30", "2022-12-28"),
        ("this week", "2022-12-23", "2022-12-28"),
        ("last year", "2020-12-31", "2021-12-31"),
        ("last month", "2022-10-31", "2022-11-30"),
        ("last quarter", "2022-06-30", "2022-09-30"),
        ("last week", "2022-12-16", "2022-12-23"),
        ("yesterday", "2022-12-23", "2022-12-27"),
        ("today", "2022-12-27", "2022-12-28"),
        ("the past year", "2021-12-28", "2022-12-28"),
        ("past 12 months", "2021-12-28", "2022-12-28"),
        ("last 3 months", "2022-09-28", "2022-12-28"),
        ("the last two weeks", "2022-12-14", "2022-12-28"),
        ("two years", "2020-12-28", "2022-12-28"),
        ("past 5 days", "2022-12-20", "2022-12-28"),
        ("last 10 trading days", "2022-12-13", "2022-12-28"),
        ("past quarter", "2022-09-28", "2022-12-28"),
        ("three years", "2019-12-27", "2022-12-28"),
        ("from 2022-01-03 to 2022-06-30", "2022-01-03", "2022-06-30"),
        ("3 January 2022 to 30 June 2022", "2022-01-03", "2022-06-30"),
        ("between 3 January 2022 and 30 June 2022", "2022-01-03", "2022-06-30"),
        ("June 2021 to June 2022", "2021-06-30", "2022-06-30"),
        ("from 30 June 2022 to today", "2022-06-30", "2022-12-28"),
    ],
)
def test_period_is_read(text: str, start: str, end: str) -> None:
    period = parse_period(text, context=CONTEXT).value
    assert (period.start.isoformat(), period.end.isoformat()) == (start, end)


def test_period_that_the_data_end_within_says_so() -> None:
    assert parse_period("2022", context=CONTEXT).notes == (
        "2022 is read up to 2022-12-28, the last date of the data.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a while",
        "the eighties",
        "next month",
        "2022-06-30 to 2022-01-03",
        "now",
        "2022-12-28",
        "since Christmas",
        "from here to there",
        "past few days",
        "since 03/04/2022",
        "past 2.5 years",
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_period(text, context=CONTEXT)
    assert caught.value.field == "start"


@pytest.mark.parametrize("text", ["1990", "2023", "Q1 2023", "past 100 years", "January 1990"])
def test_period_outside_the_data_is_out_of_range(text: str) -> None:
    with pytest.raises(DateOutOfRangeError):
        parse_period(text, context=CONTEXT)
