"""Second method of the FRTB standardised approach: every pair of factors written out.

Correlations come from comparing the factors of a bucket with each other in blocks, one matrix a
scenario; the first method never forms a pair. Cost is quadratic in the factors of a bucket.
"""

import math
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from finsvc.calculators.inputs.capital.frtb import FrtbInput, Sensitivity
from finsvc.calculators.inputs.capital.frtb_rules import FrtbParameters
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.second.capital.frtb_default import confirm_defaults
from finsvc.calculators.second.capital.frtb_parts import (
    NEGLIGIBLE,
    Factor,
    combine,
    describe,
    stress,
)
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_Floats = npt.NDArray[np.float64]

_BLOCK = 512


def confirm_frtb_sa(inputs: FrtbInput, market: MarketView) -> SecondOpinion:
    """Compute the charge and its parts again."""
    parameters = rule_set("frtb", FrtbParameters, inputs.jurisdiction, inputs.as_of).parameters
    values: dict[str, Number] = {}
    totals = dict.fromkeys(("low", "medium", "high"), 0.0)
    buckets: dict[str, dict[str, float]] = {name: {} for name in totals}
    groups: defaultdict[str, list[Sensitivity]] = defaultdict(list)
    for row in inputs.sensitivities:
        groups[f"{row.risk_class.value}:{row.measure.value}"].append(row)
    for name, rows in groups.items():
        for scenario, (amount, parts) in _linear(rows, parameters, inputs.currency).items():
            values[f"charge.{name}:{scenario}"] = amount
            totals[scenario] += amount
            buckets[scenario].update({f"bucket.{name}:{key}": x for key, x in parts.items()})
    for risk_class in {row.risk_class.value for row in inputs.curvature}:
        for scenario in totals:
            amount, parts = _curvature(inputs, risk_class, parameters, scenario)
            name = f"{risk_class}:curvature"
            values[f"charge.{name}:{scenario}"] = amount
            totals[scenario] += amount
            buckets[scenario].update({f"bucket.{name}:{key}": x for key, x in parts.items()})
    values.update({f"scenario.{name}": amount for name, amount in totals.items()})
    worst = max(totals.values())
    values.update(buckets[max(totals, key=lambda name: totals[name])])
    defaults, default_total = confirm_defaults(inputs.default_positions, parameters.default_risk)
    values.update({f"default.{name}": amount for name, amount in defaults.items()})
    exotic = sum(float(r.notional) for r in inputs.residual_positions if r.kind == "exotic")
    other = sum(float(r.notional) for r in inputs.residual_positions if r.kind == "other")
    residual = exotic * parameters.residual.exotic + other * parameters.residual.other
    values["sensitivities_total"] = worst
    values["default_total"] = default_total
    values["residual_total"] = residual
    values["capital_total"] = worst + default_total + residual
    return opinion("pair by pair, correlation matrices written out", values)


def _linear(
    rows: list[Sensitivity], parameters: FrtbParameters, currency: str
) -> dict[str, tuple[float, dict[str, float]]]:
    """Delta or vega charge of a risk class and its buckets by scenario."""
    sums: defaultdict[str, defaultdict[Factor, list[float]]]
    sums = defaultdict(lambda: defaultdict(list))
    for row in rows:
        factor = describe(row, parameters, currency)
        sums[row.bucket][factor].append(float(row.amount))
    risk_class = rows[0].risk_class.value
    buckets = {
        bucket: [(factor, factor.weight * math.fsum(part)) for factor, part in members.items()]
        for bucket, members in sums.items()
    }
    return {
        scenario: _linear_scenario(risk_class, buckets, parameters, scenario)
        for scenario in ("low", "medium", "high")
    }


