"""Inputs of the calculators on the tail of a book's profits."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from finsvc.calculators.inputs.base import DecimalText, WindowDays
from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.calculators.inputs.risk import NumPaths, RiskInput, ScenarioInput, Seed


class TailMethod(StrEnum):
    """Where the distribution of profits comes from."""

    HISTORICAL = "historical"
    DELTA_GAMMA = "delta_gamma"
    PARAMETRIC = "parametric"
    MONTE_CARLO = "monte_carlo"


class QuantileRule(StrEnum):
    """How a quantile is read from n ordered losses (types of Hyndman and Fan, 1996).

    ``INVERTED_CDF`` (type 1) is the ceil(n c)-th loss itself, ``PROFIT_INVERTED_CDF`` the
    (floor(n c) + 1)-th: type 1 of the profits, one loss more where n c is whole. The others
    interpolate at the rank n c + 1/2 (``HAZEN``, 5), (n + 1) c (``WEIBULL``, 6), (n - 1) c + 1
    (``LINEAR``, 7), or (n + 1/3) c + 1/3 (``MEDIAN_UNBIASED``, 8).
    """

    INVERTED_CDF = "inverted_cdf"
    PROFIT_INVERTED_CDF = "profit_inverted_cdf"
    HAZEN = "hazen"
    WEIBULL = "weibull"
    LINEAR = "linear"
    MEDIAN_UNBIASED = "median_unbiased"


class ShortfallRule(StrEnum):
    """How an expected shortfall is read from ordered losses.

    ``TAIL_MEAN`` is the mean of the losses at least as large as the value at risk;
    ``FRACTIONAL`` the mean of exactly the worst share 1 - c, an atom at its edge counted in part.
    """

    TAIL_MEAN = "tail_mean"
    FRACTIONAL = "fractional"


class TailRiskInput(RiskInput):
    """Inputs of value at risk and expected shortfall with confidence bands.

    ``band`` is the probability that the bands cover the true figures. ``quantile_rule`` and
    ``shortfall_rule`` serve the methods that read a sample, ``num_paths`` and ``seed`` Monte Carlo.
    """

    method: TailMethod = TailMethod.HISTORICAL
    quantile_rule: QuantileRule = QuantileRule.INVERTED_CDF
    shortfall_rule: ShortfallRule = ShortfallRule.TAIL_MEAN
    band: Annotated[DecimalText, Field(gt=0, lt=1)] = Decimal("0.95")
    num_paths: NumPaths = 20_000
    seed: Seed = 0

    @model_validator(mode="after")
    def _effective(self) -> Self:
        if self.method is TailMethod.PARAMETRIC:
            for name in ("quantile_rule", "shortfall_rule"):
                if name in self.model_fields_set:
                    raise ValueError(f"expected no {name} with the parametric method")
        if (
            self.shortfall_rule is ShortfallRule.FRACTIONAL
            and self.quantile_rule is not QuantileRule.INVERTED_CDF
        ):
            raise ValueError("expected the quantile_rule inverted_cdf with a fractional shortfall")
        if self.method is not TailMethod.MONTE_CARLO:
            for name in ("num_paths", "seed"):
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(f"expected {name} with the Monte Carlo method alone")
        return self


class StressedVarInput(RiskInput):
    """Inputs of a stressed value at risk: the worst stretch of ``window_days`` returns.

    The search runs over all stretches of the last ``search_days`` returns up to ``as_of``.
    """

    window_days: WindowDays = 250
    search_days: Annotated[int, Field(strict=True, ge=2, le=15_000)] = 5000

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.search_days < self.window_days:
            raise ValueError("expected search_days to be at least window_days")
        return self


class ContributionMethod(StrEnum):
    """How risk is divided among positions."""

    HISTORICAL = "historical"
    PARAMETRIC = "parametric"


class VarContributionsInput(RiskInput):
    """Inputs of component, marginal and incremental value at risk by position."""

    method: ContributionMethod = ContributionMethod.HISTORICAL


class FilteredVarInput(PortfolioCalculation):
    """Inputs of a one-day value at risk filtered by a GARCH(1,1) volatility."""

    confidence: Annotated[DecimalText, Field(gt=0, lt=1)] = Decimal("0.99")
    window_days: Annotated[int, Field(strict=True, ge=250, le=5000)] = 1000


class StressSuiteInput(PortfolioCalculation):
    """Inputs of several stress scenarios on one book."""

    scenarios: Annotated[tuple[ScenarioInput, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [scenario.name for scenario in self.scenarios]
        if len(set(names)) != len(names):
            raise ValueError("expected every scenario to have a name of its own")
        return self


class StressContributionsInput(PortfolioCalculation):
    """Inputs of the contributions of positions to one stress scenario."""

    scenario: ScenarioInput


class ReverseDirection(StrEnum):
    """Along which line of scenarios a reverse stress test searches.

    ``EQUITY`` moves all prices by one fraction and leaves rates of exchange; ``LIKELY`` moves along
    the most likely normal scenario of a loss, the book's own covariance times its deltas.
    """

    EQUITY = "equity"
    LIKELY = "likely"


class ReverseStressInput(PortfolioCalculation):
    """Inputs of a reverse stress test: the smallest move that loses ``loss``, base currency."""

    loss: Annotated[DecimalText, Field(gt=0)]
    direction: ReverseDirection = ReverseDirection.EQUITY
    window_days: WindowDays = 750


class ProfitDistributionInput(PortfolioCalculation):
    """Inputs of the histogram of one-day profits under past returns."""

    window_days: WindowDays = 750
    num_bins: Annotated[int, Field(strict=True, ge=2, le=200)] = 30
    confidence: Annotated[DecimalText, Field(gt=0, lt=1)] = Decimal("0.99")
