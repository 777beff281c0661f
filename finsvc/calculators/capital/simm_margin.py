"""Margin of a risk class and measure: weights, concentration, correlations.

The concentration factor between two names is the smaller over the larger of theirs. Names sorted by
theirs make the sum over all pairs a running sum, so that cost grows with the names and not with
their square.
"""

import math
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from finsvc.calculators.capital.simm_rows import SimmFactor, SimmMeasure, fx_group
from finsvc.calculators.inputs.capital.simm_rules import SimmParameters

_Floats = npt.NDArray[np.float64]
_Amounts = dict[SimmFactor, float]

CURVATURE_QUANTILE = 2.5758293035489004
"""Quantile of the standard normal distribution at 99.5 %."""

RESIDUAL = "Residual"
_NOISE = 1e-13


def measure_margin(
    risk_class: str,
    measure: SimmMeasure,
    amounts: _Amounts,
    parameters: SimmParameters,
    calculation_currency: str,
) -> float:
    """Margin of a measure of a risk class within a product class, in USD."""
    if measure is SimmMeasure.BASE_CORRELATION:
        rules = parameters.base_correlation
        values = rules.weight * np.array(list(amounts.values()))
        total = float(values.sum())
        squares = float((values**2).sum())
        return math.sqrt(max(squares + rules.correlation * (total * total - squares), 0.0))
    scope = _Scope(risk_class, measure, parameters, calculation_currency)
    buckets: defaultdict[str, _Amounts] = defaultdict(dict)
    for factor in sorted(amounts):
        buckets[factor.bucket][factor] = amounts[factor]
    if measure is SimmMeasure.CURVATURE:
        return _curvature(buckets, scope)
    charges, sums, levels = {}, {}, {}
    for bucket, factors in buckets.items():
        concentration = scope.concentrations(bucket, factors)
        weighted = np.array(
            [
                amount * scope.weight(factor) * concentration[factor]
                for factor, amount in factors.items()
            ]
        )
        ratios = np.array([concentration[factor] for factor in factors])
        charge = math.sqrt(scope.form(bucket, list(factors), weighted, ratios))
        charges[bucket] = charge
        sums[bucket] = min(max(float(weighted.sum()), -charge), charge)
        levels[bucket] = float(ratios.max()) if risk_class == "rates" else 1.0
    plain = [bucket for bucket in charges if bucket != RESIDUAL]
    total = sum(charges[bucket] ** 2 for bucket in plain)
    total += _across(plain, sums, scope, levels)
    return math.sqrt(max(total, 0.0)) + charges.get(RESIDUAL, 0.0)


def _across(
    buckets: list[str],
    sums: dict[str, float],
    scope: "_Scope",
    levels: dict[str, float] | None = None,
) -> float:
    """Cross terms of buckets; curvature (no levels) squares their correlations."""
    total = 0.0
    for idx, one in enumerate(buckets):
        for other in buckets[idx + 1 :]:
            gamma = scope.gamma(one, other)
            if levels is None:
                gamma = gamma * gamma
            else:
                low, high = sorted((levels[one], levels[other]))
                gamma = gamma * low / high
            total += 2.0 * gamma * sums[one] * sums[other]
    return total


def _curvature(buckets: dict[str, _Amounts], scope: "_Scope") -> float:
    rest = {bucket: factors for bucket, factors in buckets.items() if bucket != RESIDUAL}
    residual = {bucket: factors for bucket, factors in buckets.items() if bucket == RESIDUAL}
    margin = _curvature_part(rest, scope) + _curvature_part(residual, scope)
    if scope.risk_class == "rates":
        margin /= scope.parameters.rates.historical_volatility_ratio**2
    return margin


def _curvature_part(buckets: dict[str, _Amounts], scope: "_Scope") -> float:
    charges, sums = {}, {}
    everything = [amount for factors in buckets.values() for amount in factors.values()]
    for bucket, factors in buckets.items():
        values = np.array(list(factors.values()))
        charge = math.sqrt(scope.form(bucket, list(factors), values, np.ones(len(values))))
        charges[bucket] = charge
        sums[bucket] = min(max(float(values.sum()), -charge), charge)
    gross = sum(abs(amount) for amount in everything)
    net = sum(everything)
    theta = min(net / gross, 0.0) if gross > 0.0 else 0.0
    slope = (CURVATURE_QUANTILE**2 - 1.0) * (1.0 + theta) - theta
    squares = sum(charge**2 for charge in charges.values())
    root = math.sqrt(max(squares + _across(list(buckets), sums, scope), 0.0))
    return max(net + slope * root, 0.0)


def _pairs(values: _Floats, ratios: _Floats) -> float:
    """Sum over ordered pairs of different factors, each times the ratio of concentrations."""
    order = np.argsort(ratios, kind="stable")
    values, ratios = values[order], ratios[order]
    below = np.cumsum(values * ratios) - values * ratios
    return 2.0 * float((values / ratios * below).sum())


