"""Business days by rule, without a library.

Source: ECB decision on TARGET closing days (2000); UK Banking and Financial Dealings Act 1971 and
proclamations; 5 U.S.C. 6103 with the bond market's Good Friday; Swedish law 1989:253 and the days
on which the Swedish market is closed.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

from finsvc.calculators.inputs.pricing.dates import CalendarName

_DAY = timedelta(days=1)
_MONDAY, _THURSDAY, _SATURDAY = 0, 3, 5


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus)."""
    cycle, century, rest = year % 19, year // 100, year % 100
    leap, skipped = century // 4, century % 4
    moon = (8 * century + 13) // 25
    epact = (19 * cycle + century - leap - moon + 15) % 30
    quarter, part = rest // 4, rest % 4
    weekday = (32 + 2 * skipped + 2 * quarter - epact - part) % 7
    shift = (cycle + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    """The count-th weekday of a month; the last for -1."""
    if count < 0:
        last = date(year + month // 12, month % 12 + 1, 1) - _DAY
        return last - _DAY * ((last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + _DAY * ((weekday - first.weekday()) % 7 + 7 * (count - 1))


def _moved_on(days: list[date]) -> set[date]:
    """Holidays that fall on a weekend, or on another, are taken on the next weekday."""
    taken: set[date] = set()
    for original in days:
        day = original
        while day.weekday() >= _SATURDAY or day in taken:
            day += _DAY
        taken.add(day)
    return taken


def _target(year: int) -> set[date]:
    days = {date(year, 1, 1), date(year, 12, 25)}
    if year >= 2000:
        friday = easter(year) - 2 * _DAY
        days |= {friday, friday + 3 * _DAY, date(year, 5, 1), date(year, 12, 26)}
    if year in {1998, 1999, 2001}:
        days.add(date(year, 12, 31))
    return days


_LONDON_ONCE = {
    1999: {date(1999, 12, 31)},
    2002: {date(2002, 6, 3), date(2002, 6, 4)},
    2011: {date(2011, 4, 29)},
    2012: {date(2012, 6, 4), date(2012, 6, 5)},
    2022: {date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19)},
    2023: {date(2023, 5, 8)},
}
_LONDON_MAY = {1995: date(1995, 5, 8), 2020: date(2020, 5, 8)}


def _london(year: int) -> set[date]:
    friday = easter(year) - 2 * _DAY
    days = {friday, friday + 3 * _DAY, _nth(year, 8, _MONDAY, -1)}
    days |= _moved_on([date(year, 1, 1)])
    days |= _moved_on([date(year, 12, 25), date(year, 12, 26)])
    days.add(_LONDON_MAY.get(year, _nth(year, 5, _MONDAY, 1)))
    if year not in {2002, 2012, 2022}:
        days.add(_nth(year, 5, _MONDAY, -1))
    return days | _LONDON_ONCE.get(year, set())


def _observed(day: date) -> date:
    if day.weekday() == _SATURDAY:
        return day - _DAY
    return day + _DAY if day.weekday() > _SATURDAY else day


def _new_york(year: int) -> set[date]:
    days = {
        _nth(year, 2, _MONDAY, 3),
        easter(year) - 2 * _DAY,
        _nth(year, 5, _MONDAY, -1),
        _observed(date(year, 7, 4)),
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 10, _MONDAY, 2),
        _nth(year, 11, _THURSDAY, 4),
        _observed(date(year, 12, 25)),
    }
    new_year = date(year, 1, 1)
    # On a Saturday it would fall into the old year, which is not observed.
    days |= {_observed(new_year)} if new_year.weekday() != _SATURDAY else set()
    days |= {_nth(year, 1, _MONDAY, 3)} if year >= 1983 else set()
    days |= {_observed(date(year, 6, 19))} if year >= 2022 else set()
    veterans = date(year, 11, 11)
    days |= {_observed(veterans)} if veterans.weekday() != _SATURDAY else set()
    return days


def _stockholm(year: int) -> set[date]:
    sunday = easter(year)
    midsummer = date(year, 6, 19)
    midsummer += _DAY * ((4 - midsummer.weekday()) % 7)
    days = {
        date(year, 1, 1),
        date(year, 1, 6),
        sunday - 2 * _DAY,
        sunday + _DAY,
        sunday + 39 * _DAY,
        date(year, 5, 1),
        midsummer,
        date(year, 12, 24),
        date(year, 12, 25),
        date(year, 12, 26),
        date(year, 12, 31),
    }
    return days | ({date(year, 6, 6)} if year >= 2005 else {sunday + 50 * _DAY})


_RULES: dict[CalendarName, Callable[[int], set[date]]] = {
    CalendarName.WEEKENDS: lambda year: set(),
    CalendarName.TARGET: _target,
    CalendarName.LONDON: _london,
    CalendarName.NEW_YORK: _new_york,
    CalendarName.STOCKHOLM: _stockholm,
}


@cache
def _holidays(name: CalendarName, year: int) -> frozenset[date]:
    return frozenset(_RULES[name](year))


def is_business_day(name: CalendarName, day: date) -> bool:
    """Whether a calendar is open."""
    return day.weekday() < _SATURDAY and day not in _holidays(name, day.year)


def following(name: CalendarName, day: date) -> date:
    """The day itself or the next business day."""
    while not is_business_day(name, day):
        day += _DAY
    return day


def modified_following(name: CalendarName, day: date) -> date:
    """The next business day, or the one before where that is in another month."""
    moved = following(name, day)
    return moved if moved.month == day.month else preceding(name, day)


def preceding(name: CalendarName, day: date) -> date:
    """The day itself or the business day before."""
    while not is_business_day(name, day):
        day -= _DAY
    return day


def add_business_days(name: CalendarName, day: date, count: int) -> date:
    """Move by business days, backwards for a negative count."""
    step = _DAY if count > 0 else -_DAY
    for _ in range(abs(count)):
        day += step
        while not is_business_day(name, day):
            day += step
    return day
