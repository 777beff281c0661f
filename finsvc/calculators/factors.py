"""A portfolio as a function of its risk factors, and the factors' history.

Factors are the prices of instruments in their own currency and the rates of foreign currencies to
the base currency, in that order, each group sorted. A scenario is a vector of growth factors: 1.05
raises a price by 5 %. The shock is instantaneous: times to expiry, volatilities and rates stay.

Shapes: N scenarios, F factors, M options on one underlying.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from finsvc.calculators.black_scholes import Contracts, price, sensitivities
from finsvc.calculators.holdings import Valuer, contracts, currency_of, fx_known, merge
from finsvc.calculators.inputs.portfolio import Assumptions, PortfolioInput
from finsvc.calculators.returns import require_same_days
from finsvc.domain.errors import NonTradingDayError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.positions import CashPosition, OptionPosition, Position, StockPosition

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstrumentRisk:
    """Everything that depends on one instrument's price.

    ``units`` are shares held outright; ``option_units`` (M,) are contracts times multiplier.
    ``currency_factor`` is the column of the currency's rate, None in the base currency.
    """

    instrument: InstrumentId
    factor: int
    currency_factor: int | None
    spot: float
    fx_rate: float
    units: float
    option_units: Floats
    contracts: Contracts | None

    def local_values(self, spots_n: Floats) -> Floats:
        """Value in the instrument's currency at each price, shape (N,)."""
        values_n = self.units * spots_n
        if self.contracts is not None:
            option_values_nm = price(spots_n[:, None], self.contracts)
            values_n = values_n + (option_values_nm * self.option_units).sum(axis=1)
        return values_n

    def local_delta(self) -> float:
        """Delta-equivalent amount in the instrument's currency."""
        units = self.units
        if self.contracts is not None:
            units += float(
                (sensitivities(self.spot, self.contracts).delta * self.option_units).sum()
            )
        return units * self.spot


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskBook:
    """A portfolio reduced to what its factors move.

    ``cash`` maps factor columns to the base-currency value of foreign cash; cash in the base
    currency has no risk and is left out.
    """

    instruments: tuple[InstrumentId, ...]
    currencies: tuple[CurrencyCode, ...]
    base: CurrencyCode
    risks: tuple[InstrumentRisk, ...]
    cash: dict[int, float]

    @property
    def num_factors(self) -> int:
        """Number of risk factors."""
        return len(self.instruments) + len(self.currencies)

    def profit(self, growth_nf: Floats) -> Floats:
        """Profit (positive) or loss of each scenario by full revaluation, base currency, (N,)."""
        profit_n = np.zeros(len(growth_nf))
        for risk in self.risks:
            today = float(risk.local_values(np.array([risk.spot]))[0])
            values_n = risk.local_values(risk.spot * growth_nf[:, risk.factor])
            if risk.currency_factor is not None:
                values_n = values_n * growth_nf[:, risk.currency_factor]
            profit_n += (values_n - today) * risk.fx_rate
        for column, value in self.cash.items():
            profit_n += value * (growth_nf[:, column] - 1.0)
        return profit_n

    def delta(self) -> Floats:
        """Base-currency amount that a relative move of each factor acts on, shape (F,)."""
        delta_f = np.zeros(self.num_factors)
        for risk in self.risks:
            delta_f[risk.factor] += risk.local_delta() * risk.fx_rate
            if risk.currency_factor is not None:
                today = float(risk.local_values(np.array([risk.spot]))[0])
                delta_f[risk.currency_factor] += today * risk.fx_rate
        for column, value in self.cash.items():
            delta_f[column] += value
        return delta_f


def build_risk_book(
    portfolio: PortfolioInput, market: MarketView, *, as_of: date, assumptions: Assumptions
) -> RiskBook:
    """Reduce a portfolio to its risk factors at the close of a trading day.

    Raises:
        InputError: a name is unknown, an option expired before the day, or data is missing.
    """
    base = portfolio.base_currency
    positions = list(merge(portfolio).values())
    by_instrument: dict[InstrumentId, list[StockPosition | OptionPosition]] = {}
    for position in positions:
        if isinstance(position, StockPosition):
            by_instrument.setdefault(position.instrument, []).append(position)
        elif isinstance(position, OptionPosition):
            by_instrument.setdefault(position.underlying, []).append(position)
    instruments = tuple(sorted(by_instrument))
    held = {currency_of(position, market) for position in positions}
    currencies = tuple(sorted(held - {base}))
    column = {code: len(instruments) + i for i, code in enumerate(currencies)}
    rate = {code: fx_known(market, code, base, as_of) for code in sorted(held)}
    valuer = Valuer(market, on=as_of, assumptions=assumptions, field="as_of")
    risks = tuple(
        _instrument_risk(
            instrument,
            by_instrument[instrument],
            factor=factor,
            valuer=valuer,
            currency_factor=column.get(market.currency(instrument)),
            fx_rate=rate[market.currency(instrument)],
            terms=(as_of, assumptions),
        )
        for factor, instrument in enumerate(instruments)
    )
    return RiskBook(
        instruments=instruments,
        currencies=currencies,
        base=base,
        risks=risks,
        cash=_foreign_cash(positions, column, rate),
    )


