"""What calculators may ask of market data: a Protocol over one immutable snapshot.

Every query takes an explicit date and never looks beyond it. Dates without data are errors of
distinct types (`NonTradingDayError`, `DateOutOfRangeError`), unknown names `UnknownNameError`.
Prices are closes adjusted for splits and dividends; FX rates are ECB reference rates.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import numpy.typing as npt

from finsvc.domain.identifiers import CurrencyCode, InstrumentId, SnapshotDigest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Observations of one instrument or pair, ascending by date.

    ``dates`` is ``datetime64[D]`` of shape (N,), ``values`` float64 of shape (N,), all finite.
    """

    dates: npt.NDArray[np.datetime64]
    values: npt.NDArray[np.float64]


class MarketView(Protocol):
    """Read-only queries on one snapshot."""

    @property
    def snapshot(self) -> SnapshotDigest:
        """Digest of the snapshot all answers come from."""

    def currency(self, instrument: InstrumentId) -> CurrencyCode:
        """Quote currency of an instrument."""

    def sector(self, instrument: InstrumentId) -> str:
        """GICS sector of a stock; ``Index`` for an index."""

    def name(self, instrument: InstrumentId) -> str:
        """Display name of an instrument."""

    def last_date(self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool) -> date:
        """Last date on which all the given instruments (and FX rates, if used) have data."""

    def close(self, instrument: InstrumentId, on: date, *, field: str = "as_of") -> float:
        """Close on exactly this day; `NonTradingDayError` on any other day inside the range."""

    def closes(
        self, instrument: InstrumentId, *, end: date, count: int, field: str = "as_of"
    ) -> Series:
        """The last ``count`` closes on or before ``end``, which must be a trading day."""

    def closes_between(self, instrument: InstrumentId, start: date, end: date) -> Series:
        """All closes from ``start`` to ``end`` inclusive; the ends need not be trading days."""

    def fx_rate(
        self, base: CurrencyCode, quote: CurrencyCode, on: date, *, field: str = "as_of"
    ) -> float:
        """Units of ``quote`` for one unit of ``base`` on exactly this fixing day."""

    def fx_rates(
        self, base: CurrencyCode, quote: CurrencyCode, dates: npt.NDArray[np.datetime64]
    ) -> npt.NDArray[np.float64]:
        """The rate known on each date: that day's fixing or the last one before it."""
