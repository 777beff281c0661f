"""Inputs of backtests of value at risk and expected shortfall, and of profit attribution tests.

Series are inline, oldest first: one profit (a loss is negative) and one forecast (a loss is
positive) for each day.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import CalculatorInput, DateText, NumberText, WindowDays
from finsvc.calculators.inputs.portfolio import PortfolioCalculation

DAYS_MAX = 20_000
"""Longest series of days that a backtest takes: eighty years."""

Level = Annotated[NumberText, Field(gt=0, lt=1)]
"""A probability strictly between zero and one."""

Days = Annotated[tuple[NumberText, ...], Field(min_length=1, max_length=DAYS_MAX)]
"""One amount for each day, oldest first."""


def _same_length(**series: tuple[Decimal, ...]) -> None:
    lengths = {name: len(values) for name, values in series.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        raise ValueError(f"expected series of one length ({shown})")


class CoverageTestInput(CalculatorInput):
    """Inputs of a coverage test from counts; ``confidence`` is that of the value at risk."""

    observations: Annotated[int, Field(strict=True, ge=1, le=10**6)]
    exceptions: Annotated[int, Field(strict=True, ge=0, le=10**6)]
    confidence: Level = Decimal("0.99")
    test_level: Level = Decimal("0.95")
    as_of: DateText

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.exceptions > self.observations:
            raise ValueError("expected at most as many exceptions as observations")
        return self


class VarBacktestInput(CalculatorInput):
    """Inputs of a backtest: profits and the value at risk forecast for each of the same days."""

    profits: Days
    var: Days
    confidence: Level = Decimal("0.99")
    test_level: Level = Decimal("0.95")
    as_of: DateText

    @model_validator(mode="after")
    def _paired(self) -> Self:
        _same_length(profits=self.profits, var=self.var)
        return self


class BookBacktestInput(PortfolioCalculation):
    """Inputs of a backtest of a book's own historical value at risk over its last ``days`` days.

    ``rows`` adds the profit and the value at risk of every day to the result.
    """

    days: Annotated[int, Field(strict=True, ge=1, le=2500)] = 250
    window_days: WindowDays = 500
    confidence: Level = Decimal("0.99")
    test_level: Level = Decimal("0.95")
    rows: bool = False


class NullDistribution(StrEnum):
    """Distribution of profits under which the critical value of a shortfall test is simulated."""

    NORMAL = "normal"
    STUDENT_T = "student_t"


class EsBacktestInput(CalculatorInput):
    """Inputs of a backtest of expected shortfall by the tests of Acerbi and Szekely.

    ``degrees_of_freedom`` belongs to Student's distribution and is refused with the normal one.
    """

    profits: Days
    var: Days
    es: Annotated[tuple[Annotated[NumberText, Field(gt=0)], ...], Field(min_length=1)]
    confidence: Level = Decimal("0.975")
    test_level: Level = Decimal("0.95")
    distribution: NullDistribution = NullDistribution.NORMAL
    degrees_of_freedom: Annotated[int, Field(strict=True, ge=2, le=1000)] | None = None
    num_simulations: Annotated[int, Field(strict=True, ge=1000, le=200_000)] = 10_000
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**53)] = 0
    as_of: DateText

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _same_length(profits=self.profits, var=self.var, es=self.es)
        is_student = self.distribution is NullDistribution.STUDENT_T
        if (self.degrees_of_freedom is not None) != is_student:
            raise ValueError("expected degrees_of_freedom for student_t, and for it alone")
        return self


class ProfitAttributionInput(CalculatorInput):
    """Inputs of the profit attribution test: risk-theoretical against hypothetical profits."""

    hypothetical: Annotated[tuple[NumberText, ...], Field(min_length=2, max_length=DAYS_MAX)]
    risk_theoretical: Annotated[tuple[NumberText, ...], Field(min_length=2, max_length=DAYS_MAX)]
    as_of: DateText

    @model_validator(mode="after")
    def _paired(self) -> Self:
        _same_length(hypothetical=self.hypothetical, risk_theoretical=self.risk_theoretical)
        for name in ("hypothetical", "risk_theoretical"):
            if len(set(getattr(self, name))) == 1:
                raise ValueError(f"expected profits that differ in {name}: ranks need an order")
        return self
