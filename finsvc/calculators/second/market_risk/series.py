"""Profits of a book under past returns, position by position and day by day."""

import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.calculators.second.scenarios import history, profits
from finsvc.calculators.second.valuation import Appraiser
from finsvc.domain.market import MarketView


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
