"""Year fractions by day count convention.

Source: ISDA 2006 definitions, section 4.16; ICMA rule 251; AFB master agreement 2004; SIA standard
securities calculation methods for the US rules.
"""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from finsvc.calculators.inputs.pricing.dates import DayCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The regular coupon period around two dates, and coupons a year."""

    start: date
    end: date
    frequency: int


def is_month_end(day: date) -> bool:
    """Whether a date is the last of its month."""
    return day.day == calendar.monthrange(day.year, day.month)[1]


def add_months(day: date, months: int, *, roll: int | None = None) -> date:
    """Move by whole months, to a day of the month (default the same) or the last before it."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(roll or day.day, last))


def _thirty(start: date, end: date, days: tuple[int, int]) -> float:
    months = 12 * (end.year - start.year) + end.month - start.month
    return 30.0 * months + days[1] - days[0]


def _is_february_end(day: date) -> bool:
    return day.month == 2 and is_month_end(day)


def _bond_basis(start: date, end: date) -> float:
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return _thirty(start, end, (first, last)) / 360.0


def _us(start: date, end: date) -> float:
    first, last = start.day, end.day
    if _is_february_end(start):
        last = 30 if _is_february_end(end) else last
        first = 30
    last = 30 if last == 31 and first >= 30 else last
    return _thirty(start, end, (min(first, 30), last)) / 360.0


def _nasd(start: date, end: date) -> float:
    first, last = min(start.day, 30), end.day
    # The 31st counts as the first of the next month unless the start is at its month's end.
    last = 30 if last == 31 and first == 30 else last
    return _thirty(start, end, (first, last)) / 360.0


def _european(start: date, end: date) -> float:
    return _thirty(start, end, (min(start.day, 30), min(end.day, 30))) / 360.0


def _italian(start: date, end: date) -> float:
    first, last = (
        30 if day.day == 31 or (day.month == 2 and day.day > 27) else day.day
        for day in (start, end)
    )
    return _thirty(start, end, (first, last)) / 360.0


def thirty_isda(start: date, end: date, termination: date | None) -> float:
    """30E/360 (ISDA): the end of February counts as the 30th, but not at termination."""
    first = 30 if is_month_end(start) else start.day
    is_kept = end == termination and end.month == 2
    last = 30 if is_month_end(end) and not is_kept else end.day
    return _thirty(start, end, (first, last)) / 360.0


def _isda(start: date, end: date) -> float:
    total = 0.0
    for year in range(start.year, end.year + 1):
        first, last = max(start, date(year, 1, 1)), min(end, date(year + 1, 1, 1))
        total += max((last - first).days, 0) / (366.0 if calendar.isleap(year) else 365.0)
    return total


def _afb(start: date, end: date) -> float:
    years, last = 0, end
    while True:
        before = add_months(last, -12)
        # From the 28th of February the year before ends on its 29th.
        if last.month == 2 and last.day == 28 and calendar.isleap(before.year):
            before = date(before.year, 2, 29)
        if before < start:
            break
        years, last = years + 1, before
    leaps = [
        date(year, 2, 29) for year in range(start.year, last.year + 1) if calendar.isleap(year)
    ]
    base = 366.0 if any(start <= leap < last for leap in leaps) else 365.0
    return years + (last - start).days / base


def _no_leap(start: date, end: date) -> float:
    leaps = sum(
        start < date(year, 2, 29) <= end
        for year in range(start.year, end.year + 1)
        if calendar.isleap(year)
    )
    return ((end - start).days - leaps) / 365.0


def _over(base: float) -> Callable[[date, date], float]:
    return lambda start, end: (end - start).days / base


_PLAIN: dict[DayCount, Callable[[date, date], float]] = {
    DayCount.ACTUAL_360: _over(360.0),
    DayCount.ACTUAL_364: _over(364.0),
    DayCount.ACTUAL_365_FIXED: _over(365.0),
    DayCount.ACTUAL_365_25: _over(365.25),
    DayCount.ACTUAL_366: _over(366.0),
    DayCount.ACTUAL_360_INCLUSIVE: lambda start, end: (
        _over(360.0)(start, end + timedelta(days=1)) if end > start else 0.0
    ),
    DayCount.NO_LEAP_365: _no_leap,
    DayCount.ACTUAL_ACTUAL_ISDA: _isda,
    DayCount.ACTUAL_ACTUAL_AFB: _afb,
    DayCount.THIRTY_360_BOND: _bond_basis,
    DayCount.THIRTY_360_US: _us,
    DayCount.THIRTY_360_NASD: _nasd,
    DayCount.THIRTY_E_360: _european,
    DayCount.THIRTY_360_ITALIAN: _italian,
    DayCount.THIRTY_365: lambda start, end: _european(start, end) * 360.0 / 365.0,
    DayCount.ONE: lambda start, end: 1.0,
}


def icma(start: date, end: date, reference: Reference) -> float:
    """Actual/Actual (ICMA): days of each regular period over that period's length."""
    months = 12 // reference.frequency
    total, index = 0.0, 0
    while add_months(reference.start, index * months, roll=reference.start.day) > start:
        index -= 1
    while True:
        first, last = _period(reference, index, months)
        if first >= end:
            return total / reference.frequency
        days = (min(last, end) - max(first, start)).days
        total += max(days, 0) / (last - first).days
        index += 1


def _period(reference: Reference, index: int, months: int) -> tuple[date, date]:
    """One regular period; the given one keeps its own dates."""
    if index == 0:
        return reference.start, reference.end
    if index > 0:
        return (
            add_months(reference.end, (index - 1) * months),
            add_months(reference.end, index * months),
        )
    return (
        add_months(reference.start, index * months),
        add_months(reference.start, (index + 1) * months),
    )


def _canadian(start: date, end: date, reference: Reference) -> float:
    days = (end - start).days
    full = (reference.end - reference.start).days
    if days == full:
        return 1.0 / reference.frequency
    if days < 365.0 / reference.frequency:
        return days / 365.0
    return 1.0 / reference.frequency - (full - days) / 365.0


def year_fraction(
    convention: DayCount,
    start: date,
    end: date,
    *,
    reference: Reference | None = None,
    termination: date | None = None,
) -> float:
    """Years between two dates.

    Args:
        convention: the rule.
        start: first date.
        end: last date, not before ``start``.
        reference: the regular period, for the ICMA and Canadian rules; without one, none applies.
        termination: end of the deal, for 30E/360 (ISDA).
    """
    if start == end and convention is not DayCount.ONE:
        return 0.0
    if convention is DayCount.THIRTY_E_360_ISDA:
        return thirty_isda(start, end, termination)
    if convention is DayCount.ACTUAL_ACTUAL_ICMA and reference is not None:
        return icma(start, end, reference)
    if convention is DayCount.ACTUAL_365_CANADIAN and reference is not None:
        return _canadian(start, end, reference)
    return _PLAIN[convention](start, end)
