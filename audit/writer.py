"""The writing half of a log: recovery, batches, and the order in which things become durable.

Order of a batch: entries with their payloads and their commit frame in one write, synced; only then
the signature over the new tree size and root, remembered by the signer before it leaves it; the
published checkpoint; the answer. Any failure on the way ends the writer for good: what a failed
sync left on the disk is unknown. Derived files are written after the sync and never synced for a
batch.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.clock import Instant, Jump, find_jump
from audit.draft import Draft, Drafter
from audit.dsse import IN_TOTO_PAYLOAD_TYPE, join_envelope, pre_authentication_encoding
from audit.errors import LogFailedError, LogLockedError
from audit.events import CLOCK_EVENT, clock_event
from audit.filesystem import (
    TEMPORARY_SUFFIX,
    replace_file,
    storage_errors,
    write_all,
    write_file,
)
from audit.layout import CHECKPOINT, LOCK, OPEN_MARK, VKEY, was_closed
from audit.options import LogOptions
from audit.places import new_offsets
from audit.record import Stamp
from audit.rfc6962 import leaf_hash
from audit.segment import (
    HEADER_BYTES,
    SEGMENTS,
    FrameKind,
    encode_frame,
    encode_header,
    segment_path,
)
from audit.signed_note import join_note
from audit.signing import LogSigner
from audit.state import Committed, LogState

_logger = logging.getLogger(__name__)

# While batches follow each other at once, the checkpoint's file is replaced this often: a rename
# can wait for the disk as long as a sync does. The answers carry each checkpoint all the same.
_PUBLISH_NS_MAX = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The outcome of a batch.

    Attributes:
        committed: The checkpoint that covers it.
        first_index: Index of the first record.
        utc_ns: When it was written.
    """

    committed: Committed
    first_index: int
    utc_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterParts:
    """What a writer is made of.

    Attributes:
        signer: Signs entries and checkpoints.
        previous: The key before, while a rotation overlaps; it signs checkpoints too.
        lock: Descriptor of the held lock.
        drafter: Makes the log's own events.
        options: Everything else.
    """

    signer: LogSigner
    previous: LogSigner | None
    lock: int
    drafter: Drafter
    options: LogOptions


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

    def __init__(self, state: LogState, parts: WriterParts, *, last_utc_ns: int | None) -> None:
        """Prepare to write behind what the state holds; call `recover` first.

        Args:
            state: The log.
            parts: What the writer is made of; it owns the lock and the signers.
            last_utc_ns: Time of the last entry, if there is one.
        """
        self._state = state
        self._directory = state.directory
        self._parts = parts
        self._files = parts.options.files
        self._signer = parts.signer
        self._previous = parts.previous
        self._segment_bytes = state.scan.committed_end
        self._last: Instant | None = None
        self._last_utc_ns = last_utc_ns
        self._published_ns = 0
        self._failure: BaseException | None = None
        self._is_closed = False
        self._descriptor = self._files.open_append(state.scan.segments[-1])

    def recover(self) -> Committed:
        """Cut a torn tail, remove unfinished files, mark the log as open, publish what it holds.

        The caller has made sure that nothing but a crash explains the tail. A batch that is whole
        is kept even if nobody was told of it.

        Raises:
            LogFailedError: Storage failed; the writer is closed.
            SignerRefusedError: The log was set back or forked; the writer is closed.
        """
        try:
            with storage_errors(self._directory):
                return self._recover()
        except BaseException as error:
            self._failure = error
            self.close()
            raise

    def _recover(self) -> Committed:
        scan, files = self._state.scan, self._files
        if scan.has_tail:
            _logger.warning(
                "audit_torn_tail_cut",
                extra={"committed_size": scan.committed_size, "offset": scan.committed_end},
            )
            files.truncate(self._descriptor, scan.committed_end)
            files.sync(self._descriptor)
            scan.damage, scan.num_uncommitted = None, 0
        for path in sorted(self._directory.rglob(f"*{TEMPORARY_SUFFIX}")):
            files.unlink(path)
        # Never rewritten while it stands: for an instant the log would look as if closed in order.
        if was_closed(self._directory):
            self._mark(OPEN_MARK)
        return self._publish()

    def append(self, drafts: Sequence[Draft], *, is_followed: Callable[[], bool] = bool) -> Batch:
        """Make records durable as one batch.

        Args:
            drafts: The records.
            is_followed: Says whether another batch comes at once, which may publish for both.

        Raises:
            LogFailedError: Storage failed, now or before; nothing may be acknowledged.
            SignerFailedError: The signer failed; nothing may be acknowledged.
            SignerRefusedError: The signer knows another history.
        """
        if self._failure is not None:
            raise LogFailedError(self._directory, f"stopped after {self._failure!r}")
        try:
            with storage_errors(self._directory):
                return self._append(drafts, is_followed=is_followed)
        except BaseException as error:
            self._failure = error
            _logger.critical("audit_log_failed", extra={"error": repr(error)})
            raise

    def rotate(self, signer: LogSigner) -> Committed:
        """Go over to a new key, whose event is in the log already; the old one still co-signs.

        Raises:
            LogFailedError: Storage failed; opening with the new key goes on from here.
        """
        try:
            with storage_errors(self._directory):
                state = self._state
                state.keyring = state.keyring.extended(signer.verifier, state.tree.size)
                replace_file(self._files, self._directory / VKEY, state.keyring.text.encode())
                self._files.sync_directory(self._directory)
                if self._previous is not None:
                    self._previous.close()
                self._previous, self._signer = self._signer, signer
                return self._publish()
        except BaseException as error:
            self._failure = error
            raise

    def end_overlap(self) -> Committed:
        """Let the key before the current one sign no more, and publish.

        Raises:
            LogFailedError: Storage failed; opening without that key does the same.
        """
        try:
            with storage_errors(self._directory):
                previous, self._previous = self._previous, None
                if previous is not None:
                    previous.close()
                return self._publish()
        except BaseException as error:
            self._failure = error
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
                    self._state.tree.flush_edge()
                    self._publish(is_synced=True)
                    self._files.sync_directory(self._directory)
                    self._mark(b"")
        finally:
            self._release()

    def _release(self) -> None:
        """Give everything back; the lock goes last and whatever happens."""
        try:
            for signer in (self._signer, self._previous):
                if signer is not None:
                    signer.close()
            with storage_errors(self._directory):
                self._files.close(self._descriptor)
        finally:
            os.close(self._parts.lock)

    def _append(self, drafts: Sequence[Draft], *, is_followed: Callable[[], bool]) -> Batch:
        if self._segment_bytes >= self._parts.options.segment_bytes_max:
            self._begin_segment()
        now = self._parts.options.clock.now()
        stamp = Stamp(utc_ns=now.utc_ns, clock=now.state, error_us=now.error_us)
        jump = self._find_jump(now)
        events = []
        if jump is not None:
            _logger.error("audit_clock_jumped", extra={"jump": str(jump)})
            events.append(self._parts.drafter.event(CLOCK_EVENT, clock_event(jump)))
        self._last, self._last_utc_ns = now, now.utc_ns
        self._write([*events, *drafts], stamp)
        size, since_ns = self._state.tree.size, now.monotonic_ns - self._published_ns
        committed = self._sign_checkpoint()
        if since_ns >= _PUBLISH_NS_MAX or not is_followed():
            self._write_checkpoint(committed)
            self._published_ns = now.monotonic_ns
        return Batch(committed=committed, first_index=size - len(drafts), utc_ns=now.utc_ns)

    def _write(self, drafts: Sequence[Draft], stamp: Stamp) -> None:
        """Write entries and their seal, and sync them."""
        state, size = self._state, self._state.tree.size
        statements = [draft.statement(size + n, stamp) for n, draft in enumerate(drafts)]
        signatures = self._signer.sign_entries(
            [pre_authentication_encoding(IN_TOTO_PAYLOAD_TYPE, item) for item in statements]
        )
        key_id = self._signer.verifier.key_id
        frames, offset, starts, leaves = [], self._segment_bytes, new_offsets(), []
        for n, draft in enumerate(drafts):
            envelope = join_envelope(statements[n], signatures[n], key_id)
            leaves.append(leaf_hash(envelope))
            starts.append(offset)
            added = [encode_frame(FrameKind.PAYLOAD, size + n, data) for data in draft.frames]
            added.append(encode_frame(FrameKind.ENTRY, size + n, envelope))
            offset += sum(map(len, added))
            frames.extend(added)
        with state.lock:
            for leaf in leaves:
                state.tree.append(leaf)
            root = state.tree.root()
        commit = encode_frame(FrameKind.COMMIT, size + len(drafts), root)
        write_all(self._files, self._descriptor, b"".join([*frames, commit]))
        self._files.sync(self._descriptor)
        state.places.extend(starts, offset)
        self._segment_bytes = offset + len(commit)
        with state.lock:
            state.tree.flush()

    def _publish(self, *, is_synced: bool = False) -> Committed:
        """Sign and publish a checkpoint over the committed entries."""
        committed = self._sign_checkpoint()
        self._write_checkpoint(committed, is_synced=is_synced)
        return committed

    def _write_checkpoint(self, committed: Committed, *, is_synced: bool = False) -> None:
        path = self._directory / CHECKPOINT
        write_file(self._files, path, committed.note.encode(), is_synced=is_synced)

    def _sign_checkpoint(self) -> Committed:
        state = self._state
        checkpoint = Checkpoint(
            origin=state.keyring.origin, size=state.tree.size, root=state.tree.root()
        )
        signatures = []
        for signer in (self._signer, self._previous):
            if signer is not None:
                signatures.append((signer.verifier, self._sign(signer, checkpoint)))
        note = join_note(checkpoint.body, signatures)
        return Committed(checkpoint=checkpoint, note=note)

    def _sign(self, signer: LogSigner, checkpoint: Checkpoint) -> bytes:
        size, _ = signer.last_signed()
        # A size beyond the log is for the signer to refuse.
        known = min(size, checkpoint.size)
        with self._state.lock:
            proof = self._state.tree.consistency_proof(known, checkpoint.size)
        return signer.sign_checkpoint(checkpoint, proof)

    def _find_jump(self, now: Instant) -> Jump | None:
        if self._last is not None:
            return find_jump(self._last, now, bound_ns=self._parts.options.clock_step_ns_max)
        if self._last_utc_ns is not None and now.utc_ns < self._last_utc_ns:
            return Jump(previous_utc_ns=self._last_utc_ns, utc_ns=now.utc_ns, elapsed_ns=None)
        return None

    def _begin_segment(self) -> None:
        state, size = self._state, self._state.tree.size
        # What opening trusts without reading the full segment must be durable before it is full.
        with state.lock:
            state.tree.flush_edge()
        state.places.seal_segment()
        self._publish(is_synced=True)
        path = segment_path(self._directory, size)
        replace_file(self._files, path, encode_header(size))
        self._files.sync_directory(self._directory / SEGMENTS)
        self._files.sync_directory(self._directory)
        full, self._descriptor = self._descriptor, self._files.open_append(path)
        self._segment_bytes = HEADER_BYTES
        state.scan.segments.append(path)
        state.places.begin_segment(size)
        self._files.close(full)

    def _mark(self, mark: bytes) -> None:
        lock = self._parts.lock
        self._files.truncate(lock, 0)
        os.lseek(lock, 0, os.SEEK_SET)
        write_all(self._files, lock, mark)
        self._files.sync(lock)
