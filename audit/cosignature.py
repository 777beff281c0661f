"""C2SP cosignatures: witnesses' signatures over a log's checkpoint, Ed25519 and ML-DSA-44.

A cosignature says that its signer has seen, at a time, this checkpoint as the largest consistent
one of the log. Signature lines hold an 8-byte POSIX time and the signature. What Ed25519 signs is
text and holds the checkpoint's whole body; what ML-DSA-44 signs is binary, names the witness, and
leaves the checkpoint's extension lines out.

Source: C2SP tlog-cosignature.md; FIPS 204; RFC 8032.
"""

import hashlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from audit.canonical import encode_base64, parse_base64
from audit.checkpoint import Checkpoint
from audit.errors import FormatError, SignatureError
from audit.signed_note import NoteSignature, is_key_name, parse_note

_KEY_ID_BYTES = 4
_TIME = struct.Struct(">Q")
_TIME_MAX_S = (1 << 63) - 1
_SUBTREE_LABEL = b"subtree/v1\n\x00"
_NAME_BYTES_MAX = 255
_KEY_HASH = re.compile(r"[0-9a-f]{8}")


class CosignatureKind(IntEnum):
    """C2SP signature types; the byte goes into key ids and verifier keys."""

    ED25519 = 0x04
    ML_DSA_44 = 0x06


