"""Value at risk of sensitivities: the profit d'x + x'Gx/2 under normal moves x with covariance C.

With M = GC the profit has the cumulants

* k1 = tr M / 2, k2 = d'Cd + tr M^2 / 2, k3 = tr M^3 + 3 d'CGCd, k4 = 3 tr M^4 + 12 d'CGCGCd,

from which the normal and the Cornish-Fisher quantile follow. The normal figures are homogeneous in
the sensitivities, so each factor's component (Euler) is what its sensitivities contribute, and
components add up to the figure. Sums run in a fixed order, without BLAS.

Signs: a sensitivity is a profit, the figures are losses. Source: ORE User Guide, parametric value
at risk; P. Zangari (1996), RiskMetrics Monitor Q1; A. McNeil, R. Frey, P. Embrechts (2015), §2.3.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.capital.fields import field_part
from finsvc.calculators.inputs.sensitivity import SensitivityMethod, SensitivityVarInput
from finsvc.calculators.tail import tail_of
from finsvc.calculators.value_at_risk import correlated, semidefinite_cholesky, standard_normals
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

_METHOD_NOTES = {
    SensitivityMethod.DELTA: "The profit is linear in normal moves; gammas are left out.",
    SensitivityMethod.DELTA_GAMMA_NORMAL: "The profit is taken as normal with the mean and variance"
    " of its second-order expansion in normal moves.",
    SensitivityMethod.CORNISH_FISHER: "The normal quantile of the second-order profit is corrected "
    "for its skewness and kurtosis; no expected shortfall is stated.",
    SensitivityMethod.MONTE_CARLO: "Normal moves are drawn and the second-order profit is taken.",
}
# Rounding may leave the remainder of a variance so far below zero, as a share of it.
_SEMIDEFINITE = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A second-order profit: d (F,), G (F, F) and the covariance C (F, F)."""

    delta_f: Floats
    gamma_ff: Floats
    covariance_ff: Floats


def expansion_of(inputs: SensitivityVarInput) -> Expansion:
    """Lay the rows out as arrays.

    Raises:
        InputError: the covariance is not positive semidefinite.
    """
    index = {row.name: at for at, row in enumerate(inputs.factors)}
    gamma_ff = np.diag(np.array([float(row.gamma) for row in inputs.factors]))
    covariance_ff = np.diag(np.array([float(row.variance) for row in inputs.factors]))
    for pair in inputs.pairs:
        at = index[pair.first], index[pair.second]
        for one, two in (at, at[::-1]):
            gamma_ff[one, two] = float(pair.gamma)
            covariance_ff[one, two] = float(pair.covariance)
    if inputs.pairs:
        _require_semidefinite(covariance_ff, [row.name for row in inputs.factors])
    if inputs.method is SensitivityMethod.DELTA:
        gamma_ff = np.zeros_like(gamma_ff)
    delta_f = np.array([float(row.delta) for row in inputs.factors])
    return Expansion(delta_f=delta_f, gamma_ff=gamma_ff, covariance_ff=covariance_ff)


def _require_semidefinite(covariance_ff: Floats, names: list[str]) -> None:
    root_ff = semidefinite_cholesky(covariance_ff)
    scale_f = np.sqrt(np.diag(covariance_ff))
    for row, name in enumerate(names):
        apart = covariance_ff[row] - (root_ff[row] * root_ff).sum(axis=1)
        if (np.abs(apart) > _SEMIDEFINITE * scale_f[row] * scale_f).any():
            raise InputError(
                field="pairs",
                expected="covariances that some moves can have (positive semidefinite)",
                actual=f"contradictory covariances of {name}",
            )


