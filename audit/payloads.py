"""Contents beside the entries: what an entry refers to, plain or sealed under a key of the vault.

A payload is encoded (zlib where that helps) and, in a log with a vault, encrypted under a key of
its own. The entry holds the SHA-256 of the stored bytes, so that any changed byte shows, and a
commitment to the content: its SHA-256, or, sealed, an HMAC whose key (the opening) can be handed to
whoever may check the content, and which is gone once the payload's key is. SPEC.md, section 7.
"""

import hashlib
import hmac
import itertools
import os
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.canonical import JsonObject, JsonValue, count_field, text_field
from audit.errors import FormatError, PayloadError, PayloadLockedError
from audit.vault import Vault

_ZLIB_LEVEL = 6
_NONCE_BYTES = 12
_KEY_LABEL = b"finsvc-audit payload key v2"
_OPENING_LABEL = b"finsvc-audit opening v2"
_AAD_LABEL = b"finsvc-audit-payload/v2\n"
_SESSION_SLOTS = 1 << 32
_SLOT = re.compile(r"[0-9a-f]{16}")
_SUBJECT = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Encoding(StrEnum):
    """How a content is written before it is sealed."""

    IDENTITY = "identity"
    ZLIB = "zlib"


@dataclass(frozen=True, slots=True)
class SlotKey:
    """Where the vault keeps a payload's key.

    Attributes:
        subject_id: The data subject's id.
        slot: Number of the key, below 2**64.
    """

    subject_id: str
    slot: int

    @classmethod
    def parse(cls, value: JsonValue, *, field: str) -> "SlotKey":
        """Read a key's place from an entry.

        Raises:
            FormatError: A member is missing or malformed.
        """
        if not isinstance(value, dict):
            raise FormatError(field, expected="an object", actual=type(value).__name__)
        return cls(
            _pattern_field(value, "subject", _SUBJECT, field=field),
            int(_pattern_field(value, "slot", _SLOT, field=field), 16),
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the form that entries hold."""
        return {"slot": f"{self.slot:016x}", "subject": self.subject_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadReference:
    """An entry's commitment to a payload.

    Attributes:
        encoding: How the content is written.
        commitment: Hex; SHA-256 of the content, or, sealed, the HMAC of it under the opening.
        size_bytes: Length of the content.
        stored_sha256: Digest of the stored bytes, hex.
        key: Where its key is; None for a plain payload.
    """

    encoding: Encoding
    commitment: str
    size_bytes: int
    stored_sha256: str
    key: SlotKey | None = None

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
        is_sealed = "key" in value
        name = "commitment" if is_sealed else "sha256"
        return cls(
            encoding=Encoding(encoding),
            commitment=_pattern_field(value, name, _DIGEST, field=field),
            size_bytes=count_field(value, "size_bytes", field=field),
            stored_sha256=_pattern_field(value, "stored_sha256", _DIGEST, field=field),
            key=SlotKey.parse(value["key"], field=f"{field}.key") if is_sealed else None,
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the form that entries hold."""
        common: dict[str, JsonValue] = {
            "encoding": self.encoding.value,
            "size_bytes": self.size_bytes,
            "stored_sha256": self.stored_sha256,
        }
        if self.key is None:
            return {**common, "sha256": self.commitment}
        return {**common, "commitment": self.commitment, "key": self.key.to_json()}

    def commits_to(self, content: bytes, opening: bytes | None) -> bool:
        """Say whether a content is the one that the entry was signed for.

        Args:
            content: The content's bytes.
            opening: Of a sealed payload; None for a plain one.
        """
        if self.key is None:
            return hashlib.sha256(content).hexdigest() == self.commitment
        return opening is not None and commit(opening, content) == self.commitment


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload ready to be stored.

    Attributes:
        reference: What the entry holds.
        stored: The bytes of its frame.
        opening: What proves the content of a sealed payload.
    """

    reference: PayloadReference
    stored: bytes
    opening: bytes | None = None


@dataclass(frozen=True, slots=True)
class OpenedPayload:
    """A payload read back and checked.

    Attributes:
        content: The content's bytes.
        opening: What proves them to others; None for a plain payload.
    """

    content: bytes
    opening: bytes | None


class Sealer:
    """Seals the payloads of one writer. Any number of threads may call."""

    def __init__(self, vault: Vault, *, origin: str, size: int) -> None:
        """Begin a session.

        Args:
            vault: Where the keys are.
            origin: The log.
            size: Entries of the log when the writer began. No two writers that logged anything
                began at the same one, which keeps their slots apart.
        """
        self._vault = vault
        self._aad = _AAD_LABEL + origin.encode()
        self._slots = itertools.count(size % _SESSION_SLOTS * _SESSION_SLOTS)

    def seal(self, content: bytes, *, data_subject: str) -> Payload:
        """Encode and encrypt a content under a key of its own.

        Raises:
            LogFailedError: A new data subject could not be made durable.
        """
        encoded, encoding = encode(content)
        key = SlotKey(self._vault.subject_id(data_subject), next(self._slots))
        secret = self._vault.secret(key.subject_id, key.slot)
        opening = _opening(secret)
        nonce = os.urandom(_NONCE_BYTES)
        stored = nonce + AESGCM(_payload_key(secret)).encrypt(nonce, encoded, self._aad)
        reference = PayloadReference(
            encoding=encoding,
            commitment=commit(opening, content),
            size_bytes=len(content),
            stored_sha256=hashlib.sha256(stored).hexdigest(),
            key=key,
        )
        return Payload(reference, stored, opening)


def commit(opening: bytes, data: bytes) -> str:
    """Return the commitment, hex, that an opening proves."""
    return hmac.digest(opening, data, "sha256").hex()


def encode(content: bytes) -> tuple[bytes, Encoding]:
    """Compress a content where that helps."""
    encoded = zlib.compress(content, _ZLIB_LEVEL)
    if len(encoded) >= len(content):
        return content, Encoding.IDENTITY
    return encoded, Encoding.ZLIB


def pack(content: bytes) -> Payload:
    """Prepare a plain payload."""
    stored, encoding = encode(content)
    reference = PayloadReference(
        encoding=encoding,
        commitment=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        stored_sha256=hashlib.sha256(stored).hexdigest(),
    )
    return Payload(reference, stored)


def pick_stored(reference: PayloadReference, frames: Iterable[bytes]) -> bytes:
    """Return the stored bytes of a payload among the payload frames of its entry.

    Raises:
        PayloadError: None of them is it.
    """
    for stored in frames:
        if hashlib.sha256(stored).hexdigest() == reference.stored_sha256:
            return stored
    raise PayloadError(
        f"payload {reference.stored_sha256}", expected="its bytes before the entry", actual="none"
    )


def open_payload(
    reference: PayloadReference, frames: Iterable[bytes], *, origin: str, vault: Vault | None
) -> OpenedPayload:
    """Read a payload among the payload frames of its entry, and check it.

    Raises:
        PayloadShreddedError: Its key was destroyed.
        PayloadLockedError: It is sealed and there is no vault.
        PayloadError: It is missing, or differs from what the entry commits to.
    """
    field = f"payload {reference.stored_sha256}"
    secret = None
    if reference.key is not None:
        if vault is None:
            raise PayloadLockedError(field, expected="the log's vault", actual="none")
        # First: of a destroyed payload not even its presence matters.
        secret = vault.secret(reference.key.subject_id, reference.key.slot)
    encoded = pick_stored(reference, frames)
    if secret is not None:
        encoded = _decrypt(encoded, secret, origin, field=field)
    content = _decode(encoded, reference, field=field)
    opening = _opening(secret) if secret is not None else None
    if len(content) != reference.size_bytes or not reference.commits_to(content, opening):
        raise PayloadError(
            field, expected=f"content {reference.commitment}", actual="another content"
        )
    return OpenedPayload(content, opening)


def _decrypt(stored: bytes, secret: bytes, origin: str, *, field: str) -> bytes:
    nonce, sealed = stored[:_NONCE_BYTES], stored[_NONCE_BYTES:]
    try:
        return AESGCM(_payload_key(secret)).decrypt(nonce, sealed, _AAD_LABEL + origin.encode())
    except (InvalidTag, ValueError) as error:
        raise PayloadError(field, expected="bytes under its key", actual="others") from error


def _decode(encoded: bytes, reference: PayloadReference, *, field: str) -> bytes:
    if reference.encoding is Encoding.IDENTITY:
        return encoded
    decompressor = zlib.decompressobj()
    try:
        # One byte more than promised, so that a longer content shows without filling the memory.
        return decompressor.decompress(encoded, reference.size_bytes + 1)
    except zlib.error as error:
        raise PayloadError(field, expected="zlib data", actual=str(error)) from error


def _payload_key(secret: bytes) -> bytes:
    return hmac.digest(secret, _KEY_LABEL, "sha256")


def _opening(secret: bytes) -> bytes:
    return hmac.digest(secret, _OPENING_LABEL, "sha256")


def _pattern_field(value: JsonObject, name: str, pattern: "re.Pattern[str]", *, field: str) -> str:
    text = text_field(value, name, field=field)
    if not pattern.fullmatch(text):
        raise FormatError(f"{field}.{name}", expected=pattern.pattern, actual=repr(text))
    return text