def _linear_scenario(
    risk_class: str,
    buckets: dict[str, list[tuple[Factor, float]]],
    parameters: FrtbParameters,
    scenario: str,
) -> tuple[float, dict[str, float]]:
    charges = {}
    totals = {}
    for bucket, members in buckets.items():
        amounts = np.array([amount for _, amount in members])
        totals[bucket] = math.fsum(amounts)
        rules = parameters.bucketed.get(risk_class)
        if rules is not None and rules.other_bucket == bucket:
            charges[bucket] = math.fsum(np.abs(amounts))
            continue
        squared = _all_pairs([factor for factor, _ in members], amounts, scenario, parameters)
        noise = NEGLIGIBLE * float(np.abs(amounts).sum()) ** 2
        charges[bucket] = math.sqrt(squared) if squared > noise else 0.0
    return combine(risk_class, charges, totals, parameters, scenario=scenario), charges


def _all_pairs(
    factors: list[Factor], amounts: _Floats, scenario: str, parameters: FrtbParameters
) -> float:
    """Sum over all pairs of a bucket, a block of rows at a time."""
    names = _numbered([factor.name for factor in factors])
    kinds = _numbered([factor.kind for factor in factors])
    tenors = np.array([factor.tenor for factor in factors])
    options = np.array([factor.option for factor in factors])
    sample = factors[0]
    parts = []
    for start in range(0, len(factors), _BLOCK):
        own = slice(start, start + _BLOCK)
        same_name = names[own, None] == names[None, :]
        rho = np.where(same_name, 1.0, sample.name_rho)
        rho *= np.where(kinds[own, None] == kinds[None, :], 1.0, sample.kind_rho)
        rho *= sample.tenor_rule(tenors[own, None], tenors[None, :], same_name)
        if sample.is_vega:
            gap = np.abs(options[own, None] - options[None, :])
            nearer = np.minimum(options[own, None], options[None, :])
            rho *= np.exp(-parameters.vega.decay * gap / nearer)
        stressed = stress(rho, scenario, parameters)
        parts.append(float(np.sum(stressed * amounts[own, None] * amounts[None, :])))
    return math.fsum(parts)


def _numbered(words: list[str]) -> npt.NDArray[np.int64]:
    order = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return np.array([order[word] for word in words])


def _curvature(
    inputs: FrtbInput, risk_class: str, parameters: FrtbParameters, scenario: str
) -> tuple[float, dict[str, float]]:
    cells: defaultdict[str, defaultdict[str, list[tuple[float, float]]]]
    cells = defaultdict(lambda: defaultdict(list))
    rules = parameters.bucketed.get(risk_class)
    for row in inputs.curvature:
        if row.risk_class == risk_class:
            name = row.name if rules is not None else "whole bucket"
            cells[row.bucket][name].append((float(row.up), float(row.down)))
    charges: dict[str, float] = {}
    totals: dict[str, float] = {}
    for bucket, members in cells.items():
        is_other = rules is not None and rules.other_bucket == bucket
        base = 0.0 if rules is None else rules.name_correlation.get(bucket, 0.0)
        rho = float(stress(np.array([base * base]), scenario, parameters)[0])
        results = []
        for side in (0, 1):
            moves = [math.fsum(pair[side] for pair in pairs) for pairs in members.values()]
            results.append((_shock(moves, rho, is_other=is_other), math.fsum(moves)))
        charges[bucket], totals[bucket] = max(results)
    total = combine(risk_class, charges, totals, parameters, scenario=scenario, is_curvature=True)
    return total, charges


def _shock(moves: list[float], rho: float, *, is_other: bool) -> float:
    if is_other:
        return math.fsum(move for move in moves if move > 0.0)
    vector = np.array(moves)
    counts = ~((vector[:, None] < 0.0) & (vector[None, :] < 0.0))
    weights = np.where(np.eye(len(moves), dtype=bool), 1.0, rho) * counts
    squared = float(np.sum(weights * vector[:, None] * vector[None, :]))
    noise = NEGLIGIBLE * float(np.abs(vector).sum()) ** 2
    return math.sqrt(squared) if squared > noise else 0.0
