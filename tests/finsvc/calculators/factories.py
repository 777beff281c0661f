"""A small synthetic market and documents of inputs.

The prices are random walks from a fixed seed: synthetic, for formulas and edges only. Agreement of
the two methods on real data is tested on the snapshot (`test_registry.py`).
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from finsvc.calculators.calculator import Calculator
from finsvc.calculators.comparison import Comparison, compare
from finsvc.calculators.registry import calculator
from finsvc.domain.errors import (
    DateOutOfRangeError,
    InsufficientDataError,
    NonTradingDayError,
    UnknownNameError,
)
from finsvc.domain.identifiers import CurrencyCode, InstrumentId, SnapshotDigest
from finsvc.domain.market import Series
from finsvc.domain.results import CalculatorResult

AS_OF = "2022-12-30"
ABC, IDX, EUX, FLAT, GAP = (InstrumentId(name) for name in ("ABC", "IDX", "EUX", "FLAT", "GAP"))
SECTORS = {ABC: "Energy", IDX: "Index", EUX: "Health Care", FLAT: "Energy", GAP: "Financials"}
CURRENCIES = {EUX: CurrencyCode("EUR")}
SNAPSHOT = SnapshotDigest("sha256:" + "0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SyntheticMarket:
    """A `MarketView` over series held in memory."""

    prices: Mapping[InstrumentId, Series]
    rates: Mapping[CurrencyCode, Series]

    @property
    def snapshot(self) -> SnapshotDigest:
        return SNAPSHOT

    def _price(self, instrument: InstrumentId) -> Series:
        if instrument not in self.prices:
            raise UnknownNameError(
                field="instrument", kind="instrument", actual=instrument, known=list(self.prices)
            )
        return self.prices[instrument]

    def currency(self, instrument: InstrumentId) -> CurrencyCode:
        self._price(instrument)
        return CURRENCIES.get(instrument, CurrencyCode("USD"))

    def sector(self, instrument: InstrumentId) -> str:
        self._price(instrument)
        return SECTORS[instrument]

    def name(self, instrument: InstrumentId) -> str:
        self._price(instrument)
        return f"{instrument} Inc."

    def last_date(self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool) -> date:
        return date.fromisoformat(AS_OF)

    def close(self, instrument: InstrumentId, on: date, *, field: str = "as_of") -> float:
        series = self._price(instrument)
        return float(series.values[_exact(series, on, field)])

    def closes(
        self, instrument: InstrumentId, *, end: date, count: int, field: str = "as_of"
    ) -> Series:
        series = self._price(instrument)
        stop = _exact(series, end, field) + 1
        if stop < count:
            raise InsufficientDataError(field=field, expected=str(count), actual=str(stop))
        return _cut(series, stop - count, stop)

    def closes_between(self, instrument: InstrumentId, start: date, end: date) -> Series:
        series = self._price(instrument)
        first = int(np.searchsorted(series.dates, np.datetime64(start, "D")))
        stop = int(np.searchsorted(series.dates, np.datetime64(end, "D"), side="right"))
        return _cut(series, first, stop)

    def _leg(self, code: CurrencyCode) -> Series | None:
        if code == "EUR":
            return None
        if code not in self.rates:
            raise UnknownNameError(
                field="currency", kind="currency", actual=code, known=list(self.rates)
            )
        return self.rates[code]

    def fx_rate(
        self, base: CurrencyCode, quote: CurrencyCode, on: date, *, field: str = "as_of"
    ) -> float:
        legs = [self._leg(code) for code in (base, quote)]
        values = [1.0 if leg is None else float(leg.values[_exact(leg, on, field)]) for leg in legs]
        return values[1] / values[0]

    def fx_rates(
        self, base: CurrencyCode, quote: CurrencyCode, dates: npt.NDArray[np.datetime64]
    ) -> npt.NDArray[np.float64]:
        if base == quote:
            return np.ones(len(dates))
        sides = []
        for leg in (self._leg(base), self._leg(quote)):
            if leg is None:
                sides.append(np.ones(len(dates)))
                continue
            if len(dates) and dates.min() < leg.dates[0]:
                raise DateOutOfRangeError(
                    field="dates",
                    actual=_day(dates.min()),
                    first=_day(leg.dates[0]),
                    last=_day(leg.dates[-1]),
                )
            sides.append(leg.values[np.searchsorted(leg.dates, dates, side="right") - 1])
        return np.asarray(sides[1] / sides[0], dtype=np.float64)


def _day(value: np.datetime64) -> date:
    return date.fromisoformat(str(value.astype("datetime64[D]")))


def _cut(series: Series, first: int, stop: int) -> Series:
    return Series(dates=series.dates[first:stop], values=series.values[first:stop])


def _exact(series: Series, on: date, field: str) -> int:
    day = np.datetime64(on, "D")
    first, last = _day(series.dates[0]), _day(series.dates[-1])
    if not first <= on <= last:
        raise DateOutOfRangeError(field=field, actual=on, first=first, last=last)
    index = int(np.searchsorted(series.dates, day, side="right")) - 1
    if series.dates[index] != day:
        raise NonTradingDayError(field=field, actual=on, previous=_day(series.dates[index]))
    return index


def _walk(days: npt.NDArray[np.datetime64], seed: int, start: float, scale: float) -> Series:
    steps = np.random.Generator(np.random.PCG64(seed)).standard_normal(len(days)) * scale
    values = np.round(start * np.exp(np.cumsum(steps)), 6)
    return Series(dates=days, values=values)


@functools.cache
def synthetic_market() -> SyntheticMarket:
    """Three stocks, a constant one, one with another calendar, and two currencies to the euro."""
    every = np.arange("2018-01-01", "2022-12-31", dtype="datetime64[D]")
    weekdays = every[np.is_busday(every)]
    # Exchanges rest on one weekday in fifty, the central bank on one in forty.
    days = weekdays[np.arange(len(weekdays)) % 50 != 9]
    fixings = weekdays[np.arange(len(weekdays)) % 40 != 3]
    usd = _walk(fixings, 11, 1.1, 0.005)
    # Two fixings in a row with one rate: no carried holiday, although it looks like one.
    unchanged = usd.values.copy()
    unchanged[-5] = unchanged[-6]
    return SyntheticMarket(
        prices={
            ABC: _walk(days, 1, 50.0, 0.02),
            IDX: _walk(days, 2, 4000.0, 0.01),
            EUX: _walk(days, 3, 80.0, 0.015),
            FLAT: Series(dates=days, values=np.full(len(days), 10.0)),
            GAP: _walk(days[np.arange(len(days)) % 97 != 5], 4, 20.0, 0.02),
        },
        rates={
            CurrencyCode("USD"): Series(dates=fixings, values=unchanged),
            CurrencyCode("JPY"): _walk(fixings, 12, 130.0, 0.006),
        },
    )


def stock(instrument: str, quantity: str) -> dict[str, str]:
    return {"kind": "stock", "instrument": instrument, "quantity": quantity}


def cash(currency: str, amount: str) -> dict[str, str]:
    return {"kind": "cash", "currency": currency, "amount": amount}


def option(
    underlying: str, option_type: str, strike: str, quantity: str, expiry: str = "2023-06-16"
) -> dict[str, str]:
    return {
        "kind": "option",
        "underlying": underlying,
        "option_type": option_type,
        "strike": strike,
        "expiry": expiry,
        "quantity": quantity,
        "multiplier": "10",
    }


def book(*positions: dict[str, str], base: str = "USD") -> dict[str, object]:
    return {"label": "the test book", "base_currency": base, "positions": list(positions)}


def mixed_book(base: str = "USD") -> dict[str, object]:
    return book(
        stock("ABC", "1000"),
        stock("EUX", "-300"),
        stock("IDX", "5"),
        cash("EUR", "20000"),
        cash("USD", "15000"),
        cash("JPY", "-1000000"),
        option("IDX", "put", "3900", "3"),
        option("IDX", "call", "4300", "-2"),
        option("ABC", "call", "55.5", "20"),
        base=base,
    )


def run(name: str, market: SyntheticMarket | None = None, **document: object) -> CalculatorResult:
    entry = calculator(name)
    return entry.run(entry.parse(document), market or synthetic_market())


def value(name: str, field: str, **document: object) -> float:
    return float(run(name, **document).fields[field].value)


def both(
    entry: Calculator, document: Mapping[str, object], market: SyntheticMarket | None = None
) -> tuple[CalculatorResult, dict[str, Comparison]]:
    """Run both methods and compare."""
    inputs = entry.parse(document)
    view = market or synthetic_market()
    result = entry.run(inputs, view)
    return result, compare(result, entry.confirm(inputs, view), entry.tolerances)


def disagreements(name: str, **document: object) -> list[str]:
    """Fields that the second method does not confirm."""
    _, comparisons = both(calculator(name), document)
    return [
        f"{field}: difference {item.difference}, allowed {item.tolerance}"
        for field, item in comparisons.items()
        if not item.within
    ]
