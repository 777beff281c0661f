"""Inputs of performance, attribution, factor exposures, allocation and rebalancing."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from finsvc.calculators.inputs.base import (
    CalculatorInput,
    Currency,
    DateText,
    Instrument,
    NumberText,
    WindowDays,
)
from finsvc.calculators.inputs.portfolio import Assumptions, PortfolioCalculation, PortfolioInput
from finsvc.domain.identifiers import CurrencyCode

INSTRUMENTS_MAX = 50
"""Instruments of one optimisation: its cost grows with the cube."""

Fraction = Annotated[NumberText, Field(ge=0, le=1)]
"""A share of a whole, 0.05 for 5 %."""

Instruments = Annotated[tuple[Instrument, ...], Field(min_length=2, max_length=INSTRUMENTS_MAX)]
"""Distinct instruments of an optimisation."""


def _distinct(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise ValueError("expected every name once")


class PeriodInput(CalculatorInput):
    """A book held constant from the close of ``start`` to that of ``end``."""

    portfolio: PortfolioInput
    start: DateText
    end: DateText
    assumptions: Assumptions = Assumptions()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.end:
            raise ValueError("expected start before end")
        return self


class PerformanceInput(PeriodInput):
    """Inputs of a book's performance; ``rate`` is the annual risk-free rate of the ratios."""

    benchmark: Instrument | None = None
    rate: Annotated[NumberText, Field(ge=-1, le=1)] = Decimal(0)


class ReturnContributionsInput(PeriodInput):
    """Inputs of the contributions of positions to a book's return."""


class GroupInput(CalculatorInput):
    """One group of an attribution: weights are fractions, returns simple fractions."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_:-]{0,79}$")]
    portfolio_weight: NumberText
    benchmark_weight: NumberText
    portfolio_return: NumberText
    benchmark_return: NumberText


class AttributionInput(CalculatorInput):
    """Inputs of a Brinson-Fachler attribution; each side's weights add up to one."""

    groups: Annotated[tuple[GroupInput, ...], Field(min_length=1, max_length=1000)]
    as_of: DateText

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _distinct([group.name for group in self.groups])
        for side in ("portfolio_weight", "benchmark_weight"):
            total = sum((getattr(group, side) for group in self.groups), Decimal(0))
            if total != 1:
                raise ValueError(f"expected {side} to add up to 1, got {total}")
        return self


class FactorExposuresInput(PortfolioCalculation):
    """Inputs of a regression of a book's daily returns on those of factor instruments."""

    factors: Annotated[tuple[Instrument, ...], Field(min_length=1, max_length=20)]
    window_days: Annotated[int, Field(strict=True, ge=30, le=5000)] = 500

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _distinct(self.factors)
        return self


class RiskContributionsInput(PortfolioCalculation):
    """Inputs of the contributions of positions to a book's volatility."""

    window_days: WindowDays = 500


class AllocationInput(CalculatorInput):
    """Instruments and the window their moments come from; returns are in ``currency``."""

    instruments: Instruments
    as_of: DateText
    window_days: Annotated[int, Field(strict=True, ge=60, le=5000)] = 750
    currency: Currency = CurrencyCode("USD")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _distinct(self.instruments)
        return self


class EfficientFrontierInput(AllocationInput):
    """Inputs of an efficient frontier of fully invested portfolios within bounds."""

    min_weight: Fraction = Decimal(0)
    max_weight: Fraction = Decimal(1)
    num_points: Annotated[int, Field(strict=True, ge=2, le=50)] = 10

    @model_validator(mode="after")
    def _feasible(self) -> Self:
        count = len(self.instruments)
        if self.min_weight * count > 1 or self.max_weight * count < 1:
            raise ValueError("expected bounds that weights adding up to 1 can meet")
        if self.min_weight >= self.max_weight:
            raise ValueError("expected min_weight below max_weight")
        return self


class RiskParityInput(AllocationInput):
    """Inputs of a risk budget; without ``budgets`` every instrument bears the same risk."""

    budgets: tuple[Annotated[NumberText, Field(gt=0, le=1)], ...] | None = None

    @model_validator(mode="after")
    def _budgeted(self) -> Self:
        if self.budgets is not None:
            if len(self.budgets) != len(self.instruments):
                raise ValueError("expected one budget for each instrument")
            if sum(self.budgets, Decimal(0)) != 1:
                raise ValueError("expected budgets that add up to 1")
        return self


class TargetInput(CalculatorInput):
    """Wanted share of one instrument in the value of the book."""

    instrument: Instrument
    weight: Fraction


class SuitabilityInput(CalculatorInput):
    """What a client's mandate allows; every limit is a fraction of the book's value.

    ``max_volatility`` is an annual fraction; ``excluded`` instruments may only be sold.
    """

    max_volatility: Annotated[NumberText, Field(gt=0, le=10)]
    max_position: Fraction = Decimal(1)
    max_equity: Fraction = Decimal(1)
    min_cash: Fraction = Decimal(0)
    max_turnover: Annotated[NumberText, Field(gt=0, le=2)] = Decimal(2)
    excluded: tuple[Instrument, ...] = ()


class RebalancingInput(PortfolioCalculation):
    """Inputs of a rebalancing proposal: what is not given to a target stays in cash."""

    targets: Annotated[tuple[TargetInput, ...], Field(min_length=1, max_length=200)]
    suitability: SuitabilityInput
    window_days: Annotated[int, Field(strict=True, ge=60, le=5000)] = 500

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _distinct([target.instrument for target in self.targets])
        if sum((target.weight for target in self.targets), Decimal(0)) > 1:
            raise ValueError("expected target weights that add up to at most 1")
        return self
