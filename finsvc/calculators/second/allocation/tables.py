"""Tables of prices and rates for the second methods of portfolio analytics."""

from collections.abc import Sequence
from datetime import date

import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView


def currency_returns(
    names: Sequence[InstrumentId],
    market: MarketView,
    currency: CurrencyCode,
    *,
    end: date,
    count: int,
) -> pd.DataFrame:
    """Simple daily returns in one currency, a column for each instrument."""
    columns = {}
    for name in names:
        closes = market.closes(name, end=end, count=count + 1)
        series = pd.Series(closes.values, index=closes.dates)
        columns[str(name)] = series / market.fx_rates(currency, market.currency(name), closes.dates)
    return pd.DataFrame(columns).pct_change(fill_method=None).iloc[1:]
