"""Who signs for a log, and what it remembers so that it never goes back.

A signer signs entries, and checkpoints only if they extend the one that it signed last. What it
remembers lies outside the log and is durable before a signature leaves it: a log that was set back
or forked is refused, whoever asks. SPEC.md, sections 5 and 12.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from audit.checkpoint import Checkpoint
from audit.errors import FormatError, ProofError, SignerRefusedError
from audit.filesystem import RealFileSystem, replace_file, storage_errors
from audit.rfc6962 import EMPTY_ROOT, HASH_BYTES, verify_consistency
from audit.signed_note import Signer, Verifier

SIGNATURE_BYTES = 64

_MAGIC = b"FSVSIGN2"
_STATE = struct.Struct(f">8sQQ{HASH_BYTES}s")
_CRC = struct.Struct(">I")
_RECORD_BYTES = _STATE.size + _CRC.size
# Two records in two disk blocks: a torn write leaves the other one whole.
_BLOCK_BYTES = 4_096


@runtime_checkable
class LogSigner(Protocol):
    """What signs for a log."""

    @property
    def verifier(self) -> Verifier:
        """Name and public key."""

    def last_signed(self) -> tuple[int, bytes]:
        """Return size and root of the checkpoint signed last; the empty tree before the first."""

    def sign_entries(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the signature of each message."""

    def sign_checkpoint(self, checkpoint: Checkpoint, proof: Sequence[bytes]) -> bytes:
        """Return the signature of a checkpoint.

        Args:
            checkpoint: What to sign.
            proof: Consistency proof from the size that was signed last.

        Raises:
            SignerRefusedError: It does not extend what was signed last.
        """

    def close(self) -> None:
        """End; a second call does nothing."""


@dataclass(frozen=True, slots=True)
class _State:
    sequence: int
    size: int
    root: bytes


class SignerMemory:
    """The size and root signed last, in a file."""

    def __init__(self, path: Path) -> None:
        """Open the memory; an absent file means that nothing was signed yet.

        Raises:
            FormatError: The file holds no whole record.
            LogFailedError: It cannot be read or made.
        """
        self._folder = path.parent
        with storage_errors(self._folder):
            if not path.exists():
                first = _encode(_State(0, 0, EMPTY_ROOT))
                # Both blocks at once, so that later records never change the file's length.
                files = RealFileSystem()
                replace_file(files, path, first.ljust(2 * _BLOCK_BYTES, b"\0"))
                files.sync_directory(self._folder)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            self._state = self._load(path)

    @property
    def size(self) -> int:
        """Size signed last."""
        return self._state.size

    @property
    def root(self) -> bytes:
        """Root signed last."""
        return self._state.root

    def advance(self, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
        """Make a checkpoint the last one, durably, if it extends the one before.

        Raises:
            SignerRefusedError: It does not.
            LogFailedError: The file cannot be written.
        """
        state = self._state
        try:
            verify_consistency(
                old_size=state.size,
                new_size=checkpoint.size,
                old_root=state.root,
                new_root=checkpoint.root,
                proof=proof,
            )
        except ProofError as error:
            raise SignerRefusedError(
                "checkpoint",
                expected=f"an extension of size {state.size}, root {state.root.hex()}",
                actual=f"size {checkpoint.size}: {error}",
            ) from error
        if checkpoint.size > state.size:
            new = _State(state.sequence + 1, checkpoint.size, checkpoint.root)
            with storage_errors(self._folder):
                self._save(new)
            self._state = new

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _save(self, state: _State) -> None:
        data = _encode(state)
        written = os.pwrite(self._descriptor, data, state.sequence % 2 * _BLOCK_BYTES)
        if written != len(data):
            raise OSError(f"a short write of {written} bytes")
        os.fdatasync(self._descriptor)

    def _load(self, path: Path) -> _State:
        records = (os.pread(self._descriptor, _RECORD_BYTES, at) for at in (0, _BLOCK_BYTES))
        states = [state for state in map(_decode, records) if state is not None]
        if not states:
            raise FormatError("signer memory", expected="a whole record", actual=str(path))
        return max(states, key=lambda state: state.sequence)


class DirectSigner:
    """Signs in this process, with a key that it is given."""

    def __init__(self, signer: Signer, memory: SignerMemory | None = None) -> None:
        """Take a key and, where there is one, a memory.

        Without a memory the log's own commit frames are what is remembered: enough against crashes,
        not against a log that was set back.
        """
        self._signer = signer
        self._memory = memory

    @property
    def verifier(self) -> Verifier:
        """Name and public key."""
        return self._signer.verifier

    def last_signed(self) -> tuple[int, bytes]:
        """Return size and root of the checkpoint signed last; the empty tree before the first."""
        return (self._memory.size, self._memory.root) if self._memory else (0, EMPTY_ROOT)

    def sign_entries(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the signature of each message."""
        return [self._signer.sign(message) for message in messages]

    def sign_checkpoint(self, checkpoint: Checkpoint, proof: Sequence[bytes]) -> bytes:
        """Return the signature of a checkpoint, once it is remembered.

        Raises:
            SignerRefusedError: It does not extend what was signed last.
        """
        if self._memory is not None:
            self._memory.advance(checkpoint, proof)
        return self._signer.sign(checkpoint.body.encode())

    def close(self) -> None:
        """Close the memory; a second call does nothing."""
        if self._memory is not None:
            self._memory.close()


def as_log_signer(signer: Signer | LogSigner) -> LogSigner:
    """Return a signer for a log; a plain key signs in this process without a memory."""
    return signer if isinstance(signer, LogSigner) else DirectSigner(signer)


def _encode(state: _State) -> bytes:
    data = _STATE.pack(_MAGIC, state.sequence, state.size, state.root)
    return data + _CRC.pack(zlib.crc32(data))


def _decode(data: bytes) -> _State | None:
    body, checksum = data[: _STATE.size], data[_STATE.size :]
    if len(data) != _RECORD_BYTES or checksum != _CRC.pack(zlib.crc32(body)):
        return None
    magic, sequence, size, root = _STATE.unpack(body)
    return _State(sequence, size, root) if magic == _MAGIC else None
