"""Field types of the pricing calculators.

Market data of a pricing calculator is an input: nothing is read from the snapshot and nothing is
guessed. Rates, yields and volatilities are annual fractions (0.05 is 5 %).
"""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from finsvc.calculators.inputs.base import CalculatorInput, Currency, DateText, decimal_text
from finsvc.domain.identifiers import CurrencyCode

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,18})?")
_NUMBER_SCHEMA = {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,18})?$"}


def _read_number(value: object) -> Decimal:
    if isinstance(value, Decimal) and value.is_finite():
        value = decimal_text(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("expected a decimal as a string")
    if _NUMBER.fullmatch(str(value)) is None:
        raise ValueError("expected a decimal with at most 15 integer digits and 18 decimals")
    return Decimal(decimal_text(Decimal(str(value))))


NumberText = Annotated[
    Decimal,
    BeforeValidator(_read_number),
    PlainSerializer(decimal_text, return_type=str, when_used="json"),
    WithJsonSchema(_NUMBER_SCHEMA),
]
"""A decimal that travels as a string, with up to 18 decimals: quotes and time spans need more."""

Rate = Annotated[NumberText, Field(ge=-1, le=100)]
"""An annual rate as a fraction."""

Price = Annotated[NumberText, Field(gt=0, le=10**12)]
"""A positive price."""

Amount = Annotated[NumberText, Field(ge=0, le=10**12)]
"""A price or payment that may be zero."""

Volatility = Annotated[NumberText, Field(ge=0, le=100)]
"""An annual volatility as a fraction."""

Years = Annotated[NumberText, Field(ge=0, le=1000)]
"""A span of time in years."""


class PricingInput(CalculatorInput):
    """What every pricing calculation states: the valuation date and the currency of its prices."""

    as_of: DateText
    currency: Currency = CurrencyCode("USD")