def product(left_ff: Floats, right_ff: Floats) -> Floats:
    """Matrix product, row by row in fixed order."""
    return np.array([(row[:, None] * right_ff).sum(axis=0) for row in left_ff]).reshape(
        left_ff.shape
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cumulants:
    """First four cumulants of the profit, and each factor's part of the first two, (F,)."""

    mean: float
    variance: float
    third: float
    fourth: float
    mean_f: Floats
    variance_f: Floats


def cumulants_of(expansion: Expansion) -> Cumulants:
    """Cumulants by traces of products."""
    delta_f, covariance_ff = expansion.delta_f, expansion.covariance_ff
    moved_f = (covariance_ff * delta_f).sum(axis=1)
    if not expansion.gamma_ff.any():
        parts = delta_f * moved_f
        return Cumulants(
            mean=0.0,
            variance=float(parts.sum()),
            third=0.0,
            fourth=0.0,
            mean_f=np.zeros_like(parts),
            variance_f=parts,
        )
    once_ff = product(expansion.gamma_ff, covariance_ff)
    twice_ff = product(once_ff, once_ff)
    curved_f = (expansion.gamma_ff * moved_f).sum(axis=1)
    again_f = (covariance_ff * curved_f).sum(axis=1)
    mean_f = np.diag(once_ff) / 2.0
    variance_f = delta_f * moved_f + np.diag(twice_ff) / 2.0
    return Cumulants(
        mean=float(mean_f.sum()),
        variance=float(variance_f.sum()),
        third=float((twice_ff * once_ff.T).sum()) + 3.0 * float((moved_f * curved_f).sum()),
        fourth=3.0 * float((twice_ff * twice_ff.T).sum())
        + 12.0 * float((again_f * curved_f).sum()),
        mean_f=mean_f,
        variance_f=variance_f,
    )


def cornish_fisher(score: float, skewness: float, excess_kurtosis: float) -> float:
    """Standardised quantile corrected for skewness and excess kurtosis."""
    return (
        score
        + (score**2 - 1.0) * skewness / 6.0
        + (score**3 - 3.0 * score) * excess_kurtosis / 24.0
        - (2.0 * score**3 - 5.0 * score) * skewness**2 / 36.0
    )


def _analytic(inputs: SensitivityVarInput, expansion: Expansion) -> dict[str, float]:
    found = cumulants_of(expansion)
    deviation = math.sqrt(max(found.variance, 0.0))
    score = float(ndtri(float(inputs.confidence)))
    figures = {"mean": found.mean, "deviation": deviation}
    if inputs.method is SensitivityMethod.CORNISH_FISHER:
        skewness = excess = 0.0
        if deviation > 0.0:
            skewness = found.third / deviation**3
            excess = found.fourth / deviation**4
        reach = cornish_fisher(score, -skewness, excess)
        moments = {"skewness": skewness, "excess_kurtosis": excess}
        return {"var": reach * deviation - found.mean, **figures, **moments}
    density = math.exp(-0.5 * score * score) / math.sqrt(2.0 * math.pi)
    tail = density / float(1 - inputs.confidence)
    figures = {"var": score * deviation - found.mean, "es": tail * deviation - found.mean} | figures
    share_f = found.variance_f / deviation if deviation > 0.0 else np.zeros_like(found.mean_f)
    for row, part in zip(inputs.factors, score * share_f - found.mean_f, strict=True):
        figures[f"component.{field_part(row.name)}"] = float(part)
    return figures


def _simulated(inputs: SensitivityVarInput, expansion: Expansion) -> dict[str, float]:
    count = len(expansion.delta_f)
    root_ff = semidefinite_cholesky(expansion.covariance_ff)
    moves_nf = correlated(standard_normals(inputs.seed, inputs.num_paths, count), root_ff)
    profits_n = np.zeros(inputs.num_paths)
    for row in range(count):
        curved_n = (moves_nf * expansion.gamma_ff[row]).sum(axis=1)
        profits_n += moves_nf[:, row] * (expansion.delta_f[row] + 0.5 * curved_n)
    tail = tail_of(-profits_n, inputs.confidence)
    return {"var": tail.var, "es": tail.es}


def sensitivity_var(inputs: SensitivityVarInput, _market: MarketView) -> Computation:
    """Value at risk of sensitivities under a covariance of their factors."""
    expansion = expansion_of(inputs)
    is_simulated = inputs.method is SensitivityMethod.MONTE_CARLO
    figures = (_simulated if is_simulated else _analytic)(inputs, expansion)
    parameters = {"confidence": decimal_text(inputs.confidence)}
    if is_simulated:
        parameters |= {"num_paths": str(inputs.num_paths), "seed": str(inputs.seed)}
    shapes = {"skewness", "excess_kurtosis"}
    return Computation(
        headline="var",
        fields={
            name: Figure(
                value=value,
                unit="1" if name in shapes else inputs.currency,
                decimals=4 if name in shapes else 0,
            )
            for name, value in figures.items()
        },
        labels={"subject": f"{len(inputs.factors)} factors"},
        as_of=inputs.as_of,
        method=inputs.method.value,
        parameters=parameters,
        notes=(
            "A positive value at risk is a loss; sensitivities and the mean are profits.",
            _METHOD_NOTES[inputs.method],
            "Variances span the horizon of the figure; nothing is scaled.",
        ),
    )