class _Scope:
    """Weights and correlations of one risk class and measure."""

    def __init__(
        self,
        risk_class: str,
        measure: SimmMeasure,
        parameters: SimmParameters,
        calculation_currency: str,
    ) -> None:
        self.risk_class = risk_class
        self.parameters = parameters
        self._measure = measure
        self._power = 2 if measure is SimmMeasure.CURVATURE else 1
        self._base_group = fx_group(calculation_currency, parameters)

    def weight(self, factor: SimmFactor) -> float:
        """Risk weight of a factor in delta or vega."""
        is_vega = self._measure is SimmMeasure.VEGA
        if self.risk_class == "rates":
            rates = self.parameters.rates
            if is_vega:
                return rates.vega_weight
            if factor.kind == "inflation":
                return rates.inflation_weight
            if factor.kind == "cross_currency":
                return rates.cross_currency_weight
            group = rates.volatility_group.get(factor.bucket, rates.default_volatility_group)
            return rates.weights[group][factor.tenor]
        if self.risk_class == "fx":
            fx = self.parameters.fx
            own = fx_group(factor.issuer, self.parameters)
            return fx.vega_weight if is_vega else fx.weights[own][self._base_group]
        rules = self.parameters.bucketed[self.risk_class]
        return (rules.vega_weights if is_vega else rules.weights)[factor.bucket]

    def concentrations(self, bucket: str, factors: _Amounts) -> dict[SimmFactor, float]:
        """Concentration factor of every risk factor: the root of sum over threshold, at least 1."""
        sums: defaultdict[str, float] = defaultdict(float)
        for factor, amount in factors.items():
            if factor.kind != "cross_currency":
                sums[factor.issuer] += amount
        result = {}
        for factor in factors:
            if factor.kind == "cross_currency" or not self.parameters.has_concentration:
                result[factor] = 1.0
                continue
            threshold = self._threshold(bucket, factor.issuer)
            result[factor] = max(1.0, math.sqrt(abs(sums[factor.issuer]) / threshold))
        return result

    def _threshold(self, bucket: str, issuer: str) -> float:
        is_vega = self._measure is SimmMeasure.VEGA
        if self.risk_class == "rates":
            rates = self.parameters.rates
            group = rates.concentration_group.get(bucket, rates.default_concentration_group)
            return (rates.vega_threshold if is_vega else rates.delta_threshold)[group]
        if self.risk_class == "fx":
            fx = self.parameters.fx
            groups = [
                fx.concentration_group.get(code, fx.default_concentration_group)
                for code in (issuer[:3], issuer[3:])
            ]
            if is_vega:
                return fx.vega_threshold[groups[0]][groups[1]]
            return fx.delta_threshold[groups[0]]
        rules = self.parameters.bucketed[self.risk_class]
        return (rules.vega_threshold if is_vega else rules.delta_threshold)[bucket]

    def gamma(self, one: str, other: str) -> float:
        """Correlation between two buckets; exchange rates have one bucket only."""
        if self.risk_class == "rates":
            return self.parameters.rates.currency_correlation
        return self.parameters.bucketed[self.risk_class].bucket_correlation[one][other]

    def form(
        self, bucket: str, factors: list[SimmFactor], values: _Floats, ratios: _Floats
    ) -> float:
        """Squared charge of a bucket."""
        squares = float((values**2).sum())
        if self.risk_class == "rates":
            total = self._rates_form(factors, values)
        elif self.risk_class == "fx":
            total = squares + self._fx_pairs(factors, values, ratios)
        else:
            rules = self.parameters.bucketed[self.risk_class]
            same = rules.same_name_correlation[bucket] ** self._power
            other = rules.other_name_correlation[bucket] ** self._power
            total = squares + other * _pairs(values, ratios)
            total += (same - other) * _grouped(
                values, ratios, factors, key=lambda factor: factor.family
            )
        gross = float(np.abs(values).sum())
        return total if total > _NOISE * gross * gross else 0.0

    def _fx_pairs(self, factors: list[SimmFactor], values: _Floats, ratios: _Floats) -> float:
        fx = self.parameters.fx
        everything = _pairs(values, ratios)
        if self._measure is not SimmMeasure.DELTA:
            return float(fx.vega_correlation**self._power) * everything
        groups = [fx_group(factor.issuer, self.parameters) for factor in factors]
        table = fx.correlations[self._base_group]
        total, inner = 0.0, 0.0
        names = sorted(set(groups))
        for name in names:
            chosen = np.array([group == name for group in groups])
            own = _pairs(values[chosen], ratios[chosen])
            inner += own
            total += table[name][name] * own
        if len(names) > 1:
            total += table[names[0]][names[1]] * (everything - inner)
        return total

    def _rates_form(self, factors: list[SimmFactor], values: _Floats) -> float:
        rates = self.parameters.rates
        index = {tenor: idx for idx, tenor in enumerate(rates.tenors)}
        curves: defaultdict[str, _Floats] = defaultdict(lambda: np.zeros(len(index)))
        special = {"inflation": 0.0, "cross_currency": 0.0}
        for factor, value in zip(factors, values.tolist(), strict=True):
            if factor.kind in special:
                special[factor.kind] += value
            else:
                curves[factor.kind][index[factor.tenor]] += value
        own = np.array(rates.tenor_correlation) ** self._power
        across = np.array(rates.tenor_correlation) * rates.sub_curve_correlation
        across = across**self._power
        points = np.array([curves[name] for name in sorted(curves)]).reshape(-1, len(index))
        total_points = points.sum(axis=0)
        total = float(((points[:, :, None] * (own - across)).sum(axis=1) * points).sum())
        total += float(((total_points[:, None] * across).sum(axis=0) * total_points).sum())
        inflation, basis = special["inflation"], special["cross_currency"]
        level = float(total_points.sum())
        total += inflation**2 + basis**2
        total += 2.0 * rates.inflation_correlation**self._power * inflation * level
        total += 2.0 * rates.cross_currency_correlation**self._power * basis * (level + inflation)
        return total


def _grouped(
    values: _Floats,
    ratios: _Floats,
    factors: list[SimmFactor],
    *,
    key: Callable[[SimmFactor], str],
) -> float:
    """Sum of pairs within groups of the same key."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for idx, factor in enumerate(factors):
        members[key(factor)].append(idx)
    return sum(_pairs(values[part], ratios[part]) for part in members.values() if len(part) > 1)
