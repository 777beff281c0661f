"""Reading and checking the tables of a snapshot folder with polars."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from finsvc.domain.errors import StateError
from finsvc.domain.identifiers import SnapshotDigest
from finsvc.marketdata.canonical import Column, snapshot_digest, table_digest
from finsvc.marketdata.manifest import read_manifest
from finsvc.marketdata.sources import DATE

Tables = Mapping[str, Mapping[str, Column]]
"""Columns by table name and column name."""


def frame_columns(frame: pl.DataFrame, *, table: str) -> dict[str, Column]:
    """Split a table into read-only columns without nulls.

    Raises:
        StateError: dates are not strictly ascending, a price is not finite or not above zero, or
            a column is empty.
    """
    dates = frame[DATE].to_numpy().astype("datetime64[D]")
    if not bool(np.all(dates[1:] > dates[:-1])):
        raise StateError(f"market data: table {table}: expected strictly ascending dates")
    columns: dict[str, Column] = {}
    for name in frame.columns:
        if name == DATE:
            continue
        present = frame[name].is_not_null().to_numpy()
        values = frame[name].drop_nulls().to_numpy().astype(np.float64)
        if values.size == 0 or not bool(np.all(np.isfinite(values) & (values > 0))):
            raise StateError(
                f"market data: table {table}, column {name}: expected finite values above zero"
            )
        own_dates = dates if bool(present.all()) else dates[present]
        own_dates.flags.writeable = False
        values.flags.writeable = False
        columns[name] = (own_dates, values)
    return columns


def load_tables(folder: Path, expected: SnapshotDigest) -> Tables:
    """Read every table of a snapshot and check all digests.

    Raises:
        StateError: a file is missing or altered, or the content is not the expected snapshot.
    """
    manifest = read_manifest(folder)
    if manifest.digest != expected:
        raise StateError(
            f"snapshot {folder.name}: expected digest {expected}, got {manifest.digest}"
        )
    tables: dict[str, Mapping[str, Column]] = {}
    for table, entry in manifest.tables.items():
        raw = _read_checked(folder / entry.file, entry.file_sha256)
        try:
            frame = pl.read_parquet(io.BytesIO(raw))
        except PolarsError as error:
            raise StateError(f"snapshot {folder.name}: {entry.file}: {error}") from error
        tables[table] = MappingProxyType(frame_columns(frame, table=table))
    actual = snapshot_digest({name: table_digest(columns) for name, columns in tables.items()})
    if actual != expected:
        raise StateError(
            f"snapshot {folder.name}: expected content digest {expected}, got {actual}"
        )
    return MappingProxyType(tables)


def _read_checked(path: Path, sha256: str) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StateError(
            f"snapshot {path.parent.name}: expected a readable {path.name}, got {error.strerror}"
        ) from error
    actual = hashlib.sha256(raw).hexdigest()
    if actual != sha256:
        raise StateError(
            f"snapshot {path.parent.name}: {path.name}: expected SHA-256 {sha256}, got {actual}"
        )
    return raw
