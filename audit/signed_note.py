"""C2SP signed notes and verifier keys, Ed25519 (signature type 0x01).

A note is UTF-8 text, an empty line, and signature lines `— name base64(key id ‖ signature)`. The
text means nothing until a known key has signed it. A wrong signature by a known key rejects the
whole note; signatures by unknown keys are ignored. At most 100 signatures are read.

Source: C2SP signed-note.md.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.canonical import encode_base64, parse_base64
from audit.errors import FormatError, SignatureError

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_SIGNATURES_MAX = 100
_SIGNATURE_PREFIX = "\N{EM DASH} "
_KEY_HASH = re.compile(r"[0-9a-f]{8}")


class Signer(Protocol):
    """What holds a log's private key."""

    @property
    def verifier(self) -> "Verifier":
        """Name and public key."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of a message."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named Ed25519 public key.

    Attributes:
        name: Key name; for a log, its origin.
        public_key: 32 bytes as in RFC 8032.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise FormatError(
                "key name", expected="no space, plus or control character", actual=repr(self.name)
            )
        if len(self.public_key) != 32:
            raise FormatError("public key", expected="32 bytes", actual=str(len(self.public_key)))

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Parse `name+keyid+base64(type ‖ key)` and check that the key id fits.

        Raises:
            FormatError: The text is no verifier key, or not of type Ed25519.
        """
        name, _, rest = vkey.partition("+")
        key_hash, _, encoded = rest.partition("+")
        if not _KEY_HASH.fullmatch(key_hash):
            raise FormatError("vkey", expected="name+8 hex digits+base64", actual=repr(vkey))
        data = parse_base64(encoded, field="vkey")
        if data[:1] != _ED25519:
            raise FormatError("vkey type", expected="01 (Ed25519)", actual=data[:1].hex())
        verifier = cls(name, data[1:])
        if verifier.key_id.hex() != key_hash:
            raise FormatError("vkey key id", expected=verifier.key_id.hex(), actual=key_hash)
        return verifier

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256 over name, newline, type and key."""
        message = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return hashlib.sha256(message).digest()[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key in C2SP's text form."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(_ED25519 + self.public_key)}"

    def is_valid(self, message: bytes, signature: bytes) -> bool:
        """Say whether the signature of a message is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: Key name.
        key_id: 4 bytes.
        signature: What follows the key id.
    """

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedNote:
    """A note of which at least one known key's signature was checked.

    Attributes:
        text: The signed text, with its final newline.
        verified: Signatures by known keys, each key once.
        unverified: Signatures by unknown keys.
    """

    text: str
    verified: tuple[NoteSignature, ...]
    unverified: tuple[NoteSignature, ...]


def is_key_name(name: str) -> bool:
    """Say whether a key name is allowed: not empty, no space, plus or control character."""
    return bool(name) and not any(
        char.isspace() or char == "+" or ord(char) < 0x20 or _is_surrogate(char) for char in name
    )


def decode_note(data: bytes) -> str:
    """Decode a note's bytes, which must be UTF-8.

    Raises:
        FormatError: They are not.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FormatError("note", expected="UTF-8", actual=str(error)) from error


def sign_note(text: str, *signers: Signer) -> str:
    """Return the text as a signed note.

    Args:
        text: Ends in a newline and has no control character besides newlines.
        signers: One signature line each.
    """
    return join_note(text, [(key.verifier, key.sign(text.encode())) for key in signers])


def join_note(text: str, signatures: "Sequence[tuple[Verifier, bytes]]") -> str:
    """Return a signed note from a text and raw signatures over it, in this order.

    Raises:
        FormatError: The text cannot be a note's.
    """
    _check_text(text)
    lines = [
        f"{_SIGNATURE_PREFIX}{verifier.name} {encode_base64(verifier.key_id + signature)}"
        for verifier, signature in signatures
    ]
    return "\n".join([text, *lines]) + "\n"


def parse_note(note: str) -> tuple[str, tuple[NoteSignature, ...]]:
    """Split a note into text and signatures without checking any.

    Raises:
        FormatError: The text is not a signed note.
    """
    _check_text(note)
    body, separator, block = note.rpartition("\n\n")
    if not separator or not block:
        raise FormatError("note", expected="an empty line and signatures", actual=repr(note[-80:]))
    lines = block[:-1].split("\n")
    if len(lines) > _SIGNATURES_MAX:
        raise FormatError(
            "note", expected=f"at most {_SIGNATURES_MAX} signatures", actual=str(len(lines))
        )
    return body + "\n", tuple(_parse_signature(line) for line in lines)


def open_note(note: str, verifiers: Sequence[Verifier]) -> OpenedNote:
    """Check a note against the keys that the caller trusts.

    Raises:
        FormatError: The text is not a signed note, or two trusted keys share name and key id.
        SignatureError: A known key's signature is wrong, or no known key has signed.
    """
    text, signatures = parse_note(note)
    verified: dict[tuple[str, bytes], NoteSignature] = {}
    unverified: dict[NoteSignature, None] = {}
    for signature in signatures:
        identity = (signature.name, signature.key_id)
        known = [key for key in verifiers if (key.name, key.key_id) == identity]
        if len(known) > 1:
            raise FormatError("trusted keys", expected="one per name and id", actual=known[0].vkey)
        if not known:
            unverified[signature] = None
        elif identity not in verified:
            if not known[0].is_valid(text.encode(), signature.signature):
                raise SignatureError(
                    "note", expected=f"a signature by {known[0].vkey}", actual="a wrong one"
                )
            verified[identity] = signature
    if not verified:
        raise SignatureError(
            "note",
            expected="a signature by " + (", ".join(key.vkey for key in verifiers) or "some key"),
            actual=", ".join(signature.name for signature in signatures),
        )
    return OpenedNote(text=text, verified=tuple(verified.values()), unverified=tuple(unverified))


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise FormatError("note", expected="a final newline", actual=repr(text[-20:]))
    if any((ord(char) < 0x20 and char != "\n") or _is_surrogate(char) for char in text):
        raise FormatError("note", expected="no control characters or surrogates", actual="one")


def _is_surrogate(char: str) -> bool:
    """Half a character, which JSON can name but UTF-8 cannot hold."""
    return "\ud800" <= char <= "\udfff"


def _parse_signature(line: str) -> NoteSignature:
    if not line.startswith(_SIGNATURE_PREFIX):
        raise FormatError("note", expected="a signature line", actual=repr(line[:80]))
    name, _, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    if not is_key_name(name):
        raise FormatError("note", expected="a key name", actual=repr(name))
    data = parse_base64(encoded, field="note signature")
    if len(data) <= _KEY_ID_BYTES:
        raise FormatError("note signature", expected="over 4 bytes", actual=str(len(data)))
    return NoteSignature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])
