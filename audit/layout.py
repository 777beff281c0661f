"""The small files of a log's directory: format, keys, checkpoint, lock. SPEC.md, section 1."""

from pathlib import Path

from audit.errors import FormatError, LogMissingError
from audit.keyring import Keyring
from audit.signed_note import decode_note, is_key_name

FORMAT = "format"
VKEY = "vkey"
CHECKPOINT = "checkpoint"
LOCK = "lock"
TIMESTAMPS = "timestamps"
OPEN_MARK = b"W"
# What a power loss may leave of the mark while it is being written: its length without its byte.
_LOST_MARK = b"\0"

_FORMAT_LINE = "finsvc-audit-log/v2"


def encode_format(origin: str) -> bytes:
    """Return the contents of the format file.

    Raises:
        FormatError: The origin cannot be a key name.
    """
    if not is_key_name(origin):
        raise FormatError("origin", expected="no space or plus", actual=repr(origin))
    return f"{_FORMAT_LINE}\n{origin}\n".encode()


def read_keyring(directory: Path) -> Keyring:
    """Read which log a directory holds, and its keys.

    Raises:
        LogMissingError: A file is absent.
        FormatError: A file is not what this version writes, or the two name different logs.
    """
    for name in (FORMAT, VKEY):
        if not (directory / name).is_file():
            raise LogMissingError(directory, f"expected an audit log, but there is no file {name}")
    text = (directory / FORMAT).read_bytes()
    keyring = Keyring.parse(decode_note((directory / VKEY).read_bytes()))
    if text != encode_format(keyring.origin):
        raise FormatError(
            "format", expected=repr(encode_format(keyring.origin)), actual=repr(text[:200])
        )
    return keyring


def was_closed(directory: Path) -> bool:
    """Say whether the last writer ended in good order.

    Raises:
        FormatError: The lock file holds something else than a writer leaves.
    """
    path = directory / LOCK
    mark = path.read_bytes() if path.is_file() else b""
    if mark not in (b"", OPEN_MARK, _LOST_MARK):
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
