"""The log: durable, tamper-evident records, each answered with a receipt.

One writer (a lock guards the directory), any number of readers. `Log.append` returns only after the
record is synced and covered by a signed checkpoint; concurrent appends share one sync. A failed
sync ends the writer: open the log again to go on.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType

from audit.canonical import JsonObject
from audit.checkpoint import Checkpoint
from audit.committer import BATCH_RECORDS_MAX, Committer
from audit.draft import Draft, Drafter
from audit.entry import open_entry
from audit.errors import (
    ForeignLogError,
    LogExistsError,
    LogFailedError,
    ReadOnlyError,
    VaultError,
    WrongKeyError,
)
from audit.events import KEY_EVENT
from audit.filesystem import replace_file, storage_errors
from audit.keyring import Keyring
from audit.layout import CHECKPOINT, FORMAT, LOCK, VKEY, encode_format, read_keyring
from audit.options import LogOptions
from audit.payloads import Sealer
from audit.reader import Reader
from audit.receipt import Receipt
from audit.record import Record
from audit.rfc6962 import EMPTY_ROOT
from audit.rotation import unlisted_key
from audit.search import Row
from audit.segment import SEGMENTS, encode_header, segment_path
from audit.signed_note import Signer, join_note
from audit.signing import LogSigner, as_log_signer
from audit.state import Committed, LogState, load_state
from audit.vault import Vault
from audit.writer import Writer, WriterParts, take_lock


class Log(Reader):
    """An audit log in a directory. Made by `create` or `open`."""

    def __init__(
        self,
        state: LogState,
        committed: Committed,
        *,
        vault: Vault | None,
        options: LogOptions,
        writer: Writer | None = None,
        drafter: Drafter | None = None,
    ) -> None:
        super().__init__(
            state, committed, vault=vault, terms=options.terms, is_writer=writer is not None
        )
        self._drafter = drafter
        self._writer = writer
        self._turn = threading.Lock()
        self._committer = None
        if writer is not None:
            self._committer = Committer(state.directory, self._commit_batch)

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        origin: str,
        signer: Signer | LogSigner,
        vault: Vault | None = None,
        options: LogOptions | None = None,
    ) -> "Log":
        """Make an empty log, durably, and open it for writing.

        Args:
            directory: Where it goes; absent or an empty folder, in an existing parent.
            origin: The log's identity, a URL without scheme; equals the name of the signer's key.
            signer: Holder of the private key; the log closes it.
            vault: Keys of its payloads; without one, contents are readable in the log.
            options: Everything else.

        Raises:
            LogExistsError: The directory holds something.
            WrongKeyError: The key has another name than the origin.
            VaultError: The vault is another log's.
            FormatError: The origin cannot be a key name.
        """
        options = options or LogOptions()
        log_signer = as_log_signer(signer)
        verifier = log_signer.verifier
        if verifier.name != origin:
            raise WrongKeyError("key name", expected=origin, actual=verifier.name)
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise LogExistsError(directory, "expected no directory or an empty one")
        checkpoint = Checkpoint(origin=origin, size=0, root=EMPTY_ROOT)
        signature = log_signer.sign_checkpoint(checkpoint, ())
        note = join_note(checkpoint.body, [(verifier, signature)])
        files = {
            FORMAT: encode_format(origin),
            VKEY: Keyring.of(verifier).text.encode(),
            LOCK: b"",
            f"{SEGMENTS}/{segment_path(directory, 0).name}": encode_header(0),
            CHECKPOINT: note.encode(),
        }
        with storage_errors(directory):
            _make_directory(directory, files, options)
        return cls.open(directory, signer=log_signer, vault=vault, options=options)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        signer: Signer | LogSigner | None = None,
        previous: Signer | LogSigner | None = None,
        vault: Vault | None = None,
        options: LogOptions | None = None,
    ) -> "Log":
        """Open a log: with a signer for writing, without for reading what is published.

        Opening for writing mends what a crash left: a batch that is whole is kept, a torn one cut.

        Args:
            directory: The log's directory.
            signer: Holder of the current private key; the log closes it.
            previous: Holder of the key before, to have both sign checkpoints for a while.
            vault: Keys of its payloads.
            options: Everything else.

        Raises:
            LogMissingError: The directory is not an audit log.
            LogLockedError: Another writer is at work; later this may succeed.
            LogFailedError: The disk cannot be read or written.
            ForeignLogError: The signer's key is of another log.
            WrongKeyError: The signer's key is not the log's, or a rotation was interrupted.
            VaultError: The vault is another log's.
            CorruptLogError: Bytes were changed or lost; see `verify_directory`.
            FormatError: A file is not what this version writes.
            SignatureError: The published checkpoint is not signed by the log's key.
            SignerRefusedError: The signer knows a later or another state of this log.
        """
        options = options or LogOptions()
        keyring = read_keyring(directory)
        if vault is not None and vault.origin != keyring.origin:
            raise VaultError("vault", expected=f"that of {keyring.origin}", actual=vault.origin)
        if signer is None:
            state, published = load_state(directory, keyring, None)
            if published is None:
                raise LogFailedError(directory, "the checkpoint is torn until a writer opens it")
            return cls(state, published, vault=vault, options=options)
        log_signer = as_log_signer(signer)
        if log_signer.verifier != keyring.current:
            is_foreign = log_signer.verifier.name != keyring.origin
            raise (ForeignLogError if is_foreign else WrongKeyError)(
                "signer", expected=keyring.current.vkey, actual=log_signer.verifier.vkey
            )
        signers = (log_signer, None if previous is None else as_log_signer(previous))
        state, writer, drafter = _start_writer(directory, keyring, signers, vault, options)
        return cls(
            state, writer.recover(), vault=vault, options=options, writer=writer, drafter=drafter
        )

    def append(self, record: Record) -> Receipt:
        """Log a record and return its receipt, once it is durable. Any number of threads may call.

        Raises:
            RecordError: The record cannot be logged; the log is untouched.
            ReadOnlyError: The log was opened without a signer.
            LogBusyError: Too many records wait; later this may succeed.
            LogFailedError: Storage failed, now or before; nothing is acknowledged until the log is
                opened again.
        """
        return self.append_many([record])[0]

    def append_many(self, records: Iterable[Record]) -> tuple[Receipt, ...]:
        """Log records in this order, sharing syncs; errors as for `append`.

        If the log fails on the way, records at the front may be in it without a receipt.
        """
        committer, drafter, _ = self._writing()
        rest, receipts = iter(records), list[Receipt]()
        while True:
            batch = [drafter.draft(record) for record in islice(rest, BATCH_RECORDS_MAX)]
            if not batch:
                return tuple(receipts)
            receipts.extend(committer.submit(batch))

    def append_event(self, event_type: str, content: JsonObject) -> Receipt:
        """Log something about the log itself, never sealed; errors as for `append`."""
        committer, drafter, _ = self._writing()
        return committer.submit([drafter.event(event_type, content)])[0]

    def rotate(self, signer: Signer | LogSigner) -> Receipt:
        """Go over to a new key; both sign checkpoints until the log is opened without the old one.

        Args:
            signer: Holder of the new private key, named as the origin; the log closes it.

        Returns:
            The receipt of the key event, signed by the old key.

        Raises:
            FormatError: The key has another name, or was one of this log before.
            LogFailedError: Storage failed; if the key event is in the log, the new key is current.
        """
        log_signer = as_log_signer(signer)
        _, drafter, writer = self._writing()
        event = drafter.event(KEY_EVENT, {"vkey": log_signer.verifier.vkey})
        with self._turn:
            self.keyring.extended(log_signer.verifier, self.size + 1)
            receipt = self._commit([event], writer)[0]
            self._committed = writer.rotate(log_signer)
        return receipt

    def end_overlap(self) -> None:
        """Let the key before the current one sign no more; without one it does nothing.

        Raises:
            ReadOnlyError: The log was opened without a signer.
            LogFailedError: Storage failed.
        """
        _, _, writer = self._writing()
        with self._turn:
            self._committed = writer.end_overlap()

    def close(self) -> None:
        """End writing in good order and give the lock back. A second call does nothing."""
        if self._committer is not None:
            self._committer.close()
        super().close()
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

    def _writing(self) -> tuple[Committer, Drafter, Writer]:
        if self._committer is None or self._drafter is None or self._writer is None:
            raise ReadOnlyError(self.directory, "expected a log opened with a signer")
        return self._committer, self._drafter, self._writer

    def _commit_batch(
        self, drafts: Sequence[Draft], is_followed: Callable[[], bool]
    ) -> Sequence[Receipt]:
        _, _, writer = self._writing()
        with self._turn:
            return self._commit(drafts, writer, is_followed=is_followed)

    def _commit(
        self,
        drafts: Sequence[Draft],
        writer: Writer,
        *,
        is_followed: Callable[[], bool] = bool,
    ) -> Sequence[Receipt]:
        batch = writer.append(drafts, is_followed=is_followed)
        size = batch.committed.checkpoint.size
        self._committed = batch.committed
        self._indexer.extend(
            [
                Row(
                    index=batch.first_index + n,
                    type=draft.type,
                    id=draft.id,
                    utc_ns=batch.utc_ns,
                    terms=draft.terms,
                )
                for n, draft in enumerate(drafts)
            ],
            size=size,
        )
        return [self._receipt(index, batch.committed) for index in range(batch.first_index, size)]


def _make_directory(directory: Path, contents: dict[str, bytes], options: LogOptions) -> None:
    """Build a log's directory under another name, and rename it once it is durable."""
    files = options.files
    building = directory.with_name(f".{directory.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    for folder in (building, building / SEGMENTS):
        files.make_directory(folder)
    for name, data in contents.items():
        replace_file(files, building / name, data)
    for folder in (building / SEGMENTS, building):
        files.sync_directory(folder)
    files.rename(building, directory)
    files.sync_directory(directory.parent)


def _last_time(state: LogState) -> int | None:
    """Return when the last entry was written."""
    size = state.tree.size
    if not size:
        return None
    envelope = state.read_entry(size - 1).envelope
    return open_entry(envelope, index=size - 1, keyring=state.keyring).stamp.utc_ns


def _sealer(vault: Vault | None, state: LogState) -> Sealer | None:
    if vault is None:
        return None
    return Sealer(vault, origin=state.keyring.origin, size=state.tree.size)


def _start_writer(
    directory: Path,
    keyring: Keyring,
    signers: tuple[LogSigner, LogSigner | None],
    vault: Vault | None,
    options: LogOptions,
) -> tuple[LogState, Writer, Drafter]:
    """Become the log's only writer."""
    with storage_errors(directory):
        lock = take_lock(directory)
    try:
        state, _ = load_state(directory, keyring, options.files)
        if unlisted_key(state) is not None:
            raise WrongKeyError("vkey", expected="`finish_rotation` first", actual="an older key")
        drafter = Drafter(origin=keyring.origin, sealer=_sealer(vault, state), terms=options.terms)
        parts = WriterParts(
            signer=signers[0], previous=signers[1], lock=lock, drafter=drafter, options=options
        )
        with storage_errors(directory):
            writer = Writer(state, parts, last_utc_ns=_last_time(state))
    except BaseException:
        os.close(lock)
        raise
    return state, writer, drafter
