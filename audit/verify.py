"""Offline verification of a log's directory, for anyone who has the directory and the public key.

Checked: each byte of each file; every signature; that each entry was written for its place; the
root of every batch and of the published checkpoint; every payload; and, where the caller hands over
checkpoints seen earlier (receipts hold one), that the log still contains what they covered. Without
such a checkpoint a log set back as a whole, by someone who can replace all files, cannot be told.

What a crash of the writer leaves is a warning, not a problem: the writer mends it when it starts.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.entry import open_entry
from audit.errors import (
    AuditError,
    FormatError,
    LogMissingError,
    PayloadError,
    SignatureError,
    WrongKeyError,
)
from audit.filesystem import TEMPORARY_SUFFIX
from audit.layout import (
    CHECKPOINT,
    FORMAT,
    LOCK,
    VKEY,
    read_checkpoint_note,
    read_identity,
    was_closed,
)
from audit.payloads import load_payload, payload_path
from audit.scan import Scan, scan_segments
from audit.segment import SEGMENTS
from audit.signed_note import Verifier


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
    PAYLOAD = "payload"
    """A payload is missing or changed."""
    ROOT = "root"
    """The entries are not those of a signed checkpoint."""
    FILE = "file"
    """A file that the log does not write, or cannot be read."""
    TORN = "torn"
    """A crash interrupted the writer; nothing acknowledged is concerned."""
    ORPHAN = "orphan"
    """A payload that no entry refers to, left by a crash."""


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
        warnings: What a crash left.
    """

    size: int = 0
    checkpoint: Checkpoint | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

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
    directory: Path, *, verifier: Verifier | None = None, trusted: Sequence[str] = ()
) -> VerifyReport:
    """Verify a log. Works while a writer is at work, and needs no private key.

    Args:
        directory: The log's directory.
        verifier: The log's public key, got on another way than the log; where absent, the one in
            the directory is believed.
        trusted: Signed checkpoints of this log seen earlier.
    """
    verification = _Verification(directory)
    verification.run(verifier, trusted)
    return verification.report


class _Verification:
    """One run over a directory."""

    def __init__(self, directory: Path) -> None:
        self.report = VerifyReport()
        self._directory = directory
        self._payloads: dict[Path, int] = {}

    def run(self, verifier: Verifier | None, trusted: Sequence[str]) -> None:
        """Check everything, in the order in which findings explain each other."""
        key = self._check_identity(verifier)
        if key is None:
            return
        closed = self._read_mark()
        published = self._check_checkpoint(key)
        try:
            scan = scan_segments(
                self._directory, visit=lambda index, data: self._check_entry(index, data, key)
            )
        except OSError as error:
            self._problem(Reason.FILE, 0, SEGMENTS, f"a segment cannot be read: {error}")
            return
        self.report.size = scan.tree.size
        # A writer may have begun or ended meanwhile; then what it left is no sign of tampering.
        closed = closed and self._read_mark() and self._is_still_published(published)
        self._check_tail(scan, published, was_closed=closed)
        if published is not None:
            self._check_root(scan, published, CHECKPOINT)
        for note in trusted:
            self._check_trusted(scan, note, key)
        self._check_files(scan, was_closed=closed)

    def _check_identity(self, verifier: Verifier | None) -> Verifier | None:
        try:
            identity = read_identity(self._directory)
        except (FormatError, LogMissingError) as error:
            self._problem(Reason.IDENTITY, 0, FORMAT, str(error))
            return verifier
        if verifier is not None and identity.verifier != verifier:
            self._problem(
                Reason.IDENTITY,
                0,
                VKEY,
                f"expected key {verifier.vkey}, got {identity.verifier.vkey}",
            )
        return verifier or identity.verifier

    def _check_checkpoint(self, verifier: Verifier) -> Checkpoint | None:
        try:
            note = read_checkpoint_note(self._directory)
            self.report.checkpoint = open_checkpoint(note, [verifier])
        except (FormatError, SignatureError, WrongKeyError) as error:
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

    def _check_entry(self, index: int, envelope: bytes, verifier: Verifier) -> None:
        try:
            statement = open_entry(envelope, index=index, verifier=verifier)
        except AuditError as error:
            self._problem(Reason.ENTRY, index, SEGMENTS, str(error))
            return
        for reference in statement.payload_references:
            path = payload_path(self._directory, reference.stored_sha256)
            self._payloads.setdefault(path, index)
            try:
                load_payload(self._directory, reference)
            except PayloadError as error:
                self._problem(Reason.PAYLOAD, index, self._relative(path), str(error))

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
            self._warn(
                Reason.TORN,
                size,
                path,
                f"what follows entry {size} was being written and has been acknowledged to nobody",
            )

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

    def _check_trusted(self, scan: Scan, note: str, verifier: Verifier) -> None:
        try:
            checkpoint = open_checkpoint(note, [verifier])
        except (FormatError, SignatureError, WrongKeyError) as error:
            self._problem(Reason.CHECKPOINT, None, "trusted checkpoint", str(error))
            return
        if checkpoint.size > scan.tree.size:
            self._problem(
                Reason.CHECKPOINT,
                scan.tree.size,
                "trusted checkpoint",
                f"it covers {checkpoint.size} entries, the log has {scan.tree.size}",
            )
        self._check_root(scan, checkpoint, "trusted checkpoint")

    def _check_files(self, scan: Scan, *, was_closed: bool) -> None:
        known = {self._directory / name for name in (FORMAT, VKEY, CHECKPOINT, LOCK)}
        known.update(scan.segments)
        for path in sorted(self._directory.rglob("*")):
            if path in known or path in self._payloads or path.is_dir():
                continue
            relative = self._relative(path)
            if path.suffix == TEMPORARY_SUFFIX and not was_closed:
                self._warn(Reason.TORN, None, relative, "a file was being written")
            elif path == payload_path(self._directory, path.name) and _is_intact(path):
                self._warn(Reason.ORPHAN, None, relative, "no entry refers to this payload")
            else:
                self._problem(Reason.FILE, None, relative, "the log does not write such a file")

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._directory))

    def _problem(self, reason: Reason, index: int | None, path: str, detail: str) -> None:
        self.report.problems.append(Problem(reason=reason, index=index, path=path, detail=detail))

    def _warn(self, reason: Reason, index: int | None, path: str, detail: str) -> None:
        self.report.warnings.append(Problem(reason=reason, index=index, path=path, detail=detail))


def _is_intact(path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == path.name
