"""Dates and periods relative to the data.

"Today" is the last date of the data, ``as_of`` of the context. Conventions, each stated in a note
where it was used:

* A whole period named as a point ("June 2022", "Q2 2022", "2021") is its end; the end of a
  period, when no trading day, is the trading day before. A period that the data end within ends
  with the data. An exact day is never moved: without prices it is an error of its own later.
* A period runs from the close before its first day to the close of its last: 2021 is
  2020-12-31 to 2021-12-31 as far as those are trading days.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from finsvc.agents.arguments.calendar_words import (
    WEEKDAYS,
    AmbiguousDayError,
    CivilPeriod,
    add_months,
    read_count,
    read_day,
    read_period,
)
from finsvc.agents.arguments.spans import Parsed, Span, read_span
from finsvc.domain.errors import InputError

_POINT = "a date such as 30 June 2022"
_PERIOD = "a period such as 2021, Q1 2022 or since 30 June 2022"

_LEAD = re.compile(
    r"^(?:(?:as of|as at|at|on|from|until|till|to|by|in|for|over|during) )?(?:the )?"
    r"(?:(?:close|closing) (?:of |on )?(?:the )?)?"
)
_TAIL = re.compile(r"(?:'s)?(?: at)?(?: the)? clos(?:e|ing)$|'s$")
_END = re.compile(
    r"(?:the )?(?:end[ -](?:of )?(?:the )?(?P<a>.+)|(?:year|quarter|month)[ -]end (?:of )?(?P<b>.+)"
    r"|(?P<c>.+) (?:year|quarter|month)[ -]end|(?:eoy|ye|eom|eoq) (?P<d>.+)"
    r"|(?:last|final) (?:(?:trading|business) )?day of (?:the )?(?P<e>.+))"
)
_BEGIN = re.compile(r"(?:the )?(?:start|beginning)(?: of)? (?:the )?(?P<p>.+)")
_AGO = re.compile(r"(?P<n>.+?) (?:(?:trading|business|calendar) )?(?P<u>day|week|month|year)s? ago")
_TODAY = ("today", "now", "latest", "current", "most recent", "last close", "latest date", "t",
          "last date", "present", "last available date", "last trading day")  # fmt: skip
_YESTERDAY = ("yesterday", "t-1", "previous day", "previous trading day", "day before", "last day")
_BEFORE_YESTERDAY = ("day before yesterday", "t-2")
_WEEKDAY = re.compile(rf"(?:last |past |previous )?(?P<w>{'|'.join(WEEKDAYS)})")
_LAST_PERIOD = re.compile(r"(?:last|previous|prior) (?P<u>week|month|quarter|year)")
_LAST_PERIOD_END = re.compile(
    r"(?:(?:last|previous|prior) (?P<a>month|quarter|year)[ -]end"
    r"|end of (?:the )?(?:last|previous|prior) (?P<b>month|quarter|year))"
)
_TO_DATE = {
    "ytd": "year", "year to date": "year", "year-to-date": "year", "this year": "year",
    "mtd": "month", "month to date": "month", "month-to-date": "month", "this month": "month",
    "qtd": "quarter", "quarter to date": "quarter", "quarter-to-date": "quarter",
    "this quarter": "quarter", "wtd": "week", "week to date": "week", "week-to-date": "week",
    "this week": "week", "current year": "year", "current month": "month",
    "current quarter": "quarter", "current week": "week",
}  # fmt: skip
_TRAILING = re.compile(
    r"(?:last|past|previous|trailing|most recent)(?: (?P<n>.+?))?"
    r" (?:(?:trading|business) )?(?P<u>day|week|month|quarter|year)s?"
)
_BACK = re.compile(r"(?P<n>.+?)[ -](?:(?:trading|business) )?(?P<u>day|week|month|quarter|year)s?")
_SINCE = re.compile(r"since (?:the )?(?P<p>.+)")
_BETWEEN = re.compile(r"(?:from |between )?(?P<a>.+?) (?:to|and|until|till|through|-) (?P<b>.+)")
_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class DateContext:
    """What dates are counted from.

    ``as_of`` is the last date of the data that the question uses. ``roll`` returns the last
    trading day on or before a date and raises `DateOutOfRangeError` outside the data.
    """

    as_of: date
    roll: Callable[[date], date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From the close of ``start`` to the close of ``end``."""

    start: date
    end: date


