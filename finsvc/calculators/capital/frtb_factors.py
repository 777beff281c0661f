"""What the rules say of a sensitivity: its weight, its cell and its correlations, or an error.

A row that the rules cannot place is an `InputError` that names the row and the field.
"""

import math
from dataclasses import dataclass

import numpy as np

from finsvc.calculators.capital.frtb_groups import Correlation, Floats
from finsvc.calculators.inputs.capital.frtb import Measure, RiskClass, Sensitivity
from finsvc.calculators.inputs.capital.frtb_rules import (
    BucketedParameters,
    FrtbParameters,
    ScenarioParameters,
)
from finsvc.domain.errors import InputError

_YIELD, _INFLATION, _CROSS_CURRENCY = "yield", "inflation", "cross_currency"
_CURRENCY_LETTERS = 3
_PAIR_LETTERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A weighted sensitivity: the cell is unique within risk class and measure."""

    bucket: str
    name: str
    kind: str
    cell: tuple[float, ...]
    weight: float


def refuse(row: Sensitivity, field: str, expected: str) -> InputError:
    """Build the error for a field of a row that the rules cannot place."""
    return InputError(
        field=f"sensitivities.{row.id}.{field}",
        expected=expected,
        actual=repr(str(getattr(row, field))),
    )


def place(row: Sensitivity, parameters: FrtbParameters, currency: str) -> Placed:
    """Place a sensitivity.

    Raises:
        InputError: names the row and the field that the rules do not know.
    """
    if row.measure is Measure.VEGA:
        return _place_vega(row, parameters)
    if row.option_tenor_years is not None:
        raise refuse(row, "option_tenor_years", "nothing in a delta sensitivity")
    if row.risk_class is RiskClass.GIRR:
        return _place_rate(row, parameters, currency)
    if row.risk_class is RiskClass.FX:
        weight = parameters.fx.weight
        liquid = parameters.fx.liquid_currencies
        if _currency_code(row, currency) in liquid and currency in liquid:
            weight /= math.sqrt(2.0)
        return Placed(bucket=row.bucket, name="", kind="", cell=(), weight=weight)
    rules = parameters.bucketed[row.risk_class]
    weight = _bucket_weight(row, rules)
    if rules.kinds is not None:
        if row.kind not in rules.kinds:
            raise refuse(row, "kind", f"one of {', '.join(rules.kinds)}")
        weight *= rules.kinds[row.kind]
    return Placed(
        bucket=row.bucket, name=row.name, kind=row.kind, cell=_delta_cell(row, rules), weight=weight
    )


def _delta_cell(row: Sensitivity, rules: BucketedParameters) -> tuple[float, ...]:
    if not rules.tenors:
        return ()
    if row.tenor_years is None or float(row.tenor_years) not in rules.tenors:
        raise refuse(row, "tenor_years", _listed(rules.tenors))
    return (float(row.tenor_years),)


def _bucket_weight(row: Sensitivity, rules: BucketedParameters) -> float:
    if row.bucket not in rules.weights:
        raise refuse(row, "bucket", f"one of {', '.join(rules.weights)}")
    if not row.name:
        raise refuse(row, "name", "an issuer, tranche or commodity")
    return rules.weights[row.bucket]


def _currency_code(row: Sensitivity, reporting: str) -> str:
    if len(row.bucket) != _CURRENCY_LETTERS or not row.bucket.isupper() or row.bucket == reporting:
        raise refuse(row, "bucket", "a currency other than the reporting currency")
    return "CNY" if row.bucket == "CNH" else row.bucket


def _place_rate(row: Sensitivity, parameters: FrtbParameters, currency: str) -> Placed:
    rules = parameters.girr
    if len(row.bucket) != _CURRENCY_LETTERS or not row.bucket.isupper():
        raise refuse(row, "bucket", "a currency")
    kind = row.kind or _YIELD
    if kind == _YIELD:
        years = {float(tenor): weight for tenor, weight in rules.weights.items()}
        tenor = None if row.tenor_years is None else float(row.tenor_years)
        if tenor is None or tenor not in years:
            raise refuse(row, "tenor_years", _listed(tuple(years)))
        cell, weight = (tenor,), years[tenor]
    elif kind in {_INFLATION, _CROSS_CURRENCY}:
        cell = (-1.0,) if kind == _INFLATION else (-2.0,)
        weight = rules.inflation_weight if kind == _INFLATION else rules.cross_currency_weight
    else:
        raise refuse(row, "kind", "yield, inflation or cross_currency")
    if row.bucket in rules.liquid_currencies or row.bucket == currency:
        weight /= math.sqrt(2.0)
    return Placed(bucket=row.bucket, name=row.name, kind="", cell=cell, weight=weight)


def _place_vega(row: Sensitivity, parameters: FrtbParameters) -> Placed:
    rules = parameters.vega
    tenors = rules.option_tenors
    if row.option_tenor_years is None or float(row.option_tenor_years) not in tenors:
        raise refuse(row, "option_tenor_years", _listed(tenors))
    horizon = rules.horizon_days[row.risk_class]
    name, kind = row.name, row.kind
    cell: tuple[float, ...] = (float(row.option_tenor_years),)
    if row.risk_class is RiskClass.GIRR:
        if row.tenor_years is None or float(row.tenor_years) not in tenors:
            raise refuse(row, "tenor_years", _listed(tenors))
        name, kind, cell = "", "", (*cell, float(row.tenor_years))
    elif row.risk_class is RiskClass.FX:
        if len(row.bucket) != _PAIR_LETTERS or not row.bucket.isupper():
            raise refuse(row, "bucket", "a pair of currencies such as EURUSD")
        name, kind = "", ""
    else:
        _bucket_weight(row, parameters.bucketed[row.risk_class])
        if row.risk_class is RiskClass.EQUITY and row.bucket in rules.small_equity_buckets:
            horizon = rules.small_equity_horizon_days
    weight = min(rules.volatility_weight * math.sqrt(horizon) / math.sqrt(10.0), 1.0)
    return Placed(bucket=row.bucket, name=name, kind=kind, cell=cell, weight=weight)


def _listed(values: tuple[float, ...]) -> str:
    return "one of " + ", ".join(f"{value:g}" for value in values)


def scenario_map(rho: Floats, scenario: str, rules: ScenarioParameters) -> Floats:
    """Correlations of a scenario (low, medium, high) from those of the rules."""
    if scenario == "high":
        return np.minimum(rules.high_factor * rho, 1.0)
    if scenario == "low":
        return np.maximum(rules.low_slope * (rho - 1.0) + 1.0, rules.low_factor * rho)
    return rho


def correlation(
    risk_class: RiskClass,
    measure: Measure,
    bucket: str,
    cells: list[tuple[float, ...]],
    *,
    parameters: FrtbParameters,
    scenario: str,
) -> Correlation:
    """Return the correlations of a bucket under a scenario."""
    by_cell = np.array(
        [
            [_cell_rho(risk_class, measure, a, b, parameters=parameters) for b in cells]
            for a in cells
        ]
    )
    name_rho, kind_rho = 1.0, 1.0
    if risk_class in parameters.bucketed:
        rules = parameters.bucketed[risk_class]
        name_rho, kind_rho = rules.name_correlation.get(bucket, 0.0), rules.kind_correlation
    is_rate_delta = risk_class is RiskClass.GIRR and measure is Measure.DELTA

    def of(same_name: bool, same_kind: bool) -> Floats:
        rho = by_cell * (1.0 if same_name else name_rho) * (1.0 if same_kind else kind_rho)
        if is_rate_delta and not same_name:
            rho = _other_curve(rho, cells, parameters)
        return scenario_map(rho, scenario, parameters.scenarios)

    return of


def _other_curve(rho: Floats, cells: list[tuple[float, ...]], parameters: FrtbParameters) -> Floats:
    """Between two curves of a currency: less between yields, nothing between currency bases."""
    is_yield = np.array([cell[0] >= 0.0 for cell in cells])
    is_basis = np.array([cell[0] == -2.0 for cell in cells])
    result = np.where(
        is_yield[:, None] & is_yield[None, :], rho * parameters.girr.curve_correlation, rho
    )
    return np.where(is_basis[:, None] | is_basis[None, :], 0.0, result)


def _cell_rho(
    risk_class: RiskClass,
    measure: Measure,
    first: tuple[float, ...],
    second: tuple[float, ...],
    *,
    parameters: FrtbParameters,
) -> float:
    if first == second:
        return 1.0
    if measure is Measure.VEGA:
        decay = parameters.vega.decay
        rho = 1.0
        for one, other in zip(first, second, strict=True):
            rho *= math.exp(-decay * abs(one - other) / min(one, other))
        return min(rho, 1.0)
    if risk_class is RiskClass.GIRR:
        rules = parameters.girr
        one, other = first[0], second[0]
        if -2.0 in {one, other}:
            return 0.0
        if -1.0 in {one, other}:
            return rules.inflation_correlation
        decayed = math.exp(-rules.decay * abs(one - other) / min(one, other))
        return max(decayed, rules.correlation_floor)
    return parameters.bucketed[risk_class].tenor_correlation


def gamma(risk_class: RiskClass, first: str, second: str, parameters: FrtbParameters) -> float:
    """Correlation between two different buckets, before a scenario."""
    if risk_class is RiskClass.GIRR:
        return parameters.girr.gamma
    if risk_class is RiskClass.FX:
        return parameters.fx.gamma
    rules = parameters.bucketed[risk_class]
    value = rules.gamma[rules.groups[first]][rules.groups[second]]
    grades = {first in rules.investment_grade, second in rules.investment_grade}
    rated = {*rules.investment_grade, *rules.high_yield}
    if first in rated and second in rated and len(grades) > 1:
        value *= rules.cross_rating
    return value
