"""Inputs of value at risk from figures of another system: profits, or sensitivities.

Nothing is read from the snapshot. Profits are positive, losses negative. A sensitivity is the
profit for one unit of its factor's move, so a variance is in the square of that unit and spans the
horizon that the figure is wanted for.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from finsvc.calculators.inputs.backtest import Days, Level
from finsvc.calculators.inputs.base import CalculatorInput, Currency, DateText, NumberText
from finsvc.calculators.inputs.risk import NumPaths, Seed
from finsvc.calculators.inputs.tail import QuantileRule, ShortfallRule

FACTORS_MAX, PAIRS_MAX = 1000, 499_500
"""Most factors of one run, and the pairs that they have."""

DRAWS_MAX = 50_000_000
"""Most simulated moves of one run, paths times factors: 400 MB."""

FactorName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,80}$")]
"""Name of a risk factor, compared exactly."""


class ProfitSeriesVarInput(CalculatorInput):
    """Inputs of value at risk and expected shortfall of a given series of profits.

    ``confidence`` is that of the loss: 0.99 for the lower tail of the profits, 0.01 for the upper.
    ``band`` is the probability that the bands cover the true figures.
    """

    profits: Days
    currency: Currency
    confidence: Level = Decimal("0.99")
    quantile_rule: QuantileRule = QuantileRule.INVERTED_CDF
    shortfall_rule: ShortfallRule = ShortfallRule.TAIL_MEAN
    band: Level = Decimal("0.95")
    as_of: DateText

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (
            self.shortfall_rule is ShortfallRule.FRACTIONAL
            and self.quantile_rule is not QuantileRule.INVERTED_CDF
        ):
            raise ValueError("expected the quantile_rule inverted_cdf with a fractional shortfall")
        return self


class SensitivityMethod(StrEnum):
    """Which distribution the profit of a set of sensitivities is given.

    ``DELTA`` and ``DELTA_GAMMA_NORMAL`` take a normal one with the mean and variance of the first-
    or second-order profit; ``CORNISH_FISHER`` corrects its quantile for skewness and kurtosis;
    ``MONTE_CARLO`` draws the factors and revalues the second-order profit.
    """

    DELTA = "delta"
    DELTA_GAMMA_NORMAL = "delta_gamma_normal"
    CORNISH_FISHER = "cornish_fisher"
    MONTE_CARLO = "monte_carlo"


class FactorRow(CalculatorInput):
    """A factor: profit per unit move, second derivative of the profit, variance of the move."""

    name: FactorName
    delta: NumberText
    gamma: NumberText = Decimal(0)
    variance: Annotated[NumberText, Field(ge=0)]


class FactorPair(CalculatorInput):
    """Two factors that move together (``covariance``) or in one product (``gamma``)."""

    first: FactorName
    second: FactorName
    covariance: NumberText = Decimal(0)
    gamma: NumberText = Decimal(0)


class SensitivityVarInput(CalculatorInput):
    """Inputs of value at risk of sensitivities under a covariance of their factors.

    Pairs that are not stated have neither covariance nor cross gamma. ``num_paths`` and ``seed``
    belong to Monte Carlo.
    """

    factors: Annotated[tuple[FactorRow, ...], Field(max_length=FACTORS_MAX)]
    pairs: Annotated[tuple[FactorPair, ...], Field(max_length=PAIRS_MAX)] = ()
    currency: Currency
    method: SensitivityMethod = SensitivityMethod.DELTA_GAMMA_NORMAL
    confidence: Level = Decimal("0.99")
    num_paths: NumPaths = 20_000
    seed: Seed = 0
    as_of: DateText

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        variances: dict[str, Decimal] = {}
        for row in self.factors:
            if row.name in variances:
                raise ValueError(f"expected distinct names in factors, {row.name} comes twice")
            variances[row.name] = row.variance
        seen: set[frozenset[str]] = set()
        for pair in self.pairs:
            self._check(pair, variances, seen)
        if self.method is not SensitivityMethod.MONTE_CARLO:
            for name in ("num_paths", "seed"):
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(f"expected {name} with the Monte Carlo method alone")
        elif self.num_paths * len(self.factors) > DRAWS_MAX:
            raise ValueError(f"expected at most {DRAWS_MAX} moves, num_paths times factors")
        return self

    @staticmethod
    def _check(pair: FactorPair, variances: dict[str, Decimal], seen: set[frozenset[str]]) -> None:
        ends, shown = frozenset((pair.first, pair.second)), f"{pair.first} and {pair.second}"
        for name in (pair.first, pair.second):
            if name not in variances:
                raise ValueError(f"expected factors of pairs to have a row, {name} has none")
        if len(ends) == 1:
            raise ValueError(f"expected two factors in a pair, {pair.first} comes twice")
        if ends in seen:
            raise ValueError(f"expected distinct pairs, {shown} come twice")
        seen.add(ends)
        if pair.covariance**2 > variances[pair.first] * variances[pair.second]:
            raise ValueError(f"expected a correlation of at most one, {shown} exceed it")
