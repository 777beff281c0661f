"""Market data and books, opened without the engine: what direct calculator runs need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from finsvc.adapters.identities import LOCAL_ROLES
from finsvc.agents.resolution.context import instruments_of, portfolio_json
from finsvc.books.shelf import Book, BookShelf
from finsvc.domain.identifiers import SnapshotDigest
from finsvc.domain.market import MarketView
from finsvc.domain.policy import Principal
from finsvc.marketdata.build import build_snapshot, snapshot_folder
from finsvc.marketdata.market import SnapshotMarket
from finsvc.marketdata.second_reader import SecondMarket
from finsvc.settings import Settings

LOCAL_PRINCIPAL = Principal(id="local", roles=LOCAL_ROLES)

OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Market data and books: all that a calculator run needs."""

    market: SnapshotMarket
    second_market: SecondMarket
    books: BookShelf
    snapshots: Path

    def market_for(self, digest: str) -> MarketView:
        """The market of a recorded snapshot, from the archive of snapshots.

        Raises:
            StateError: The snapshot is not there or was altered.
        """
        if digest == self.market.snapshot:
            return self.market
        expected = SnapshotDigest(digest)
        return SnapshotMarket(snapshot_folder(self.snapshots, expected), expected=expected)

    def inline_books(self, inputs: Mapping[str, object]) -> Mapping[str, object]:
        """Replace ``{"book": NAME}`` as the portfolio by the book's positions."""
        portfolio = inputs.get("portfolio")
        if not isinstance(portfolio, Mapping) or set(portfolio) != {"book"}:
            return inputs
        book = self.books.load(str(portfolio["book"]), field="portfolio.book")
        return {**inputs, "portfolio": portfolio_json(book.portfolio)}

    def last_date(self, book: Book) -> date:
        """The last date on which everything that values a book has data."""
        return self.market.last_date(instruments_of(book.portfolio), uses_fx=True)


def open_data(settings: Settings, on_progress: OnProgress) -> Data:
    """Build or check the snapshot and open it and the books.

    Raises:
        StateError: A source package has drifted, or the data directory cannot be used.
    """
    snapshots = settings.data_dir / "snapshots"
    digest = build_snapshot(snapshots, on_progress)
    folder = snapshot_folder(snapshots, digest)
    market = SnapshotMarket(folder, expected=digest)
    return Data(
        market=market,
        second_market=SecondMarket(folder, expected=digest),
        books=BookShelf(settings.data_dir / "books", market),
        snapshots=snapshots,
    )
