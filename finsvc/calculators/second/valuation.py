"""Positions valued one by one, from the definitions.

Re-implementation: no merging, no vectors over positions. Options are priced by QuantLib at
today's price and, where thousands of prices are needed, by the Black (1976) formula on the forward
with the complementary error function.
"""

import itertools
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy.special import erfc  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.portfolio import Assumptions
from finsvc.calculators.second.quantlib_adapter import EuropeanOption, Greeks, greeks
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

Floats = npt.NDArray[np.float64]


def realised_volatility(
    market: MarketView, instrument: InstrumentId, on: date, window_days: int
) -> float:
    """Annual volatility with Python's statistics module, 252 days a year."""
    closes = [float(v) for v in market.closes(instrument, end=on, count=window_days + 1).values]
    returns = [math.log(b / a) for a, b in itertools.pairwise(closes)]
    return statistics.stdev(returns) * math.sqrt(252)


def black_1976(option: OptionPosition, spots: Floats, on: date, terms: tuple[float, ...]) -> Floats:
    """Value of one unit at many spots; ``terms`` are volatility, rate and dividend yield."""
    volatility, rate, dividend_yield = terms
    years = (option.expiry - on).days / 365.0
    forwards = spots * math.exp((rate - dividend_yield) * years)
    strike = float(option.strike)
    is_call = option.option_type is OptionType.CALL
    total = volatility * math.sqrt(years)
    if total == 0.0 or strike == 0.0:
        gain = forwards - strike if is_call else strike - forwards
        return math.exp(-rate * years) * np.maximum(gain, 0.0)
    upper = (np.log(forwards / strike) + 0.5 * total * total) / total
    lower = upper - total
    side = 1.0 if is_call else -1.0
    root = math.sqrt(2.0)
    in_forward: Floats = 0.5 * erfc(-side * upper / root)
    in_strike: Floats = 0.5 * erfc(-side * lower / root)
    return side * math.exp(-rate * years) * (forwards * in_forward - strike * in_strike)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One position today: value and delta-equivalent in ``currency``, and the rate to base."""

    currency: CurrencyCode
    instrument: InstrumentId | None
    value: float
    delta: float
    rate: float


class Appraiser:
    """Values positions at the close of one day."""

    def __init__(
        self,
        market: MarketView,
        *,
        base: CurrencyCode,
        on: date,
        assumptions: Assumptions,
        field: str = "as_of",
    ) -> None:
        """Bind to a market, a base currency and a day."""
        self.market = market
        self.base = base
        self.on = on
        self._assumptions = assumptions
        self._field = field
        self._memory: dict[tuple[str, str], float] = {}

    def _once(self, kind: str, name: str, compute: Callable[[], float]) -> float:
        if (kind, name) not in self._memory:
            self._memory[kind, name] = compute()
        return self._memory[kind, name]

    def spot(self, instrument: InstrumentId) -> float:
        """Close of the day."""
        return self._once(
            "spot", instrument, lambda: self.market.close(instrument, self.on, field=self._field)
        )

    def rate(self, currency: CurrencyCode) -> float:
        """Base currency for one unit of a currency, as known on the day."""
        if currency == self.base:
            return 1.0
        days = np.array([self.on], dtype="datetime64[D]")
        return self._once(
            "rate",
            currency,
            lambda: float(self.market.fx_rates(currency, self.base, days)[0]),
        )

    def terms(self, underlying: InstrumentId) -> tuple[float, float, float]:
        """Volatility, rate and dividend yield assumed for options."""
        window_days = self._assumptions.volatility_window_days
        volatility = self._once(
            "volatility",
            underlying,
            lambda: realised_volatility(self.market, underlying, self.on, window_days),
        )
        return volatility, float(self._assumptions.rate), float(self._assumptions.dividend_yield)

    def option(self, option: OptionPosition) -> Greeks:
        """Price one unit with QuantLib."""
        if option.expiry < self.on:
            raise InputError(
                field="expiry", expected=f"{self.on} or later", actual=option.expiry.isoformat()
            )
        volatility, rate, dividend_yield = self.terms(option.underlying)
        return greeks(
            EuropeanOption(
                option_type=option.option_type,
                spot=self.spot(option.underlying),
                strike=float(option.strike),
                expiry=option.expiry,
                on=self.on,
                volatility=volatility,
                rate=rate,
                dividend_yield=dividend_yield,
            )
        )

    def worth(self, position: Position) -> Worth:
        """Value one position."""
        if isinstance(position, CashPosition):
            amount = float(position.amount)
            return self._worth(position.currency, None, amount, amount)
        if isinstance(position, StockPosition):
            amount = float(position.quantity) * self.spot(position.instrument)
            currency = self.market.currency(position.instrument)
            return self._worth(currency, position.instrument, amount, amount)
        unit = self.option(position)
        units = float(position.quantity) * float(position.multiplier)
        return self._worth(
            self.market.currency(position.underlying),
            position.underlying,
            units * unit.price,
            units * unit.delta * self.spot(position.underlying),
        )

    def _worth(
        self, currency: CurrencyCode, instrument: InstrumentId | None, value: float, delta: float
    ) -> Worth:
        return Worth(
            currency=currency,
            instrument=instrument,
            value=value,
            delta=delta,
            rate=self.rate(currency),
        )

    def local_values(self, position: StockPosition | OptionPosition, spots: Floats) -> Floats:
        """Value of a position at many prices of its instrument, in the instrument's currency."""
        if isinstance(position, StockPosition):
            return float(position.quantity) * spots
        units = float(position.quantity) * float(position.multiplier)
        return units * black_1976(position, spots, self.on, self.terms(position.underlying))
