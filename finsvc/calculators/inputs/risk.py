"""Inputs of value at risk, expected shortfall, stress tests and profit and loss."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import (
    CalculatorInput,
    DateText,
    DecimalText,
    WindowDays,
)
from finsvc.calculators.inputs.portfolio import (
    Assumptions,
    PortfolioCalculation,
    PortfolioInput,
)
from finsvc.domain.scenarios import (
    HistoricalScenario,
    Scenario,
    Shock,
    ShockKind,
    ShockScenario,
)


class Scaling(StrEnum):
    """How a one-day risk becomes an h-day risk.

    ``SQRT_TIME`` multiplies the one-day figure by √h (Basel 2.5 permitted this). ``OVERLAPPING``
    takes h-day returns that start on every day of the window.
    """

    SQRT_TIME = "sqrt_time"
    OVERLAPPING = "overlapping"


class RiskMethod(StrEnum):
    """Where the distribution of the profit and loss comes from."""

    HISTORICAL = "historical"
    PARAMETRIC = "parametric"
    MONTE_CARLO = "monte_carlo"


class RiskInput(PortfolioCalculation):
    """Common parameters of value at risk and expected shortfall.

    ``confidence`` is a fraction inside (0, 1), ``horizon_days`` trading days, ``window_days`` the
    number of historical returns.
    """

    confidence: Annotated[DecimalText, Field(gt=0, lt=1)] = Decimal("0.99")
    horizon_days: Annotated[int, Field(strict=True, ge=1, le=250)] = 10
    window_days: WindowDays = 750
    scaling: Scaling = Scaling.SQRT_TIME


class HistoricalVarInput(RiskInput):
    """Inputs of historical value at risk."""


class ParametricVarInput(RiskInput):
    """Inputs of parametric value at risk."""


Seed = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
"""Key of the counter-based generator; below 2^53, so that JSON carries it exactly."""

NumPaths = Annotated[int, Field(strict=True, ge=1000, le=1_000_000)]
"""Simulated paths."""


class MonteCarloVarInput(RiskInput):
    """Inputs of Monte Carlo value at risk."""

    num_paths: NumPaths = 20_000
    seed: Seed = 0


class ExpectedShortfallInput(RiskInput):
    """Inputs of expected shortfall; ``num_paths`` and ``seed`` serve Monte Carlo only."""

    method: RiskMethod = RiskMethod.HISTORICAL
    num_paths: NumPaths = 20_000
    seed: Seed = 0


class HistoricalScenarioInput(CalculatorInput):
    """A stretch of history, close of ``start`` to close of ``end``."""

    kind: Literal["historical"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    start: DateText
    end: DateText

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.end:
            raise ValueError("expected start before end")
        return self

    def to_domain(self) -> HistoricalScenario:
        """Return the domain scenario."""
        return HistoricalScenario(name=self.name, start=self.start, end=self.end)


class ShockInput(CalculatorInput):
    """A relative move of a group of prices; ``fraction`` -0.2 is a fall of 20 %."""

    kind: ShockKind
    target: str | None = None
    fraction: Annotated[DecimalText, Field(gt=-1, le=100)]

    @model_validator(mode="after")
    def _targeted(self) -> Self:
        if (self.kind is ShockKind.EQUITY) != (self.target is None):
            raise ValueError("expected a target for every kind of shock but equity, and none there")
        return self

    def to_domain(self) -> Shock:
        """Return the domain shock."""
        return Shock(kind=self.kind, target=self.target, fraction=self.fraction)


class ShockScenarioInput(CalculatorInput):
    """Shocks that happen together, at most one for each kind and target."""

    kind: Literal["shocks"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    shocks: Annotated[tuple[ShockInput, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        keys = [(shock.kind, shock.target) for shock in self.shocks]
        if len(set(keys)) != len(keys):
            raise ValueError("expected at most one shock for each kind and target")
        return self

    def to_domain(self) -> ShockScenario:
        """Return the domain scenario."""
        return ShockScenario(
            name=self.name, shocks=tuple(shock.to_domain() for shock in self.shocks)
        )


ScenarioInput = Annotated[HistoricalScenarioInput | ShockScenarioInput, Field(discriminator="kind")]
"""One scenario; ``kind`` tells which."""


def scenario_input(scenario: Scenario) -> HistoricalScenarioInput | ShockScenarioInput:
    """Return the input form of a scenario."""
    if isinstance(scenario, HistoricalScenario):
        return HistoricalScenarioInput(
            kind="historical", name=scenario.name, start=scenario.start, end=scenario.end
        )
    return ShockScenarioInput(
        kind="shocks",
        name=scenario.name,
        shocks=tuple(
            ShockInput(kind=shock.kind, target=shock.target, fraction=shock.fraction)
            for shock in scenario.shocks
        ),
    )


class StressTestInput(PortfolioCalculation):
    """Inputs of a stress test."""

    scenario: ScenarioInput


class ProfitAndLossInput(CalculatorInput):
    """Inputs of profit and loss: positions held constant from ``start`` to ``end``."""

    portfolio: PortfolioInput
    start: DateText
    end: DateText
    assumptions: Assumptions = Assumptions()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start >= self.end:
            raise ValueError("expected start before end")
        return self
