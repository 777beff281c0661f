"""A witness: cosigns a log's checkpoints as long as each continues the one before.

Requests and answers are those of C2SP tlog-witness `add-checkpoint`, whether they come over HTTP or
as files on a stick. What was cosigned last is durable before the cosignature leaves, one file a
log, read afresh for every request: nothing is remembered that the disk does not hold. A lock keeps
other processes off the folder. State that is lost must not be made anew under the same key: the
witness would then cosign any history.

Source: C2SP tlog-witness.md.
"""

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from audit.canonical import encode_base64, parse_base64, parse_count
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.cosignature import Cosigner
from audit.errors import (
    FormatError,
    LogLockedError,
    ProofError,
    SignatureError,
    WitnessStateError,
    WrongKeyError,
)
from audit.filesystem import FileSystem, RealFileSystem, replace_file, storage_errors
from audit.rfc6962 import EMPTY_ROOT, HASH_BYTES, verify_consistency
from audit.signed_note import Verifier, decode_note

REQUEST_BYTES_MAX = 1 << 18
SIZE_MEDIA_TYPE = "text/x.tlog.size"

_LOCK = "lock"
_PROOF_HASHES_MAX = 63
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnswer:
    """What a witness answers.

    Attributes:
        status: 200 with signature lines; 409 with the size that the witness knows, or without one
            where two roots of one size contradict each other; 400, 403, 404, 422 with a sentence.
        body: The text.
        media_type: Of the body.
    """

    status: HTTPStatus
    body: str
    media_type: str = _TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRequest:
    """An `add-checkpoint` request.

    Attributes:
        old_size: Size of the checkpoint that the log thinks was cosigned last.
        proof: Consistency proof from there.
        note: The new checkpoint, signed.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: str

    @classmethod
    def parse(cls, data: bytes) -> "WitnessRequest":
        """Read a request's body.

        Raises:
            FormatError: It is none.
        """
        head, separator, note = decode_note(data).partition("\n\n")
        old, *lines = head.split("\n")
        if not separator or not old.startswith("old "):
            raise FormatError("request", expected="an old size and a checkpoint", actual=old[:80])
        proof = tuple(parse_base64(line, field="request proof") for line in lines)
        if len(proof) > _PROOF_HASHES_MAX or any(len(item) != HASH_BYTES for item in proof):
            raise FormatError("request proof", expected="up to 63 hashes", actual=str(len(proof)))
        old_size = parse_count(old.removeprefix("old "), field="request old size")
        return cls(old_size=old_size, proof=proof, note=note)

    @property
    def text(self) -> str:
        """The request's body."""
        lines = [f"old {self.old_size}", *map(encode_base64, self.proof)]
        return "\n".join(lines) + "\n\n" + self.note


class Witness:
    """A witness over a folder of its own; any number of threads may call.

    Attributes:
        cosigners: Its keys.
    """

    def __init__(
        self,
        directory: Path,
        *,
        cosigners: Sequence[Cosigner],
        logs: Mapping[str, Sequence[Verifier]],
        clock_s: Callable[[], int],
        files: FileSystem | None = None,
    ) -> None:
        """Take the folder.

        Args:
            directory: Where the state lies; made where it is absent.
            cosigners: Keys that sign; one signature line each.
            logs: Trusted keys by origin.
            clock_s: POSIX time.
            files: System calls.

        Raises:
            LogLockedError: Another process has the folder.
            LogFailedError: Storage failed.
        """
        self.cosigners = tuple(cosigners)
        self._directory = directory
        self._logs = {origin: tuple(keys) for origin, keys in logs.items()}
        self._clock_s = clock_s
        self._files = files or RealFileSystem()
        self._turn = threading.Lock()
        with storage_errors(directory):
            self._files.make_directory(directory)
            self._lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise LogLockedError(directory) from error

    def close(self) -> None:
        """Give the folder back."""
        os.close(self._lock)

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Answer a request.

        Raises:
            WitnessStateError: The state is damaged; nothing may be cosigned.
            LogFailedError: The new state could not be made durable; nothing was cosigned.
        """
        try:
            request = WitnessRequest.parse(body)
            # Malformed signatures are none, and refused as such below.
            text = request.note.rpartition("\n\n")[0] + "\n"
            origin = Checkpoint.parse_body(text).origin
        except FormatError as error:
            return WitnessAnswer(status=HTTPStatus.BAD_REQUEST, body=f"{error}\n")
        if origin not in self._logs:
            return WitnessAnswer(status=HTTPStatus.NOT_FOUND, body="unknown log\n")
        try:
            checkpoint = open_checkpoint(request.note, self._logs[origin])
        except (FormatError, SignatureError, WrongKeyError) as error:
            return WitnessAnswer(status=HTTPStatus.FORBIDDEN, body=f"invalid signature: {error}\n")
        if request.old_size > checkpoint.size:
            sentence = f"old size {request.old_size} is beyond {checkpoint.size}\n"
            return WitnessAnswer(status=HTTPStatus.BAD_REQUEST, body=sentence)
        with self._turn:
            return self._advance(checkpoint, request)

    def latest(self, origin: str) -> Checkpoint | None:
        """Return what was cosigned last of a log.

        Raises:
            WitnessStateError: The state is damaged.
        """
        path = self._state_path(origin)
        try:
            checkpoint = Checkpoint.parse_body(decode_note(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (FormatError, OSError) as error:
            raise WitnessStateError(
                str(path), expected="a checkpoint", actual=str(error)
            ) from error
        if checkpoint.origin != origin:
            raise WitnessStateError(str(path), expected=origin, actual=checkpoint.origin)
        return checkpoint

    def _advance(self, checkpoint: Checkpoint, request: WitnessRequest) -> WitnessAnswer:
        """Compare, persist and cosign as one step."""
        latest = self.latest(checkpoint.origin)
        known_size = latest.size if latest else 0
        known_root = latest.root if latest else EMPTY_ROOT
        if request.old_size != known_size:
            return WitnessAnswer(
                status=HTTPStatus.CONFLICT, body=f"{known_size}\n", media_type=SIZE_MEDIA_TYPE
            )
        if latest and checkpoint.size == known_size and checkpoint.root != known_root:
            return WitnessAnswer(
                status=HTTPStatus.CONFLICT, body=f"{known_size}\n", media_type=SIZE_MEDIA_TYPE
            )
        try:
            verify_consistency(
                old_size=known_size,
                new_size=checkpoint.size,
                old_root=known_root,
                new_root=checkpoint.root,
                proof=request.proof,
            )
        except ProofError as error:
            return WitnessAnswer(
                status=HTTPStatus.UNPROCESSABLE_ENTITY, body=f"consistency proof: {error}\n"
            )
        lines = [cosigner.cosign(checkpoint, time_s=self._clock_s()) for cosigner in self.cosigners]
        with storage_errors(self._directory):
            path = self._state_path(checkpoint.origin)
            replace_file(self._files, path, checkpoint.body.encode())
            self._files.sync_directory(self._directory)
        return WitnessAnswer(status=HTTPStatus.OK, body="".join(lines))

    def _state_path(self, origin: str) -> Path:
        return self._directory / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"
