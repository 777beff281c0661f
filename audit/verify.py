"""Offline verification of a log's directory, for anyone who has the directory and the public key.

Checked: each byte of each file; every signature; that each entry was written for its place; the
root of every batch and of the published checkpoint; every payload; and, where the caller hands over
checkpoints seen earlier (receipts hold one), that the log still contains what they covered. Without
such a checkpoint a log set back as a whole, by someone who can replace all files, cannot be told.

What a crash of the writer leaves is a warning, not a problem: the writer mends it when it starts.
So is a damaged derived file. The steps are those of SPEC.md, section 11.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.derived import check_derived, is_derived
from audit.entry import open_entry
from audit.errors import (
    AuditError,
    FormatError,
    LogMissingError,
    PayloadError,
    PayloadShreddedError,
    SignatureError,
    WrongKeyError,
)
from audit.events import CLOCK_EVENT, KEY_EVENT, SHREDDING_EVENT, Shredded
from audit.filesystem import TEMPORARY_SUFFIX
from audit.keyring import Keyring
from audit.layout import (
    CHECKPOINT,
    FORMAT,
    LOCK,
    TIMESTAMPS,
    VKEY,
    read_checkpoint_note,
    read_keyring,
    was_closed,
)
from audit.payloads import PayloadReference, open_payload, pick_stored
from audit.record import Statement
from audit.scan import Scan, scan_segments
from audit.segment import SEGMENTS
from audit.signed_note import Verifier
from audit.vault import Vault


class Reason(StrEnum):
    """Kinds of problems and warnings."""

    IDENTITY = "identity"
    """Format or key file is not the log's."""
    CHECKPOINT = "checkpoint"
    """The published checkpoint is not signed by the log, malformed, or rolled back."""
    SEGMENT = "segment"
    """Frames are damaged, missing, moved or not sealed."""
    ENTRY = "entry"
    """An entry is malformed, not signed by the log, or belongs to another place."""
    KEY = "key"
    """A key of the log is not named by an entry that the key before it signed."""
    CLOCK = "clock"
    """An entry is earlier than the one before, and no clock event says so."""
    PAYLOAD = "payload"
    """A payload is missing or changed, and was not destroyed in due form."""
    ROOT = "root"
    """The entries are not those of a signed checkpoint."""
    FILE = "file"
    """A file that the log does not write, or cannot be read."""
    TORN = "torn"
    """A crash interrupted the writer, or it is at work."""
    DERIVED = "derived"
    """A tile or place file is damaged; it is made again from the segments when it is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding.

    Attributes:
        reason: Its kind.
        index: First entry concerned; None where no entry is.
        path: The file, relative to the log's directory.
        detail: A sentence.
    """

    reason: Reason
    index: int | None
    path: str
    detail: str


@dataclass(slots=True)
class VerifyReport:
    """Outcome of a verification.

    Attributes:
        size: Entries that were read.
        checkpoint: The published checkpoint, where its signature is good.
        problems: What is wrong.
        warnings: What a crash left, and derived files that are damaged.
        num_shredded: Payloads that were destroyed in due form.
    """

    size: int = 0
    checkpoint: Checkpoint | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    num_shredded: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def first_bad_index(self) -> int | None:
        """First entry that is damaged, missing, or no longer covered by a good signature."""
        indices = [problem.index for problem in self.problems if problem.index is not None]
        return min(indices, default=None)


def verify_directory(
    directory: Path,
    *,
    verifier: Verifier | None = None,
    trusted: Sequence[str] = (),
    vault: Vault | None = None,
) -> VerifyReport:
    """Verify a log. Works while a writer is at work, and needs no private key.

    Args:
        directory: The log's directory.
        verifier: A public key of the log, got on another way than the log; where absent, the first
            one in the directory is believed.
        trusted: Signed checkpoints of this log seen earlier.
        vault: Keys of the payloads; without them only the stored bytes are checked.
    """
    verification = _Verification(directory, vault)
    verification.run(verifier, trusted)
    return verification.report