def parse_date(text: str, *, field: str, context: DateContext) -> Parsed[date]:
    """Read one date.

    Exact days (ISO, "30 June 2022", "June 30, 2022", "30/06/2022", "30.06.2022"), whole periods
    ("June 2022", "end of Q2 2022", "2021") and dates relative to the data ("yesterday", "last
    Friday", "three months ago"). Slashed dates are day first; 03/04/2022 is refused as ambiguous.

    Raises:
        InputError: it is not understood, ambiguous or not a day of the calendar.
        DateOutOfRangeError: a period end or relative date lies outside the data.
    """
    span = read_span(text, field=field, expected=_POINT)
    parsed = _point(span, context)
    if parsed is None:
        raise span.rejected()
    return parsed


def parse_period(text: str, *, field: str = "start", context: DateContext) -> Parsed[Period]:
    """Read a period: "2021", "Q1 2022", "year to date", "past 3 months", "since 30 June 2022".

    An exact date alone is the start of a period up to the last date of the data; "today" and
    "yesterday" are the change of that day. "Last year" is the calendar year before, "the past
    year" the twelve months up to the last date.

    Raises:
        InputError: it is not understood, ambiguous, or its start is not before its end.
        DateOutOfRangeError: it lies outside the data.
    """
    span = read_span(text, field=field, expected=_PERIOD)
    parsed = _period(span, context)
    if parsed is None:
        raise span.rejected()
    if parsed.value.start >= parsed.value.end:
        raise InputError(
            field=field,
            expected="a period whose start lies before its end",
            actual=f"{parsed.value.start.isoformat()} to {parsed.value.end.isoformat()}",
        )
    return parsed


def _body(text: str) -> str:
    return _TAIL.sub("", _LEAD.sub("", text)).strip()


def _point(span: Span, context: DateContext) -> Parsed[date] | None:
    body = _body(span.text)
    exact = _exact(span, body)
    if exact is not None:
        return Parsed(value=exact)
    named = _named_end(span, body, context)
    if named is not None:
        return named
    relative = _relative(span, body, context)
    if relative is None:
        return None
    return _from_data(span, relative, context)


def _exact(span: Span, body: str) -> date | None:
    try:
        return read_day(body)
    except AmbiguousDayError:
        raise span.rejected(
            "a date whose day and month cannot be mistaken, such as 2022-04-03"
        ) from None
    except ValueError:
        raise span.rejected("a day that exists in the calendar") from None


def _named_end(span: Span, body: str, context: DateContext) -> Parsed[date] | None:
    """Whole periods, and their explicit starts and ends."""
    begin = _BEGIN.fullmatch(body)
    period = read_period(begin["p"]) if begin else None
    if period is not None:
        day = context.roll(period.first - timedelta(days=1))
        return _read_as(span, day, "the close before it")
    end = _END.fullmatch(body)
    period = read_period(next(filter(None, end.groups()))) if end else None
    if period is not None:
        return _read_as(span, context.roll(period.last), "its last trading day")
    period = read_period(body)
    if period is None:
        return None
    if period.first <= context.as_of < period.last:
        return _read_as(span, context.as_of, "the last date of the data in it")
    return _read_as(span, context.roll(period.last), "its last trading day")


def _read_as(span: Span, day: date, what: str) -> Parsed[date]:
    note = f"The {span.field} {span.written!r} is read as {what}, {day.isoformat()}."
    return Parsed(value=day, notes=(note,))


def _from_data(span: Span, day: date, context: DateContext) -> Parsed[date]:
    note = (
        f"The {span.field} {span.written!r} is counted from {context.as_of.isoformat()},"
        f" the last date of the data, and read as {day.isoformat()}."
    )
    return Parsed(value=day, notes=(note,))


def _relative(span: Span, body: str, context: DateContext) -> date | None:
    today = context.as_of
    if body in _TODAY:
        return today
    if body in _YESTERDAY:
        return _back_trading_days(context, 1)
    if body in _BEFORE_YESTERDAY:
        return _back_trading_days(context, 2)
    weekday = _WEEKDAY.fullmatch(body)
    if weekday:
        return today - timedelta(days=(today.weekday() - WEEKDAYS[weekday["w"]] - 1) % 7 + 1)
    ended = _LAST_PERIOD_END.fullmatch(body)
    if ended:
        return context.roll(_current(ended["a"] or ended["b"], today) - timedelta(days=1))
    last = _LAST_PERIOD.fullmatch(body)
    if last:
        return context.roll(_current(last["u"], today) - timedelta(days=1))
    ago = _AGO.fullmatch(body)
    if ago:
        return _back(span, context, ago["n"], ago["u"])
    return None


