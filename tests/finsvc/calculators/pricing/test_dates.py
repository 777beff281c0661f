"""Day counts and calendars agree with QuantLib over decades of dates."""

from datetime import date, timedelta

import pytest

from finsvc.calculators.inputs.pricing.dates import CalendarName, DayCount
from finsvc.calculators.pricing import calendars
from finsvc.calculators.pricing.daycount import Reference, add_months, icma, year_fraction
from finsvc.calculators.second.pricing.dates import calendar, day_counter, ql_date
from finsvc.calculators.second.quantlib_adapter import quantlib
from tests.golden.pricing.runner import run

ON = date(2022, 12, 28)
PERIODIC = {DayCount.ACTUAL_ACTUAL_ICMA, DayCount.ACTUAL_365_CANADIAN}
STARTS = [add_months(date(2003, 1, 29), months, roll=31) for months in range(0, 60, 5)]
STARTS += [date(2003, 11, 30), date(2004, 2, 28), date(2004, 2, 29), date(2007, 12, 31)]
SPANS = [0, 1, 27, 28, 29, 31, 60, 90, 182, 364, 365, 366, 730, 1461, 2500]


@pytest.mark.parametrize("convention", [item for item in DayCount if item not in PERIODIC])
def test_day_count_agrees_with_the_library(convention: DayCount) -> None:
    with quantlib(ON) as ql:
        counter = day_counter(ql, convention)
        for start in STARTS:
            for end in (start + timedelta(days=span) for span in SPANS):
                expected = counter.yearFraction(ql_date(ql, start), ql_date(ql, end))
                if start == end and convention is not DayCount.ONE:
                    expected = 0.0
                assert year_fraction(convention, start, end) == pytest.approx(expected, abs=1e-14)


# Days on which the markets closed once, which rules do not hold: the library knows three of the
# bond market's; on some Good Fridays it was open in part.
ONCE = {date(2004, 6, 11), date(2012, 10, 30), date(2018, 12, 5), date(2025, 1, 9)}


@pytest.mark.parametrize("name", CalendarName)
def test_calendar_agrees_with_the_library(name: CalendarName) -> None:
    with quantlib(ON) as ql:
        theirs = calendar(ql, name)
        days = [date(1998, 1, 1) + timedelta(days=days) for days in range(366 * 40)]
        apart = {
            day
            for day in days
            if calendars.is_business_day(name, day) != theirs.isBusinessDay(ql_date(ql, day))  # type: ignore[attr-defined]
        }
    fridays = {calendars.easter(year) - timedelta(days=2) for year in range(1998, 2038)}
    assert name is CalendarName.NEW_YORK or not apart
    assert apart <= ONCE | fridays


def test_business_days_move_both_ways_over_holidays() -> None:
    name = CalendarName.LONDON
    assert calendars.following(name, date(2022, 12, 24)) == date(2022, 12, 28)
    assert calendars.preceding(name, date(2022, 12, 27)) == date(2022, 12, 23)
    assert calendars.modified_following(name, date(2022, 12, 31)) == date(2022, 12, 30)
    assert calendars.modified_following(name, date(2022, 12, 24)) == date(2022, 12, 28)
    assert calendars.add_business_days(name, date(2022, 12, 28), -2) == date(2022, 12, 22)
    assert calendars.add_business_days(CalendarName.TARGET, date(1990, 1, 1), 1).day == 2


def test_icma_fraction_spans_periods_on_both_sides_of_the_reference() -> None:
    reference = Reference(start=date(2020, 6, 15), end=date(2020, 12, 15), frequency=2)
    assert icma(date(2019, 6, 15), date(2021, 12, 15), reference) == pytest.approx(2.5)
    assert icma(date(2020, 6, 15), date(2020, 12, 15), reference) == pytest.approx(0.5)


@pytest.mark.parametrize("end", ["2020-04-15", "2020-08-31", "2020-09-01"])
def test_canadian_fraction_is_confirmed(end: str) -> None:
    document = {
        "convention": "actual_365_canadian",
        "start": "2020-03-01",
        "end": end,
        "reference_start": "2020-03-01",
        "reference_end": "2020-09-01",
        "frequency": 2,
    }
    assert run("year_fraction", document).fields["year_fraction"].value > 0


def test_fraction_of_no_days_is_zero() -> None:
    document = {"convention": "actual_360", "start": "2020-06-15", "end": "2020-06-15"}
    assert run("year_fraction", document).fields["year_fraction"].value == 0
