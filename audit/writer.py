"""The writing half of a log: lock, recovery, batches, and the order in which things become durable.

Order of a batch: payloads; entries and their commit frame in one write, synced; only then the
signature over the new tree size and root; the published checkpoint; the answer. So the size and
root of every signature that leaves the process are durable before it does. Any failure on the way
ends the writer for good: what a failed sync left on the disk is unknown.
"""

import fcntl
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.dsse import seal
from audit.errors import LogFailedError, LogLockedError
from audit.filesystem import (
    TEMPORARY_SUFFIX,
    FileSystem,
    replace_file,
    storage_errors,
    write_all,
)
from audit.layout import CHECKPOINT, LOCK, OPEN_MARK, was_closed
from audit.payloads import store_payloads
from audit.record import Draft
from audit.rfc6962 import leaf_hash
from audit.scan import Location, Scan
from audit.segment import (
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    SEGMENTS,
    FrameKind,
    encode_frame,
    encode_header,
    segment_path,
)
from audit.signed_note import Signer

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The outcome of a batch.

    Attributes:
        checkpoint: The checkpoint that covers it.
        note: The same, signed.
    """

    checkpoint: Checkpoint
    note: str


def take_lock(directory: Path) -> int:
    """Become the log's only writer; return the lock's descriptor.

    Raises:
        LogLockedError: Another writer is at work.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(directory / LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise LogLockedError(directory) from error
    return descriptor


class Writer:
    """Appends batches to the segments of one log. Not thread-safe: the log serialises calls."""

    def __init__(
        self,
        directory: Path,
        scan: Scan,
        *,
        signer: Signer,
        files: FileSystem,
        lock: int,
        segment_bytes_max: int,
    ) -> None:
        self._directory = directory
        self._scan = scan
        self._signer = signer
        self._files = files
        self._lock = lock
        self._segment_bytes_max = segment_bytes_max
        self._segment = scan.segments[-1]
        self._segment_bytes = scan.committed_end
        self._failure: BaseException | None = None
        self._is_closed = False
        self._descriptor = files.open_append(self._segment)

    def recover(self) -> Committed:
        """Cut a torn tail, remove unfinished files, mark the log as open, publish what it holds.

        The caller has made sure that nothing but a crash explains the tail. A batch that is whole
        is kept even if nobody was told of it.

        Raises:
            LogFailedError: Storage failed; the writer is closed.
        """
        try:
            with storage_errors(self._directory):
                return self._recover()
        except BaseException as error:
            self._failure = error
            self.close()
            raise

    def _recover(self) -> Committed:
        scan, files = self._scan, self._files
        if scan.has_tail:
            _logger.warning(
                "audit_torn_tail_cut",
                extra={"committed_size": scan.committed_size, "offset": scan.committed_end},
            )
            files.truncate(self._descriptor, scan.committed_end)
            files.sync(self._descriptor)
            scan.tree.truncate(scan.committed_size)
            del scan.locations[scan.committed_size :]
            scan.damage = None
        for path in sorted(self._directory.rglob(f"*{TEMPORARY_SUFFIX}")):
            files.unlink(path)
        # Never rewritten while it stands: for an instant the log would look as if closed in order.
        if was_closed(self._directory):
            self._mark(OPEN_MARK)
        return self._publish()

    def append(self, drafts: Sequence[Draft]) -> Committed:
        """Make records durable as one batch.

        Raises:
            LogFailedError: Storage or signer failed, now or before; nothing may be acknowledged.
        """
        if self._failure is not None:
            raise LogFailedError(self._directory, f"stopped after {self._failure!r}")
        try:
            with storage_errors(self._directory):
                return self._append(drafts)
        except BaseException as error:
            self._failure = error
            _logger.critical("audit_log_failed", extra={"error": repr(error)})
            raise

    def close(self) -> None:
        """End in good order: leave no mark, give the lock back. A second call does nothing.

        Raises:
            LogFailedError: The mark could not be taken away; the lock is given back all the same.
        """
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._failure is None:
                self._failure = ValueError("the log was closed")
                with storage_errors(self._directory):
                    self._files.sync_directory(self._directory)
                    self._mark(b"")
        finally:
            # The lock goes last and whatever happens: nothing is written any more.
            try:
                with storage_errors(self._directory):
                    self._files.close(self._descriptor)
            finally:
                os.close(self._lock)

    def _append(self, drafts: Sequence[Draft]) -> Committed:
        store_payloads(
            self._directory,
            [payload for draft in drafts for payload in draft.payloads],
            self._files,
        )
        if self._segment_bytes >= self._segment_bytes_max:
            self._begin_segment()
        tree, frames, offset = self._scan.tree, [], self._segment_bytes
        locations = []
        for draft in drafts:
            entry = seal(draft.statement(tree.size), signer=self._signer)
            frame = encode_frame(FrameKind.ENTRY, tree.size, entry)
            locations.append(Location(self._segment, offset + FRAME_HEADER_BYTES, len(entry)))
            frames.append(frame)
            offset += len(frame)
            tree.append(leaf_hash(entry))
        commit = encode_frame(FrameKind.COMMIT, tree.size, tree.root())
        write_all(self._files, self._descriptor, b"".join([*frames, commit]))
        self._files.sync(self._descriptor)
        self._segment_bytes = offset + len(commit)
        self._scan.locations.extend(locations)
        self._scan.committed_size = tree.size
        return self._publish()

    def _publish(self) -> Committed:
        """Sign and publish a checkpoint over the committed entries."""
        tree = self._scan.tree
        checkpoint = Checkpoint(origin=self._signer.verifier.name, size=tree.size, root=tree.root())
        note = checkpoint.sign(self._signer)
        replace_file(self._files, self._directory / CHECKPOINT, note.encode())
        return Committed(checkpoint=checkpoint, note=note)

    def _begin_segment(self) -> None:
        size = self._scan.tree.size
        path = segment_path(self._directory, size)
        replace_file(self._files, path, encode_header(size))
        self._files.sync_directory(self._directory / SEGMENTS)
        full, self._descriptor = self._descriptor, self._files.open_append(path)
        self._segment, self._segment_bytes = path, HEADER_BYTES
        self._scan.segments.append(path)
        self._files.close(full)

    def _mark(self, mark: bytes) -> None:
        self._files.truncate(self._lock, 0)
        os.lseek(self._lock, 0, os.SEEK_SET)
        write_all(self._files, self._lock, mark)
        self._files.sync(self._lock)
