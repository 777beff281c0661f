"""QuantLib's day counters and calendars by our names, and the second year fraction."""

from datetime import date
from types import ModuleType
from typing import Protocol

from finsvc.calculators.inputs.pricing.dates import CalendarName, DayCount, YearFractionInput
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.quantlib_adapter import quantlib
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_THIRTY = {
    DayCount.THIRTY_360_BOND: "BondBasis",
    DayCount.THIRTY_360_US: "USA",
    DayCount.THIRTY_360_NASD: "NASD",
    DayCount.THIRTY_E_360: "European",
    DayCount.THIRTY_360_ITALIAN: "Italian",
}
_ACTUAL = {
    DayCount.ACTUAL_ACTUAL_ISDA: "ISDA",
    DayCount.ACTUAL_ACTUAL_ICMA: "ISMA",
    DayCount.ACTUAL_ACTUAL_AFB: "AFB",
}
_SINGLE = {
    DayCount.ACTUAL_364: "Actual364",
    DayCount.ACTUAL_365_25: "Actual36525",
    DayCount.ACTUAL_366: "Actual366",
    DayCount.THIRTY_365: "Thirty365",
    DayCount.ONE: "OneDayCounter",
}
_FIXED = {
    DayCount.ACTUAL_365_FIXED: "Standard",
    DayCount.ACTUAL_365_CANADIAN: "Canadian",
    DayCount.NO_LEAP_365: "NoLeap",
}


_PLAIN_CALENDARS = {
    CalendarName.WEEKENDS: "WeekendsOnly",
    CalendarName.TARGET: "TARGET",
    CalendarName.STOCKHOLM: "Sweden",
}


class Counter(Protocol):
    """A day counter of the library."""

    def yearFraction(  # noqa: N802 (the library's name)
        self, start: object, end: object, first: object = ..., last: object = ...
    ) -> float:
        """Years between two dates, within a reference period."""


class OpenDays(Protocol):
    """A calendar of the library."""

    def adjust(self, day: object, rule: int) -> "QlDate":
        """The business day for a date."""

    def advance(self, day: object, count: int, unit: int) -> "QlDate":
        """Move by a number of units."""


class QlDate(Protocol):
    """A date of the library."""

    def year(self) -> int:
        """Calendar year."""

    def month(self) -> int:
        """Month from 1."""

    def dayOfMonth(self) -> int:  # noqa: N802 (the library's name)
        """Day from 1."""


def python_date(day: QlDate) -> date:
    """The standard library's form of a date."""
    return date(int(day.year()), int(day.month()), int(day.dayOfMonth()))


def ql_date(ql: ModuleType, day: date) -> QlDate:
    """The library's form of a date."""
    made: QlDate = ql.Date(day.day, day.month, day.year)
    return made


def day_counter(ql: ModuleType, convention: DayCount, termination: date | None = None) -> Counter:
    """The library's counter of a convention."""
    made: Counter
    if convention in _SINGLE:
        made = getattr(ql, _SINGLE[convention])()
        return made
    if convention in _THIRTY:
        made = ql.Thirty360(getattr(ql.Thirty360, _THIRTY[convention]))
    elif convention in _ACTUAL:
        made = ql.ActualActual(getattr(ql.ActualActual, _ACTUAL[convention]))
    elif convention in _FIXED:
        made = ql.Actual365Fixed(getattr(ql.Actual365Fixed, _FIXED[convention]))
    elif convention is DayCount.THIRTY_E_360_ISDA:
        last = ql.Date() if termination is None else ql_date(ql, termination)
        made = ql.Thirty360(ql.Thirty360.ISDA, last)
    else:
        made = ql.Actual360(convention is DayCount.ACTUAL_360_INCLUSIVE)
    return made


def calendar(ql: ModuleType, name: CalendarName) -> OpenDays:
    """The library's calendar."""
    made: OpenDays
    if name is CalendarName.LONDON:
        made = ql.UnitedKingdom(ql.UnitedKingdom.Settlement)
    elif name is CalendarName.NEW_YORK:
        made = ql.UnitedStates(ql.UnitedStates.GovernmentBond)
    else:
        made = getattr(ql, _PLAIN_CALENDARS[name])()
    return made


def confirm_year_fraction(inputs: YearFractionInput, market: MarketView) -> SecondOpinion:
    """Ask the library's day counter."""
    with quantlib(inputs.start) as ql:
        counter = day_counter(ql, inputs.convention, inputs.termination)
        start, end = ql_date(ql, inputs.start), ql_date(ql, inputs.end)
        first = inputs.start if inputs.reference_start is None else inputs.reference_start
        last = inputs.end if inputs.reference_end is None else inputs.reference_end
        is_same = inputs.start == inputs.end and inputs.convention is not DayCount.ONE
        value = 0.0
        if not is_same:
            value = counter.yearFraction(start, end, ql_date(ql, first), ql_date(ql, last))
    return opinion(
        "QuantLib day counter", {"year_fraction": value, "days": (inputs.end - inputs.start).days}
    )
