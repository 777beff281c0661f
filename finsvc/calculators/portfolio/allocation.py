"""Efficient frontier and risk parity of instruments, from past daily returns.

Moments are the sample mean and covariance (n - 1) of simple daily returns in one currency,
annualised by 252. Weights are percentages of a fully invested portfolio. The moments are estimates
of the past; nothing here forecasts.
"""

import math

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.holdings import row_name
from finsvc.calculators.inputs.allocation import (
    AllocationInput,
    EfficientFrontierInput,
    RiskParityInput,
)
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.notes import ADJUSTED_PRICES, FX_CARRY
from finsvc.calculators.portfolio.history import instrument_returns
from finsvc.calculators.portfolio.optimiser import Universe, frontier, risk_budget
from finsvc.calculators.returns import TRADING_DAYS_PER_YEAR, covariance
from finsvc.calculators.value_at_risk import semidefinite_cholesky
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

ESTIMATE_NOTE = (
    "Means and covariances are estimated from the past returns of the window; they are no forecast."
)


def _returns(inputs: AllocationInput, market: MarketView) -> Floats:
    return instrument_returns(
        inputs.instruments,
        market,
        as_of=inputs.as_of,
        num_returns=inputs.window_days,
        currency=inputs.currency,
    )


def _covariance(inputs: AllocationInput, returns_nf: Floats) -> Floats:
    """Annual covariance that has an inverse.

    Raises:
        InputError: an instrument does not move or follows the others exactly.
    """
    annual_ff = covariance(returns_nf) * TRADING_DAYS_PER_YEAR
    stuck = np.flatnonzero(np.diag(semidefinite_cholesky(annual_ff)) <= 0.0)
    if len(stuck):
        raise InputError(
            field="instruments",
            expected="instruments that move and do not depend on each other",
            actual=inputs.instruments[int(stuck[0])],
        )
    return annual_ff


def _percent(value: float) -> Figure:
    return Figure(value=value * 100.0, unit="%", decimals=2)


def _volatility(weights_f: Floats, covariance_ff: Floats) -> float:
    return math.sqrt(float((weights_f[:, None] * covariance_ff * weights_f).sum()))


def _computation(
    inputs: AllocationInput,
    figures: dict[str, Figure],
    *,
    headline: str,
    method: str,
    extra: dict[str, str],
    notes: tuple[str, ...],
) -> Computation:
    return Computation(
        headline=headline,
        fields=figures,
        labels={"subject": ", ".join(inputs.instruments)},
        as_of=inputs.as_of,
        method=method,
        parameters={
            "instruments": ", ".join(inputs.instruments),
            "currency": inputs.currency,
            "window_days": str(inputs.window_days),
            **extra,
        },
        notes=(*notes, ESTIMATE_NOTE, ADJUSTED_PRICES, FX_CARRY),
    )


def efficient_frontier(inputs: EfficientFrontierInput, market: MarketView) -> Computation:
    """Portfolios of least variance, from the least risky to the highest mean."""
    returns_nf = _returns(inputs, market)
    universe = Universe(
        mean_f=returns_nf.mean(axis=0) * TRADING_DAYS_PER_YEAR,
        covariance_ff=_covariance(inputs, returns_nf),
        low=float(inputs.min_weight),
        high=float(inputs.max_weight),
    )
    points = frontier(universe, inputs.num_points)
    figures: dict[str, Figure] = {}
    for index, weights_f in enumerate(points):
        figures[f"return.{index:02d}"] = _percent(float((weights_f * universe.mean_f).sum()))
        figures[f"volatility.{index:02d}"] = _percent(
            _volatility(weights_f, universe.covariance_ff)
        )
        for name, weight in zip(inputs.instruments, weights_f, strict=True):
            figures[f"weight.{index:02d}:{row_name(name)}"] = _percent(float(weight))
    return _computation(
        inputs,
        figures,
        headline="volatility",
        method="mean_variance",
        extra={
            "min_weight": decimal_text(inputs.min_weight),
            "max_weight": decimal_text(inputs.max_weight),
            "num_points": str(inputs.num_points),
        },
        notes=("Point 00 has the least volatility, the last the highest mean; means step evenly.",),
    )


def risk_parity(inputs: RiskParityInput, market: MarketView) -> Computation:
    """Weights under which instruments bear risk in given proportions."""
    returns_nf = _returns(inputs, market)
    covariance_ff = _covariance(inputs, returns_nf)
    count = len(inputs.instruments)
    budgets = inputs.budgets
    budgets_f = (
        np.full(count, 1.0 / count)
        if budgets is None
        else np.array([float(share) for share in budgets])
    )
    weights_f = risk_budget(covariance_ff, budgets_f)
    deviation = _volatility(weights_f, covariance_ff)
    borne_f = weights_f * (covariance_ff * weights_f).sum(axis=1) / deviation**2
    figures = {"volatility": _percent(deviation)}
    for name, weight in zip(inputs.instruments, weights_f, strict=True):
        figures[f"weight.{row_name(name)}"] = _percent(float(weight))
    for name, share in zip(inputs.instruments, borne_f, strict=True):
        figures[f"risk_share.{row_name(name)}"] = _percent(float(share))
    chosen = "equal" if budgets is None else ", ".join(decimal_text(share) for share in budgets)
    return _computation(
        inputs,
        figures,
        headline="weight",
        method="risk_budgeting",
        extra={"budgets": chosen},
        notes=("Weights are positive and add up to 100 %; risk is the variance of returns.",),
    )
