"""Second methods of value at risk from given profits and from sensitivities.

A quadratic form of normal moves is a sum of independent terms a z + b z^2 / 2 once covariance and
gamma are diagonal together; cumulants and simulations are taken of that sum. A component is
the covariance of a factor's own profit with the whole.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.capital.fields import field_part
from finsvc.calculators.inputs.sensitivity import (
    ProfitSeriesVarInput,
    SensitivityMethod,
    SensitivityVarInput,
)
from finsvc.calculators.second.market_risk.tails import sample_figures
from finsvc.calculators.second.opinion import opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

Floats = npt.NDArray[np.float64]

_STREAM = 0x5E45
_OVERSAMPLING = 3


def confirm_profit_series_var(inputs: ProfitSeriesVarInput, _market: MarketView) -> SecondOpinion:
    """Take numpy's quantile and scipy's ranks."""
    losses = np.array([-float(value) for value in inputs.profits])
    return opinion("numpy quantiles, scipy ranks", sample_figures(inputs, losses))


def _matrices(inputs: SensitivityVarInput) -> tuple[Floats, Floats, Floats]:
    names = [row.name for row in inputs.factors]
    size = len(names)
    gamma, covariance = np.zeros((size, size)), np.zeros((size, size))
    for at, row in enumerate(inputs.factors):
        gamma[at, at], covariance[at, at] = float(row.gamma), float(row.variance)
    place = dict(zip(names, range(size), strict=True))
    for pair in inputs.pairs:
        one, two = place[pair.first], place[pair.second]
        gamma[one, two] = gamma[two, one] = float(pair.gamma)
        covariance[one, two] = covariance[two, one] = float(pair.covariance)
    if inputs.method is SensitivityMethod.DELTA:
        gamma[:] = 0.0
    return np.array([float(row.delta) for row in inputs.factors]), gamma, covariance


def _independent(delta: Floats, gamma: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Coefficients a and b of the independent terms a z + b z^2 / 2."""
    if len(delta) == 0:
        return delta, delta
    # Scaled to unit variances first, so that factors of very different size keep their digits.
    scale = np.sqrt(np.diag(covariance))
    safe = np.where(scale > 0.0, scale, 1.0)
    values, vectors = linalg.eigh(covariance / np.outer(safe, safe))
    root = scale[:, None] * vectors * np.sqrt(np.clip(values, 0.0, None))
    curves, turn = linalg.eigh(root.T @ gamma @ root)
    return turn.T @ (root.T @ delta), curves


def _figures(inputs: SensitivityVarInput, a: Floats, b: Floats) -> dict[str, float]:
    mean = float(b.sum()) / 2.0
    variance = math.fsum(a * a) + math.fsum(b * b) / 2.0
    deviation = math.sqrt(variance)
    level = float(inputs.confidence)
    score = float(stats.norm.ppf(level))
    figures = {"mean": mean, "deviation": deviation}
    if inputs.method is not SensitivityMethod.CORNISH_FISHER:
        expected = float(stats.norm.pdf(score)) / float(1 - inputs.confidence)
        figures["var"] = score * deviation - mean
        figures["es"] = expected * deviation - mean
        return figures
    skewness = excess = 0.0
    if variance > 0.0:
        ratio_a, ratio_b = a / deviation, b / deviation
        skewness = math.fsum(ratio_b**3 + 3.0 * ratio_a**2 * ratio_b)
        excess = math.fsum(3.0 * ratio_b**4 + 12.0 * (ratio_a * ratio_b) ** 2)
    hermite = np.polynomial.hermite_e.hermeval
    correction = hermite(score, [0.0, 0.0, -skewness / 6.0, excess / 24.0])
    correction -= (2.0 * score**3 - 5.0 * score) * skewness**2 / 36.0
    figures["var"] = (score + float(correction)) * deviation - mean
    figures |= {"skewness": skewness, "excess_kurtosis": excess}
    return figures


def _components(inputs: SensitivityVarInput, deviation: float) -> dict[str, float]:
    """Euler's parts by the covariance of each factor's own profit with the whole.

    Half of a cross gamma belongs to each of its two factors.
    """
    delta, gamma, covariance = _matrices(inputs)
    score = float(stats.norm.ppf(float(inputs.confidence)))
    own = delta * (covariance @ delta)
    own += np.sum(gamma * (covariance @ gamma @ covariance), axis=1) / 2.0
    means = np.sum(gamma * covariance, axis=1) / 2.0
    shares = own / deviation if deviation > 0.0 else np.zeros_like(own)
    return {
        f"component.{field_part(row.name)}": score * float(share) - float(mean)
        for row, share, mean in zip(inputs.factors, shares, means, strict=True)
    }


def _drawn(inputs: SensitivityVarInput, a: Floats, b: Floats) -> SecondOpinion:
    pairs = (_OVERSAMPLING * inputs.num_paths + 1) // 2
    generator = np.random.Generator(np.random.PCG64([inputs.seed, _STREAM]))
    profits = np.zeros(2 * pairs)
    for linear, curve in zip(a, b, strict=True):
        half = generator.standard_normal(pairs)
        normals = np.concatenate([half, -half])
        profits += linear * normals + 0.5 * curve * normals**2
    losses = np.sort(-profits)
    level = float(inputs.confidence)
    var = float(losses[math.ceil(len(losses) * inputs.confidence) - 1])
    tail = losses[losses >= var]
    es = float(tail.mean())
    widening = math.sqrt(1.0 + 2.0 / _OVERSAMPLING)
    spread = math.sqrt(inputs.num_paths * level * (1.0 - level)) / inputs.num_paths
    # The width of one standard deviation of the rank to each side is two standard errors.
    ends = np.quantile(losses, [max(0.0, level - spread), min(1.0, level + spread)])
    var_error = float(ends[1] - ends[0]) / 2.0 * widening
    variance = float(tail.var()) + level * (es - var) ** 2
    es_error = math.sqrt(variance / (inputs.num_paths * (1.0 - level))) * widening
    return opinion(
        "antithetic simulation of independent quadratic terms (PCG64)",
        {"var": var, "es": es},
        {"var": var_error, "es": es_error},
    )


def confirm_sensitivity_var(inputs: SensitivityVarInput, _market: MarketView) -> SecondOpinion:
    """Diagonalise covariance and gamma together."""
    a, b = _independent(*_matrices(inputs))
    if inputs.method is SensitivityMethod.MONTE_CARLO:
        return _drawn(inputs, a, b)
    values = _figures(inputs, a, b)
    if inputs.method is not SensitivityMethod.CORNISH_FISHER:
        values |= _components(inputs, values["deviation"])
    return opinion("cumulants of independent quadratic terms (eigenvalues)", values)
