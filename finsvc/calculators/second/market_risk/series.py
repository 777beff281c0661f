"""Profits of a book under past returns, position by position and day by day."""

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.calculators.second.books import line_name
from finsvc.calculators.second.scenarios import history, profits
from finsvc.calculators.second.valuation import Appraiser
from finsvc.domain.market import MarketView
from finsvc.domain.positions import Portfolio

Floats = npt.NDArray[np.float64]


def appraiser_of(inputs: PortfolioCalculation, market: MarketView) -> Appraiser:
    """Valuer of the book's positions on the day."""
    return Appraiser(
        market,
        base=inputs.portfolio.base_currency,
        on=inputs.as_of,
        assumptions=inputs.assumptions,
    )


def past_moves(
    inputs: PortfolioCalculation, market: MarketView, *, count: int, step: int = 1
) -> pd.DataFrame:
    """Growth factors over ``step`` days of the last ``count`` days, indexed by ISO dates."""
    portfolio = inputs.portfolio.to_domain()
    levels = history(portfolio, market, end=inputs.as_of, count=count + step)
    moves = (levels / levels.shift(step)).iloc[step:]
    if isinstance(levels.index, pd.RangeIndex):
        # A book without risk has no days of its own.
        moves.index = pd.bdate_range(end=inputs.as_of, periods=count)
    moves.index = pd.to_datetime(moves.index).strftime("%Y-%m-%d")
    return moves


def book_profits(
    inputs: PortfolioCalculation, market: MarketView, *, count: int, step: int = 1
) -> pd.Series:
    """Profit of the whole book on each of the last ``count`` days, indexed by ISO dates."""
    moves = past_moves(inputs, market, count=count, step=step)
    portfolio = inputs.portfolio.to_domain()
    return pd.Series(profits(portfolio, appraiser_of(inputs, market), moves), index=moves.index)


def weighted_returns(
    inputs: PortfolioCalculation, market: MarketView, *, count: int, step: int = 1
) -> pd.Series:
    """Delta-weighted log returns of the book, base currency, one for each day."""
    returns = past_moves(inputs, market, count=count, step=step).apply(np.log)
    series = pd.Series(0.0, index=returns.index)
    for weights in position_weights(inputs, market).values():
        for column, amount in weights.items():
            series = series + amount * returns[column]
    return series


def position_weights(
    inputs: PortfolioCalculation, market: MarketView
) -> dict[str, dict[str, float]]:
    """Amounts that moves of prices and rates act on, by row and column."""
    appraiser = appraiser_of(inputs, market)
    rows: dict[str, dict[str, float]] = {}
    for position in inputs.portfolio.positions:
        worth = appraiser.worth(position.to_domain())
        weights = rows.setdefault(line_name(position), {})
        if worth.instrument is not None:
            column = str(worth.instrument)
            weights[column] = weights.get(column, 0.0) + worth.delta * worth.rate
        if worth.currency != inputs.portfolio.base_currency:
            column = f"fx:{worth.currency}"
            weights[column] = weights.get(column, 0.0) + worth.value * worth.rate
    return rows


def profits_by_row(
    inputs: PortfolioCalculation, market: MarketView, moves: pd.DataFrame
) -> pd.DataFrame:
    """Profits of every row of the book (columns) under every row of moves."""
    appraiser = appraiser_of(inputs, market)
    columns: dict[str, Floats] = {}
    for position in inputs.portfolio.positions:
        alone = Portfolio(
            label=inputs.portfolio.label,
            base_currency=inputs.portfolio.base_currency,
            positions=(position.to_domain(),),
        )
        row = line_name(position)
        columns[row] = columns.get(row, 0.0) + profits(alone, appraiser, moves)
    return pd.DataFrame(columns, index=moves.index)
