"""The one place that imports skfolio: mean-variance and risk-budget weights by conic programming.

Importing skfolio takes seconds, so callers load this module when they need it. Returns are annual
(daily ones scaled by the caller), which keeps the solver's numbers near one.
"""

import warnings

import numpy as np
import numpy.typing as npt
from cvxpy.error import SolverError
from skfolio import RiskMeasure  # type: ignore[import-untyped] # skfolio ships no types
from skfolio.optimization import (  # type: ignore[import-untyped] # skfolio ships no types
    MeanRisk,
    ObjectiveFunction,
    RiskBudgeting,
)

Floats = npt.NDArray[np.float64]

# Clarabel's defaults stop at 1e-8, which leaves weights of flat optima at 1e-4; below 1e-11 it
# cannot reach what is asked for and warns.
_SOLVER: dict[str, float] = {
    "tol_gap_abs": 1e-11,
    "tol_gap_rel": 1e-11,
    "tol_feas": 1e-9,
}


def least_variance(
    returns: Floats, *, low: float, high: float, mean: float | None = None
) -> Floats:
    """Weights of least variance within bounds, whose mean is at least ``mean`` where given."""
    model = MeanRisk(
        objective_function=ObjectiveFunction.MINIMIZE_RISK,
        risk_measure=RiskMeasure.VARIANCE,
        min_weights=low,
        max_weights=high,
        min_return=mean,
        solver_params=dict(_SOLVER),
    )
    return _weights(model, returns)


def risk_budget(returns: Floats, budgets: Floats) -> Floats:
    """Weights that bear variance in the given proportions."""
    model = RiskBudgeting(
        risk_measure=RiskMeasure.VARIANCE, risk_budget=budgets, solver_params=dict(_SOLVER)
    )
    return _weights(model, returns)


def _weights(model: MeanRisk | RiskBudgeting, returns: Floats) -> Floats:
    """Fitted weights; not a number where the solver fails, which confirms nothing.

    A solution that the solver calls inaccurate is held to the tolerance like any other.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
            return np.asarray(model.fit(returns).weights_, dtype=np.float64)
    except SolverError:
        return np.full(returns.shape[1], np.nan)
