"""A second, independent reader of a snapshot for second methods.

It reads the same Parquet files through pyarrow instead of polars, looks dates up by bisection in
Python lists instead of numpy arrays, and shares no look-up code with `finsvc.marketdata.market`,
so that an error in one reading path shows as a difference between the two methods of a result.
Only the reference tables, the errors and the value types are common to both.
"""

import bisect
import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped] # pyarrow ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped] # pyarrow ships no types

from finsvc.domain.errors import (
    DateOutOfRangeError,
    InputError,
    InsufficientDataError,
    NonTradingDayError,
    StateError,
    UnknownNameError,
)
from finsvc.domain.identifiers import CurrencyCode, InstrumentId, SnapshotDigest
from finsvc.domain.market import Series
from finsvc.marketdata.instruments import INSTRUMENTS

# The same rule as in the first reader, stated here again on purpose.
STALE_AFTER_DAYS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """Ascending days and the value of each."""

    days: list[date]
    values: list[float]

    def on(self, day: date, field: str) -> float:
        self.require_inside(day, field)
        position = bisect.bisect_left(self.days, day)
        if self.days[position] != day:
            raise NonTradingDayError(field=field, actual=day, previous=self.days[position - 1])
        return self.values[position]

    def require_inside(self, day: date, field: str) -> None:
        if day < self.days[0] or day > self.days[-1]:
            raise DateOutOfRangeError(
                field=field, actual=day, first=self.days[0], last=self.days[-1]
            )

    def part(self, low: int, high: int) -> Series:
        return Series(
            dates=np.array(self.days[low:high], dtype="datetime64[D]"),
            values=np.array(self.values[low:high], dtype=np.float64),
        )


