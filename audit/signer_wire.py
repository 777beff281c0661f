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
    head = _receive_exactly(connection, _HEAD.size)
    if not head:
        return None
    kind, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, _BODY_BYTES_MAX + 1)
    if length > _BODY_BYTES_MAX:
        raise SignerFailedError("signer", expected="a whole frame", actual=repr(head))
    body = _receive_exactly(connection, length)
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


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = connection.recv(min(length - len(data), 1 << 20))
        if not part:
            break
        data += part
    return bytes(data)
