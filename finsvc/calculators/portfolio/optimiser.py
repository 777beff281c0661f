"""Optimal weights: a frontier by active sets, a risk budget by coordinate descent.

The frontier minimises w' C w with weights between bounds that add up to one and, beyond the least
risky portfolio, a given mean. The active-set method moves between the faces of the polytope and
ends at the exact optimum after finitely many steps. The risk budget minimises
w' C w / 2 - sum(b ln w), whose minimum bears risk in the proportions b.

Source: J. Nocedal, S. Wright (2006), Numerical Optimization, §16.5; F. Spinu (2013), An algorithm
for computing risk parity weights; T. Griveau-Billion, J. Richard, T. Roncalli (2013).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finsvc.calculators.portfolio.linear import solve
from finsvc.domain.errors import CalculationError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_STEPS_MAX = 2000
_SWEEPS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Universe:
    """Mean (F,) and covariance (F, F) of returns, and bounds on every weight."""

    mean_f: Floats
    covariance_ff: Floats
    low: float
    high: float


def extreme_weights(universe: Universe, *, is_highest: bool) -> Floats:
    """Feasible weights of the highest or lowest mean: the bound is filled from the best on."""
    order = np.argsort(-universe.mean_f if is_highest else universe.mean_f, kind="stable")
    weights_f = np.full(len(order), universe.low)
    rest = 1.0 - float(weights_f.sum())
    for index in order:
        added = min(rest, universe.high - universe.low)
        weights_f[index] += added
        rest -= added
    return weights_f


def _step(
    universe: Universe, weights_f: Floats, free: Bools, rows_ef: Floats
) -> tuple[Floats, Floats]:
    """Newton step on the free weights that keeps the equations, and the multipliers of these."""
    chosen = np.flatnonzero(free)
    size, equations = len(chosen), len(rows_ef)
    matrix = np.zeros((size + equations,) * 2)
    matrix[:size, :size] = universe.covariance_ff[np.ix_(chosen, chosen)]
    matrix[:size, size:] = rows_ef[:, chosen].T
    matrix[size:, :size] = rows_ef[:, chosen]
    slope_f = (universe.covariance_ff * weights_f).sum(axis=1)
    found = solve(matrix, np.concatenate([-slope_f[chosen], np.zeros(equations)]))
    step_f = np.zeros(len(weights_f))
    if found is None:
        # No freedom is left on this face: only the multipliers matter.
        squares = (rows_ef[:, None, chosen] * rows_ef[None, :, chosen]).sum(axis=2)
        squares = squares + 1e-14 * np.eye(equations) * max(1.0, float(squares.max()))
        found = solve(squares, -(rows_ef[:, chosen] * slope_f[chosen]).sum(axis=1))
        return step_f, np.zeros(equations) if found is None else found
    step_f[chosen] = found[:size]
    return step_f, found[size:]


def minimum_variance(universe: Universe, start_f: Floats, *, keeps_mean: bool) -> Floats:
    """Weights of least variance, from a feasible start, whose mean is kept if asked for.

    Raises:
        CalculationError: no optimum after thousands of steps.
    """
    weights_f = start_f.copy()
    spread = max(1e-300, float(np.abs(universe.mean_f).max()))
    equations = [np.ones(len(weights_f))]
    if keeps_mean:
        equations.append(universe.mean_f / spread)
    rows_ef = np.stack(equations)
    at_low = weights_f <= universe.low
    at_high = weights_f >= universe.high
    scale = float(np.diag(universe.covariance_ff).max())
    for _ in range(_STEPS_MAX):
        free = ~(at_low | at_high)
        step_f, multipliers = _step(universe, weights_f, free, rows_ef)
        if float(np.abs(step_f).max()) > 1e-12:
            length, blocking = _length(universe, weights_f, step_f, free)
            weights_f = weights_f + length * step_f
            if blocking is not None:
                at_high[blocking] = step_f[blocking] > 0.0
                at_low[blocking] = not at_high[blocking]
                weights_f[blocking] = universe.high if at_high[blocking] else universe.low
            continue
        slope_f = (universe.covariance_ff * weights_f).sum(axis=1)
        pull_f = slope_f + (rows_ef.T * multipliers).sum(axis=1)
        wrong_f = np.where(at_low, -pull_f, np.where(at_high, pull_f, 0.0))
        worst = int(np.argmax(wrong_f))
        if wrong_f[worst] <= 1e-12 * scale:
            return weights_f
        at_low[worst] = at_high[worst] = False
    raise CalculationError(
        field="weights", expected=f"an optimum within {_STEPS_MAX} steps", actual="none"
    )


def _length(
    universe: Universe, weights_f: Floats, step_f: Floats, free: Bools
) -> tuple[float, int | None]:
    """How far a step may go, and the weight whose bound stops it."""
    length, blocking = 1.0, None
    for index in np.flatnonzero(free & (np.abs(step_f) > 1e-15)):
        bound = universe.high if step_f[index] > 0.0 else universe.low
        reach = (bound - float(weights_f[index])) / float(step_f[index])
        if reach < length:
            length, blocking = max(0.0, reach), int(index)
    return length, blocking


def frontier(universe: Universe, num_points: int) -> list[Floats]:
    """Weights from the least variance to the highest mean, at equal steps of the mean."""
    highest_f = extreme_weights(universe, is_highest=True)
    least_f = minimum_variance(
        universe, extreme_weights(universe, is_highest=False), keeps_mean=False
    )
    points = [least_f]
    for index in range(1, num_points):
        share = index / (num_points - 1)
        start_f = least_f + share * (highest_f - least_f)
        points.append(minimum_variance(universe, start_f, keeps_mean=True))
    return points


def risk_budget(covariance_ff: Floats, budgets_f: Floats) -> Floats:
    """Positive weights that add up to one and bear risk in the given proportions.

    Raises:
        CalculationError: the descent did not settle.
    """
    weights_f = np.sqrt(budgets_f / np.diag(covariance_ff))
    for _ in range(_SWEEPS_MAX):
        before_f = weights_f.copy()
        for index in range(len(weights_f)):
            variance = float(covariance_ff[index, index])
            rest = float((covariance_ff[index] * weights_f).sum()) - variance * weights_f[index]
            root = np.sqrt(rest * rest + 4.0 * variance * budgets_f[index])
            weights_f[index] = (root - rest) / (2.0 * variance)
        if float(np.abs(weights_f / before_f - 1.0).max()) < 1e-14:
            return np.asarray(weights_f / weights_f.sum(), dtype=np.float64)
    raise CalculationError(
        field="weights", expected=f"a balance within {_SWEEPS_MAX} sweeps", actual="none"
    )
