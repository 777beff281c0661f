"""Second methods of contributions, stress suites and reverse stress tests.

Parametric components are regression slopes of a row's returns on the book's; reverse stress tests
scan position by position and refine by Brent's method.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types
from scipy import stats  # type: ignore[import-untyped] # scipy ships no types
from scipy.optimize import brentq  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.calculators.inputs.risk import Scaling
from finsvc.calculators.inputs.tail import (
    ContributionMethod,
    ReverseDirection,
    ReverseStressInput,
    StressContributionsInput,
    StressSuiteInput,
    VarContributionsInput,
)
from finsvc.calculators.second.books import appraised, line_name
from finsvc.calculators.second.market_risk.series import (
    appraiser_of,
    past_moves,
    position_weights,
    profits_by_row,
    weighted_returns,
)
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.scenarios import foreign, profits, traded
from finsvc.calculators.second.stress import stress_profit
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

Floats = npt.NDArray[np.float64]


def _market_values(inputs: PortfolioCalculation, market: MarketView) -> dict[str, float]:
    values: dict[str, float] = {}
    for row, worth in appraised(inputs, market):
        values[row] = values.get(row, 0.0) + worth.value * worth.rate
    return values


def _historical(inputs: VarContributionsInput, market: MarketView, step: int) -> dict[str, float]:
    moves = past_moves(inputs, market, count=inputs.window_days, step=step)
    rows = profits_by_row(inputs, market, moves)
    losses = -rows.sum(axis=1).to_numpy()
    rank = math.ceil(len(losses) * inputs.confidence) - 1
    root = math.sqrt(inputs.horizon_days / step)
    var = float(np.sort(losses)[rank]) * root
    scenario = int(np.flatnonzero(losses == np.sort(losses)[rank])[0])
    values = {"var": var}
    for row in rows.columns:
        values[f"component.{row}"] = -float(rows[row].iloc[scenario]) * root
        others = np.sort(losses + rows[row].to_numpy())
        values[f"incremental.{row}"] = var - float(others[rank]) * root
    return values


def _parametric(inputs: VarContributionsInput, market: MarketView, step: int) -> dict[str, float]:
    moves = past_moves(inputs, market, count=inputs.window_days, step=step).apply(np.log)
    weights = position_weights(inputs, market)
    series = {
        row: sum((moves[name] * amount for name, amount in parts.items()), 0.0 * moves.sum(axis=1))
        for row, parts in weights.items()
    }
    total = weighted_returns(inputs, market, count=inputs.window_days, step=step)
    scale = float(stats.norm.ppf(float(inputs.confidence)))
    scale *= math.sqrt(inputs.horizon_days / step)
    var = scale * float(total.std())
    values = {"var": var}
    for row, part in series.items():
        slope = float(part.cov(total)) / float(total.var()) if float(total.var()) > 0 else 0.0
        values[f"component.{row}"] = slope * var
        values[f"incremental.{row}"] = var - scale * float((total - part).std())
    return values


def confirm_var_contributions(inputs: VarContributionsInput, market: MarketView) -> SecondOpinion:
    """Divide by the scenario of the quantile, or by regression."""
    step = inputs.horizon_days if inputs.scaling is Scaling.OVERLAPPING else 1
    divide = _historical if inputs.method is ContributionMethod.HISTORICAL else _parametric
    values = divide(inputs, market, step)
    for row, worth in _market_values(inputs, market).items():
        if worth != 0.0:
            values[f"marginal.{row}"] = values[f"component.{row}"] / worth
    return opinion("rows revalued or regressed one by one", values)


def _row_of(name: str) -> str:
    kept = [
        letter if letter.isascii() and (letter.isalnum() or letter in "_:-") else " "
        for letter in name
    ]
    parts = "".join(kept)
    # Runs of other characters become one underscore.
    text = ""
    for letter in parts:
        if letter != " ":
            text += letter
        elif not text.endswith("\0"):
            text += "\0"
    return text.replace("\0", "_")


def confirm_stress_suite(inputs: StressSuiteInput, market: MarketView) -> SecondOpinion:
    """Revalue position by position in every scenario."""
    found = {
        scenario.name: stress_profit(inputs, market, scenario.to_domain())
        for scenario in inputs.scenarios
    }
    values = {f"pnl.{_row_of(name)}": profit for name, profit in found.items()}
    values["worst"] = sorted(found.values())[0]
    return opinion("revaluation position by position", values)


def confirm_stress_contributions(
    inputs: StressContributionsInput, market: MarketView
) -> SecondOpinion:
    """Stress a book of each position alone; the total is that of the whole."""
    values: dict[str, float] = {"pnl": stress_profit(inputs, market, inputs.scenario.to_domain())}
    for position in inputs.portfolio.positions:
        alone = inputs.model_copy(
            update={"portfolio": inputs.portfolio.model_copy(update={"positions": (position,)})}
        )
        name = f"contribution.{line_name(position)}"
        profit = stress_profit(alone, market, inputs.scenario.to_domain())
        values[name] = values.get(name, 0.0) + profit
    return opinion("each position stressed alone", values)


def _columns(inputs: ReverseStressInput, market: MarketView) -> tuple[list[str], list[str]]:
    portfolio = inputs.portfolio.to_domain()
    rates = [f"fx:{code}" for code in foreign(portfolio, market)]
    return [str(name) for name in traded(portfolio)], rates


def _line(
    inputs: ReverseStressInput, market: MarketView
) -> tuple[Callable[[Floats], pd.DataFrame], tuple[Floats, Floats]]:
    """Growth factors along the line and the grids of both sides."""
    prices, rates = _columns(inputs, market)
    if inputs.direction is ReverseDirection.EQUITY:

        def moved(points: Floats) -> pd.DataFrame:
            columns = {name: 1.0 + points for name in prices}
            return pd.DataFrame(
                columns | {name: np.ones(len(points)) for name in rates}, index=range(len(points))
            )

        return moved, (np.linspace(0.0, -0.999, 1000), np.linspace(0.0, 3.0, 3001))
    returns = past_moves(inputs, market, count=inputs.window_days).apply(np.log)
    total = weighted_returns(inputs, market, count=inputs.window_days)
    slopes = {name: float(returns[name].cov(total)) / float(total.std()) for name in returns}

    def shocked(points: Floats) -> pd.DataFrame:
        return pd.DataFrame({name: np.exp(-slope * points) for name, slope in slopes.items()})

    return shocked, (np.linspace(0.0, 20.0, 1001), np.linspace(0.0, -20.0, 1001))


def confirm_reverse_stress(inputs: ReverseStressInput, market: MarketView) -> SecondOpinion:
    """Scan position by position, refine by Brent's method."""
    moved, grids = _line(inputs, market)
    portfolio, appraiser = inputs.portfolio.to_domain(), appraiser_of(inputs, market)
    loss = float(inputs.loss)

    def short(point: float) -> float:
        return float(profits(portfolio, appraiser, moved(np.array([point])))[0]) + loss

    found, worst = [], math.inf
    for grid in grids:
        outcome = profits(portfolio, appraiser, moved(grid))
        worst = min(worst, float(outcome.min()))
        beyond = [index for index, profit in enumerate(outcome) if profit <= -loss]
        if beyond:
            found.append(brentq(short, grid[beyond[0] - 1], grid[beyond[0]], xtol=1e-15))
    values = {"worst_searched": worst}
    if found:
        move = sorted(found, key=abs)[0]
        is_equity = inputs.direction is ReverseDirection.EQUITY
        values |= {"move": move * 100.0 if is_equity else move, "pnl": short(move) - loss}
        if not is_equity:
            growth = moved(np.array([move])).iloc[0]
            for name, factor in growth.items():
                values[f"factor.{_row_of(str(name))}"] = (factor - 1.0) * 100.0
    return opinion("scan position by position, Brent's method", values)
