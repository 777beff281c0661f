"""Entries read back: envelope, statement, content and receipt."""

from dataclasses import dataclass

from audit.canonical import JsonObject, canonical_bytes
from audit.dsse import IN_TOTO_PAYLOAD_TYPE, open_envelope, parse_envelope
from audit.errors import ForeignEntryError, FormatError, PayloadError
from audit.keyring import Keyring
from audit.payloads import commit
from audit.receipt import Receipt
from audit.record import DigestKind, Statement, parse_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry whose signature and payloads were checked.

    Attributes:
        envelope: The DSSE envelope, the bytes that the tree hashes.
        statement: What it states.
        content: The record's predicate.
        receipt: Proof against the latest checkpoint.
        opening: What proves the content of a sealed record to whoever is given both; it opens
            nothing else. None where the content is not sealed.
    """

    envelope: bytes
    statement: Statement
    content: JsonObject
    receipt: Receipt
    opening: bytes | None = None

    @property
    def index(self) -> int:
        """Where it stands in the log."""
        return self.receipt.index

    def names_subject(self, name: str, sha256: str) -> bool:
        """Say whether the entry is about something of this name and digest (hex)."""
        for subject in self.statement.subjects:
            digest = sha256
            if subject.kind is DigestKind.HMAC_SHA256 and self.opening is not None:
                digest = commit(self.opening, bytes.fromhex(sha256))
            if (subject.name, subject.sha256) == (name, digest):
                return True
        return False


def open_entry(envelope: bytes, *, index: int, keyring: Keyring) -> Statement:
    """Check an entry's signature and that it was written for this log and index.

    Raises:
        ForeignEntryError: It was made for another log.
        FormatError: The entry is malformed, or belongs to another place.
        SignatureError: The key that is current at the index has not signed it.
    """
    parsed = parse_envelope(envelope)
    if parsed.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise FormatError("payloadType", expected=IN_TOTO_PAYLOAD_TYPE, actual=parsed.payload_type)
    statement = parse_statement(open_envelope(parsed, [keyring.key_at(index)]))
    if statement.log != keyring.origin:
        raise ForeignEntryError("log", expected=keyring.origin, actual=statement.log)
    if statement.index != index:
        raise FormatError("index", expected=str(index), actual=str(statement.index))
    return statement


def check_content(statement: Statement, content: JsonObject, opening: bytes | None = None) -> None:
    """Check that a content is the one that a statement was signed for.

    Args:
        statement: Of the entry.
        content: What is said to be its predicate.
        opening: Of the entry, where its content is sealed.

    Raises:
        PayloadError: It is another one.
    """
    data = canonical_bytes(content)
    if statement.content_reference is not None:
        is_right = statement.content_reference.commits_to(data, opening)
    else:
        is_right = data == canonical_bytes(statement.content)
    if not is_right:
        raise PayloadError("content", expected="what the entry commits to", actual="another one")
