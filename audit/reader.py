"""The reading half of a log: entries, receipts, proofs, search."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.canonical import JsonObject, parse_json_object
from audit.checkpoint import Checkpoint
from audit.draft import TermSource
from audit.entry import Entry, open_entry
from audit.errors import PayloadLockedError, PayloadShreddedError, UnknownEntryError
from audit.export import entry_json, shredded_json, write_export
from audit.indexer import Indexer
from audit.keyring import Keyring
from audit.payloads import OpenedPayload, open_payload
from audit.places import StoredEntry
from audit.receipt import Receipt
from audit.record import Statement
from audit.search import Query, Row
from audit.signed_note import Verifier
from audit.state import Committed, LogState
from audit.vault import Vault
from audit.verify import VerifyReport, verify_directory


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published checkpoint of a log that may go on meanwhile."""

    _state: LogState
    _committed: Committed

    @property
    def size(self) -> int:
        """Number of entries that the checkpoint covers."""
        return self._committed.checkpoint.size

    @property
    def head(self) -> Checkpoint:
        """The checkpoint itself."""
        return self._committed.checkpoint

    def checkpoint(self) -> str:
        """Return the signed checkpoint."""
        return self._committed.note

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that the log of an earlier size is a prefix of the checkpoint.

        Raises:
            UnknownEntryError: The size is not one that this log has had.
        """
        size = self.size
        if not 0 <= old_size <= size:
            raise UnknownEntryError("old_size", expected=f"0 to {size}", actual=str(old_size))
        with self._state.lock:
            return self._state.tree.consistency_proof(old_size, size)


class Reader:
    """A log as it is read. Any number of threads may call."""

    def __init__(
        self,
        state: LogState,
        committed: Committed,
        *,
        vault: Vault | None,
        terms: TermSource,
        is_writer: bool,
    ) -> None:
        self.directory = state.directory
        self._state = state
        self._committed = committed
        self._vault = vault
        self._terms = terms
        self._indexer = Indexer(
            state.directory,
            search_key=None if vault is None else vault.search_key,
            is_writer=is_writer,
            read_row=self._read_row,
            root_at=self._root_at,
        )
        self._indexer.grow(self.size)

    @property
    def keyring(self) -> Keyring:
        """The keys that the log has had."""
        return self._state.keyring

    @property
    def verifier(self) -> Verifier:
        """The log's current public key."""
        return self._state.keyring.current

    @property
    def origin(self) -> str:
        """The log's identity."""
        return self._state.keyring.origin

    @property
    def vault(self) -> Vault | None:
        """Keys of its payloads, where it was opened with them."""
        return self._vault

    @property
    def size(self) -> int:
        """Number of entries that the checkpoint covers."""
        return self._committed.checkpoint.size

    @property
    def mended(self) -> tuple[str, ...]:
        """Derived files that were found damaged or missing, and made again."""
        state = self._state
        return (
            *state.mended,
            *state.tree.mended,
            *state.places.mended,
            *self._indexer.mended,
        )

    def checkpoint(self) -> str:
        """Return the latest signed checkpoint."""
        return self._committed.note

    def read(self, index: int) -> Entry:
        """Return an entry, its signature, hash and payloads checked.

        Raises:
            UnknownEntryError: There is no such index.
            CorruptLogError: The stored bytes were changed since the log was opened.
            PayloadShreddedError: Its content was destroyed; `receipt` and `envelope` still serve.
            PayloadLockedError: Its content is sealed, and the log was opened without the vault.
            PayloadError: A payload is missing or changed.
        """
        receipt = self.receipt(index)
        stored, statement = self._open(index)
        content, opening = self._content(stored, statement)
        return Entry(
            envelope=stored.envelope,
            statement=statement,
            content=content,
            receipt=receipt,
            opening=opening,
        )

    def envelope(self, index: int) -> bytes:
        """Return an entry's signed bytes, whether its content can be read or not.

        Raises:
            UnknownEntryError: There is no such index.
            CorruptLogError: The stored bytes were changed since the log was opened.
        """
        self._check_index(index, self.size)
        return self._state.read_entry(index).envelope

    def statement(self, index: int) -> Statement:
        """Return what an entry states, whether its content can be read or not; errors as above."""
        self._check_index(index, self.size)
        return self._open(index)[1]

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Yield the entries from `start` on that the log holds now."""
        for index in range(start, self.size):
            yield self.read(index)

    def attachment(self, entry: Entry, name: str) -> bytes:
        """Return an attachment of an entry.

        Raises:
            UnknownEntryError: The entry has no attachment of that name.
            PayloadShreddedError: It was destroyed.
            PayloadLockedError: It is sealed, and the log was opened without the vault.
            PayloadError: It is missing or changed.
        """
        reference = entry.statement.attachments.get(name)
        if reference is None:
            known = ", ".join(entry.statement.attachments) or "none"
            raise UnknownEntryError("attachment", expected=known, actual=name)
        frames = self._state.read_entry(entry.index).frames
        return open_payload(reference, frames, origin=self.origin, vault=self._vault).content

    def find(self, record_id: str) -> tuple[int, ...]:
        """Return the indices of the records with this id, oldest first."""
        return self.search(Query(id=record_id))

    def search(self, query: Query) -> tuple[int, ...]:
        """Return the indices of the entries that meet a query, oldest first."""
        self._indexer.grow(self.size)
        return self._indexer.find(query)

    def forget_terms(self, indices: Sequence[int]) -> None:
        """Take what destroyed records could be found by out of the search index."""
        self._indexer.grow(self.size)
        self._indexer.remove_terms(indices)

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
        return self.snapshot().consistency_proof(old_size)

    def snapshot(self) -> "Snapshot":
        """Return the latest checkpoint, to be proven from while the log goes on."""
        return Snapshot(self._state, self._committed)

    def verify(self) -> VerifyReport:
        """Verify the whole directory against this log's key and latest checkpoint."""
        return verify_directory(
            self.directory,
            verifier=self.verifier,
            trusted=[self.checkpoint()],
            vault=self._vault,
        )

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
            entries=(self._exported(index) for index in chosen),
        )

    def _exported(self, index: int) -> JsonObject:
        try:
            return entry_json(self.read(index))
        except PayloadShreddedError:
            return shredded_json(self.statement(index), self.envelope(index), self.receipt(index))

    def close(self) -> None:
        """Finish the search index. A second call does nothing."""
        self._indexer.close()

    def _open(self, index: int) -> tuple[StoredEntry, Statement]:
        stored = self._state.read_entry(index)
        return stored, open_entry(stored.envelope, index=index, keyring=self.keyring)

    def _content(
        self, stored: StoredEntry, statement: Statement
    ) -> tuple[JsonObject, bytes | None]:
        reference = statement.content_reference
        if reference is None:
            return statement.content or {}, None
        opened: OpenedPayload = open_payload(
            reference, stored.frames, origin=self.origin, vault=self._vault
        )
        return parse_json_object(opened.content, field="payload"), opened.opening

    def _receipt(self, index: int, committed: Committed) -> Receipt:
        size = committed.checkpoint.size
        self._check_index(index, size)
        with self._state.lock:
            tree = self._state.tree
            leaf, proof = tree.leaf(index), tree.inclusion_proof(index, size)
        return Receipt(
            index=index, leaf_hash=leaf, tree_size=size, proof=proof, checkpoint=committed.note
        )

    def _check_index(self, index: int, size: int) -> None:
        if not 0 <= index < size:
            raise UnknownEntryError("index", expected=f"0 <= index < {size}", actual=str(index))

    def _root_at(self, size: int) -> bytes:
        with self._state.lock:
            return self._state.tree.root(size)

    def _read_row(self, index: int) -> Row:
        """Read what the index keeps of an entry; nothing of a content that cannot be read."""
        stored, statement = self._open(index)
        try:
            content, _ = self._content(stored, statement)
        except (PayloadShreddedError, PayloadLockedError):
            content = {}
        return Row(
            index=index,
            type=statement.type,
            id=statement.id,
            utc_ns=statement.stamp.utc_ns,
            terms=self._terms(statement.type, content),
        )
