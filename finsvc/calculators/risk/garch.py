"""GARCH(1,1) with mean zero, fitted by maximum likelihood.

The variance of a day is omega + alpha times yesterday's squared return + beta times yesterday's
variance; before the first day both are the mean squared return. The normal likelihood is maximised
over omega > 0, alpha, beta ≥ 0 and alpha + beta < 1 by the simplex method from the best point of a
grid, without matrix products, so that the bits do not depend on threads.

Source: T. Bollerslev (1986), Generalized autoregressive conditional heteroskedasticity.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize  # type: ignore[import-untyped] # scipy ships no types
from scipy.signal import lfilter  # type: ignore[import-untyped] # scipy ships no types

Floats = npt.NDArray[np.float64]

_GRID_ALPHA = (0.03, 0.08, 0.15)
_GRID_PERSISTENCE = (0.4, 0.7, 0.9, 0.97, 0.99)
_NUM_CLIMBS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Garch:
    """A fitted model: variances (N,) of the sample's days and that of the next day."""

    omega: float
    alpha: float
    beta: float
    variances_n: Floats
    next_variance: float


def variances(returns_n: Floats, parameters: tuple[float, float, float]) -> Floats:
    """Variances of the sample's days and of the next one, shape (N + 1,)."""
    omega, alpha, beta = parameters
    squares = np.concatenate([[float((returns_n * returns_n).mean())], returns_n * returns_n])
    shocks = omega + alpha * squares
    found, _ = lfilter([1.0], [1.0, -beta], shocks, zi=[beta * squares[0]])
    return np.asarray(found, dtype=np.float64)


def _parameters(free: Floats) -> tuple[float, float, float]:
    """From three unbounded numbers to omega, alpha and beta of returns of unit size."""
    persistence = 1.0 / (1.0 + math.exp(-float(free[1])))
    share = 1.0 / (1.0 + math.exp(-float(free[2])))
    return math.exp(float(free[0])), persistence * share, persistence * (1.0 - share)


def _free(alpha: float, persistence: float) -> Floats:
    share = alpha / persistence
    return np.array(
        [
            math.log(1.0 - persistence),
            math.log(persistence / (1.0 - persistence)),
            math.log(share / (1.0 - share)),
        ]
    )


def _loss(free: Floats, returns_n: Floats) -> float:
    """Twice the negative log likelihood for each day, less a constant."""
    variances_n = variances(returns_n, _parameters(np.clip(free, -30.0, 30.0)))[:-1]
    return float((np.log(variances_n) + returns_n * returns_n / variances_n).mean())


def _climb(start: Floats, returns_n: Floats) -> Floats:
    """Top of the hill near a start; a second simplex guards against a collapsed first."""
    point = start
    for _ in range(2):
        point = minimize(
            _loss,
            point,
            args=(returns_n,),
            method="Nelder-Mead",
            options={"xatol": 1e-8, "fatol": 1e-14, "maxiter": 4000, "maxfev": 4000},
        ).x
    return point


def fit(returns_n: Floats) -> Garch:
    """Fit to returns that are not all zero; their unit does not matter."""
    size = math.sqrt(float((returns_n * returns_n).mean()))
    scaled_n = returns_n / size
    starts = [_free(alpha, total) for alpha in _GRID_ALPHA for total in _GRID_PERSISTENCE]
    starts.sort(key=lambda free: _loss(free, scaled_n))
    # The likelihood of short samples has several hills.
    ends = [_climb(start, scaled_n) for start in starts[:_NUM_CLIMBS]]
    best = min(ends, key=lambda free: _loss(free, scaled_n))
    omega, alpha, beta = _parameters(np.clip(best, -30.0, 30.0))
    found = variances(scaled_n, (omega, alpha, beta)) * (size * size)
    return Garch(
        omega=omega * size * size,
        alpha=alpha,
        beta=beta,
        variances_n=found[:-1],
        next_variance=float(found[-1]),
    )
