"""Profit of a portfolio under moves of prices and rates, and the history of those moves.

Moves are columns of a table: growth factors of tickers (``AAPL``) and of rates to the base
currency (``fx:EUR``). Re-implementation, position by position.
"""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.second.valuation import Appraiser
from finsvc.domain.errors import NonTradingDayError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.positions import CashPosition, OptionPosition, Portfolio, StockPosition

Floats = npt.NDArray[np.float64]


def traded(portfolio: Portfolio) -> list[InstrumentId]:
    """Tickers that the portfolio depends on."""
    names = {p.instrument for p in portfolio.positions if isinstance(p, StockPosition)}
    names |= {p.underlying for p in portfolio.positions if isinstance(p, OptionPosition)}
    return sorted(names)


def foreign(portfolio: Portfolio, market: MarketView) -> list[CurrencyCode]:
    """Currencies other than the base that the portfolio depends on."""
    codes = {p.currency for p in portfolio.positions if isinstance(p, CashPosition)}
    codes |= {market.currency(name) for name in traded(portfolio)}
    return sorted(codes - {portfolio.base_currency})


def history(portfolio: Portfolio, market: MarketView, *, end: date, count: int) -> pd.DataFrame:
    """Levels of every price and rate on the last ``count`` days up to ``end``."""
    columns = {}
    for name in traded(portfolio):
        closes = market.closes(name, end=end, count=count)
        columns[name] = pd.Series(closes.values, index=closes.dates)
    codes = foreign(portfolio, market)
    if columns:
        levels = pd.DataFrame(columns)
    elif codes:
        levels = pd.DataFrame(index=_fixings(market, codes[0], portfolio.base_currency, end, count))
    else:
        levels = pd.DataFrame(index=range(count))
    days = levels.index.to_numpy()
    for code in codes:
        levels[f"fx:{code}"] = market.fx_rates(code, portfolio.base_currency, days)
    return levels


def _fixings(
    market: MarketView, base: CurrencyCode, quote: CurrencyCode, end: date, count: int
) -> npt.NDArray[np.datetime64]:
    """Walk back day by day and keep those that have a fixing."""
    days: list[date] = []
    day = end
    while len(days) < count:
        try:
            market.fx_rate(base, quote, day)
            days.append(day)
        except NonTradingDayError:
            pass
        day -= timedelta(days=1)
    return np.array(days[::-1], dtype="datetime64[D]")


def profits(portfolio: Portfolio, appraiser: Appraiser, moves: pd.DataFrame) -> Floats:
    """Profit of every row of moves in the base currency by full revaluation."""
    total = np.zeros(len(moves))
    ones = np.ones(len(moves))
    for position in portfolio.positions:
        if isinstance(position, CashPosition):
            currency = position.currency
            before = float(position.amount)
            after = np.full(len(moves), before)
        else:
            name = (
                position.instrument if isinstance(position, StockPosition) else position.underlying
            )
            currency = appraiser.market.currency(name)
            spot = appraiser.spot(name)
            before = float(appraiser.local_values(position, np.array([spot]))[0])
            after = appraiser.local_values(position, spot * moves[name].to_numpy())
        is_base = currency == portfolio.base_currency
        drift = ones if is_base else moves[f"fx:{currency}"].to_numpy()
        total = total + (after * drift - before) * appraiser.rate(currency)
    return total
