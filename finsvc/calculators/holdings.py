"""A portfolio as distinct rows, merged and valued at one close.

Equal contracts are merged exactly (decimal sums) and rows are sorted by name, so that results do
not depend on the order in which positions are listed. Signs: positive is long; a value is what the
holding is worth, in its own currency (`local`) and in the base currency.
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from finsvc.calculators.black_scholes import DAYS_PER_YEAR, Contracts, sensitivities
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.portfolio import Assumptions, PortfolioInput
from finsvc.calculators.returns import annual_volatility
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.positions import (
    CashPosition,
    OptionPosition,
    OptionType,
    Position,
    StockPosition,
)


def row_name(text: str) -> str:
    """Bring a name to the alphabet of row names, ``[A-Za-z0-9_:-]``."""
    return re.sub(r"[^A-Za-z0-9_:-]+", "_", text)


def position_row(position: Position) -> str:
    """Name of the row that a position belongs to."""
    if isinstance(position, StockPosition):
        return row_name(position.instrument)
    if isinstance(position, CashPosition):
        return f"cash:{position.currency}"
    letter = position.option_type.value[0].upper()
    terms = f"{decimal_text(position.strike)}-{position.expiry.isoformat()}"
    return row_name(f"{position.underlying}-{letter}-{terms}-x{decimal_text(position.multiplier)}")


def quantity_of(position: Position) -> Decimal:
    """Shares, amount of money or contracts."""
    return position.amount if isinstance(position, CashPosition) else position.quantity


def merge(portfolio: PortfolioInput) -> dict[str, Position]:
    """Merge equal contracts and sort by row name."""
    merged: dict[str, Position] = {}
    for position in portfolio.to_domain().positions:
        row = position_row(position)
        known = merged.get(row)
        merged[row] = position if known is None else _add(known, quantity_of(position))
    return dict(sorted(merged.items()))


def _add(position: Position, quantity: Decimal) -> Position:
    total = quantity_of(position) + quantity
    if isinstance(position, CashPosition):
        return replace(position, amount=total)
    return replace(position, quantity=total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One valued row.

    ``instrument`` is the stock or the option's underlying, None for cash. ``value_local`` is the
    market value and ``delta_local`` the delta-equivalent amount, both in ``currency``; ``fx_rate``
    is base currency for one unit of it.
    """

    row: str
    position: Position
    instrument: InstrumentId | None
    currency: CurrencyCode
    value_local: float
    delta_local: float
    fx_rate: float

    @property
    def value(self) -> float:
        """Market value in the base currency."""
        return self.value_local * self.fx_rate

    @property
    def delta(self) -> float:
        """Delta-equivalent amount in the base currency."""
        return self.delta_local * self.fx_rate


def years_to_expiry(expiry: date, on: date) -> float:
    """Time to expiry in years of 365 days.

    Raises:
        InputError: the option expired before the date.
    """
    if expiry < on:
        raise InputError(
            field="expiry", expected=f"a date not before {on.isoformat()}", actual=str(expiry)
        )
    return (expiry - on).days / DAYS_PER_YEAR


def contracts(
    positions: list[OptionPosition], *, on: date, volatility: float, assumptions: Assumptions
) -> Contracts:
    """Terms of options on one underlying as arrays."""
    return Contracts(
        sign=np.array([1.0 if p.option_type is OptionType.CALL else -1.0 for p in positions]),
        strike=np.array([float(p.strike) for p in positions]),
        years=np.array([years_to_expiry(p.expiry, on) for p in positions]),
        volatility=volatility,
        rate=float(assumptions.rate),
        dividend_yield=float(assumptions.dividend_yield),
    )


def fx_known(market: MarketView, base: CurrencyCode, quote: CurrencyCode, on: date) -> float:
    """Units of ``quote`` for one ``base`` as known on a day."""
    return float(market.fx_rates(base, quote, np.array([on], dtype="datetime64[D]"))[0])


class Valuer:
    """Values positions at one close, remembering spots."""

    def __init__(
        self, market: MarketView, *, on: date, assumptions: Assumptions, field: str
    ) -> None:
        """Bind to a market and a trading day; errors on the day name ``field``."""
        self._market = market
        self._on = on
        self._assumptions = assumptions
        self._field = field
        self._spots: dict[InstrumentId, float] = {}

    def spot(self, instrument: InstrumentId) -> float:
        """Close of the day."""
        if instrument not in self._spots:
            self._spots[instrument] = self._market.close(instrument, self._on, field=self._field)
        return self._spots[instrument]

    def volatility(self, instrument: InstrumentId) -> float:
        """Assumed volatility of an underlying."""
        return annual_volatility(
            self._market,
            instrument,
            as_of=self._on,
            window_days=self._assumptions.volatility_window_days,
            field=self._field,
        )

    def option_values(
        self, underlying: InstrumentId, positions: list[OptionPosition]
    ) -> tuple[list[float], list[float]]:
        """Price and delta of one unit of each option on an underlying."""
        terms = contracts(
            positions,
            on=self._on,
            volatility=self.volatility(underlying),
            assumptions=self._assumptions,
        )
        greeks = sensitivities(self.spot(underlying), terms)
        return greeks.price.tolist(), greeks.delta.tolist()

    def local(self, positions: dict[str, Position]) -> dict[str, tuple[float, float]]:
        """Market value and delta-equivalent of every row, in the row's own currency."""
        values: dict[str, tuple[float, float]] = {}
        options: dict[InstrumentId, dict[str, OptionPosition]] = {}
        for row, position in positions.items():
            if isinstance(position, OptionPosition):
                options.setdefault(position.underlying, {})[row] = position
                continue
            if isinstance(position, CashPosition):
                amount = float(position.amount)
            else:
                amount = float(position.quantity) * self.spot(position.instrument)
            values[row] = (amount, amount)
        for underlying, rows in options.items():
            prices, deltas = self.option_values(underlying, list(rows.values()))
            for (row, option), price, delta in zip(rows.items(), prices, deltas, strict=True):
                units = float(option.quantity * option.multiplier)
                values[row] = (units * price, units * delta * self.spot(underlying))
        return values


def instrument_of(position: Position) -> InstrumentId | None:
    """The stock or the option's underlying; None for cash."""
    if isinstance(position, CashPosition):
        return None
    return position.instrument if isinstance(position, StockPosition) else position.underlying


def currency_of(position: Position, market: MarketView) -> CurrencyCode:
    """Currency that a position is valued in."""
    if isinstance(position, CashPosition):
        return position.currency
    if isinstance(position, StockPosition):
        return market.currency(position.instrument)
    return market.currency(position.underlying)


def value_holdings(
    portfolio: PortfolioInput,
    market: MarketView,
    *,
    on: date,
    assumptions: Assumptions,
    field: str = "as_of",
) -> tuple[Holding, ...]:
    """Value every row of a portfolio at the close of a trading day, sorted by row.

    Raises:
        InputError: an option expired before the day, a name is unknown or data is missing.
    """
    positions = merge(portfolio)
    local = Valuer(market, on=on, assumptions=assumptions, field=field).local(positions)
    rates: dict[CurrencyCode, float] = {}
    holdings = []
    for row, position in positions.items():
        currency = currency_of(position, market)
        if currency not in rates:
            rates[currency] = fx_known(market, currency, portfolio.base_currency, on)
        holdings.append(
            Holding(
                row=row,
                position=position,
                instrument=instrument_of(position),
                currency=currency,
                value_local=local[row][0],
                delta_local=local[row][1],
                fx_rate=rates[currency],
            )
        )
    return tuple(holdings)
