"""The log: durable, tamper-evident records, each answered with a receipt.

One writer (a lock guards the directory), any number of readers. `Log.append` returns only after the
record is synced and covered by a signed checkpoint; concurrent appends share one sync. A failed
sync ends the writer: open the log again to go on.
"""

import os
import shutil
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.entry import Entry, load_content, open_entry
from audit.errors import (
    CorruptLogError,
    LogExistsError,
    LogFailedError,
    ReadOnlyError,
    UnknownEntryError,
    WrongKeyError,
)
from audit.export import write_export
from audit.filesystem import FileSystem, RealFileSystem, replace_file, storage_errors
from audit.layout import (
    CHECKPOINT,
    FORMAT,
    LOCK,
    VKEY,
    encode_format,
    read_checkpoint_note,
    read_identity,
    was_closed,
)
from audit.payloads import PAYLOADS, load_payload
from audit.receipt import Receipt
from audit.record import Draft, Record, draft_record
from audit.rfc6962 import EMPTY_ROOT, leaf_hash
from audit.scan import Scan, scan_segments
from audit.segment import SEGMENTS, encode_header, segment_path
from audit.signed_note import Signer, Verifier
from audit.verify import VerifyReport, verify_directory
from audit.writer import Committed, Writer, take_lock

SEGMENT_BYTES_MAX = 64 * 1024 * 1024
# More would make one answer wait for the work of too many others.
_BATCH_RECORDS_MAX = 256


@dataclass(slots=True)
class _Pending:
    """A record on its way into a batch."""

    draft: Draft
    receipt: Receipt | None = None
    error: BaseException | None = None


