"""The messages between a log and its signer's process: length-prefixed frames on a socket pair.

    request:  operation u8  length u32  body        reply:  status u8  length u32  body

Bodies: `INFO` none, answered with JSON; `ENTRIES` each message behind its u32 length, answered with
64 bytes each; `CHECKPOINT` JSON, answered with 64 bytes. A reply of status `REFUSED` or `FAILED`
carries the sentence that says why.
"""

import socket
import struct
from collections.abc import Sequence
from enum import IntEnum

from audit.errors import SignerFailedError

_HEAD = struct.Struct(">BI")
_LENGTH = struct.Struct(">I")
# A batch of 256 entries of 64 KiB.
_BODY_BYTES_MAX = 1 << 25
_CHUNK_BYTES = 1 << 20


class Operation(IntEnum):
    """What is asked for."""

    START = 1
    INFO = 2
    ENTRIES = 3
    CHECKPOINT = 4


class Status(IntEnum):
    """How it went."""

    OK = 0
    REFUSED = 1
    FAILED = 2


def send(connection: socket.socket, kind: int, body: bytes) -> None:
    """Send one frame.

    Raises:
        OSError: The other side is gone.
    """
    connection.sendall(_HEAD.pack(kind, len(body)) + body)


def receive(connection: socket.socket) -> tuple[int, bytes] | None:
    """Receive one frame; None where the other side has ended in good order.

    Raises:
        OSError: The other side is gone, or does not answer in time.
        SignerFailedError: The frame is cut or too long.
    """
    # Nothing is sent before the answer, so what comes in one piece is one frame.
    data = bytearray(connection.recv(_CHUNK_BYTES))
    if not data:
        return None
    _fill(connection, data, _HEAD.size)
    kind, length = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (0, _BODY_BYTES_MAX + 1)
    if length > _BODY_BYTES_MAX:
        raise SignerFailedError("signer", expected="a whole frame", actual=repr(bytes(data[:80])))
    _fill(connection, data, _HEAD.size + length)
    body = bytes(data[_HEAD.size :])
    if len(body) != length:
        raise SignerFailedError("signer", expected=f"{length} bytes", actual=str(len(body)))
    return kind, body


def join_messages(messages: Sequence[bytes]) -> bytes:
    """Put messages behind their lengths."""
    return b"".join(_LENGTH.pack(len(message)) + message for message in messages)


def split_messages(body: bytes) -> list[bytes]:
    """Take messages apart.

    Raises:
        SignerFailedError: A length does not fit.
    """
    messages, offset = [], 0
    while offset < len(body):
        begin = offset + _LENGTH.size
        (length,) = _LENGTH.unpack(body[offset:begin].rjust(_LENGTH.size, b"\xff"))
        offset = begin + length
        if offset > len(body):
            raise SignerFailedError("signer", expected="whole messages", actual="a cut one")
        messages.append(body[begin:offset])
    return messages


def _fill(connection: socket.socket, data: bytearray, length: int) -> None:
    """Receive until so many bytes are there, or the other side has ended."""
    while len(data) < length:
        part = connection.recv(_CHUNK_BYTES)
        if not part:
            return
        data += part
