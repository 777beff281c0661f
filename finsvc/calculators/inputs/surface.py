"""Inputs of an implied volatility surface."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import CalculatorInput, DateText, DecimalText, Instrument
from finsvc.domain.positions import OptionType


class OptionQuoteInput(CalculatorInput):
    """Price of one European option on one unit of the underlying, in its currency."""

    option_type: OptionType
    strike: Annotated[DecimalText, Field(gt=0)]
    expiry: DateText
    price: Annotated[DecimalText, Field(gt=0)]


class VolatilitySurfaceInput(CalculatorInput):
    """Inputs of implied volatilities at the close of ``as_of``.

    ``rate`` and ``dividend_yield`` are flat, continuously compounded annual fractions.
    """

    underlying: Instrument
    as_of: DateText
    quotes: Annotated[tuple[OptionQuoteInput, ...], Field(min_length=1, max_length=5000)]
    rate: Annotated[DecimalText, Field(ge=-1, le=1)] = Decimal("0.04")
    dividend_yield: Annotated[DecimalText, Field(ge=-1, le=1)] = Decimal(0)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        points = [(quote.strike, quote.expiry) for quote in self.quotes]
        if len(set(points)) != len(points):
            raise ValueError("expected one quote for each strike and expiry")
        return self