class Log:
    """An audit log in a directory. Made by `create` or `open`."""

    def __init__(
        self,
        directory: Path,
        *,
        verifier: Verifier,
        scan: Scan,
        committed: Committed,
        writer: Writer | None = None,
    ) -> None:
        self.directory = directory
        self.verifier = verifier
        self._scan = scan
        self._committed = committed
        self._writer = writer
        self._queue: deque[_Pending] = deque()
        self._commit_lock = threading.Lock()
        self._ids: defaultdict[str, list[int]] = defaultdict(list)
        self._num_indexed = 0
        self._ids_lock = threading.Lock()

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        origin: str,
        signer: Signer,
        files: FileSystem | None = None,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
    ) -> "Log":
        """Make an empty log, durably, and open it for writing.

        Args:
            directory: Where it goes; absent or an empty folder, in an existing parent.
            origin: The log's identity, a URL without scheme; equals the name of the signer's key.
            signer: Holder of the private key.
            files: System calls.
            segment_bytes_max: Length at which a new segment is begun.

        Raises:
            LogExistsError: The directory holds something.
            WrongKeyError: The key has another name than the origin.
            FormatError: The origin cannot be a key name.
        """
        files = files or RealFileSystem()
        if signer.verifier.name != origin:
            raise WrongKeyError("key name", expected=origin, actual=signer.verifier.name)
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise LogExistsError(directory, "expected no directory or an empty one")
        building = directory.with_name(f".{directory.name}.building")
        checkpoint = Checkpoint(origin=origin, size=0, root=EMPTY_ROOT)
        with storage_errors(directory):
            shutil.rmtree(building, ignore_errors=True)
            for folder in (building, building / SEGMENTS, building / PAYLOADS):
                files.make_directory(folder)
            replace_file(files, building / FORMAT, encode_format(origin))
            replace_file(files, building / VKEY, f"{signer.verifier.vkey}\n".encode())
            replace_file(files, building / LOCK, b"")
            replace_file(files, segment_path(building, 0), encode_header(0))
            replace_file(files, building / CHECKPOINT, checkpoint.sign(signer).encode())
            for folder in (building / SEGMENTS, building / PAYLOADS, building):
                files.sync_directory(folder)
            files.rename(building, directory)
            files.sync_directory(directory.parent)
        return cls.open(directory, signer=signer, files=files, segment_bytes_max=segment_bytes_max)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        signer: Signer | None = None,
        files: FileSystem | None = None,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
    ) -> "Log":
        """Open a log: with a signer for writing, without for reading what is published.

        Opening for writing mends what a crash left: a batch that is whole is kept, a torn one cut.

        Raises:
            LogMissingError: The directory is not an audit log.
            LogLockedError: Another writer is at work; later this may succeed.
            LogFailedError: The disk cannot be read or written.
            WrongKeyError: The signer's key is not the log's.
            CorruptLogError: Bytes were changed or lost; see `verify_directory`.
            FormatError: A file is not what this version writes.
            SignatureError: The published checkpoint is not signed by the log's key.
        """
        verifier = read_identity(directory).verifier
        if signer is None:
            scan, committed = _load(directory, verifier)
            return cls(directory, verifier=verifier, scan=scan, committed=committed)
        if signer.verifier != verifier:
            raise WrongKeyError("signer", expected=verifier.vkey, actual=signer.verifier.vkey)
        with storage_errors(directory):
            lock = take_lock(directory)
        try:
            scan, committed = _load(directory, verifier)
            with storage_errors(directory):
                writer = Writer(
                    directory,
                    scan,
                    signer=signer,
                    files=files or RealFileSystem(),
                    lock=lock,
                    segment_bytes_max=segment_bytes_max,
                )
        except BaseException:
            os.close(lock)
            raise
        committed = writer.recover()
        return cls(directory, verifier=verifier, scan=scan, committed=committed, writer=writer)

    @property
    def origin(self) -> str:
        """The log's identity."""
        return self.verifier.name

    @property
    def size(self) -> int:
        """Number of entries that the checkpoint covers."""
        return self._committed.checkpoint.size

    def checkpoint(self) -> str:
        """Return the latest signed checkpoint."""
        return self._committed.note

    def append(self, record: Record) -> Receipt:
        """Log a record and return its receipt, once it is durable. Any number of threads may call.

        Raises:
            RecordError: The record cannot be logged; the log is untouched.
            ReadOnlyError: The log was opened without a signer.
            LogFailedError: Storage failed, now or before; nothing is acknowledged until the log is
                opened again.
        """
        return self.append_many([record])[0]

    def append_many(self, records: Iterable[Record]) -> tuple[Receipt, ...]:
        """Log records in this order, sharing syncs; errors as for `append`.

        If the log fails on the way, records at the front may be in it without a receipt.
        """
        if self._writer is None:
            raise ReadOnlyError(self.directory, "expected a log opened with a signer")
        mine = [_Pending(draft_record(record, origin=self.origin)) for record in records]
        self._queue.extend(mine)
        # Whoever comes first writes for all who wait; the others find their receipts ready.
        with self._commit_lock:
            while any(pending.receipt is None and pending.error is None for pending in mine):
                self._commit_batch(self._writer)
        receipts = [pending.receipt for pending in mine if pending.receipt is not None]
        if len(receipts) < len(mine):
            cause = next(pending.error for pending in mine if pending.error is not None)
            raise LogFailedError(self.directory, f"the batch failed: {cause}") from cause
        return tuple(receipts)

    def read(self, index: int) -> Entry:
        """Return an entry, its signature, hash and payloads checked.

        Raises:
            UnknownEntryError: There is no such index.
            CorruptLogError: The stored bytes were changed since the log was opened.
            PayloadError: A payload is missing or changed.
        """
        receipt = self.receipt(index)
        envelope = self._read_envelope(index)
        statement = open_entry(envelope, index=index, verifier=self.verifier)
        return Entry(
            envelope=envelope,
            statement=statement,
            content=load_content(self.directory, statement),
            receipt=receipt,
        )

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Yield the entries from `start` on that the log holds now."""
        for index in range(start, self.size):
            yield self.read(index)

    def attachment(self, entry: Entry, name: str) -> bytes:
        """Return an attachment of an entry.

        Raises:
            UnknownEntryError: The entry has no attachment of that name.
            PayloadError: It is missing or changed.
        """
        reference = entry.statement.attachments.get(name)
        if reference is None:
            known = ", ".join(entry.statement.attachments) or "none"
            raise UnknownEntryError("attachment", expected=known, actual=name)
        return load_payload(self.directory, reference)

    def find(self, record_id: str) -> tuple[int, ...]:
        """Return the indices of the records with this id, oldest first."""
        with self._ids_lock:
            for index in range(self._num_indexed, self.size):
                statement = open_entry(
                    self._read_envelope(index), index=index, verifier=self.verifier
                )
                self._ids[statement.id].append(index)
                self._num_indexed = index + 1
            return tuple(self._ids.get(record_id, ()))

    def receipt(self, index: int) -> Receipt:
        """Return the proof that an entry is in the log, against the latest checkpoint.

        Raises:
            UnknownEntryError: There is no such index.
        """
        return self._receipt(index, self._committed)

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that the log of an earlier size is a prefix of the latest checkpoint.

        Raises:
            UnknownEntryError: The size is not one that this log has had.
        """
        size = self.size
        if not 0 <= old_size <= size:
            raise UnknownEntryError("old_size", expected=f"0 to {size}", actual=str(old_size))
        return self._scan.tree.consistency_proof(old_size, size)

    def verify(self) -> VerifyReport:
        """Verify the whole directory against this log's key and latest checkpoint."""
        return verify_directory(self.directory, verifier=self.verifier, trusted=[self.checkpoint()])

    def export(self, destination: Path, indices: Iterable[int] | None = None) -> int:
        """Write entries with their receipts as JSON lines; return how many.

        Args:
            destination: The file; its first line names the log, its key and its checkpoint.
            indices: Which entries; all when absent.
        """
        chosen = range(self.size) if indices is None else indices
        return write_export(
            destination,
            verifier=self.verifier,
            checkpoint=self.checkpoint(),
            entries=(self.read(index) for index in chosen),
        )

    def close(self) -> None:
        """End writing in good order and give the lock back. A second call does nothing."""
        with self._commit_lock:
            if self._writer is not None:
                self._writer.close()

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _commit_batch(self, writer: Writer) -> None:
        num_records = min(len(self._queue), _BATCH_RECORDS_MAX)
        batch = [self._queue.popleft() for _ in range(num_records)]
        try:
            committed = writer.append([pending.draft for pending in batch])
        except BaseException as error:
            for pending in batch:
                pending.error = error
            raise
        self._committed = committed
        first = committed.checkpoint.size - num_records
        for index, pending in enumerate(batch, start=first):
            pending.receipt = self._receipt(index, committed)

    def _receipt(self, index: int, committed: Committed) -> Receipt:
        size = committed.checkpoint.size
        if not 0 <= index < size:
            raise UnknownEntryError("index", expected=f"0 <= index < {size}", actual=str(index))
        tree = self._scan.tree
        return Receipt(
            index=index,
            leaf_hash=tree.leaf(index),
            tree_size=size,
            proof=tree.inclusion_proof(index, size),
            checkpoint=committed.note,
        )

    def _read_envelope(self, index: int) -> bytes:
        location = self._scan.locations[index]
        with storage_errors(self.directory), location.path.open("rb") as file:
            file.seek(location.offset)
            envelope = file.read(location.length)
        if leaf_hash(envelope) != self._scan.tree.leaf(index):
            raise CorruptLogError(
                self.directory, "its bytes changed since the log was opened", index=index
            )
        return envelope


def _load(directory: Path, verifier: Verifier) -> tuple[Scan, Committed]:
    """Read a log and make sure that nothing but a crash has happened to it."""
    is_closed = was_closed(directory)
    note = read_checkpoint_note(directory)
    published = open_checkpoint(note, [verifier])
    with storage_errors(directory):
        scan = scan_segments(directory)
    # A writer at work may have moved on meanwhile; what it wrote is then no sign of tampering.
    is_closed = is_closed and was_closed(directory) and read_checkpoint_note(directory) == note
    change = scan.change(published_size=published.size, was_closed=is_closed)
    if change is not None:
        index, reason = change
        raise CorruptLogError(directory, reason, index=index)
    if scan.tree.root(published.size) != published.root:
        raise CorruptLogError(directory, "the entries are not those of the checkpoint", index=0)
    return scan, Committed(checkpoint=published, note=note)
