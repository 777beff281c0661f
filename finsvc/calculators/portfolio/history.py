"""Values of a book over time and returns of instruments in one currency."""

from datetime import date

import numpy as np
import numpy.typing as npt

from finsvc.calculators.holdings import currency_of, merge
from finsvc.calculators.inputs.portfolio import PortfolioInput
from finsvc.calculators.returns import require_same_days
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView, Series
from finsvc.domain.positions import CashPosition, OptionPosition, StockPosition

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


def require_trading_day(series: Series, day: date, instrument: InstrumentId, field: str) -> None:
    """Refuse a day on which the instrument has no close at the end of a stretch.

    Raises:
        InputError: the series neither begins nor ends on the day.
    """
    ends = {str(series.dates[0]), str(series.dates[-1])} if len(series.dates) else set()
    if day.isoformat() not in ends:
        raise InputError(
            field=field,
            expected=f"a day with a close of {instrument}",
            actual=day.isoformat(),
        )


def daily_values(
    portfolio: PortfolioInput, market: MarketView, *, start: date, end: date
) -> tuple[Days, Floats]:
    """Value of a constant book of shares and cash at every close, base currency, shape (N,).

    Raises:
        UnsupportedError: the book holds options, whose past values would need past volatilities.
        InputError: it holds no shares, an end has no close, or the shares' days differ.
    """
    positions = list(merge(portfolio).values())
    if any(isinstance(position, OptionPosition) for position in positions):
        raise UnsupportedError(
            field="portfolio.positions", expected="shares and cash alone", actual="options"
        )
    shares = [position for position in positions if isinstance(position, StockPosition)]
    cash = [position for position in positions if isinstance(position, CashPosition)]
    days: Days | None = None
    values_n = np.zeros(0)
    first: InstrumentId | None = None
    for position in shares:
        series = market.closes_between(position.instrument, start, end)
        for day, field in ((start, "start"), (end, "end")):
            require_trading_day(series, day, position.instrument, field)
        if days is None or first is None:
            days, first, values_n = series.dates, position.instrument, np.zeros(len(series.dates))
        require_same_days(days, series.dates, first, position.instrument)
        code = currency_of(position, market)
        rates = market.fx_rates(code, portfolio.base_currency, days)
        values_n = values_n + float(position.quantity) * series.values * rates
    if days is None:
        raise InputError(
            field="portfolio.positions", expected="at least one holding of shares", actual="none"
        )
    for holding in cash:
        rates = market.fx_rates(holding.currency, portfolio.base_currency, days)
        values_n = values_n + float(holding.amount) * rates
    return days, values_n


def instrument_returns(
    instruments: tuple[InstrumentId, ...],
    market: MarketView,
    *,
    as_of: date,
    num_returns: int,
    currency: CurrencyCode,
) -> Floats:
    """Simple daily returns in one currency, shape (num_returns, F).

    Raises:
        InsufficientDataError: too little history, or instruments that trade on different days.
    """
    columns = []
    days: Days | None = None
    for name in instruments:
        closes = market.closes(name, end=as_of, count=num_returns + 1)
        if days is None:
            days = closes.dates
        require_same_days(days, closes.dates, instruments[0], name)
        rates = market.fx_rates(market.currency(name), currency, closes.dates)
        columns.append(closes.values * rates)
    levels_tf = np.stack(columns, axis=1)
    return levels_tf[1:] / levels_tf[:-1] - 1.0
