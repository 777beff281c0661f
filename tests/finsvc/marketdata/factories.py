"""The real snapshot, built once per test run."""

import functools
import tempfile
from pathlib import Path

from finsvc.marketdata.build import build_snapshot, snapshot_folder
from finsvc.marketdata.market import SnapshotMarket

# Bound to the module, so that the folder lives as long as the test run.
_TEMPORARY = tempfile.TemporaryDirectory(prefix="finsvc-snapshot-")


@functools.cache
def real_snapshot_folder() -> Path:
    """Folder of the snapshot of the pinned sources."""
    target = Path(_TEMPORARY.name)
    return snapshot_folder(target, build_snapshot(target, lambda message: None))


@functools.cache
def real_market() -> SnapshotMarket:
    """Market over the snapshot of the pinned sources."""
    return SnapshotMarket(real_snapshot_folder())
