"""DSSE envelopes around in-toto statements, signed with Ed25519.

What is signed is the pre-authentication encoding of type and body; what is used afterwards are the
very bytes that were verified. Envelopes are written in RFC 8785 JSON with standard base64; the
url-safe alphabet is accepted when reading. A threshold counts different keys.

Source: secure-systems-lab/dsse protocol.md and envelope.md, version 1.0.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from audit.canonical import parse_base64, parse_json_object, text_field
from audit.errors import FormatError, SignatureError
from audit.signed_note import Signer

IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json"


class MessageVerifier(Protocol):
    """A public key of any kind."""

    def is_valid(self, message: bytes, signature: bytes) -> bool:
        """Say whether the signature of a message is this key's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A parsed envelope, not yet verified.

    Attributes:
        payload_type: What the body is.
        payload: The body's bytes.
        signatures: Raw signatures; key ids are hints and are not used.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[bytes, ...]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a DSSE signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, *, signer: Signer, payload_type: str = IN_TOTO_PAYLOAD_TYPE) -> bytes:
    """Sign a body and return the envelope's bytes."""
    signature = signer.sign(pre_authentication_encoding(payload_type, payload))
    return join_envelope(payload, signature, signer.verifier.key_id, payload_type=payload_type)


def join_envelope(
    payload: bytes, signature: bytes, key_id: bytes, *, payload_type: str = IN_TOTO_PAYLOAD_TYPE
) -> bytes:
    """Return the canonical envelope of a body and its signature.

    Base64, hex and the payload type need no escapes, so the canonical form is written directly.
    """
    return b'{"payload":"%b","payloadType":"%b","signatures":[{"keyid":"%b","sig":"%b"}]}' % (
        base64.b64encode(payload),
        payload_type.encode(),
        key_id.hex().encode(),
        base64.b64encode(signature),
    )


def parse_envelope(data: bytes) -> Envelope:
    """Parse an envelope.

    Raises:
        FormatError: A field is missing or malformed, or there is no signature.
    """
    envelope = parse_json_object(data, field="envelope")
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise FormatError("envelope.signatures", expected="at least one", actual=repr(signatures))
    return Envelope(
        payload_type=text_field(envelope, "payloadType", field="envelope"),
        payload=_decode(text_field(envelope, "payload", field="envelope")),
        signatures=tuple(_signature(item) for item in signatures),
    )


def open_envelope(
    envelope: Envelope, verifiers: Sequence[MessageVerifier], *, threshold: int = 1
) -> bytes:
    """Return the body once enough different keys have signed it.

    Raises:
        SignatureError: Fewer keys than the threshold have signed.
    """
    message = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    num_signed = sum(
        any(verifier.is_valid(message, signature) for signature in envelope.signatures)
        for verifier in dict.fromkeys(verifiers)
    )
    if num_signed < threshold:
        raise SignatureError(
            "envelope", expected=f"signatures by {threshold} known keys", actual=str(num_signed)
        )
    return envelope.payload


def _signature(item: object) -> bytes:
    if not isinstance(item, dict):
        raise FormatError("envelope.signatures", expected="objects", actual=type(item).__name__)
    return _decode(text_field(item, "sig", field="envelope.signatures"))


def _decode(text: str) -> bytes:
    return parse_base64(text.replace("-", "+").replace("_", "/"), field="envelope")
