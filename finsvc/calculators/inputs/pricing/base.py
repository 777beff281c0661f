"""Field types of the pricing calculators.

Market data of a pricing calculator is an input: nothing is read from the snapshot and nothing is
guessed. Rates, yields and volatilities are annual fractions (0.05 is 5 %).
"""

from typing import Annotated

from pydantic import Field

from finsvc.calculators.inputs.base import CalculatorInput, Currency, DateText, NumberText
from finsvc.domain.identifiers import CurrencyCode

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
