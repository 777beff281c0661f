"""`SnapshotMarket`: as-of queries on one snapshot, answered from memory.

Conventions: stock closes are adjusted for splits and dividends, in US dollars; the index is in
points, counted as US dollars. FX rates are ECB reference rates against the euro, fixed at about
14:15 CET; a cross rate is the ratio of two of them. Every query is bounded by its date: it sees
that day's data and older, never newer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from finsvc.domain.errors import (
    DateOutOfRangeError,
    InputError,
    InsufficientDataError,
    NonTradingDayError,
    UnknownNameError,
)
from finsvc.domain.identifiers import CurrencyCode, InstrumentId, SnapshotDigest
from finsvc.domain.market import Series
from finsvc.marketdata.canonical import Column
from finsvc.marketdata.currencies import EUR
from finsvc.marketdata.instruments import BY_TICKER, Instrument
from finsvc.marketdata.sources import PINNED_DIGEST
from finsvc.marketdata.tables import load_tables

# The ECB's longest pause without fixings is five days (Easter). A rate older than this is no
# longer "the last known" but a hole in the data, such as the Icelandic króna's from 2008 to 2018.
CARRY_DAYS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Quotes:
    """One column: dates ``datetime64[D]`` (N,), ascending; values (N,); its first and last day."""

    dates: npt.NDArray[np.datetime64]
    values: npt.NDArray[np.float64]
    first: date
    last: date

    @classmethod
    def of(cls, column: Column) -> "_Quotes":
        dates, values = column
        return cls(dates=dates, values=values, first=_as_date(dates[0]), last=_as_date(dates[-1]))

    def check_range(self, on: date, field: str) -> None:
        if not self.first <= on <= self.last:
            raise DateOutOfRangeError(field=field, actual=on, first=self.first, last=self.last)

    def index_before(self, on: date) -> int:
        """Index of the last observation on or before a day inside the range."""
        return int(np.searchsorted(self.dates, np.datetime64(on, "D"), side="right")) - 1

    def index(self, on: date, field: str) -> int:
        """Index of the observation of exactly this day."""
        self.check_range(on, field)
        found = self.index_before(on)
        previous = _as_date(self.dates[found])
        if previous != on:
            raise NonTradingDayError(field=field, actual=on, previous=previous)
        return found


class SnapshotMarket:
    """A `finsvc.domain.market.MarketView` over the snapshot in ``folder``. Immutable."""

    __slots__ = ("_calendars", "_fx", "_quotes", "_snapshot")

    def __init__(self, folder: Path, *, expected: SnapshotDigest = PINNED_DIGEST) -> None:
        """Load the snapshot and check every digest.

        Raises:
            StateError: the folder is missing, damaged or holds other data than ``expected``.
        """
        tables = load_tables(folder, expected)
        self._snapshot = expected
        quotes = {**tables["prices"], **tables["index"]}
        self._quotes: Mapping[str, _Quotes] = MappingProxyType(
            {name: _Quotes.of(column) for name, column in quotes.items()}
        )
        self._fx: Mapping[str, _Quotes] = MappingProxyType(
            {code: _Quotes.of(column) for code, column in tables["fx"].items()}
        )
        # Shared calendars by the columns they join; there are as many as combinations of tables.
        self._calendars: dict[frozenset[int], npt.NDArray[np.datetime64]] = {}

    @property
    def snapshot(self) -> SnapshotDigest:
        """Digest of the snapshot all answers come from."""
        return self._snapshot

    def instruments(self) -> tuple[InstrumentId, ...]:
        """Every instrument, in order of ticker."""
        return tuple(InstrumentId(name) for name in sorted(self._quotes))

    def currencies(self) -> tuple[CurrencyCode, ...]:
        """Every currency, the euro included, in order of code."""
        return tuple(CurrencyCode(code) for code in sorted((*self._fx, EUR)))

    def currency(self, instrument: InstrumentId) -> CurrencyCode:
        """Quote currency of an instrument."""
        return self._reference(instrument).currency

    def sector(self, instrument: InstrumentId) -> str:
        """GICS sector of a stock; ``Index`` for an index."""
        return self._reference(instrument).sector

    def name(self, instrument: InstrumentId) -> str:
        """Display name of an instrument."""
        return self._reference(instrument).name

    def date_range(
        self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool
    ) -> tuple[date, date]:
        """First and last date on which all the given instruments (and FX, if used) have data."""
        common = self._calendar(instruments, uses_fx=uses_fx)
        return _as_date(common[0]), _as_date(common[-1])

    def last_date(self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool) -> date:
        """Last date on which all the given instruments (and FX rates, if used) have data.

        Without instruments this is the last fixing day.
        """
        return self.date_range(instruments, uses_fx=uses_fx)[1]

    def last_trading_day(
        self,
        on: date,
        *,
        instruments: tuple[InstrumentId, ...],
        uses_fx: bool,
        field: str = "as_of",
    ) -> date:
        """Last day on or before ``on`` with data of all the given instruments (and FX, if used).

        Raises:
            DateOutOfRangeError: ``on`` lies before the first or after the last such day.
        """
        common = self._calendar(instruments, uses_fx=uses_fx)
        first, last = _as_date(common[0]), _as_date(common[-1])
        if not first <= on <= last:
            raise DateOutOfRangeError(field=field, actual=on, first=first, last=last)
        return _as_date(common[np.searchsorted(common, np.datetime64(on, "D"), side="right") - 1])

    def close(self, instrument: InstrumentId, on: date, *, field: str = "as_of") -> float:
        """Close on exactly this day."""
        quotes = self._instrument(instrument)
        return float(quotes.values[quotes.index(on, field)])

    def closes(
        self, instrument: InstrumentId, *, end: date, count: int, field: str = "as_of"
    ) -> Series:
        """The last ``count`` closes on or before ``end``, which must be a trading day."""
        quotes = self._instrument(instrument)
        available = quotes.index(end, field) + 1
        if count < 1:
            raise InputError(field="count", expected="at least 1", actual=str(count))
        if count > available:
            raise InsufficientDataError(
                field=field,
                expected=f"a date with {count} closes of {instrument} up to it",
                actual=f"{available} closes up to {end.isoformat()}",
            )
        return _slice(quotes, available - count, available)

    def closes_between(self, instrument: InstrumentId, start: date, end: date) -> Series:
        """All closes from ``start`` to ``end``, both inclusive; they need not be trading days."""
        quotes = self._instrument(instrument)
        quotes.check_range(start, "start")
        quotes.check_range(end, "end")
        if start > end:
            raise InputError(
                field="start",
                expected=f"a date not after the end {end.isoformat()}",
                actual=start.isoformat(),
            )
        first = int(np.searchsorted(quotes.dates, np.datetime64(start, "D"), side="left"))
        return _slice(quotes, first, quotes.index_before(end) + 1)

    def fx_rate(
        self, base: CurrencyCode, quote: CurrencyCode, on: date, *, field: str = "as_of"
    ) -> float:
        """Units of ``quote`` for one unit of ``base`` on exactly this fixing day.

        The rate of a currency to itself is 1 on every day.
        """
        legs = [self._currency(base), self._currency(quote)]
        if base == quote:
            return 1.0
        per_euro = [1.0 if leg is None else float(leg.values[leg.index(on, field)]) for leg in legs]
        return per_euro[1] / per_euro[0]

    def fx_rates(
        self, base: CurrencyCode, quote: CurrencyCode, dates: npt.NDArray[np.datetime64]
    ) -> npt.NDArray[np.float64]:
        """The rate known on each date: that day's fixing or the last one before it.

        Raises:
            DateOutOfRangeError: a date lies outside the rates of one of the currencies.
            InsufficientDataError: the last fixing is more than `CARRY_DAYS_MAX` days old.
        """
        legs = [self._currency(base), self._currency(quote)]
        days = dates.astype("datetime64[D]")
        if base == quote:
            return np.ones(days.shape, dtype=np.float64)
        per_base = _carried(legs[0], base, days)
        return _carried(legs[1], quote, days) / per_base

    def _reference(self, instrument: InstrumentId) -> Instrument:
        self._instrument(instrument)
        return BY_TICKER[instrument]

    def _instrument(self, instrument: InstrumentId) -> _Quotes:
        quotes = self._quotes.get(instrument)
        if quotes is None:
            raise UnknownNameError(
                field="instrument",
                kind="instrument",
                actual=instrument,
                known=sorted(self._quotes),
            )
        return quotes

    def _currency(self, code: CurrencyCode) -> _Quotes | None:
        """Rates of a currency against the euro; None for the euro itself."""
        if code == EUR:
            return None
        quotes = self._fx.get(code)
        if quotes is None:
            raise UnknownNameError(
                field="currency", kind="currency", actual=code, known=self.currencies()
            )
        return quotes

    def _calendar(
        self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool
    ) -> npt.NDArray[np.datetime64]:
        columns = [self._instrument(name) for name in instruments]
        if uses_fx or not columns:
            # The dollar has a rate on every fixing day of the ECB.
            columns.append(self._fx["USD"])
        distinct = {id(column.dates): column.dates for column in columns}
        key = frozenset(distinct)
        if key not in self._calendars:
            self._calendars[key] = _intersection(tuple(distinct.values()))
        return self._calendars[key]


def _intersection(
    calendars: Sequence[npt.NDArray[np.datetime64]],
) -> npt.NDArray[np.datetime64]:
    """Dates in every calendar."""
    common = calendars[0]
    for dates in calendars[1:]:
        common = common[np.isin(common, dates, assume_unique=True)]
    return common


def _carried(
    leg: _Quotes | None, code: CurrencyCode, days: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.float64]:
    if leg is None:
        return np.ones(days.shape, dtype=np.float64)
    if days.size:
        for edge in (days.min(), days.max()):
            leg.check_range(_as_date(edge), "dates")
    found = np.searchsorted(leg.dates, days, side="right") - 1
    age = days - leg.dates[found]
    stale = np.flatnonzero(age > np.timedelta64(CARRY_DAYS_MAX, "D"))
    if stale.size:
        worst = stale[0]
        raise InsufficientDataError(
            field="dates",
            expected=f"a fixing of {code} at most {CARRY_DAYS_MAX} days before {days[worst]}",
            actual=f"the last one on {leg.dates[found[worst]]}",
        )
    return leg.values[found]


def _slice(quotes: _Quotes, first: int, stop: int) -> Series:
    return Series(dates=quotes.dates[first:stop], values=quotes.values[first:stop])


def _as_date(day: np.datetime64) -> date:
    return date.fromordinal(int(day.astype("datetime64[D]").astype(np.int64)) + _EPOCH)


_EPOCH = date(1970, 1, 1).toordinal()
