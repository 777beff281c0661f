"""Sensitivities-based method: delta, vega and curvature under three correlation scenarios.

Source: Basel Framework MAR21.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from finsvc.calculators.capital.frtb_factors import correlation, gamma, place, scenario_map
from finsvc.calculators.capital.frtb_groups import (
    NOISE,
    Factors,
    Floats,
    across,
    across_curvature,
    quadratic,
)
from finsvc.calculators.inputs.capital.frtb import (
    CurvatureFactor,
    FrtbInput,
    Measure,
    RiskClass,
    Sensitivity,
)
from finsvc.calculators.inputs.capital.frtb_rules import FrtbParameters
from finsvc.domain.errors import InputError

SCENARIOS = ("low", "medium", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCharge:
    """Charge of a risk class and measure in a scenario, and the charges of its buckets."""

    total: float
    buckets: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bucket:
    """Netted factors of a bucket; ``cells`` lists what the cell codes mean."""

    factors: Factors
    cells: list[tuple[float, ...]]


def sensitivities_charges(
    inputs: FrtbInput, parameters: FrtbParameters
) -> dict[tuple[str, str], dict[str, ClassCharge]]:
    """Charge of every risk class and measure present, by scenario.

    Raises:
        InputError: a row that the rules cannot place.
    """
    rows: defaultdict[tuple[RiskClass, Measure], list[Sensitivity]] = defaultdict(list)
    for row in inputs.sensitivities:
        rows[row.risk_class, row.measure].append(row)
    charges: dict[tuple[str, str], dict[str, ClassCharge]] = {}
    for risk_class in RiskClass:
        for measure in Measure:
            if own := rows.get((risk_class, measure)):
                buckets = _buckets(own, parameters, inputs.currency)
                charges[risk_class, measure] = {
                    scenario: _charge((risk_class, measure), buckets, parameters, scenario)
                    for scenario in SCENARIOS
                }
        factors = [row for row in inputs.curvature if row.risk_class is risk_class]
        if factors:
            charges[risk_class, "curvature"] = {
                scenario: _curvature(risk_class, factors, parameters, scenario)
                for scenario in SCENARIOS
            }
    return charges


def _buckets(
    rows: list[Sensitivity], parameters: FrtbParameters, currency: str
) -> Mapping[str, _Bucket]:
    """Weigh and net the sensitivities to each factor, bucket by bucket."""
    netted: defaultdict[str, defaultdict[tuple[str, str, tuple[float, ...]], float]]
    netted = defaultdict(lambda: defaultdict(float))
    known: dict[tuple[object, ...], tuple[str, tuple[str, str, tuple[float, ...]], float]] = {}
    for row in rows:
        key = (row.bucket, row.name, row.kind, row.tenor_years, row.option_tenor_years)
        if key not in known:
            placed = place(row, parameters, currency)
            factor = (placed.name, placed.kind, placed.cell)
            known[key] = (placed.bucket, factor, placed.weight)
        bucket, factor, weight = known[key]
        netted[bucket][factor] += float(row.amount) * weight
    return {bucket: _coded(netted[bucket]) for bucket in sorted(netted)}


def _coded(netted: Mapping[tuple[str, str, tuple[float, ...]], float]) -> _Bucket:
    names: dict[str, int] = {}
    kinds: dict[str, int] = {}
    cells: dict[tuple[float, ...], int] = {}
    keys = sorted(netted)
    codes = np.array(
        [
            (
                names.setdefault(name, len(names)),
                kinds.setdefault(kind, len(kinds)),
                cells.setdefault(cell, len(cells)),
            )
            for name, kind, cell in keys
        ],
        dtype=np.int64,
    )
    factors = Factors(
        names=codes[:, 0],
        kinds=codes[:, 1],
        cells=codes[:, 2],
        amounts=np.array([netted[key] for key in keys], dtype=np.float64),
        num_cells=len(cells),
    )
    return _Bucket(factors=factors, cells=list(cells))


def _charge(
    subject: tuple[RiskClass, Measure],
    buckets: Mapping[str, _Bucket],
    parameters: FrtbParameters,
    scenario: str,
) -> ClassCharge:
    risk_class, measure = subject
    charges, sums = [], []
    for name, bucket in buckets.items():
        amounts = bucket.factors.amounts
        sums.append(float(amounts.sum()))
        if _is_other(risk_class, name, parameters):
            charges.append(float(np.abs(amounts).sum()))
            continue
        rho = correlation(
            risk_class, measure, name, bucket.cells, parameters=parameters, scenario=scenario
        )
        charges.append(float(np.sqrt(quadratic(bucket.factors, rho))))
    matrix = _gammas(risk_class, list(buckets), parameters)
    moved = scenario_map(matrix, scenario, parameters.scenarios)
    return ClassCharge(
        total=across(np.array(charges), np.array(sums), moved),
        buckets=dict(zip(buckets, charges, strict=True)),
    )


def _is_other(risk_class: RiskClass, bucket: str, parameters: FrtbParameters) -> bool:
    rules = parameters.bucketed.get(risk_class)
    return rules is not None and rules.other_bucket == bucket


def _gammas(risk_class: RiskClass, buckets: list[str], parameters: FrtbParameters) -> Floats:
    return np.array(
        [[gamma(risk_class, one, other, parameters) for other in buckets] for one in buckets]
    )


def _curvature(
    risk_class: RiskClass,
    rows: list[CurvatureFactor],
    parameters: FrtbParameters,
    scenario: str,
) -> ClassCharge:
    """Curvature of a risk class: the worse shock of each bucket, squared correlations."""
    by_bucket: defaultdict[str, defaultdict[str, list[float]]]
    by_bucket = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for row in rows:
        _check_bucket(row, parameters)
        pair = by_bucket[row.bucket][row.name if risk_class in parameters.bucketed else ""]
        pair[0] += float(row.up)
        pair[1] += float(row.down)
    buckets = sorted(by_bucket)
    charges, sums = [], []
    for bucket in buckets:
        factors = by_bucket[bucket]
        values = np.array([factors[name] for name in sorted(factors)], dtype=np.float64)
        up, down = (
            _one_shock(values[:, side], (risk_class, bucket), parameters, scenario)
            for side in (0, 1)
        )
        totals = values.sum(axis=0)
        side = 0 if (up, totals[0]) >= (down, totals[1]) else 1
        charges.append((up, down)[side])
        sums.append(float(totals[side]))
    squared = _gammas(risk_class, buckets, parameters) ** 2
    matrix = scenario_map(squared, scenario, parameters.scenarios)
    return ClassCharge(
        total=across_curvature(np.array(charges), np.array(sums), matrix),
        buckets=dict(zip(buckets, charges, strict=True)),
    )


def _one_shock(
    values: Floats,
    subject: tuple[RiskClass, str],
    parameters: FrtbParameters,
    scenario: str,
) -> float:
    """Root of squared losses and cross terms; pairs of gains do not count.

    Correlations are the squared delta correlations, to which the scenario applies (MAR21.100).
    """
    risk_class, bucket = subject
    gains = np.minimum(values, 0.0)
    losses = np.maximum(values, 0.0)
    if _is_other(risk_class, bucket, parameters):
        return float(losses.sum())
    rho = 0.0
    if risk_class in parameters.bucketed:
        squared = np.array(parameters.bucketed[risk_class].name_correlation[bucket] ** 2)
        rho = float(scenario_map(squared, scenario, parameters.scenarios))

    def pairs(part: Floats) -> float:
        return float(part.sum()) ** 2 - float((part**2).sum())

    total = float((losses**2).sum()) + rho * (pairs(values) - pairs(gains))
    gross = float(np.abs(values).sum())
    return float(np.sqrt(total)) if total > NOISE * gross * gross else 0.0


def _check_bucket(row: CurvatureFactor, parameters: FrtbParameters) -> None:
    rules = parameters.bucketed.get(row.risk_class)
    if rules is not None and row.bucket not in rules.weights:
        raise InputError(
            field=f"curvature.{row.id}.bucket",
            expected=f"one of {', '.join(rules.weights)}",
            actual=repr(row.bucket),
        )
