"""Reads spans as the values that a calculator's schema asks for.

A percent sign or basis points always mean a fraction, so a figure that the schema wants in percent
of face value (a price) is refused with either. Choices are read by their words: "down-and-out" is
``down_out``. Whatever is not understood is an error that names the argument.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finsvc.agents.arguments.calendar_words import AmbiguousDayError, read_day
from finsvc.agents.arguments.currencies import find_amount, parse_currency
from finsvc.agents.arguments.durations import parse_horizon_days
from finsvc.agents.arguments.instruments import parse_instrument
from finsvc.agents.arguments.levels import read_percent
from finsvc.agents.arguments.numbers import read_number
from finsvc.agents.arguments.options import parse_expiry
from finsvc.agents.arguments.scenarios import parse_scenario
from finsvc.agents.arguments.spans import Span, read_span
from finsvc.agents.direct.schema import Kind, Slot
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.risk import scenario_input
from finsvc.domain.errors import InputError

_POINTS = re.compile(r"(?P<sign>-?)(?P<n>.+?) ?(?:bps?|basis points?)")
_SIGN = re.compile(r"^(?:-|minus |negative )\s*")
_TIME = re.compile(r"(?P<n>.+?)[ -]?(?P<unit>years?|yrs?|y|months?|mths?|m|weeks?|w|days?|d)")
_YEAR_PARTS = {"y": 1, "m": 12, "w": 52, "d": 365}
_YEAR_PLACES = Decimal("1e-12")
_BETWEEN = re.compile(r";\s*|,\s+(?:and )?|\s+(?:and|&|\+)\s+")
_NUMBER_FIRST = re.compile(r"(?P<number>[-+]?\S*[0-9]\S*)(?: (?:of|in|to))? (?P<other>.+)")
_NUMBER_LAST = re.compile(
    r"(?P<other>.+?)(?: (?:at|of|to|with))?[ :=]+(?P<number>[-+]?\S*[0-9]\S*)"
)
_YES = re.compile(r"^(?:yes|true|with|apply|applies|include|including|show)\b")
_NO = re.compile(r"^(?:no|not|false|without|exclude|excluding)\b")
_FREQUENCIES = {
    "annual": 1, "annually": 1, "yearly": 1, "semi-annual": 2, "semiannual": 2,
    "semi-annually": 2, "half-yearly": 2, "quarterly": 4, "monthly": 12,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value as JSON, the conventions its reading needed, and the currency its words named."""

    value: object
    notes: tuple[str, ...] = ()
    currency: str | None = None


def read_value(slot: Slot, text: str, *, as_of: date | None) -> Value:
    """Read a span as the value of an argument.

    Args:
        slot: What the argument is.
        text: The span as copied.
        as_of: The date that times like "5 years" are counted from; None while it is being read.

    Raises:
        InputError: It is not understood; the argument is named.
    """
    match slot.kind:
        case Kind.LIST:
            return _list(slot, text, as_of)
        case Kind.PAIRS:
            return _pairs(slot, text, as_of)
        case Kind.DATE:
            return _date(slot, text, as_of)
        case Kind.NUMBER:
            return _number(slot, text)
        case Kind.INSTRUMENT:
            instrument = parse_instrument(text, field=slot.name)
            return Value(value=str(instrument.value), notes=instrument.notes)
        case Kind.CURRENCY:
            currency = parse_currency(text, field=slot.name)
            return Value(value=str(currency.value), notes=currency.notes)
        case Kind.SCENARIO:
            scenario = parse_scenario(text, field=slot.name)
            return Value(value=scenario_input(scenario.value).document(), notes=scenario.notes)
        case _:
            return Value(value=_plain(slot, text))


def _plain(slot: Slot, text: str) -> object:
    """Read a choice, a flag, a count or a plain text."""
    match slot.kind:
        case Kind.CHOICE:
            return _choice(slot, text)
        case Kind.FLAG:
            return _flag(slot, text)
        case Kind.COUNT:
            return _count(slot, text)
        case Kind.TEXT:
            return read_span(text, field=slot.name, expected="a name").written
        case _:
            expected = "the name of an attached document"
            raise InputError(field=slot.name, expected=expected, actual=repr(text))


def _number(slot: Slot, text: str) -> Value:
    span = read_span(text, field=slot.name, expected="a number, such as 100, 5%, 25 bp or 5m")
    body = _SIGN.sub("", span.text)
    is_negative = body != span.text
    value, currency = _unsigned(slot, span, body)
    return Value(value=decimal_text(-value if is_negative else value), currency=currency)


