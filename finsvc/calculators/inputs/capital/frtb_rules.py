"""Parameters of the FRTB standardised approach."""

from collections.abc import Mapping

from finsvc.calculators.inputs.capital.rulebook import Parameters


class ScenarioParameters(Parameters):
    """High: factor times rho, at most 1. Low: the larger of slope (rho - 1) + 1, factor rho."""

    high_factor: float
    low_slope: float
    low_factor: float


class GirrParameters(Parameters):
    """General interest rate risk: weights by tenor in years, correlations between tenors."""

    weights: Mapping[str, float]
    inflation_weight: float
    cross_currency_weight: float
    liquid_currencies: tuple[str, ...]
    decay: float
    correlation_floor: float
    curve_correlation: float
    inflation_correlation: float
    gamma: float


class FxParameters(Parameters):
    """Foreign exchange risk: one weight, smaller between liquid currencies."""

    weight: float
    liquid_currencies: tuple[str, ...]
    gamma: float


class BucketedParameters(Parameters):
    """A risk class with numbered buckets.

    The correlation of two factors of a bucket is the product of that of names, of tenors and of
    kinds (bond or credit default swap, spot or repo, delivery location). ``kinds`` maps a kind to
    the multiple of the bucket's weight it bears; None lets any location stand. The other bucket
    adds absolute amounts. ``gamma`` is between groups of buckets, times ``cross_rating`` between
    investment grade and high yield.
    """

    weights: Mapping[str, float]
    name_correlation: Mapping[str, float]
    tenor_correlation: float
    kind_correlation: float
    kinds: Mapping[str, float] | None
    tenors: tuple[float, ...]
    other_bucket: str | None
    groups: Mapping[str, str]
    gamma: Mapping[str, Mapping[str, float]]
    investment_grade: tuple[str, ...]
    high_yield: tuple[str, ...]
    cross_rating: float


class VegaParameters(Parameters):
    """Vega: weight is volatility weight times the root of horizon over ten days, at most 1."""

    volatility_weight: float
    decay: float
    option_tenors: tuple[float, ...]
    horizon_days: Mapping[str, int]
    small_equity_buckets: tuple[str, ...]
    small_equity_horizon_days: int


class DefaultRiskParameters(Parameters):
    """Default risk charge: weights by rating, losses given default by seniority."""

    weights: Mapping[str, float]
    loss_given_default: Mapping[str, float]
    maturity_floor_years: float
    correlation_trading_short_credit: float


class ResidualParameters(Parameters):
    """Residual risk add-on: shares of the gross notional."""

    exotic: float
    other: float


class FrtbParameters(Parameters):
    """All parameters of the standardised approach; ``bucketed`` is keyed by risk class."""

    scenarios: ScenarioParameters
    girr: GirrParameters
    fx: FxParameters
    bucketed: Mapping[str, BucketedParameters]
    vega: VegaParameters
    default_risk: DefaultRiskParameters
    residual: ResidualParameters
