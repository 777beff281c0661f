"""Pairs of factors of the second SIMM method: correlation matrices written out by blocks."""

import math
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from finsvc.calculators.inputs.capital.simm_rules import SimmParameters

_Floats = npt.NDArray[np.float64]

_BLOCK = 512
_NEGLIGIBLE = 1e-13


class Node(NamedTuple):
    """A factor: bucket, issuer, family of correlation, tenor, kind."""

    bucket: str
    issuer: str
    family: str
    tenor: str
    kind: str


def linear(
    risk_class: str,
    sums: dict[Node, float],
    parameters: SimmParameters,
    calculation_currency: str,
    *,
    is_vega: bool,
) -> float:
    """Delta or vega margin of a risk class."""
    issuers: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for node, amount in sums.items():
        if node.kind != "basis":
            issuers[node.bucket, node.issuer].append(amount)
    levels = {
        key: max(1.0, abs(math.fsum(parts)) / _limit(risk_class, key, parameters, is_vega))
        for key, parts in issuers.items()
    }
    members: defaultdict[str, list[tuple[Node, float, float]]] = defaultdict(list)
    for node, amount in sums.items():
        level = 1.0
        if node.kind != "basis" and parameters.has_concentration:
            level = math.sqrt(levels[node.bucket, node.issuer])
        weight = _weight(risk_class, node, parameters, calculation_currency, is_vega=is_vega)
        members[node.bucket].append((node, amount * weight * level, level))
    charges: dict[str, float] = {}
    nets: dict[str, float] = {}
    tops: dict[str, float] = {}
    for bucket, rows in members.items():
        charges[bucket] = math.sqrt(
            _square(risk_class, rows, parameters, calculation_currency, is_vega=is_vega)
        )
        net = math.fsum(amount for _, amount, _ in rows)
        nets[bucket] = math.copysign(min(abs(net), charges[bucket]), net)
        tops[bucket] = max(level for _, _, level in rows)
    rest = charges.pop("Residual", 0.0)
    total = math.fsum(charge * charge for charge in charges.values())
    for one in charges:
        for other in charges:
            if one != other:
                gamma = _gamma(risk_class, one, other, parameters)
                if risk_class == "rates":
                    gamma *= min(tops[one] / tops[other], tops[other] / tops[one])
                total += gamma * nets[one] * nets[other]
    return math.sqrt(max(total, 0.0)) + rest


def curved(risk_class: str, sums: dict[Node, float], parameters: SimmParameters) -> float:
    """Curvature margin of a risk class."""
    margin = math.fsum(
        _curved_part(
            risk_class,
            {node: x for node, x in sums.items() if (node.bucket == "Residual") is residual},
            parameters,
        )
        for residual in (False, True)
    )
    scale = parameters.rates.historical_volatility_ratio if risk_class == "rates" else 1.0
    return margin / (scale * scale)


def _curved_part(risk_class: str, sums: dict[Node, float], parameters: SimmParameters) -> float:
    members: defaultdict[str, list[tuple[Node, float, float]]] = defaultdict(list)
    for node, amount in sums.items():
        members[node.bucket].append((node, amount, 1.0))
    charges: dict[str, float] = {}
    nets: dict[str, float] = {}
    for bucket, rows in members.items():
        charges[bucket] = math.sqrt(
            _square(risk_class, rows, parameters, "", is_vega=True, is_squared=True)
        )
        net = math.fsum(amount for _, amount, _ in rows)
        nets[bucket] = math.copysign(min(abs(net), charges[bucket]), net)
    total = math.fsum(charge * charge for charge in charges.values())
    for one in charges:
        for other in charges:
            if one != other:
                total += _gamma(risk_class, one, other, parameters) ** 2 * nets[one] * nets[other]
    net = math.fsum(sums.values())
    gross = math.fsum(abs(amount) for amount in sums.values())
    if gross == 0.0:
        return 0.0
    theta = net / gross if net < 0.0 else 0.0
    # The 99.5 % quantile, squared.
    tail = 2.5758293035489004**2 - 1.0
    return max(0.0, net + (tail + (tail - 1.0) * theta) * math.sqrt(max(total, 0.0)))


def _limit(
    risk_class: str, key: tuple[str, str], parameters: SimmParameters, is_vega: bool
) -> float:
    bucket, issuer = key
    if risk_class == "rates":
        rates = parameters.rates
        group = rates.concentration_group.get(bucket, rates.default_concentration_group)
        return rates.vega_threshold[group] if is_vega else rates.delta_threshold[group]
    if risk_class == "fx":
        fx = parameters.fx
        one = fx.concentration_group.get(issuer[:3], fx.default_concentration_group)
        if not is_vega:
            return fx.delta_threshold[one]
        other = fx.concentration_group.get(issuer[3:], fx.default_concentration_group)
        return fx.vega_threshold[one][other]
    rules = parameters.bucketed[risk_class]
    return rules.vega_threshold[bucket] if is_vega else rules.delta_threshold[bucket]


