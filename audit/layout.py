"""The small files of a log's directory.

LOG/format        "finsvc-audit-log/v1", newline, origin, newline
LOG/vkey          the log's C2SP verifier key and a newline
LOG/checkpoint    the latest signed checkpoint, replaced as a whole after each batch
LOG/lock          held by the writer with flock; one byte "W" while a writer is at work (a
                  longer mark could be torn), empty after it ended in good order
LOG/segments/     segment.py
LOG/payloads/     payloads.py
"""

from dataclasses import dataclass
from pathlib import Path

from audit.errors import FormatError, KeyFileError, LogMissingError
from audit.keys import load_verifier
from audit.signed_note import Verifier, decode_note, is_key_name

FORMAT = "format"
VKEY = "vkey"
CHECKPOINT = "checkpoint"
LOCK = "lock"
OPEN_MARK = b"W"

_FORMAT_LINE = "finsvc-audit-log/v1"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which log a directory holds.

    Attributes:
        origin: The log's identity.
        verifier: Its public key, named as the origin.
    """

    origin: str
    verifier: Verifier


def encode_format(origin: str) -> bytes:
    """Return the contents of the format file.

    Raises:
        FormatError: The origin cannot be a key name.
    """
    if not is_key_name(origin):
        raise FormatError("origin", expected="no space or plus", actual=repr(origin))
    return f"{_FORMAT_LINE}\n{origin}\n".encode()


def read_identity(directory: Path) -> Identity:
    """Read format and verifier key of a log.

    Raises:
        LogMissingError: A file is absent.
        FormatError: A file is not what this version writes, or the two name different logs.
    """
    for name in (FORMAT, VKEY):
        if not (directory / name).is_file():
            raise LogMissingError(directory, f"expected an audit log, but there is no file {name}")
    text = (directory / FORMAT).read_bytes()
    try:
        verifier = load_verifier(directory / VKEY)
    except KeyFileError as error:
        raise FormatError("vkey", expected="one C2SP vkey", actual=str(error)) from error
    if text != encode_format(verifier.name):
        raise FormatError(
            "format", expected=repr(encode_format(verifier.name)), actual=repr(text[:200])
        )
    return Identity(verifier.name, verifier)


def was_closed(directory: Path) -> bool:
    """Say whether the last writer ended in good order.

    Raises:
        FormatError: The lock file holds something else than a writer leaves.
    """
    path = directory / LOCK
    mark = path.read_bytes() if path.is_file() else b""
    if mark not in (b"", OPEN_MARK):
        raise FormatError("lock", expected=f"nothing or {OPEN_MARK!r}", actual=repr(mark[:80]))
    return mark == b""


def read_checkpoint_note(directory: Path) -> str:
    """Read the published checkpoint without checking it.

    Raises:
        FormatError: The file is absent or not UTF-8.
    """
    try:
        data = (directory / CHECKPOINT).read_bytes()
    except OSError as error:
        raise FormatError("checkpoint", expected="a signed note", actual=str(error)) from error
    return decode_note(data)
