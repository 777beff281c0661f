"""Entries read back: envelope, statement, content and receipt."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from audit.canonical import JsonObject, canonical_bytes, parse_json_object
from audit.dsse import IN_TOTO_PAYLOAD_TYPE, open_envelope, parse_envelope
from audit.errors import FormatError, PayloadError
from audit.payloads import load_payload
from audit.receipt import Receipt
from audit.record import Statement, parse_statement
from audit.signed_note import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry whose signature and payloads were checked.

    Attributes:
        envelope: The DSSE envelope, the bytes that the tree hashes.
        statement: What it states.
        content: The record's predicate.
        receipt: Proof against the latest checkpoint.
    """

    envelope: bytes
    statement: Statement
    content: JsonObject
    receipt: Receipt

    @property
    def index(self) -> int:
        """Where it stands in the log."""
        return self.receipt.index


def open_entry(envelope: bytes, *, index: int, verifier: Verifier) -> Statement:
    """Check an entry's signature and that it was written for this log and index.

    Raises:
        FormatError: The entry is malformed, or belongs to another place or log.
        SignatureError: The log's key has not signed it.
    """
    parsed = parse_envelope(envelope)
    if parsed.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise FormatError("payloadType", expected=IN_TOTO_PAYLOAD_TYPE, actual=parsed.payload_type)
    statement = parse_statement(open_envelope(parsed, [verifier]))
    if statement.log != verifier.name:
        raise FormatError("log", expected=verifier.name, actual=statement.log)
    if statement.index != index:
        raise FormatError("index", expected=str(index), actual=str(statement.index))
    return statement


def load_content(directory: Path, statement: Statement) -> JsonObject:
    """Return a record's predicate, from the entry or from its payload.

    Raises:
        PayloadError: The payload is missing or differs from what the entry commits to.
        FormatError: The payload is not a JSON object.
    """
    if statement.content_reference is None:
        return statement.content or {}
    content = load_payload(directory, statement.content_reference)
    return parse_json_object(content, field="payload")


def check_content(statement: Statement, content: JsonObject) -> None:
    """Check that a content is the one that a statement was signed for.

    Raises:
        PayloadError: It is another one.
    """
    digest = hashlib.sha256(canonical_bytes(content)).hexdigest()
    if statement.content_reference is not None:
        expected = statement.content_reference.sha256
    else:
        expected = hashlib.sha256(canonical_bytes(statement.content)).hexdigest()
    if digest != expected:
        raise PayloadError("content", expected=expected, actual=digest)
