"""The search index: which entries have an id, a type, a time or a term. Derived from the log.

A term is `name=value`. In a log with a vault it is kept as an HMAC under the vault's search key, so
that the file tells nothing to who lacks the vault. The index says up to which size, with which
root, it is complete; one that does not fit the log is made again. SPEC.md, section 10.
"""

import hmac
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SEARCH = "search.sqlite"
SEARCH_FILES = (SEARCH, f"{SEARCH}-wal", f"{SEARCH}-shm")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (idx INTEGER PRIMARY KEY, type TEXT, id TEXT, utc_ns INTEGER);
CREATE INDEX IF NOT EXISTS entries_by_id ON entries (id);
CREATE INDEX IF NOT EXISTS entries_by_time ON entries (utc_ns);
CREATE TABLE IF NOT EXISTS terms (term TEXT, idx INTEGER, PRIMARY KEY (term, idx)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS complete (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER,
                                     root BLOB);
"""
_BUSY_S = 5.0
# SQLite's integers end here, in the year 2262; times beyond bound nothing that a log holds.
_TIME_NS_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the index keeps of an entry.

    Attributes:
        index: The entry.
        type: Record type.
        id: Record id.
        utc_ns: When it was written.
        terms: What else it is found by.
    """

    index: int
    type: str
    id: str
    utc_ns: int
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to look for; an entry must meet all of it.

    Attributes:
        type: Record type.
        id: Record id.
        since_ns: Written at this time or later.
        until_ns: Written before this time.
        terms: Values by name.
    """

    type: str | None = None
    id: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    terms: Mapping[str, str] = field(default_factory=dict)


class SearchIndex:
    """One index file, or one in memory. Any number of threads may call."""

    def __init__(self, path: Path | None, *, search_key: bytes | None, is_read_only: bool) -> None:
        """Open an index.

        Args:
            path: The file; None for one in memory.
            search_key: Of the vault; None keeps terms readable.
            is_read_only: Whether another process writes it.

        Raises:
            sqlite3.Error: The file is no such index, or cannot be opened.
        """
        self._key = search_key
        self._lock = threading.Lock()
        target = (
            ":memory:"
            if path is None
            else f"{path.absolute().as_uri()}?mode=" + ("ro" if is_read_only else "rwc")
        )
        self._connection = sqlite3.connect(
            target, uri=path is not None, timeout=_BUSY_S, check_same_thread=False
        )
        try:
            if not is_read_only:
                self._connection.executescript(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                    f"PRAGMA secure_delete = ON;{_SCHEMA}"
                )
            self._connection.execute("SELECT size, root FROM complete").fetchone()
        except sqlite3.Error:
            self._connection.close()
            raise

    def complete(self) -> tuple[int, bytes]:
        """Return the size up to which the index is complete, and the root of that size."""
        with self._lock:
            found = self._connection.execute("SELECT size, root FROM complete").fetchone()
        return (found[0], found[1]) if found else (0, b"")

    def add(self, rows: Iterable[Row], *, size: int, root: bytes) -> None:
        """Add entries; the index is then complete up to a size.

        Raises:
            sqlite3.Error: The file cannot be written.
        """
        rows = list(rows)
        terms = [(self._token(*term), row.index) for row in rows for term in set(row.terms)]
        with self._lock, self._connection as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)",
                [(row.index, row.type, row.id, row.utc_ns) for row in rows],
            )
            connection.executemany("INSERT OR REPLACE INTO terms VALUES (?, ?)", terms)
            connection.execute("INSERT OR REPLACE INTO complete VALUES (1, ?, ?)", (size, root))

    def remove_terms(self, indices: Iterable[int]) -> None:
        """Forget what entries can be found by, other than id, type and time.

        Raises:
            sqlite3.Error: The file cannot be written.
        """
        with self._lock:
            with self._connection as connection:
                connection.executemany(
                    "DELETE FROM terms WHERE idx = ?", [(index,) for index in indices]
                )
            # What was deleted must not live on in the write-ahead log.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def find(self, query: Query) -> list[int]:
        """Return the entries that meet a query, oldest first.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        conditions, values = ["1 = 1"], list[str | int]()
        for condition, value in (
            ("type = ?", query.type),
            ("id = ?", query.id),
            ("utc_ns >= ?", _in_range(query.since_ns)),
            ("utc_ns < ?", _in_range(query.until_ns)),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        for name, text in query.terms.items():
            conditions.append("idx IN (SELECT idx FROM terms WHERE term = ?)")
            values.append(self._token(name, text))
        # The conditions are fixed texts; what a caller gives is bound.
        sql = f"SELECT idx FROM entries WHERE {' AND '.join(conditions)} ORDER BY idx"  # noqa: S608
        with self._lock:
            return [row[0] for row in self._connection.execute(sql, values)]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _token(self, name: str, value: str) -> str:
        term = f"{name}={value}"
        if self._key is None:
            return term
        return hmac.digest(self._key, term.encode(), "sha256").hex()[:32]


def _in_range(time_ns: int | None) -> int | None:
    return None if time_ns is None else max(-_TIME_NS_MAX, min(time_ns, _TIME_NS_MAX))