class SecondMarket:
    """A `finsvc.domain.market.MarketView` that reads through pyarrow."""

    def __init__(self, folder: Path, *, expected: SnapshotDigest) -> None:
        """Open the snapshot in ``folder``; columns are decoded when first asked for.

        Raises:
            StateError: the folder is missing, damaged or holds other data than ``expected``.
        """
        self._digest = expected
        self._tables = _open_tables(folder, expected)
        self._histories: dict[tuple[str, str], _History] = {}
        self._reference = {entry.ticker: entry for entry in INSTRUMENTS}

    @property
    def snapshot(self) -> SnapshotDigest:
        """Digest of the snapshot all answers come from."""
        return self._digest

    def currency(self, instrument: InstrumentId) -> CurrencyCode:
        """Quote currency of an instrument."""
        self._prices(instrument)
        return self._reference[instrument].currency

    def sector(self, instrument: InstrumentId) -> str:
        """GICS sector of a stock; ``Index`` for an index."""
        self._prices(instrument)
        return self._reference[instrument].sector

    def name(self, instrument: InstrumentId) -> str:
        """Display name of an instrument."""
        self._prices(instrument)
        return self._reference[instrument].name

    def last_date(self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool) -> date:
        """Last date on which all the given instruments (and FX rates, if used) have data."""
        histories = [self._prices(name) for name in instruments]
        if uses_fx or not histories:
            histories.append(self._history("fx", "USD"))
        shared = set(histories[0].days)
        for history in histories[1:]:
            shared &= set(history.days)
        return max(shared)

    def close(self, instrument: InstrumentId, on: date, *, field: str = "as_of") -> float:
        """Close on exactly this day."""
        return self._prices(instrument).on(on, field)

    def closes(
        self, instrument: InstrumentId, *, end: date, count: int, field: str = "as_of"
    ) -> Series:
        """The last ``count`` closes on or before ``end``, which must be a trading day."""
        history = self._prices(instrument)
        history.on(end, field)
        stop = bisect.bisect_right(history.days, end)
        if count < 1:
            raise InputError(field="count", expected="at least 1", actual=str(count))
        if stop < count:
            raise InsufficientDataError(
                field=field,
                expected=f"a date with {count} closes of {instrument} up to it",
                actual=f"{stop} closes up to {end.isoformat()}",
            )
        return history.part(stop - count, stop)

    def closes_between(self, instrument: InstrumentId, start: date, end: date) -> Series:
        """All closes from ``start`` to ``end``, both inclusive; they need not be trading days."""
        history = self._prices(instrument)
        history.require_inside(start, "start")
        history.require_inside(end, "end")
        if end < start:
            raise InputError(
                field="start",
                expected=f"a date not after the end {end.isoformat()}",
                actual=start.isoformat(),
            )
        return history.part(
            bisect.bisect_left(history.days, start), bisect.bisect_right(history.days, end)
        )

    def fx_rate(
        self, base: CurrencyCode, quote: CurrencyCode, on: date, *, field: str = "as_of"
    ) -> float:
        """Units of ``quote`` for one unit of ``base`` on exactly this fixing day."""
        self._require_currency(base)
        self._require_currency(quote)
        if base == quote:
            return 1.0
        base_per_euro = 1.0 if base == "EUR" else self._history("fx", base).on(on, field)
        quote_per_euro = 1.0 if quote == "EUR" else self._history("fx", quote).on(on, field)
        return quote_per_euro / base_per_euro

    def fx_rates(
        self, base: CurrencyCode, quote: CurrencyCode, dates: npt.NDArray[np.datetime64]
    ) -> npt.NDArray[np.float64]:
        """The rate known on each date: that day's fixing or the last one before it."""
        self._require_currency(base)
        self._require_currency(quote)
        days: list[date] = dates.astype("datetime64[D]").tolist()
        if base == quote:
            return np.ones(len(days), dtype=np.float64)
        return np.array(
            [self._last_known(quote, day) / self._last_known(base, day) for day in days],
            dtype=np.float64,
        )

    def _last_known(self, code: CurrencyCode, day: date) -> float:
        if code == "EUR":
            return 1.0
        history = self._history("fx", code)
        history.require_inside(day, "dates")
        position = bisect.bisect_right(history.days, day) - 1
        if (day - history.days[position]).days > STALE_AFTER_DAYS:
            raise InsufficientDataError(
                field="dates",
                expected=f"a fixing of {code} at most {STALE_AFTER_DAYS} days before {day}",
                actual=f"the last one on {history.days[position]}",
            )
        return history.values[position]

    def _prices(self, instrument: InstrumentId) -> _History:
        for table in ("prices", "index"):
            if instrument != "date" and instrument in self._tables[table].column_names:
                return self._history(table, instrument)
        raise UnknownNameError(
            field="instrument",
            kind="instrument",
            actual=instrument,
            known=sorted(self._reference),
        )

    def _require_currency(self, code: CurrencyCode) -> None:
        codes = {*self._tables["fx"].column_names, "EUR"} - {"date"}
        if code not in codes:
            raise UnknownNameError(
                field="currency", kind="currency", actual=code, known=sorted(codes)
            )

    def _history(self, table: str, column: str) -> _History:
        key = (table, column)
        if key not in self._histories:
            days = self._tables[table].column("date").to_pylist()
            values = self._tables[table].column(column).to_pylist()
            pairs = [
                (day, value) for day, value in zip(days, values, strict=True) if value is not None
            ]
            if not all(math.isfinite(value) and value > 0 for _, value in pairs):
                raise StateError(f"snapshot table {table}, column {column}: a value is not above 0")
            self._histories[key] = _History(
                days=[day for day, _ in pairs], values=[value for _, value in pairs]
            )
        return self._histories[key]


def _open_tables(folder: Path, expected: SnapshotDigest) -> dict[str, pa.Table]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["digest"] != expected:
            raise StateError(
                f"snapshot {folder.name}: expected digest {expected}, got {manifest['digest']}"
            )
        tables = {}
        for name in ("fx", "index", "prices"):
            entry = manifest["tables"][name]
            raw = (folder / entry["file"]).read_bytes()
            actual = hashlib.sha256(raw).hexdigest()
            if actual != entry["file_sha256"]:
                raise StateError(
                    f"snapshot {folder.name}: {entry['file']}:"
                    f" expected SHA-256 {entry['file_sha256']}, got {actual}"
                )
            tables[name] = pq.read_table(pa.BufferReader(raw))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"snapshot {folder.name}: it cannot be read: {error}") from error
    return tables
