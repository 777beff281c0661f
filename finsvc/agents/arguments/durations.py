"""Durations in trading days: horizons of risk figures and observation windows.

Conventions: a week is 5 trading days, a month 21, a quarter 63, a year 252; plain "days" are
trading days. Calendar days are refused.
"""

import re

from finsvc.agents.arguments.numbers import read_number
from finsvc.agents.arguments.spans import Parsed, Span, read_span

_HORIZON = "a number of trading days, such as 10 days"
_WINDOW = "a number of trading days, such as 250 days"

_DAYS = {"day": 1, "week": 5, "fortnight": 10, "month": 21, "quarter": 63, "year": 252}
_SHORT = {"d": "day", "w": "week", "wk": "week", "wks": "week", "m": "month", "mo": "month",
          "mth": "month", "q": "quarter", "y": "year", "yr": "year", "yrs": "year"}  # fmt: skip
_ADVERBS = {
    "overnight": 1, "daily": 1, "weekly": 5, "fortnightly": 10, "monthly": 21, "quarterly": 63,
    "annual": 252, "yearly": 252, "half a year": 126, "half year": 126, "decade": 2520,
    "a decade": 2520,
}  # fmt: skip

_LEAD = re.compile(r"^(?:(?:over|for|of|in|on) )?(?:the )?(?:(?:last|past|previous|most recent|"
                   r"trailing|next|coming) )?")  # fmt: skip
_TAIL = re.compile(r" (?:horizon|holding period|window|of data|lookback|of returns|period)$")
_LONG = re.compile(
    r"(?:(?P<count>.+?)[ -])?(?:(?:trading|business|working)[ -])?(?P<unit>[a-z]+?)s?"
)
_COMPACT = re.compile(r"(?P<count>[0-9]+) ?(?P<unit>[a-z]+)")


def parse_horizon_days(text: str, *, field: str = "horizon") -> Parsed[int]:
    """Read a holding period in trading days: "10-day", "1d", "two weeks", "overnight".

    Raises:
        InputError: it is not understood or not a whole number of at least 1.
    """
    return _parse(read_span(text, field=field, expected=_HORIZON))


def parse_window_days(text: str, *, field: str = "window") -> Parsed[int]:
    """Read an observation window in trading days: "250 days", "one year", "90d", "past year".

    Raises:
        InputError: it is not understood or not a whole number of at least 2.
    """
    span = read_span(text, field=field, expected=_WINDOW)
    parsed = _parse(span)
    if parsed.value < 2:
        raise span.rejected("a window of at least 2 trading days")
    return parsed


def _parse(span: Span) -> Parsed[int]:
    body = _TAIL.sub("", _LEAD.sub("", span.text))
    if body in _ADVERBS:
        return _noted(span, body, _ADVERBS[body], is_convention=_ADVERBS[body] > 1)
    compact = _COMPACT.fullmatch(body)
    if compact and compact["unit"] in _SHORT:
        unit, count = _SHORT[compact["unit"]], compact["count"]
    else:
        long = _LONG.fullmatch(body)
        if long is None or long["unit"] not in _DAYS:
            raise span.rejected()
        unit, count = long["unit"], long["count"] or "one"
    number = read_number("one" if count in ("a", "an") else count)
    if number is None or number < 1:
        raise span.rejected()
    days = number * _DAYS[unit]
    if days != int(days) or days > 10**5:
        raise span.rejected()
    return _noted(span, body, int(days), is_convention=unit != "day")


def _noted(span: Span, body: str, days: int, *, is_convention: bool) -> Parsed[int]:
    notes = (f"The {span.field} {body!r} is read as {days} trading days.",) if is_convention else ()
    return Parsed(value=days, notes=notes)
