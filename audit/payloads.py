"""Large contents beside the log: content-addressed files that entries commit to.

A payload is stored as it is or compressed with zlib, whichever is smaller. Its file is named by the
SHA-256 of the stored bytes, so that any changed byte shows, also one that would decompress to the
same content. The entry holds the digests of both forms.
"""

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from audit.canonical import JsonObject, JsonValue, count_field, text_field
from audit.errors import FormatError, PayloadError
from audit.filesystem import FileSystem, replace_file

PAYLOADS = "payloads"
_ZLIB_LEVEL = 6


class Encoding(StrEnum):
    """How a payload is stored."""

    IDENTITY = "identity"
    ZLIB = "zlib"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadReference:
    """An entry's commitment to a payload.

    Attributes:
        encoding: How it is stored.
        sha256: Digest of the content, hex.
        size_bytes: Length of the content.
        stored_sha256: Digest of the stored bytes, hex; the file's name.
    """

    encoding: Encoding
    sha256: str
    size_bytes: int
    stored_sha256: str

    @classmethod
    def parse(cls, value: JsonValue, *, field: str) -> "PayloadReference":
        """Read a reference from an entry.

        Raises:
            FormatError: A member is missing or malformed.
        """
        if not isinstance(value, dict):
            raise FormatError(field, expected="an object", actual=type(value).__name__)
        encoding = text_field(value, "encoding", field=field)
        if encoding not in list(Encoding):
            raise FormatError(f"{field}.encoding", expected="identity or zlib", actual=encoding)
        return cls(
            encoding=Encoding(encoding),
            sha256=_digest_field(value, "sha256", field=field),
            size_bytes=count_field(value, "size_bytes", field=field),
            stored_sha256=_digest_field(value, "stored_sha256", field=field),
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the form that entries hold."""
        return {
            "encoding": self.encoding.value,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "stored_sha256": self.stored_sha256,
        }


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload ready to be stored."""

    reference: PayloadReference
    stored: bytes


def pack(content: bytes) -> Payload:
    """Compress a content where that helps, and digest both forms."""
    stored, encoding = zlib.compress(content, _ZLIB_LEVEL), Encoding.ZLIB
    if len(stored) >= len(content):
        stored, encoding = content, Encoding.IDENTITY
    reference = PayloadReference(
        encoding=encoding,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        stored_sha256=hashlib.sha256(stored).hexdigest(),
    )
    return Payload(reference, stored)


def payload_path(directory: Path, stored_sha256: str) -> Path:
    """Where a payload lies in a log's directory."""
    return directory / PAYLOADS / stored_sha256[:2] / stored_sha256


def store_payloads(directory: Path, payloads: Iterable[Payload], files: FileSystem) -> None:
    """Make payloads durable: bytes, names and folders.

    A file of that name is replaced: after a crash its name may not have been durable.
    """
    folders: dict[Path, None] = {}
    for payload in payloads:
        path = payload_path(directory, payload.reference.stored_sha256)
        if not path.parent.exists():
            files.make_directory(path.parent)
            folders[path.parent.parent] = None
        replace_file(files, path, payload.stored)
        folders[path.parent] = None
    for folder in folders:
        files.sync_directory(folder)


def load_payload(directory: Path, reference: PayloadReference) -> bytes:
    """Read a payload and check both digests.

    Raises:
        PayloadError: The file is missing or differs from what the entry commits to.
    """
    path = payload_path(directory, reference.stored_sha256)
    field = f"payload {reference.stored_sha256}"
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise PayloadError(field, expected="a readable file", actual=str(error)) from error
    digest = hashlib.sha256(stored).hexdigest()
    if digest != reference.stored_sha256:
        raise PayloadError(field, expected="its own digest", actual=digest)
    content = _unpack(stored, reference, field=field)
    digest = hashlib.sha256(content).hexdigest()
    if digest != reference.sha256 or len(content) != reference.size_bytes:
        raise PayloadError(field, expected=f"content {reference.sha256}", actual=digest)
    return content


def _unpack(stored: bytes, reference: PayloadReference, *, field: str) -> bytes:
    if reference.encoding is Encoding.IDENTITY:
        return stored
    decompressor = zlib.decompressobj()
    try:
        # One byte more than promised, so that a longer content shows without filling the memory.
        return decompressor.decompress(stored, reference.size_bytes + 1)
    except zlib.error as error:
        raise PayloadError(field, expected="zlib data", actual=str(error)) from error


def _digest_field(value: JsonObject, name: str, *, field: str) -> str:
    text = text_field(value, name, field=field)
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise FormatError(f"{field}.{name}", expected="64 lower-case hex digits", actual=repr(text))
    return text