class _Verification:
    """One run over a directory."""

    def __init__(self, directory: Path, vault: Vault | None) -> None:
        self.report = VerifyReport()
        self._directory = directory
        self._vault = vault
        self._origin = ""
        self._named_keys: dict[int, str] = {}
        self._shredded = Shredded()
        self._unreadable: list[tuple[int, PayloadReference, str]] = []
        self._last_utc_ns = 0

    def run(self, verifier: Verifier | None, trusted: Sequence[str]) -> None:
        """Check everything, in the order in which findings explain each other."""
        keyring = self._check_identity(verifier)
        if keyring is None:
            return
        self._origin = keyring.origin
        closed = self._read_mark()
        published = self._check_checkpoint(keyring, was_closed=closed)

        def visit(index: int, envelope: bytes, frames: list[bytes]) -> None:
            self._check_entry(index, envelope, frames, keyring)

        try:
            scan = scan_segments(self._directory, visit=visit)
        except OSError as error:
            self._problem(Reason.FILE, 0, SEGMENTS, f"a segment cannot be read: {error}")
            return
        self.report.size = scan.size
        # A writer may have begun or ended meanwhile; then what it left is no sign of tampering.
        closed = closed and self._read_mark() and self._is_still_published(published)
        self._check_tail(scan, published, was_closed=closed)
        self._check_keys(keyring, scan, was_closed=closed)
        self._check_shredded()
        if published is not None:
            self._check_root(scan, published, CHECKPOINT)
        for note in trusted:
            self._check_trusted(scan, note, keyring, "trusted checkpoint")
        for path in sorted((self._directory / TIMESTAMPS).glob("*.note")):
            note = path.read_text(errors="replace")
            self._check_trusted(scan, note, keyring, self._relative(path))
        self._check_files(scan, was_closed=closed)
        if scan.damage is None:
            for name, detail in check_derived(self._directory, scan, is_complete=closed):
                self._warn(Reason.DERIVED, None, name, detail)

    def _check_identity(self, verifier: Verifier | None) -> Keyring | None:
        try:
            keyring = read_keyring(self._directory)
        except (FormatError, LogMissingError) as error:
            self._problem(Reason.IDENTITY, 0, FORMAT, str(error))
            return None if verifier is None else Keyring.of(verifier)
        if verifier is None or verifier in keyring.verifiers:
            return keyring
        self._problem(
            Reason.IDENTITY, 0, VKEY, f"expected key {verifier.vkey}, got {keyring.current.vkey}"
        )
        return Keyring.of(verifier)

    def _check_checkpoint(self, keyring: Keyring, *, was_closed: bool) -> Checkpoint | None:
        try:
            note = read_checkpoint_note(self._directory)
            self.report.checkpoint = open_checkpoint(note, keyring.verifiers)
            _check_signed_now(note, self.report.checkpoint, keyring)
        except FormatError as error:
            if was_closed:
                self._problem(Reason.CHECKPOINT, 0, CHECKPOINT, str(error))
            else:
                self._warn(Reason.TORN, None, CHECKPOINT, f"it is not whole: {error}")
        except (SignatureError, WrongKeyError) as error:
            self._problem(Reason.CHECKPOINT, 0, CHECKPOINT, str(error))
        return self.report.checkpoint

    def _is_still_published(self, published: Checkpoint | None) -> bool:
        try:
            note = read_checkpoint_note(self._directory)
        except FormatError:
            return published is None
        return published is None or note.startswith(published.body)

    def _read_mark(self) -> bool:
        try:
            return was_closed(self._directory)
        except FormatError as error:
            self._problem(Reason.FILE, None, LOCK, str(error))
            return True

    def _check_entry(
        self, index: int, envelope: bytes, frames: list[bytes], keyring: Keyring
    ) -> None:
        try:
            statement = open_entry(envelope, index=index, keyring=keyring)
            self._take_event(index, statement)
        except AuditError as error:
            self._problem(Reason.ENTRY, index, SEGMENTS, str(error))
            return
        utc_ns = statement.stamp.utc_ns
        if utc_ns < self._last_utc_ns and statement.type != CLOCK_EVENT:
            self._problem(
                Reason.CLOCK, index, SEGMENTS, f"{utc_ns} ns comes after {self._last_utc_ns} ns"
            )
        self._last_utc_ns = utc_ns
        references = statement.payload_references
        for reference in references:
            self._check_payload(index, reference, frames)
        if len(frames) > len(references):
            self._problem(
                Reason.PAYLOAD, index, SEGMENTS, "a payload stands here that no entry refers to"
            )

    def _take_event(self, index: int, statement: Statement) -> None:
        content = statement.content or {}
        if statement.type == KEY_EVENT:
            self._named_keys[index + 1] = str(content.get("vkey"))
        elif statement.type == SHREDDING_EVENT:
            self._shredded.add(content)

    def _check_payload(
        self, index: int, reference: PayloadReference, frames: Sequence[bytes]
    ) -> None:
        try:
            pick_stored(reference, frames)
            if reference.key is None or self._vault is not None:
                open_payload(reference, frames, origin=self._origin, vault=self._vault)
        except (PayloadError, PayloadShreddedError) as error:
            # A later event may say that it was destroyed.
            self._unreadable.append((index, reference, str(error)))

    def _check_shredded(self) -> None:
        for index, reference, detail in self._unreadable:
            if reference.key is not None and self._shredded.covers(reference.key):
                self.report.num_shredded += 1
            else:
                self._problem(Reason.PAYLOAD, index, SEGMENTS, detail)

    def _check_keys(self, keyring: Keyring, scan: Scan, *, was_closed: bool) -> None:
        """Check that each key is named by the entry before its first one, and the other way."""
        pairs = zip(keyring.first_indices[1:], keyring.verifiers[1:], strict=True)
        listed = {index: verifier.vkey for index, verifier in pairs}
        for index in sorted({*listed, *self._named_keys}):
            # Between the key event and the list a crash may have come.
            is_late = index == scan.committed_size and index not in listed and not was_closed
            if listed.get(index) != self._named_keys.get(index) and not is_late:
                self._problem(
                    Reason.KEY,
                    index,
                    VKEY,
                    f"expected {self._named_keys.get(index)}, got {listed.get(index)}",
                )

    def _check_tail(self, scan: Scan, published: Checkpoint | None, *, was_closed: bool) -> None:
        size = scan.committed_size if published is None else published.size
        change = scan.change(published_size=size, was_closed=was_closed)
        path = self._relative(scan.damage.path) if scan.damage else SEGMENTS
        if change is not None:
            index, detail = change
            # A root that differs because of entries already named adds nothing.
            if not any(problem.reason is Reason.ENTRY for problem in self.report.problems):
                self._problem(Reason.SEGMENT, index, path, detail)
        elif scan.has_tail or scan.committed_size > size:
            self._warn(Reason.TORN, size, path, f"what follows entry {size} is not yet published")

    def _check_root(self, scan: Scan, checkpoint: Checkpoint, path: str) -> None:
        if checkpoint.size > scan.tree.size:
            return
        if scan.tree.root(checkpoint.size) != checkpoint.root and self.report.ok:
            self._problem(
                Reason.ROOT,
                0,
                path,
                f"the first {checkpoint.size} entries have another root than the checkpoint",
            )

    def _check_trusted(self, scan: Scan, note: str, keyring: Keyring, path: str) -> None:
        try:
            checkpoint = open_checkpoint(note, keyring.verifiers)
        except (FormatError, SignatureError, WrongKeyError) as error:
            self._problem(Reason.CHECKPOINT, None, path, str(error))
            return
        if checkpoint.size > scan.tree.size:
            self._problem(
                Reason.CHECKPOINT,
                scan.tree.size,
                path,
                f"it covers {checkpoint.size} entries, the log has {scan.tree.size}",
            )
        self._check_root(scan, checkpoint, path)

    def _check_files(self, scan: Scan, *, was_closed: bool) -> None:
        known = {self._directory / name for name in (FORMAT, VKEY, CHECKPOINT, LOCK)}
        known.update(scan.segments)
        for path in sorted(self._directory.rglob("*")):
            relative = self._relative(path)
            if path in known or path.is_dir() or is_derived(relative):
                continue
            # Renaming a derived file is not synced: a power loss may bring the old name back.
            is_made_again = is_derived(relative.removesuffix(TEMPORARY_SUFFIX))
            if path.suffix == TEMPORARY_SUFFIX and (is_made_again or not was_closed):
                self._warn(Reason.TORN, None, relative, "a file was being written")
            else:
                self._problem(Reason.FILE, None, relative, "the log does not write such a file")

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._directory))

    def _problem(self, reason: Reason, index: int | None, path: str, detail: str) -> None:
        self.report.problems.append(Problem(reason=reason, index=index, path=path, detail=detail))

    def _warn(self, reason: Reason, index: int | None, path: str, detail: str) -> None:
        self.report.warnings.append(Problem(reason=reason, index=index, path=path, detail=detail))


def _check_signed_now(note: str, checkpoint: Checkpoint, keyring: Keyring) -> None:
    """Refuse a checkpoint that only a key of the past has signed."""
    open_checkpoint(note, keyring.checkpoint_keys(checkpoint.size))
