"""Real market data for the tests of the service: the snapshot is built once a session."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from finsvc.books.shelf import BookShelf
from finsvc.marketdata.build import build_snapshot, snapshot_folder
from finsvc.marketdata.market import SnapshotMarket
from finsvc.marketdata.second_reader import SecondMarket


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketData:
    """The snapshot through both readers, and the books that ship."""

    market: SnapshotMarket
    second_market: SecondMarket
    books: BookShelf
    snapshots: Path


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> MarketData:
    """Market data and books on the pinned packages."""
    snapshots = tmp_path_factory.mktemp("snapshots")
    digest = build_snapshot(snapshots, lambda _: None)
    folder = snapshot_folder(snapshots, digest)
    market = SnapshotMarket(folder, expected=digest)
    return MarketData(
        market=market,
        second_market=SecondMarket(folder, expected=digest),
        books=BookShelf(snapshots / "books", market),
        snapshots=snapshots,
    )
