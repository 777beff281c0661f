"""Field types that every calculator's input shares.

Decimals arrive as strings (JSON numbers would be binary floats), are finite, have at most 15
integer digits and 8 decimals, and are brought to one form, so that equal inputs have equal
digests: ``0.990`` and ``0.99`` are the same input.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from finsvc.domain.identifiers import CurrencyCode, InstrumentId

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,8})?")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,18})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Bounds of QuantLib's calendar, so that both methods accept the same dates.
_FIRST_YEAR, _LAST_YEAR = 1901, 2199


def decimal_text(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if text[-1] == "0" and "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _reader(pattern: re.Pattern[str], places: int) -> Callable[[object], Decimal]:
    """Reader of decimals with at most so many places.

    Tables hold hundreds of thousands of them: a text that is in its one form already, which most
    are, is converted once.
    """
    expected = f"expected a decimal with at most 15 integer digits and {places} decimals"

    def read(value: object) -> Decimal:
        if type(value) is not str:
            if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
                raise ValueError("expected a decimal as a string")
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError("expected a finite decimal")
            value = decimal_text(value) if isinstance(value, Decimal) else str(value)
        if pattern.fullmatch(value) is None:
            raise ValueError(expected)
        number = Decimal(value)
        if not number:
            return Decimal(0)
        return Decimal(decimal_text(number)) if value[-1] == "0" and "." in value else number

    return read


def _read_date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value) is not None:
        value = date.fromisoformat(value)
    if type(value) is not date:
        raise ValueError("expected a date as YYYY-MM-DD")
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"expected a date in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


_DECIMAL_SCHEMA = {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,8})?$"}

DecimalText = Annotated[
    Decimal,
    BeforeValidator(_reader(_DECIMAL, 8)),
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema(_DECIMAL_SCHEMA),
]
"""A decimal that travels as a string."""

_NUMBER_SCHEMA = {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,18})?$"}

NumberText = Annotated[
    Decimal,
    BeforeValidator(_reader(_NUMBER, 18)),
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema(_NUMBER_SCHEMA),
]
"""A decimal that travels as a string, with up to 18 decimals: quotes and time spans need more."""

DateText = Annotated[
    date, BeforeValidator(_read_date), WithJsonSchema({"type": "string", "format": "date"})
]
"""A calendar date that travels as ``YYYY-MM-DD``."""

Instrument = Annotated[InstrumentId, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.^_-]{0,19}$")]
"""Ticker of the snapshot."""

Currency = Annotated[CurrencyCode, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 alphabetic code."""

WindowDays = Annotated[int, Field(strict=True, ge=2, le=5000)]
"""Number of daily returns in an estimation window."""


class CalculatorInput(BaseModel):
    """Root of the input models: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    def document(self) -> Mapping[str, object]:
        """Return the resolved inputs as JSON values, every default written out."""
        return self.model_dump(mode="json")
