"""The log's side of a signer in a process of its own.

The service never holds the private key: whoever takes it over can have things signed while it runs,
but neither take the key along nor have a history rewritten, since the signer remembers what it
signed last.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.canonical import (
    JsonObject,
    canonical_bytes,
    count_field,
    encode_base64,
    parse_json_object,
    text_field,
)
from audit.checkpoint import Checkpoint
from audit.errors import SignerFailedError, SignerRefusedError
from audit.signed_note import Verifier
from audit.signer_wire import Operation, Status, join_messages, receive, send
from audit.signing import SIGNATURE_BYTES

# Longer than any sync that still serves; then the log stops rather than wait.
_TIMEOUT_S = 30.0
_PROGRAM = "from audit.signer_server import run; from {module} import {maker}; run({maker})"
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerConfig:
    """Where the signer finds its key.

    Attributes:
        key: Key file, with its verifier key beside it.
        memory: File of what was signed last.
        passphrase: Of the key file.
    """

    key: Path
    memory: Path
    passphrase: bytes

    @property
    def program(self) -> str:
        """What runs in the process."""
        return _PROGRAM.format(module="audit.signer_server", maker="make_file_signer")

    def to_json(self) -> JsonObject:
        """Return the first message."""
        return {
            "key": str(self.key.resolve()),
            "memory": str(self.memory.resolve()),
            "passphrase": self.passphrase.decode(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenConfig:
    """Where the signer finds a key in a PKCS #11 token.

    Attributes:
        module_path: The token's library.
        token: Its label.
        pin: Its user PIN.
        label: Of the key pair.
        name: Key name, which is the log's origin.
        memory: File of what was signed last.
    """

    module_path: Path
    token: str
    pin: str
    label: str
    name: str
    memory: Path

    @property
    def program(self) -> str:
        """What runs in the process."""
        return _PROGRAM.format(module="audit.hsm", maker="make_token_signer")

    def to_json(self) -> JsonObject:
        """Return the first message."""
        return {
            "module_path": str(self.module_path),
            "token": self.token,
            "pin": self.pin,
            "label": self.label,
            "name": self.name,
            "memory": str(self.memory.resolve()),
        }


class SignerProcess:
    """Signs in another process. One thread at a time is served."""

    def __init__(self, config: SignerConfig | TokenConfig) -> None:
        """Start the process and open the key.

        Raises:
            SignerFailedError: The process does not start, or cannot open key or memory.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            # A session of its own: an interrupt from the keyboard is for the service to handle.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-c", config.program],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=_ROOT,
                start_new_session=True,
            )
        ours.settimeout(_TIMEOUT_S)
        self._connection = ours
        self._lock = threading.Lock()
        try:
            info = parse_json_object(
                self._ask(Operation.START, canonical_bytes(config.to_json())), field="signer"
            )
            self._verifier = Verifier.parse(text_field(info, "vkey", field="signer"))
            size = count_field(info, "size", field="signer")
            self._last = (size, bytes.fromhex(text_field(info, "root", field="signer")))
        except BaseException:
            self.close()
            raise

    @property
    def verifier(self) -> Verifier:
        """Name and public key."""
        return self._verifier

    def last_signed(self) -> tuple[int, bytes]:
        """Return size and root of the checkpoint signed last; the empty tree before the first."""
        return self._last

    def sign_entries(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the signature of each message.

        Raises:
            SignerFailedError: The process does not answer.
        """
        reply = self._ask(Operation.ENTRIES, join_messages(messages))
        if len(reply) != SIGNATURE_BYTES * len(messages):
            raise SignerFailedError(
                "signer", expected=f"{len(messages)} signatures", actual=f"{len(reply)} bytes"
            )
        return [
            reply[offset : offset + SIGNATURE_BYTES]
            for offset in range(0, len(reply), SIGNATURE_BYTES)
        ]

    def sign_checkpoint(self, checkpoint: Checkpoint, proof: Sequence[bytes]) -> bytes:
        """Return the signature of a checkpoint, once the process has remembered it.

        Raises:
            SignerRefusedError: It does not extend what was signed last.
            SignerFailedError: The process does not answer.
        """
        request: JsonObject = {
            "size": checkpoint.size,
            "root": encode_base64(checkpoint.root),
            "proof": " ".join(map(encode_base64, proof)),
        }
        signature = self._ask(Operation.CHECKPOINT, canonical_bytes(request))
        # Else the signer would speak for another origin than the log believes.
        if not self._verifier.is_valid(checkpoint.body.encode(), signature):
            raise SignerFailedError("signer", expected="a right signature", actual="another")
        self._last = (checkpoint.size, checkpoint.root)
        return signature

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._connection.close()
        try:
            self._process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, operation: Operation, body: bytes) -> bytes:
        try:
            with self._lock:
                send(self._connection, operation, body)
                answer = receive(self._connection)
        except OSError as error:
            raise SignerFailedError("signer", expected="an answer", actual=str(error)) from error
        if answer is None:
            raise SignerFailedError("signer", expected="an answer", actual="the process ended")
        status, data = answer
        if status == Status.OK:
            return data
        detail = data.decode(errors="replace")
        if status == Status.REFUSED:
            raise SignerRefusedError("signer", expected="its consent", actual=detail)
        raise SignerFailedError("signer", expected="a signature", actual=detail)
