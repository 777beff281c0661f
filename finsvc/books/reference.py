"""What the books need to know about the market: which names exist."""

from typing import Protocol

from finsvc.domain.identifiers import CurrencyCode, InstrumentId


class Reference(Protocol):
    """Names of the snapshot; implemented by `finsvc.marketdata.market.SnapshotMarket`."""

    def instruments(self) -> tuple[InstrumentId, ...]:
        """Every instrument."""

    def currencies(self) -> tuple[CurrencyCode, ...]:
        """Every currency."""

    def currency(self, instrument: InstrumentId) -> CurrencyCode:
        """Quote currency of an instrument."""

    def sector(self, instrument: InstrumentId) -> str:
        """GICS sector of a stock; ``Index`` for an index."""
