"""Strikes and expiries of options."""

import re
from datetime import date, timedelta
from decimal import Decimal

from finsvc.agents.arguments.calendar_words import (
    MONTHS,
    AmbiguousDayError,
    add_months,
    read_count,
    read_day,
    read_period,
    third_friday,
)
from finsvc.agents.arguments.currencies import find_amount
from finsvc.agents.arguments.spans import Parsed, Span, read_span
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode

_STRIKE = "a strike price above 0 such as 4000"
_EXPIRY = "an expiry such as 2023-06-16, June 2023 or 3 months"

_STRIKE_LEAD = re.compile(r"^(?:at )?(?:a |the )?(?:strike )?(?:price )?(?:of |at |k ?= ?)?")
_STRIKE_TAIL = re.compile(r"(?: |-)(?:strike|strike price|struck|points)$")
_EXPIRY_LEAD = re.compile(
    r"^(?:(?:expiring|expires|expiry|maturing|maturity|due) )?(?:in |on |of |at )?(?:the )?"
)
_EXPIRY_TAIL = re.compile(
    r"(?:'s)? (?:expiry|expiration|expiries|maturity|option|options|from now|hence|to expiry"
    r"|to maturity|ahead|time)$"
)
_TENOR = re.compile(r"(?P<n>.+?)[ -](?:calendar )?(?P<u>day|week|month|year)s?")
_SHORT_TENOR = re.compile(r"(?P<n>[0-9]+)(?P<u>d|w|m|mo|y|yr)")
_SHORT_UNITS = {"d": "day", "w": "week", "m": "month", "mo": "month", "y": "year", "yr": "year"}

# Beyond this QuantLib's calendar ends; no listed option lives nearly as long.
_YEARS_MAX = 50


def parse_strike(
    text: str, *, field: str = "strike", currency: CurrencyCode | None = None
) -> Parsed[Decimal]:
    """Read a strike: "4000", "4,000", "$150", "150 strike".

    Args:
        text: the span.
        field: the argument, as errors call it.
        currency: the underlying's; a strike in another currency is refused.

    Raises:
        InputError: it is not understood, not above 0 or in another currency.
    """
    span = read_span(text, field=field, expected=_STRIKE)
    amount = find_amount(_STRIKE_TAIL.sub("", _STRIKE_LEAD.sub("", span.text)))
    if amount is None or amount.value <= 0:
        raise span.rejected()
    if amount.currency is not None and currency is not None and amount.currency != currency:
        raise span.rejected(f"a strike in {currency}, in which the underlying is quoted")
    return Parsed(value=amount.value)


def parse_expiry(text: str, *, field: str = "expiry", as_of: date) -> Parsed[date]:
    """Read an expiry: an exact day, a month (its third Friday), or a time from ``as_of``.

    A month without a year is the next one whose third Friday lies after ``as_of``; days of a
    tenor are calendar days. "June 23" is refused: it is a day to some and a month to others.

    Raises:
        InputError: it is not understood, ambiguous, or not after ``as_of``.
    """
    span = read_span(text, field=field, expected=_EXPIRY)
    body = _EXPIRY_TAIL.sub("", _EXPIRY_LEAD.sub("", span.text))
    parsed = _exact(span, body) or _month(span, body, as_of) or _tenor(span, body, as_of)
    if parsed is None:
        raise span.rejected()
    if parsed.value <= as_of:
        raise InputError(
            field=field,
            expected=f"an expiry after the valuation date {as_of.isoformat()}",
            actual=f"{span.written!r}, which is {parsed.value.isoformat()}",
        )
    return parsed


def _exact(span: Span, body: str) -> Parsed[date] | None:
    try:
        day = read_day(body)
    except AmbiguousDayError:
        raise span.rejected(
            "a date whose day and month cannot be mistaken, such as 2023-06-16"
        ) from None
    except ValueError:
        raise span.rejected("a day that exists in the calendar") from None
    return None if day is None else Parsed(value=day)


def _month(span: Span, body: str, as_of: date) -> Parsed[date] | None:
    period = read_period(body)
    if period is not None:
        if period.first.month != period.last.month:
            return None
        day = third_friday(period.first.year, period.first.month)
    elif body in MONTHS:
        day = third_friday(as_of.year, MONTHS[body])
        if day <= as_of:
            day = third_friday(as_of.year + 1, MONTHS[body])
    else:
        return None
    note = (
        f"The expiry {span.written!r} is read as the third Friday of the month, {day.isoformat()}."
    )
    return Parsed(value=day, notes=(note,))


def _tenor(span: Span, body: str, as_of: date) -> Parsed[date] | None:
    short = _SHORT_TENOR.fullmatch(body)
    found = short or _TENOR.fullmatch(body)
    if found is None:
        return None
    unit = _SHORT_UNITS[found["u"]] if short else found["u"]
    count = read_count(found["n"])
    if count is None or count * {"day": 1, "week": 7, "month": 30, "year": 365}[unit] > (
        365 * _YEARS_MAX
    ):
        return None
    match unit:
        case "day":
            day = as_of + timedelta(days=count)
        case "week":
            day = as_of + timedelta(weeks=count)
        case _:
            day = add_months(as_of, count * (12 if unit == "year" else 1))
    note = (
        f"The expiry {span.written!r} is counted from the valuation date {as_of.isoformat()}"
        f" and read as {day.isoformat()}."
    )
    return Parsed(value=day, notes=(note,))
