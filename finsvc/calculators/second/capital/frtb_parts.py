"""Parts of the second FRTB method: factors, scenarios, aggregation across buckets."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from finsvc.calculators.inputs.capital.frtb import Sensitivity
from finsvc.calculators.inputs.capital.frtb_rules import FrtbParameters

_Floats = npt.NDArray[np.float64]
_Booleans = npt.NDArray[np.bool_]
_TenorRule = Callable[[_Floats, _Floats, _Booleans], _Floats]

NEGLIGIBLE = 1e-13
"""Share of the squared gross below which a sum of products is rounding noise."""

_INFLATION, _BASIS = 1000.0, 2000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A risk factor as the second method sees it; rates carry special tenors for their indices."""

    name: str
    kind: str
    tenor: float
    option: float
    weight: float
    name_rho: float
    kind_rho: float
    is_vega: bool
    tenor_rule: _TenorRule = field(compare=False)


def describe(row: Sensitivity, parameters: FrtbParameters, currency: str) -> Factor:
    """Describe the factor of a sensitivity that the first method has accepted."""
    risk_class, is_vega = row.risk_class.value, row.measure.value == "vega"
    name, kind = row.name, row.kind
    tenor = float(row.tenor_years or 0)
    name_rho = kind_rho = 1.0
    rule: _TenorRule = _level
    if risk_class == "fx":
        name = kind = ""
        tenor = 0.0
    elif risk_class == "girr":
        tenor = {"inflation": _INFLATION, "cross_currency": _BASIS}.get(kind, tenor)
        name, kind = ("", "") if is_vega else (name, "")
        rule = _between_maturities(parameters) if is_vega else _between_rates(parameters)
    else:
        rules = parameters.bucketed[risk_class]
        name_rho = rules.name_correlation.get(row.bucket, 0.0)
        kind_rho = rules.kind_correlation
        if is_vega or not rules.tenors:
            tenor = 0.0
        else:
            rule = _two_valued(rules.tenor_correlation)
    return Factor(
        name=name,
        kind=kind,
        tenor=tenor,
        option=float(row.option_tenor_years or 0),
        weight=_vega_weight(row, parameters) if is_vega else _weight(row, parameters, currency),
        name_rho=name_rho,
        kind_rho=kind_rho,
        is_vega=is_vega,
        tenor_rule=rule,
    )


def _weight(row: Sensitivity, parameters: FrtbParameters, currency: str) -> float:
    match row.risk_class.value:
        case "fx":
            listed = parameters.fx.liquid_currencies
            known = {"CNY" if row.bucket == "CNH" else row.bucket, currency} <= set(listed)
            return parameters.fx.weight * (math.sqrt(0.5) if known else 1.0)
        case "girr":
            rules = parameters.girr
            if row.kind == "inflation":
                base = rules.inflation_weight
            elif row.kind == "cross_currency":
                base = rules.cross_currency_weight
            else:
                years = float(row.tenor_years or 0)
                base = next(
                    weight for text, weight in rules.weights.items() if float(text) == years
                )
            known = row.bucket in {*rules.liquid_currencies, currency}
            return base * (math.sqrt(0.5) if known else 1.0)
        case other:
            classes = parameters.bucketed[other]
            return classes.weights[row.bucket] * (classes.kinds or {}).get(row.kind, 1.0)


def _vega_weight(row: Sensitivity, parameters: FrtbParameters) -> float:
    rules = parameters.vega
    days = rules.horizon_days[row.risk_class.value]
    if row.risk_class.value == "equity" and row.bucket in rules.small_equity_buckets:
        days = rules.small_equity_horizon_days
    return min(1.0, rules.volatility_weight * math.sqrt(days / 10.0))


def _level(one: _Floats, other: _Floats, same_name: _Booleans) -> _Floats:
    return np.ones(np.broadcast_shapes(one.shape, other.shape))


def _two_valued(rho: float) -> _TenorRule:
    def rule(one: _Floats, other: _Floats, same_name: _Booleans) -> _Floats:
        return np.where(one == other, 1.0, rho)

    return rule


def _between_maturities(parameters: FrtbParameters) -> _TenorRule:
    def rule(one: _Floats, other: _Floats, same_name: _Booleans) -> _Floats:
        return np.exp(-parameters.vega.decay * np.abs(one - other) / np.minimum(one, other))

    return rule


def _between_rates(parameters: FrtbParameters) -> _TenorRule:
    rates = parameters.girr

    def rule(one: _Floats, other: _Floats, same_name: _Booleans) -> _Floats:
        distance = np.abs(one - other) / np.minimum(one, other)
        rho = np.maximum(np.exp(-rates.decay * distance), rates.correlation_floor)
        rho = np.where(same_name, rho, rho * rates.curve_correlation)
        has_inflation = (one == _INFLATION) | (other == _INFLATION)
        rho = np.where(has_inflation, rates.inflation_correlation, rho)
        rho = np.where((one == _BASIS) | (other == _BASIS), 0.0, rho)
        own = (one == other) & (same_name | (one == _INFLATION))
        return np.where(own, 1.0, rho)

    return rule


def stress(rho: _Floats, scenario: str, parameters: FrtbParameters) -> _Floats:
    """Move correlations to a scenario."""
    rules = parameters.scenarios
    if scenario == "medium":
        return rho
    if scenario == "high":
        scaled = rho * rules.high_factor
        return np.where(scaled > 1.0, 1.0, scaled)
    shifted = 1.0 - rules.low_slope * (1.0 - rho)
    return np.where(shifted > rules.low_factor * rho, shifted, rules.low_factor * rho)


def bucket_gamma(risk_class: str, one: str, other: str, parameters: FrtbParameters) -> float:
    """Correlation of two buckets of a class, before a scenario."""
    if risk_class in {"girr", "fx"}:
        return parameters.girr.gamma if risk_class == "girr" else parameters.fx.gamma
    rules = parameters.bucketed[risk_class]
    value = rules.gamma[rules.groups[one]][rules.groups[other]]
    for good, bad in ((one, other), (other, one)):
        if good in rules.investment_grade and bad in rules.high_yield:
            value *= rules.cross_rating
    return value


def combine(
    risk_class: str,
    charges: dict[str, float],
    totals: dict[str, float],
    parameters: FrtbParameters,
    *,
    scenario: str,
    is_curvature: bool = False,
) -> float:
    """Aggregate the buckets of a class by explicit pairs."""
    names = sorted(charges)

    def pairs(sums: dict[str, float]) -> float:
        parts = []
        for number, one in enumerate(names):
            for other in names[number + 1 :]:
                if is_curvature and sums[one] < 0.0 and sums[other] < 0.0:
                    continue
                gamma = bucket_gamma(risk_class, one, other, parameters)
                gamma = gamma * gamma if is_curvature else gamma
                moved = float(stress(np.array([gamma]), scenario, parameters)[0])
                parts.append(2.0 * moved * sums[one] * sums[other])
        return math.fsum(parts)

    own = math.fsum(charge * charge for charge in charges.values())
    squared = own + pairs(totals)
    if squared < 0.0 and not is_curvature:
        squared = own + pairs(
            {name: max(-charges[name], min(totals[name], charges[name])) for name in names}
        )
    gross = math.fsum(max(charges[name], abs(totals[name])) for name in names)
    return math.sqrt(squared) if squared > NEGLIGIBLE * gross * gross else 0.0