def _weight(
    risk_class: str,
    node: Node,
    parameters: SimmParameters,
    calculation_currency: str,
    *,
    is_vega: bool,
) -> float:
    if risk_class == "rates":
        rates = parameters.rates
        if is_vega:
            return rates.vega_weight
        special = {"inflation": rates.inflation_weight, "basis": rates.cross_currency_weight}
        if node.kind in special:
            return special[node.kind]
        group = rates.volatility_group.get(node.bucket, rates.default_volatility_group)
        return rates.weights[group][node.tenor]
    if risk_class == "fx":
        fx = parameters.fx
        if is_vega:
            return fx.vega_weight
        one, other = (
            fx.volatility_group.get(code, fx.default_volatility_group)
            for code in (node.issuer, calculation_currency)
        )
        return fx.weights[one][other]
    rules = parameters.bucketed[risk_class]
    return rules.vega_weights[node.bucket] if is_vega else rules.weights[node.bucket]


def _gamma(risk_class: str, one: str, other: str, parameters: SimmParameters) -> float:
    if risk_class == "rates":
        return parameters.rates.currency_correlation
    return parameters.bucketed[risk_class].bucket_correlation[one][other]


def _square(
    risk_class: str,
    rows: list[tuple[Node, float, float]],
    parameters: SimmParameters,
    calculation_currency: str,
    *,
    is_vega: bool,
    is_squared: bool = False,
) -> float:
    """Quadratic form of a bucket; ``is_squared`` squares the correlations (curvature)."""
    nodes = [node for node, _, _ in rows]
    amounts = np.array([amount for _, amount, _ in rows])
    levels = np.array([level for _, _, level in rows])
    if risk_class == "rates":
        levels = np.ones_like(levels)
    parts = []
    for start in range(0, len(rows), _BLOCK):
        own = slice(start, start + _BLOCK)
        if risk_class == "rates":
            rho = _rates_rho(nodes[own], nodes, parameters)
        elif risk_class == "fx":
            rho = _fx_rho(nodes[own], nodes, parameters, calculation_currency, is_vega=is_vega)
        else:
            rules = parameters.bucketed[risk_class]
            same = rules.same_name_correlation[nodes[0].bucket]
            other = rules.other_name_correlation[nodes[0].bucket]
            rho = np.where(_equal(nodes[own], nodes), same, other)
        rho = rho * rho if is_squared else rho
        ratio = levels[own, None] / levels[None, :]
        rho = rho * np.minimum(ratio, 1.0 / ratio)
        rho[np.arange(rho.shape[0]), np.arange(start, start + rho.shape[0])] = 1.0
        parts.append(float(np.sum(rho * amounts[own, None] * amounts[None, :])))
    total = math.fsum(parts)
    return total if total > _NEGLIGIBLE * float(np.abs(amounts).sum()) ** 2 else 0.0


def _equal(own: list[Node], nodes: list[Node]) -> npt.NDArray[np.bool_]:
    codes = {name: number for number, name in enumerate({node.family for node in nodes})}
    left = np.array([codes[node.family] for node in own])
    right = np.array([codes[node.family] for node in nodes])
    return np.asarray(left[:, None] == right[None, :])


def _rates_rho(own: list[Node], nodes: list[Node], parameters: SimmParameters) -> _Floats:
    rates = parameters.rates
    position = {tenor: number for number, tenor in enumerate(rates.tenors)}
    matrix = []
    for one in own:
        line = []
        for other in nodes:
            kinds = {one.kind, other.kind}
            if "basis" in kinds:
                line.append(rates.cross_currency_correlation)
            elif "inflation" in kinds:
                line.append(rates.inflation_correlation)
            else:
                rho = rates.tenor_correlation[position[one.tenor]][position[other.tenor]]
                line.append(
                    rho if one.family == other.family else rho * rates.sub_curve_correlation
                )
        matrix.append(line)
    return np.array(matrix)


def _fx_rho(
    own: list[Node],
    nodes: list[Node],
    parameters: SimmParameters,
    calculation_currency: str,
    *,
    is_vega: bool,
) -> _Floats:
    fx = parameters.fx
    if is_vega:
        return np.full((len(own), len(nodes)), fx.vega_correlation)
    group = {
        code: fx.volatility_group.get(code, fx.default_volatility_group)
        for code in (*(node.issuer for node in nodes), calculation_currency)
    }
    table = fx.correlations[group[calculation_currency]]
    return np.array(
        [[table[group[one.issuer]][group[other.issuer]] for other in nodes] for one in own]
    )
