"""Days of past returns, and profits under them position by position.

Shapes: N scenarios, F factors. Profits are positive, in the base currency.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from finsvc.calculators.black_scholes import price
from finsvc.calculators.factors import InstrumentRisk, RiskBook, fixing_days
from finsvc.calculators.holdings import contracts, fx_known, merge
from finsvc.calculators.inputs.portfolio import Assumptions, PortfolioCalculation
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.positions import CashPosition, Position, StockPosition

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

_STILL = 1e-9
"""Root mean square of profits, in units of the base currency, up to which nothing moves."""


def require_movement(profits_n: Floats) -> None:
    """Refuse profits that are rounding noise where their shape is asked for.

    Raises:
        InputError: the book is worth the same under every return.
    """
    if float(np.sqrt((profits_n * profits_n).mean())) <= _STILL or np.ptp(profits_n) <= _STILL:
        raise InputError(
            field="portfolio", expected="a book whose value moves", actual="a book without risk"
        )


def scenario_days(book: RiskBook, market: MarketView, *, as_of: date, count: int) -> Days:
    """The days on which the last ``count`` returns end, as `factor_growth` orders them.

    A book without risk has no trading days of its own; its days are weekdays.
    """
    if book.instruments:
        return market.closes(book.instruments[0], end=as_of, count=count).dates
    if book.currencies:
        return fixing_days(market, book.currencies[0], book.base, end=as_of, count=count)
    last = np.datetime64(as_of, "D")
    return np.busday_offset(last, np.arange(1 - count, 1), roll="backward")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowPricer:
    """Profits of single positions of a book under one set of scenarios."""

    book: RiskBook
    market: MarketView
    growth_nf: Floats
    as_of: date
    assumptions: Assumptions
    risks: Mapping[InstrumentId, InstrumentRisk]

    def profit(self, position: Position) -> Floats:
        """Profit of one position by full revaluation, base currency, shape (N,)."""
        if isinstance(position, CashPosition):
            return self._cash_profit(position)
        if isinstance(position, StockPosition):
            risk = self.risks[position.instrument]
            units = float(position.quantity)
            values_n = units * (risk.spot * self.growth_nf[:, risk.factor])
            return self._moved(risk, values_n, units * risk.spot)
        risk = self.risks[position.underlying]
        terms = contracts(
            [position],
            on=self.as_of,
            volatility=0.0 if risk.contracts is None else risk.contracts.volatility,
            assumptions=self.assumptions,
        )
        units = float(position.quantity * position.multiplier)
        spots_n = risk.spot * self.growth_nf[:, risk.factor]
        values_n = units * price(spots_n[:, None], terms)[:, 0]
        today = units * float(price(np.array([[risk.spot]]), terms)[0, 0])
        return self._moved(risk, values_n, today)

    def _cash_profit(self, position: CashPosition) -> Floats:
        if position.currency == self.book.base:
            return np.zeros(len(self.growth_nf))
        column = len(self.book.instruments) + self.book.currencies.index(position.currency)
        value = float(position.amount) * fx_known(
            self.market, position.currency, self.book.base, self.as_of
        )
        return value * (self.growth_nf[:, column] - 1.0)

    def _moved(self, risk: InstrumentRisk, values_n: Floats, today: float) -> Floats:
        if risk.currency_factor is not None:
            values_n = values_n * self.growth_nf[:, risk.currency_factor]
        return (values_n - today) * risk.fx_rate


def row_profits(
    inputs: PortfolioCalculation, market: MarketView, book: RiskBook, growth_nf: Floats
) -> Iterator[tuple[str, Floats]]:
    """Name and profits (N,) of every merged row, in order of name; they sum to the book's."""
    pricer = RowPricer(
        book=book,
        market=market,
        growth_nf=growth_nf,
        as_of=inputs.as_of,
        assumptions=inputs.assumptions,
        risks={risk.instrument: risk for risk in book.risks},
    )
    for row, position in merge(inputs.portfolio).items():
        yield row, pricer.profit(position)
