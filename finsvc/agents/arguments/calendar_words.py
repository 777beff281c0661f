"""Calendar arithmetic and the wordings of exact days and whole periods.

Everything here is about the civil calendar; trading days come in with `DateContext`.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from finsvc.agents.arguments.numbers import read_number

_MONTH_NAMES = (
    "january february march april may june july august september october november december"
)
MONTHS = {
    key: number
    for number, name in enumerate(_MONTH_NAMES.split(), start=1)
    for key in (name, name[:3], f"{name[:3]}.")
} | {"sept": 9, "sept.": 9}
WEEKDAYS = {
    name: number
    for number, name in enumerate(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3,
             "4th": 4}  # fmt: skip

_MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_YEAR = "(?P<y>(?:19|20)[0-9]{2})"
_DAY = "(?P<d>[0-9]{1,2})(?:st|nd|rd|th)?"
_WRITTEN = (
    re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<y>[0-9]{4})/(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})"),
    re.compile(rf"{_YEAR}(?P<m>[0-9]{{2}})(?P<d>[0-9]{{2}})"),
    re.compile(rf"(?P<d>[0-9]{{1,2}})\.(?P<m>[0-9]{{1,2}})\.{_YEAR}"),
    re.compile(rf"{_DAY}(?: of|-|/)? ?(?P<mon>{_MONTH})(?:-|/|,)? ?{_YEAR}"),
    re.compile(rf"(?P<mon>{_MONTH}) (?:the )?{_DAY},? {_YEAR}"),
    re.compile(rf"{_YEAR} (?P<mon>{_MONTH}) {_DAY}"),
    re.compile(rf"(?P<d>[0-9]{{1,2}})-(?P<mon>{_MONTH})-(?P<yy>[0-9]{{2}})"),
)
_SLASHED = re.compile(rf"(?P<one>[0-9]{{1,2}})[/-](?P<two>[0-9]{{1,2}})[/-]{_YEAR}")
_WEEKDAY_LEAD = re.compile(rf"^(?:on )?(?:{'|'.join(WEEKDAYS)}),? (?=.)")

_QUARTERS = (
    re.compile(rf"q(?P<q>[1-4])(?: of|,|-|/)? ?{_YEAR}"),
    re.compile(rf"{_YEAR}[ -]?q(?P<q>[1-4])"),
    re.compile(r"(?P<q>[1-4])q(?P<yy>[0-9]{2})"),
    re.compile(rf"(?P<ord>{'|'.join(_ORDINALS)}) quarter(?: of|,)? {_YEAR}"),
)
_HALVES = (
    re.compile(rf"h(?P<h>[12])(?: of|,|-|/)? ?{_YEAR}"),
    re.compile(rf"{_YEAR}[ -]?h(?P<h>[12])"),
    re.compile(r"(?P<h>[12])h(?P<yy>[0-9]{2})"),
    re.compile(rf"(?P<ord>first|second|1st|2nd) half(?: of|,)? {_YEAR}"),
)
_MONTH_OF_YEAR = re.compile(rf"(?P<mon>{_MONTH})(?: of|,|-)? ?{_YEAR}")
_WHOLE_YEAR = re.compile(rf"(?:(?:calendar|full|whole)[ -])?(?:year )?{_YEAR}")
_ISO_MONTH = re.compile(rf"{_YEAR}-(?P<m>[0-9]{{2}})")


class AmbiguousDayError(ValueError):
    """Day and month cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CivilPeriod:
    """First and last civil day of a period, and how answers call it."""

    first: date
    last: date
    name: str


def month_end(year: int, month: int) -> date:
    """Last civil day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last day where it is shorter.

    Raises:
        OverflowError: the result lies outside the years 1 to 9999.
    """
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("the year is out of range")
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def third_friday(year: int, month: int) -> date:
    """Third Friday of a month, on which listed options expire."""
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def read_day(text: str) -> date | None:
    """Read an exact day with its year; None if the text is no such wording.

    Raises:
        AmbiguousDayError: written as 03/04/2022, which is two different days.
        ValueError: the day does not exist.
    """
    body = _WEEKDAY_LEAD.sub("", text)
    for pattern in _WRITTEN:
        found = pattern.fullmatch(body)
        if found:
            parts = found.groupdict()
            month = MONTHS[parts["mon"]] if "mon" in parts else int(parts["m"])
            year = int(parts["y"]) if "y" in parts else _century(int(parts["yy"]))
            return _checked(date(year, month, int(parts["d"])), text)
    slashed = _SLASHED.fullmatch(body)
    if slashed:
        one, two, year = int(slashed["one"]), int(slashed["two"]), int(slashed["y"])
        if one > 12:
            return date(year, two, one)
        if two > 12 or one == two:
            return date(year, one, two)
        raise AmbiguousDayError(text)
    return None


def read_period(text: str) -> CivilPeriod | None:
    """Read a whole year, half, quarter or month; None if the text is no such wording."""
    for patterns, key, months in ((_QUARTERS, "q", 3), (_HALVES, "h", 6)):
        for pattern in patterns:
            found = pattern.fullmatch(text)
            if found:
                parts = found.groupdict()
                number = _ORDINALS[parts["ord"]] if "ord" in parts else int(parts[key])
                year = int(parts["y"]) if "y" in parts else _century(int(parts["yy"]))
                name = f"{key.upper()}{number} {year}"
                return _months(year, (number - 1) * months + 1, months, name)
    found = _MONTH_OF_YEAR.fullmatch(text)
    if found:
        month = MONTHS[found["mon"]]
        return _months(int(found["y"]), month, 1, _month_name(int(found["y"]), month))
    found = _ISO_MONTH.fullmatch(text)
    if found and 1 <= int(found["m"]) <= 12:
        year, month = int(found["y"]), int(found["m"])
        return _months(year, month, 1, _month_name(year, month))
    found = _WHOLE_YEAR.fullmatch(text)
    if found:
        return _months(int(found["y"]), 1, 12, found["y"])
    return None


def read_count(text: str) -> int | None:
    """Read a small whole number: "3", "three", "a"."""
    number = read_number("one" if text in ("a", "an") else text)
    if number is None or number != int(number) or not 1 <= number <= 10_000:
        return None
    return int(number)


def _century(year: int) -> int:
    """Two digits of a year mean 1970 to 2069."""
    return 2000 + year if year < 70 else 1900 + year


def _month_name(year: int, month: int) -> str:
    return f"{calendar.month_name[month]} {year}"


def _months(year: int, first_month: int, months: int, name: str) -> CivilPeriod:
    return CivilPeriod(
        first=date(year, first_month, 1), last=month_end(year, first_month + months - 1), name=name
    )


def _checked(day: date, text: str) -> date:
    """A weekday written beside a date must be that date's."""
    lead = _WEEKDAY_LEAD.match(text)
    if lead:
        words = lead[0].removeprefix("on ").split(",")[0].split()
        if WEEKDAYS[words[0]] != day.weekday():
            raise ValueError("the weekday is another")
    return day
