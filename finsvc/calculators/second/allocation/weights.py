"""Second methods of the frontier and of risk parity: skfolio's conic programmes."""

import math
from importlib import import_module
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.inputs.allocation import (
    AllocationInput,
    EfficientFrontierInput,
    RiskParityInput,
)
from finsvc.calculators.second.allocation.tables import currency_returns
from finsvc.calculators.second.opinion import opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

Floats = npt.NDArray[np.float64]


class Optimisers(Protocol):
    """What the adapter of skfolio offers."""

    def least_variance(
        self, returns: Floats, *, low: float, high: float, mean: float | None = None
    ) -> Floats:
        """Weights of least variance."""

    def risk_budget(self, returns: Floats, budgets: Floats) -> Floats:
        """Weights that bear risk in proportions."""


def _library() -> Optimisers:
    return cast("Optimisers", import_module("finsvc.calculators.second.skfolio_adapter"))


def _annual(inputs: AllocationInput, market: MarketView) -> pd.DataFrame:
    """Returns whose sample mean and covariance are the annual ones."""
    daily = currency_returns(
        inputs.instruments, market, inputs.currency, end=inputs.as_of, count=inputs.window_days
    )
    mean = daily.mean()
    return (daily - mean) * math.sqrt(252) + mean * 252


def confirm_efficient_frontier(inputs: EfficientFrontierInput, market: MarketView) -> SecondOpinion:
    """Solve every point by skfolio; the highest mean by filling bounds in order of the means."""
    returns = _annual(inputs, market)
    table, bounds = returns.to_numpy(), (float(inputs.min_weight), float(inputs.max_weight))
    mean, covariance = returns.mean().to_numpy(), returns.cov().to_numpy()
    top = np.full(len(mean), bounds[0])
    for index in sorted(range(len(mean)), key=lambda at: -mean[at]):
        top[index] += min(bounds[1] - bounds[0], 1.0 - float(top.sum()))
    library = _library()
    points = [library.least_variance(table, low=bounds[0], high=bounds[1])]
    first, last = float(points[0] @ mean), float(top @ mean)
    for index in range(1, inputs.num_points - 1):
        wanted = first + (last - first) * index / (inputs.num_points - 1)
        points.append(library.least_variance(table, low=bounds[0], high=bounds[1], mean=wanted))
    points.append(top)
    values: dict[str, float] = {}
    for index, weights in enumerate(points):
        values[f"return.{index:02d}"] = 100.0 * float(weights @ mean)
        values[f"volatility.{index:02d}"] = 100.0 * math.sqrt(weights @ covariance @ weights)
        for name, weight in zip(inputs.instruments, weights, strict=True):
            row = name.replace(".", "_").replace("^", "_")
            values[f"weight.{index:02d}:{row}"] = 100.0 * float(weight)
    return opinion("skfolio MeanRisk (Clarabel)", values)


def confirm_risk_parity(inputs: RiskParityInput, market: MarketView) -> SecondOpinion:
    """Solve by skfolio."""
    returns = _annual(inputs, market)
    count = len(inputs.instruments)
    budgets = inputs.budgets
    shares = np.full(count, 1.0 / count) if budgets is None else np.array(budgets, dtype=float)
    weights = _library().risk_budget(returns.to_numpy(), shares)
    covariance = returns.cov().to_numpy()
    variance = float(weights @ covariance @ weights)
    values = {"volatility": 100.0 * math.sqrt(variance)}
    borne = weights * (covariance @ weights) / variance
    for name, weight, share in zip(inputs.instruments, weights, borne, strict=True):
        row = name.replace(".", "_").replace("^", "_")
        values[f"weight.{row}"] = 100.0 * float(weight)
        values[f"risk_share.{row}"] = 100.0 * float(share)
    return opinion("skfolio RiskBudgeting (Clarabel)", values)
