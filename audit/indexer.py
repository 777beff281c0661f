"""Keeps the search index up with the log, in a thread of its own, and mends it.

Nothing waits for it but a search: the index is derived, and its failure is reported, never fatal.
"""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from audit.errors import AuditError
from audit.search import SEARCH, SEARCH_FILES, Query, Row, SearchIndex

_logger = logging.getLogger(__name__)

# Entries written in one transaction, and read in one go while catching up.
_CHUNK = 512
# New entries become findable for other processes after this long.
_PAUSE_S = 0.2
# Rows beyond this are dropped and read from the log later, so that memory stays bounded.
_WAITING_MAX = 16_384

RowReader = Callable[[int], Row]
RootAt = Callable[[int], bytes]


class Indexer:
    """The search index of one log."""

    def __init__(
        self,
        directory: Path,
        *,
        search_key: bytes | None,
        is_writer: bool,
        read_row: RowReader,
        root_at: RootAt,
    ) -> None:
        """Prepare; nothing is opened before it is needed.

        Args:
            directory: The log's directory.
            search_key: Of the vault, if the log has one.
            is_writer: Whether the index on disk is kept up; a reader keeps what it lacks in memory.
            read_row: Reads what the index keeps of an entry.
            root_at: Root of the tree at a size.
        """
        self._directory = directory
        self._search_key = search_key
        self._is_writer = is_writer
        self._read_row = read_row
        self._root_at = root_at
        self._index: SearchIndex | None = None
        self._rest: SearchIndex | None = None
        self._size = 0
        self._waiting: deque[Row] = deque()
        self._turn = threading.Lock()
        self._wake = threading.Condition()
        self._is_closing = False
        self._thread: threading.Thread | None = None
        self.mended: list[str] = []

    def extend(self, rows: Sequence[Row], *, size: int) -> None:
        """Take up entries of a batch; the log has `size` entries now."""
        if len(self._waiting) < _WAITING_MAX:
            self._waiting.extend(rows)
        self._size = size
        if self._thread is None:
            self._start()

    def grow(self, size: int) -> None:
        """Say how many entries the log has; those without rows are read from it."""
        self._size = max(self._size, size)

    def find(self, query: Query) -> tuple[int, ...]:
        """Return the entries that meet a query, oldest first.

        Raises:
            AuditError: An entry that the index lacks cannot be read.
        """
        with self._turn:
            try:
                return self._find(query)
            except sqlite3.Error as error:
                self._start_again(error)
                return self._find(query)

    def remove_terms(self, indices: Sequence[int]) -> None:
        """Forget terms of shredded entries.

        Raises:
            AuditError: An entry that the index lacks cannot be read.
        """
        with self._turn:
            try:
                self._catch_up().remove_terms(indices)
            except sqlite3.Error as error:
                # Made again from the log, of which these contents can no longer be read.
                self._start_again(error)

    def close(self) -> None:
        """Finish the index and close it; a second call does nothing."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for index in (self._index, self._rest):
            if index is not None:
                index.close()
        self._index = self._rest = None

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="audit-index", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            with self._wake:
                is_last = self._wake.wait_for(lambda: self._is_closing, _PAUSE_S)
            with self._turn:
                try:
                    self._catch_up()
                except (sqlite3.Error, AuditError) as error:
                    _logger.warning("audit_index_failed", extra={"error": repr(error)})
            if is_last:
                return

    def _find(self, query: Query) -> tuple[int, ...]:
        found = self._catch_up().find(query)
        if self._rest is not None:
            found = found + self._rest.find(query)
        return tuple(sorted(set(found)))

    def _catch_up(self) -> SearchIndex:
        """Bring the index up to the log, and return the part that is on disk."""
        index = self._index or self._open()
        self._index = index
        target, size = self._size, self._size
        begin = index.complete()[0]
        if not self._is_writer:
            self._rest = self._rest or SearchIndex(
                None, search_key=self._search_key, is_read_only=False
            )
            begin = max(begin, self._rest.complete()[0])
            index_for_rest = self._rest
        else:
            index_for_rest = index
        while begin < target:
            size = min(begin + _CHUNK, target)
            rows = [self._row(number) for number in range(begin, size)]
            index_for_rest.add(rows, size=size, root=self._root_at(size))
            begin = size
        return index

    def _row(self, index: int) -> Row:
        while self._waiting and self._waiting[0].index < index:
            self._waiting.popleft()
        if self._waiting and self._waiting[0].index == index:
            return self._waiting.popleft()
        return self._read_row(index)

    def _open(self) -> SearchIndex:
        path = self._directory / SEARCH
        try:
            index = SearchIndex(path, search_key=self._search_key, is_read_only=not self._is_writer)
        except sqlite3.Error as error:
            if not self._is_writer:
                return SearchIndex(None, search_key=self._search_key, is_read_only=False)
            return self._renew(error)
        size, root = index.complete()
        if size <= self._size and (not size or self._root_at(size) == root):
            return index
        index.close()
        if not self._is_writer:
            return SearchIndex(None, search_key=self._search_key, is_read_only=False)
        return self._renew("it is not of this log")

    def _start_again(self, error: sqlite3.Error) -> None:
        """Give up an index that failed in use."""
        if self._index is not None:
            self._index.close()
            self._index = None
        if self._is_writer:
            self._index = self._renew(error)

    def _renew(self, reason: object) -> SearchIndex:
        self.mended.append(SEARCH)
        _logger.warning("audit_index_rebuilt", extra={"reason": str(reason)})
        for name in SEARCH_FILES:
            (self._directory / name).unlink(missing_ok=True)
        return SearchIndex(
            self._directory / SEARCH, search_key=self._search_key, is_read_only=False
        )
