"""Canonical form and digest of the tables of a snapshot.

Parquet bytes vary with the version of the library that writes them, so the digest is taken over
the content. A table is the concatenation, over its value columns in ascending order of name, of:
the UTF-8 name and a line feed, the number of non-null rows as unsigned 64-bit integer, their dates
as signed 32-bit days since 1970-01-01, their values as IEEE 754 binary64; all little-endian. The
table digest is SHA-256 over the line ``finsvc-table-v1`` and that; the snapshot digest is SHA-256
over the line ``finsvc-snapshot-v1`` and one line ``name digest`` per table in order of name.
"""

import hashlib
import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from finsvc.domain.identifiers import SnapshotDigest

Column = tuple[npt.NDArray[np.datetime64], npt.NDArray[np.float64]]
"""Dates ``datetime64[D]`` and values of the non-null rows of a column, both of shape (N,)."""


def table_digest(columns: Mapping[str, Column]) -> str:
    """Hex SHA-256 of the canonical form of a table."""
    digest = hashlib.sha256(b"finsvc-table-v1\n")
    for name in sorted(columns):
        dates, values = columns[name]
        digest.update(name.encode() + b"\n" + struct.pack("<Q", len(values)))
        digest.update(dates.astype("datetime64[D]").astype("<i8").astype("<i4").tobytes())
        digest.update(values.astype("<f8").tobytes())
    return digest.hexdigest()


def snapshot_digest(tables: Mapping[str, str]) -> SnapshotDigest:
    """Digest of a snapshot from the hex digests of its tables by name."""
    digest = hashlib.sha256(b"finsvc-snapshot-v1\n")
    for name in sorted(tables):
        digest.update(f"{name} {tables[name]}\n".encode())
    return SnapshotDigest(f"sha256:{digest.hexdigest()}")