def _foreign_cash(
    positions: list[Position], column: dict[CurrencyCode, int], rate: dict[CurrencyCode, float]
) -> dict[int, float]:
    return {
        column[position.currency]: float(position.amount) * rate[position.currency]
        for position in positions
        if isinstance(position, CashPosition) and position.currency in column
    }


def _instrument_risk(
    instrument: InstrumentId,
    positions: list[StockPosition | OptionPosition],
    *,
    factor: int,
    valuer: Valuer,
    currency_factor: int | None,
    fx_rate: float,
    terms: tuple[date, Assumptions],
) -> InstrumentRisk:
    on, assumptions = terms
    options = [position for position in positions if isinstance(position, OptionPosition)]
    shares = [p.quantity for p in positions if isinstance(p, StockPosition)]
    return InstrumentRisk(
        instrument=instrument,
        factor=factor,
        currency_factor=currency_factor,
        spot=valuer.spot(instrument),
        fx_rate=fx_rate,
        units=float(sum(shares)),
        option_units=np.array([float(p.quantity * p.multiplier) for p in options]),
        contracts=contracts(
            options,
            on=on,
            volatility=valuer.volatility(instrument),
            assumptions=assumptions,
        )
        if options
        else None,
    )


def factor_growth(
    book: RiskBook, market: MarketView, *, as_of: date, num_returns: int, step: int
) -> Floats:
    """Past growth of every factor over ``step`` trading days, shape (num_returns, F).

    Days are the closes of the instruments; without instruments, the fixing days of the currencies.
    A rate counts from its fixing until the next one.

    Raises:
        InsufficientDataError: too little history, or instruments that trade on different days.
    """
    count = num_returns + step
    columns: list[Floats] = []
    days: Days | None = None
    for instrument in book.instruments:
        closes = market.closes(instrument, end=as_of, count=count)
        if days is None:
            days = closes.dates
        require_same_days(days, closes.dates, book.instruments[0], instrument)
        columns.append(closes.values)
    if book.currencies:
        if days is None:
            days = fixing_days(market, book.currencies[0], book.base, end=as_of, count=count)
        columns.extend(market.fx_rates(code, book.base, days) for code in book.currencies)
    # Each factor's history stays contiguous: revaluation reads it column by column.
    levels_tf = np.stack(columns).T if columns else np.ones((count, 0))
    return levels_tf[step:] / levels_tf[:-step]


def fixing_days(
    market: MarketView, base: CurrencyCode, quote: CurrencyCode, *, end: date, count: int
) -> Days:
    """The last ``count`` days with a fixing of the pair up to ``end``, itself a fixing day.

    Raises:
        NonTradingDayError: the pair has no fixing on ``end``.
        InputError: the rates do not reach back far enough.
    """
    market.fx_rate(base, quote, end)
    days = np.array([end], dtype="datetime64[D]")
    while len(days) < count:
        missing = count - len(days)
        # Weekdays outnumber fixing days by two to three in a hundred; one fetch is rarely short.
        earliest = np.busday_offset(days[0], -(missing + missing // 25 + 5), roll="backward")
        earlier = np.arange(earliest, days[0])
        weekdays = earlier[np.is_busday(earlier)]
        days = np.concatenate([_with_fixing(market, base, quote, weekdays), days])
    return days[-count:]


def _with_fixing(
    market: MarketView, base: CurrencyCode, quote: CurrencyCode, weekdays: Days
) -> Days:
    """Keep the days that have a fixing of their own.

    A rate that differs from the day before is a fixing; only unchanged ones are asked about.
    """
    rates = market.fx_rates(base, quote, weekdays)
    is_fixing = np.ones(len(weekdays), dtype=bool)
    for index in np.flatnonzero(np.diff(rates, prepend=rates[0]) == 0.0):
        day = date(1970, 1, 1) + timedelta(days=int(weekdays[index].astype(np.int64)))
        try:
            market.fx_rate(base, quote, day)
        except NonTradingDayError:
            is_fixing[index] = False
    return weekdays[is_fixing]
