"""The signer's process: holds the private key and the memory, and does what the log asks.

Started by `signer_process.py` with one end of a socket pair as standard input. The first message
names key, memory and passphrase; so no secret stands on a command line or in the environment. The
process ends when the other side does. With a token instead of a key file, `hsm.py` opens the key.
"""

import socket
from collections.abc import Callable
from pathlib import Path

from audit.canonical import (
    JsonObject,
    canonical_bytes,
    count_field,
    parse_base64,
    parse_json_object,
    text_field,
)
from audit.checkpoint import Checkpoint
from audit.errors import AuditError, FormatError, SignerRefusedError
from audit.keys import FileSigner
from audit.signed_note import Signer
from audit.signer_wire import Operation, Status, receive, send, split_messages
from audit.signing import DirectSigner, LogSigner, SignerMemory

SignerMaker = Callable[[JsonObject], Signer]


def serve(connection: socket.socket, make_signer: SignerMaker) -> None:
    """Answer requests until the other side ends.

    Args:
        connection: To the log.
        make_signer: Opens the key that the first message names.
    """
    signer: LogSigner | None = None
    while (request := receive(connection)) is not None:
        operation, body = request
        try:
            if operation == Operation.START:
                signer = _start(body, make_signer)
            reply = _answer(signer, operation, body)
        except SignerRefusedError as error:
            send(connection, Status.REFUSED, str(error).encode())
        except (AuditError, OSError) as error:
            send(connection, Status.FAILED, str(error).encode())
        else:
            send(connection, Status.OK, reply)
    if signer is not None:
        signer.close()


def make_file_signer(config: JsonObject) -> FileSigner:
    """Open a key file.

    Raises:
        KeyFileError: It cannot be opened.
    """
    passphrase = config.get("passphrase")
    return FileSigner.load(
        Path(text_field(config, "key", field="signer")),
        passphrase=passphrase.encode() if isinstance(passphrase, str) else None,
    )


def run(make_signer: SignerMaker) -> None:
    """Serve on standard input."""
    with socket.socket(fileno=0) as connection:
        serve(connection, make_signer)


def _start(body: bytes, make_signer: SignerMaker) -> LogSigner:
    config = parse_json_object(body, field="signer")
    memory = SignerMemory(Path(text_field(config, "memory", field="signer")))
    return DirectSigner(make_signer(config), memory)


def _answer(signer: LogSigner | None, operation: int, body: bytes) -> bytes:
    if signer is None:
        raise FormatError("signer", expected="a start", actual=str(operation))
    if operation == Operation.ENTRIES:
        return b"".join(signer.sign_entries(split_messages(body)))
    if operation == Operation.CHECKPOINT:
        request = parse_json_object(body, field="signer")
        checkpoint = Checkpoint(
            origin=signer.verifier.name,
            size=count_field(request, "size", field="signer"),
            root=parse_base64(text_field(request, "root", field="signer"), field="root"),
        )
        hashes = text_field(request, "proof", field="signer").split()
        proof = [parse_base64(item, field="proof") for item in hashes]
        return signer.sign_checkpoint(checkpoint, proof)
    size, root = signer.last_signed()
    return canonical_bytes(
        {"vkey": signer.verifier.vkey, "size": size, "root": root.hex()}, field="signer"
    )
