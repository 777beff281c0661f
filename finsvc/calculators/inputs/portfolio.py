"""Portfolios as calculators take them: positions inline.

Signs and units are those of `finsvc.domain.positions`: positive is long, stocks in shares,
options in contracts of ``multiplier`` units, cash in its own currency.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field

from finsvc.calculators.inputs.base import (
    CalculatorInput,
    Currency,
    DateText,
    DecimalText,
    Instrument,
    WindowDays,
)
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.positions import (
    CashPosition,
    OptionPosition,
    OptionType,
    Portfolio,
    Position,
    StockPosition,
)


class StockInput(CalculatorInput):
    """Shares of a stock or units of an index."""

    kind: Literal["stock"]
    instrument: Instrument
    quantity: DecimalText

    def to_domain(self) -> StockPosition:
        """Return the domain position."""
        return StockPosition(instrument=self.instrument, quantity=self.quantity)


class CashInput(CalculatorInput):
    """An amount of one currency."""

    kind: Literal["cash"]
    currency: Currency
    amount: DecimalText

    def to_domain(self) -> CashPosition:
        """Return the domain position."""
        return CashPosition(currency=self.currency, amount=self.amount)


class OptionInput(CalculatorInput):
    """European options on an instrument."""

    kind: Literal["option"]
    underlying: Instrument
    option_type: OptionType
    strike: Annotated[DecimalText, Field(ge=0)]
    expiry: DateText
    quantity: DecimalText
    multiplier: Annotated[DecimalText, Field(gt=0)] = Decimal(1)

    def to_domain(self) -> OptionPosition:
        """Return the domain position."""
        return OptionPosition(
            underlying=self.underlying,
            option_type=self.option_type,
            strike=self.strike,
            expiry=self.expiry,
            quantity=self.quantity,
            multiplier=self.multiplier,
        )


PositionInput = Annotated[StockInput | CashInput | OptionInput, Field(discriminator="kind")]
"""One position; ``kind`` tells which."""


def _from_position(position: Position) -> StockInput | CashInput | OptionInput:
    if isinstance(position, StockPosition):
        return StockInput(kind="stock", instrument=position.instrument, quantity=position.quantity)
    if isinstance(position, CashPosition):
        return CashInput(kind="cash", currency=position.currency, amount=position.amount)
    return OptionInput(
        kind="option",
        underlying=position.underlying,
        option_type=position.option_type,
        strike=position.strike,
        expiry=position.expiry,
        quantity=position.quantity,
        multiplier=position.multiplier,
    )


class PortfolioInput(CalculatorInput):
    """Positions valued together in ``base_currency``; ``label`` names them in answers."""

    label: Annotated[str, Field(min_length=1, max_length=200)]
    base_currency: Currency = CurrencyCode("USD")
    positions: Annotated[tuple[PositionInput, ...], Field(min_length=1, max_length=100_000)]

    @classmethod
    def from_domain(cls, portfolio: Portfolio) -> Self:
        """Build the input form of a portfolio; an empty one is a pydantic validation error."""
        return cls(
            label=portfolio.label,
            base_currency=portfolio.base_currency,
            positions=tuple(_from_position(position) for position in portfolio.positions),
        )

    def to_domain(self) -> Portfolio:
        """Return the domain portfolio."""
        return Portfolio(
            label=self.label,
            base_currency=self.base_currency,
            positions=tuple(position.to_domain() for position in self.positions),
        )


class Assumptions(CalculatorInput):
    """What the data does not hold and option values need.

    ``rate`` and ``dividend_yield`` are flat, continuously compounded fractions a year (0.04 is
    4 %). An option's volatility is the realised volatility of its underlying over
    ``volatility_window_days`` daily log returns up to the valuation date.
    """

    rate: Annotated[DecimalText, Field(ge=-1, le=1)] = Decimal("0.04")
    dividend_yield: Annotated[DecimalText, Field(ge=-1, le=1)] = Decimal(0)
    volatility_window_days: WindowDays = 250


class PortfolioCalculation(CalculatorInput):
    """A calculation on a portfolio at the close of ``as_of``."""

    portfolio: PortfolioInput
    as_of: DateText
    assumptions: Assumptions = Assumptions()