def _current(unit: str, today: date) -> date:
    """First civil day of the week, month, quarter or year that a day lies in."""
    if unit == "week":
        return today - timedelta(days=today.weekday())
    months = _MONTHS_OF[unit]
    return date(today.year, (today.month - 1) // months * months + 1, 1)


def _back_trading_days(context: DateContext, count: int) -> date:
    day = context.as_of
    for _ in range(count):
        day = context.roll(day - timedelta(days=1))
    return day


def _back(span: Span, context: DateContext, count_text: str, unit: str) -> date:
    """A number of trading days, weeks, months or years before the last date of the data."""
    count = read_count(count_text)
    if count is None:
        raise span.rejected()
    if unit == "day":
        return _back_trading_days(context, count)
    try:
        if unit == "week":
            return context.roll(context.as_of - timedelta(weeks=count))
        return context.roll(add_months(context.as_of, -count * _MONTHS_OF[unit]))
    except OverflowError:
        raise span.rejected() from None


def _period(span: Span, context: DateContext) -> Parsed[Period] | None:
    since = _SINCE.fullmatch(span.text)
    if since:
        return _since(span, since["p"], context)
    body = _body(span.text)
    whole = read_period(body)
    if whole is not None:
        return _whole(span, whole, context)
    relative = _relative_period(span, body, context)
    if relative is not None:
        return relative
    return _two_ends(span, context) or _open(span, body, context)


def _whole(span: Span, period: CivilPeriod, context: DateContext) -> Parsed[Period]:
    start = context.roll(period.first - timedelta(days=1))
    if period.first <= context.as_of < period.last:
        note = (
            f"{period.name} is read up to {context.as_of.isoformat()}, the last date of the data."
        )
        return Parsed(value=Period(start=start, end=context.as_of), notes=(note,))
    end = context.roll(period.last)
    note = (
        f"{period.name} is read from the close of {start.isoformat()}"
        f" to the close of {end.isoformat()}."
    )
    return Parsed(value=Period(start=start, end=end), notes=(note,))


def _relative_period(span: Span, body: str, context: DateContext) -> Parsed[Period] | None:
    today = context.as_of
    if body in _TODAY[:1] or body in _YESTERDAY[:1]:
        end = today if body == "today" else _back_trading_days(context, 1)
        return _counted(span, context, context.roll(end - timedelta(days=1)), end)
    if body in _TO_DATE:
        start = context.roll(_current(_TO_DATE[body], today) - timedelta(days=1))
        return _counted(span, context, start, today)
    last = _LAST_PERIOD.fullmatch(body)
    if last:
        until = _current(last["u"], today) - timedelta(days=1)
        start = context.roll(_current(last["u"], until) - timedelta(days=1))
        return _counted(span, context, start, context.roll(until))
    trailing = _TRAILING.fullmatch(body) or _BACK.fullmatch(body)
    if trailing and (trailing["n"] is None or read_count(trailing["n"]) is not None):
        start = _back(span, context, trailing["n"] or "one", trailing["u"])
        return _counted(span, context, start, today)
    return None


def _counted(span: Span, context: DateContext, start: date, end: date) -> Parsed[Period]:
    note = (
        f"The period {span.written!r} is counted from {context.as_of.isoformat()}, the last date"
        f" of the data, and read as {start.isoformat()} to {end.isoformat()}."
    )
    return Parsed(value=Period(start=start, end=end), notes=(note,))


def _since(span: Span, body: str, context: DateContext) -> Parsed[Period] | None:
    """From a day, or from the close before a whole period, to the last date of the data."""
    period = read_period(body)
    if period is not None:
        start = context.roll(period.first - timedelta(days=1))
        return _counted(span, context, start, context.as_of)
    return _open(span, body, context)


def _open(span: Span, body: str, context: DateContext) -> Parsed[Period] | None:
    inner = Span(written=body, text=body, field=span.field, expected=span.expected)
    point = _point(inner, context)
    if point is None:
        return None
    note = f"The period runs to {context.as_of.isoformat()}, the last date of the data."
    return Parsed(value=Period(start=point.value, end=context.as_of), notes=(*point.notes, note))


def _two_ends(span: Span, context: DateContext) -> Parsed[Period] | None:
    found = _BETWEEN.fullmatch(span.text)
    if found is None:
        return None
    ends = [
        _point(Span(written=part, text=part, field=span.field, expected=span.expected), context)
        for part in (found["a"], found["b"])
    ]
    if ends[0] is None or ends[1] is None:
        return None
    return Parsed(
        value=Period(start=ends[0].value, end=ends[1].value),
        notes=(*ends[0].notes, *ends[1].notes),
    )