_KEY_BYTES = {CosignatureKind.ED25519: 32, CosignatureKind.ML_DSA_44: 1_312}


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """A witness's name and public key.

    Attributes:
        name: Key name, a URL without scheme.
        kind: Algorithm.
        public_key: 32 bytes (RFC 8032) or 1,312 bytes (FIPS 204).
    """

    name: str
    kind: CosignatureKind
    public_key: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.name.encode()) > _NAME_BYTES_MAX:
            raise FormatError(
                "witness name", expected="a key name of up to 255 bytes", actual=repr(self.name)
            )
        if len(self.public_key) != _KEY_BYTES[self.kind]:
            raise FormatError(
                "witness key",
                expected=f"{_KEY_BYTES[self.kind]} bytes",
                actual=str(len(self.public_key)),
            )

    @classmethod
    def parse(cls, vkey: str) -> "CosignatureVerifier":
        """Parse `name+keyid+base64(type ‖ key)` and check that the key id fits.

        Raises:
            FormatError: The text is no verifier key of a witness.
        """
        name, _, rest = vkey.partition("+")
        key_hash, _, encoded = rest.partition("+")
        if not _KEY_HASH.fullmatch(key_hash):
            raise FormatError("vkey", expected="name+8 hex digits+base64", actual=repr(vkey[:200]))
        data = parse_base64(encoded, field="vkey")
        if data[:1] not in {b"\x04", b"\x06"}:
            raise FormatError("vkey type", expected="04 or 06", actual=data[:1].hex())
        verifier = cls(name, CosignatureKind(data[0]), data[1:])
        if verifier.key_id.hex() != key_hash:
            raise FormatError("vkey key id", expected=verifier.key_id.hex(), actual=key_hash)
        return verifier

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256 over name, newline, type and key."""
        message = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(message).digest()[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key in C2SP's text form."""
        encoded = encode_base64(bytes([self.kind]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def is_valid(self, message: bytes, signature: bytes) -> bool:
        """Say whether the bare signature of a message is this key's."""
        try:
            if self.kind is CosignatureKind.ED25519:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
            else:
                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A checked cosignature.

    Attributes:
        verifier: Who has signed.
        time_s: POSIX time that the witness stated; 0 where it stated none (ML-DSA-44).
    """

    verifier: CosignatureVerifier
    time_s: int


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's name and private key."""

    name: str
    private_key: Ed25519PrivateKey | MLDSA44PrivateKey

    @property
    def verifier(self) -> CosignatureVerifier:
        """Name and public key."""
        is_old = isinstance(self.private_key, Ed25519PrivateKey)
        kind = CosignatureKind.ED25519 if is_old else CosignatureKind.ML_DSA_44
        return CosignatureVerifier(
            self.name, kind, self.private_key.public_key().public_bytes_raw()
        )

    def cosign(self, checkpoint: Checkpoint, *, time_s: int) -> str:
        """Return the signature line, with its newline, over a checkpoint that was found right."""
        verifier = self.verifier
        message = cosigned_message(checkpoint, verifier, time_s=time_s)
        signature = _TIME.pack(time_s) + self.private_key.sign(message)
        return _line(NoteSignature(self.name, verifier.key_id, signature))


def cosigned_message(
    checkpoint: Checkpoint, verifier: CosignatureVerifier, *, time_s: int
) -> bytes:
    """Return the bytes that a witness signs.

    Raises:
        FormatError: The time is beyond 2**63 - 1, or the origin too long for ML-DSA-44.
    """
    if not 0 <= time_s <= _TIME_MAX_S:
        raise FormatError("cosignature time", expected="0 to 2^63 - 1", actual=str(time_s))
    if verifier.kind is CosignatureKind.ED25519:
        return f"cosignature/v1\ntime {time_s}\n{checkpoint.body}".encode()
    name, origin = verifier.name.encode(), checkpoint.origin.encode()
    if len(origin) > _NAME_BYTES_MAX:
        raise FormatError("origin", expected="up to 255 bytes", actual=str(len(origin)))
    return b"".join(
        (
            _SUBTREE_LABEL,
            bytes([len(name)]) + name,
            _TIME.pack(time_s),
            bytes([len(origin)]) + origin,
            _TIME.pack(0),
            _TIME.pack(checkpoint.size),
            checkpoint.root,
        )
    )


def verify_cosignatures(
    note: str, witnesses: Sequence[CosignatureVerifier], *, threshold: int = 1
) -> tuple[Cosignature, ...]:
    """Check the witnesses' signatures of a checkpoint; the log's own is not looked at.

    Args:
        note: The signed checkpoint.
        witnesses: Trusted keys, got on another way than the note.
        threshold: How many witnesses must have signed, by name: two keys of one are one witness.

    Raises:
        FormatError: The note is malformed, or a cosignature has no time.
        SignatureError: A trusted witness's signature is wrong, or fewer have signed.
    """
    text, signatures = parse_note(note)
    checkpoint = Checkpoint.parse_body(text)
    found: dict[CosignatureVerifier, Cosignature] = {}
    for signature in signatures:
        for verifier in witnesses:
            if (verifier.name, verifier.key_id) == (signature.name, signature.key_id):
                found.setdefault(verifier, _verify_one(checkpoint, verifier, signature))
    num_names = len({verifier.name for verifier in found})
    if num_names < threshold:
        raise SignatureError(
            "cosignatures", expected=f"{threshold} of trusted witnesses", actual=str(num_names)
        )
    return tuple(found.values())


def add_cosignatures(
    note: str, lines: str, witnesses: Sequence[CosignatureVerifier]
) -> tuple[str, tuple[Cosignature, ...]]:
    """Return a checkpoint with the lines of a witness's answer that are by trusted witnesses.

    Raises:
        FormatError: The answer is no signature lines.
        SignatureError: None is by a trusted witness, or one is wrong.
    """
    verified = verify_cosignatures(note + lines, witnesses)
    trusted = {(item.verifier.name, item.verifier.key_id) for item in verified}
    kept = parse_note(note)[1]
    answered = parse_note(note + lines)[1][len(kept) :]
    added = {
        (item.name, item.key_id): item
        for item in answered
        if (item.name, item.key_id) in trusted and item not in kept
    }
    return note + "".join(map(_line, added.values())), verified


def _line(signature: NoteSignature) -> str:
    data = encode_base64(signature.key_id + signature.signature)
    return f"\N{EM DASH} {signature.name} {data}\n"


def _verify_one(
    checkpoint: Checkpoint, verifier: CosignatureVerifier, signature: NoteSignature
) -> Cosignature:
    if len(signature.signature) <= _TIME.size:
        raise FormatError(
            "cosignature",
            expected="a time and a signature",
            actual=f"{len(signature.signature)} bytes",
        )
    (time_s,) = _TIME.unpack_from(signature.signature)
    message = cosigned_message(checkpoint, verifier, time_s=time_s)
    if not verifier.is_valid(message, signature.signature[_TIME.size :]):
        raise SignatureError(
            "cosignature", expected=f"one by {verifier.name}", actual="a wrong one"
        )
    return Cosignature(verifier=verifier, time_s=time_s)