def _unsigned(slot: Slot, span: Span, body: str) -> tuple[Decimal, str | None]:
    points = _POINTS.fullmatch(body)
    share = read_percent(body)
    if points is not None:
        number = read_number(points["n"])
        share = None if number is None else number.scaleb(-4)
    if share is not None:
        if "price" in slot.name:
            raise span.rejected("a price without percent sign or basis points")
        return share, None
    if slot.name.endswith("years"):
        years = _years(body)
        if years is not None:
            return years, None
    amount = find_amount(body)
    if amount is None:
        raise span.rejected()
    return amount.value, None if amount.currency is None else str(amount.currency)


def _years(body: str) -> Decimal | None:
    found = _TIME.fullmatch(body)
    count = None if found is None else read_number(found["n"])
    if found is None or count is None:
        return None
    years = count / _YEAR_PARTS[found["unit"][0]]
    return years.quantize(_YEAR_PLACES).normalize()


def _count(slot: Slot, text: str) -> int:
    span = read_span(text, field=slot.name, expected="a whole number")
    found = read_number(span.text)
    if found is None and slot.name.endswith("days"):
        return parse_horizon_days(text, field=slot.name).value
    if found is None:
        found = read_number(span.text.partition(" ")[0])
    if found is None or found != int(found):
        raise span.rejected()
    return int(found)


def _date(slot: Slot, text: str, as_of: date | None) -> Value:
    span = read_span(text, field=slot.name, expected="a date, such as 2022-06-30")
    try:
        day = read_day(span.text)
    except AmbiguousDayError:
        raise span.rejected("a date whose day and month cannot be mistaken") from None
    except ValueError:
        raise span.rejected("a day that exists in the calendar") from None
    if day is not None:
        return Value(value=day.isoformat())
    if as_of is None:
        raise span.rejected()
    later = parse_expiry(text, field=slot.name, as_of=as_of)
    return Value(value=later.value.isoformat(), notes=later.notes)


def _flag(slot: Slot, text: str) -> bool:
    span = read_span(text, field=slot.name, expected="words that say yes or no")
    is_yes, is_no = bool(_YES.search(span.text)), bool(_NO.search(span.text))
    if is_yes == is_no:
        raise span.rejected()
    return is_yes


def _choice(slot: Slot, text: str) -> str | int:
    """Take the one value whose words are all in the span; of several the one with most words."""
    listed = ", ".join(map(str, slot.choices))
    span = read_span(text, field=slot.name, expected=f"one of {listed}")
    exact = [item for item in slot.choices if str(item).lower() == span.text]
    if exact:
        return exact[0]
    if all(isinstance(item, int) for item in slot.choices):
        number = read_number(span.text)
        found = _FREQUENCIES.get(span.text) if number is None else int(number)
        if found in slot.choices:
            return found
        raise span.rejected()
    words = _words(span.text)
    fitting = [item for item in slot.choices if _words(str(item)) <= words]
    longest = max((len(_words(str(item))) for item in fitting), default=0)
    best = [item for item in fitting if len(_words(str(item))) == longest]
    if len(best) != 1 or not longest:
        raise span.rejected()
    return best[0]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9.]+", text.lower().replace("_", " ")))


def _items(text: str) -> list[str]:
    return [item.strip() for item in _BETWEEN.split(text.strip()) if item.strip()]


def _list(slot: Slot, text: str, as_of: date | None) -> Value:
    (member,) = slot.items
    named = Slot(
        name=slot.name, path=(), kind=member.kind, is_required=True, choices=member.choices
    )
    values = [read_value(named, item, as_of=as_of) for item in _items(text)]
    notes = tuple(note for value in values for note in value.notes)
    return Value(value=[value.value for value in values], notes=notes)


def _pairs(slot: Slot, text: str, as_of: date | None) -> Value:
    """Read "60% AAPL and 40% KO" or "level1 500, level2a 100"."""
    rows: list[Mapping[str, object]] = []
    for position, item in enumerate(_items(text), start=1):
        row: dict[str, object] = {"id": str(position)} if slot.is_named else {}
        rows.append({**row, **_pair(slot, item, as_of)})
    return Value(value=rows)


def _pair(slot: Slot, item: str, as_of: date | None) -> dict[str, object]:
    number, other = slot.items
    for pattern in (_NUMBER_FIRST, _NUMBER_LAST):
        found = pattern.fullmatch(item)
        if found is None:
            continue
        try:
            return {
                number.name: read_value(number, found["number"], as_of=as_of).value,
                other.name: read_value(other, found["other"], as_of=as_of).value,
            }
        except InputError:
            continue
    expected = f"{number.name} and {other.name}, or the name of an attached document"
    raise InputError(field=slot.name, expected=expected, actual=repr(item))
