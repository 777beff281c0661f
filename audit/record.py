"""Records and their form in the log: in-toto statements that say which log and index they are for.

    {"_type": "https://in-toto.io/Statement/v1",
     "predicateType": <record type>,
     "subject": [{"name": …, "digest": {"sha256": …}}, …],
     "predicate": {"log": <origin>, "index": <n>, "id": <record id>,
                   "content": <predicate> | "content_ref": <payload>,
                   "attachments": [{"name": …, "payload": <payload>}, …]}}

Origin and index are signed with the rest, so that an entry moved within a log, or into another one,
is named exactly. A large predicate becomes a payload beside the log: C2SP tiles hold entries of at
most 65,535 bytes.

Source: in-toto attestation framework, Statement v1; C2SP tlog-tiles.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from audit.canonical import (
    JsonObject,
    JsonValue,
    canonical_bytes,
    count_field,
    parse_json_object,
    text_field,
)
from audit.errors import FormatError, RecordError
from audit.payloads import Payload, PayloadReference, pack

ENTRY_BYTES_MAX = 65_535
# Base64 and the second wrapping make an entry 4/3 as long as its statement; half is ample.
INLINE_BYTES_MAX = 16_384
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

# Envelope, signature and key id around the base64 of the statement.
_ENVELOPE_OVERHEAD_BYTES = 256
_INDEX_MAX = 2**53 - 1
_INDEX_MARK = b'"index":%d,' % _INDEX_MAX
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that a record is about.

    Attributes:
        name: What it is, for example `answer`.
        sha256: Its digest, 64 lower-case hex digits.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a caller logs.

    Attributes:
        type: URI that names the predicate's schema and version.
        id: The caller's identifier; several records may share one (a decision and its approval).
        subjects: At least one.
        predicate: The record's content, I-JSON.
        attachments: Further bytes by name, stored beside the log.
    """

    type: str
    id: str
    subjects: tuple[Subject, ...]
    predicate: JsonObject
    attachments: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record made ready outside the log's lock: all but its index."""

    head: bytes
    tail: bytes
    payloads: tuple[Payload, ...]

    def statement(self, index: int) -> bytes:
        """Return the canonical statement for an index."""
        return self.head + b'"index":%d,' % index + self.tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement read back from an entry.

    Attributes:
        type: The record's type.
        id: The record's identifier.
        log: Origin of the log that it was written for.
        index: Index that it was written for.
        subjects: As recorded.
        content: The predicate, where it is held in the entry.
        content_reference: Its payload otherwise.
        attachments: Payloads by name.
    """

    type: str
    id: str
    log: str
    index: int
    subjects: tuple[Subject, ...]
    content: JsonObject | None
    content_reference: PayloadReference | None
    attachments: Mapping[str, PayloadReference]

    @property
    def payload_references(self) -> tuple[PayloadReference, ...]:
        """All payloads that the entry commits to."""
        content = (self.content_reference,) if self.content_reference else ()
        return content + tuple(self.attachments.values())


def draft_record(record: Record, *, origin: str) -> Draft:
    """Check a record and serialise it.

    Raises:
        RecordError: A field is malformed, the predicate is not I-JSON, or the entry is too large.
    """
    _check_record(record)
    content = canonical_bytes(record.predicate)
    attached = {name: pack(data) for name, data in record.attachments.items()}
    predicate: dict[str, JsonValue] = {
        "log": origin,
        "index": _INDEX_MAX,
        "id": record.id,
        "attachments": [
            {"name": name, "payload": payload.reference.to_json()}
            for name, payload in sorted(attached.items())
        ],
    }
    payloads = tuple(attached.values())
    if len(content) > INLINE_BYTES_MAX:
        packed = pack(content)
        predicate["content_ref"] = packed.reference.to_json()
        payloads += (packed,)
    else:
        predicate["content"] = record.predicate
    statement = canonical_bytes(
        {
            "_type": STATEMENT_TYPE,
            "predicateType": record.type,
            "subject": [
                {"name": subject.name, "digest": {"sha256": subject.sha256}}
                for subject in record.subjects
            ],
            "predicate": predicate,
        },
        field="record",
    )
    entry_bytes = -(-len(statement) // 3) * 4 + _ENVELOPE_OVERHEAD_BYTES
    if entry_bytes > ENTRY_BYTES_MAX:
        raise RecordError(
            "record",
            expected=f"an entry of at most {ENTRY_BYTES_MAX} bytes",
            actual=str(entry_bytes),
        )
    # Names are sorted, so only strings follow the index, and in them every quote is escaped: the
    # last mark is the index itself.
    head, _, tail = statement.rpartition(_INDEX_MARK)
    return Draft(head=head, tail=tail, payloads=payloads)


def parse_statement(data: bytes) -> Statement:
    """Read the statement of an entry.

    Raises:
        FormatError: A member is missing or malformed.
    """
    statement = parse_json_object(data, field="statement")
    if statement.get("_type") != STATEMENT_TYPE:
        raise FormatError(
            "statement._type", expected=STATEMENT_TYPE, actual=repr(statement.get("_type"))
        )
    predicate = _object(statement.get("predicate"), field="statement.predicate")
    has_reference = "content_ref" in predicate
    if has_reference == ("content" in predicate):
        raise FormatError(
            "statement.predicate", expected="content or content_ref", actual="both or neither"
        )
    name = "statement.predicate"
    return Statement(
        type=text_field(statement, "predicateType", field="statement"),
        id=text_field(predicate, "id", field=name),
        log=text_field(predicate, "log", field=name),
        index=count_field(predicate, "index", field=name),
        subjects=_parse_subjects(statement.get("subject")),
        content=None if has_reference else _object(predicate["content"], field=f"{name}.content"),
        content_reference=(
            PayloadReference.parse(predicate["content_ref"], field=f"{name}.content_ref")
            if has_reference
            else None
        ),
        attachments=_parse_attachments(predicate.get("attachments")),
    )


def _check_record(record: Record) -> None:
    if not _URI.fullmatch(record.type):
        raise RecordError("type", expected="a URI", actual=repr(record.type))
    if not record.id:
        raise RecordError("id", expected="some text", actual="none")
    if not record.subjects:
        raise RecordError("subjects", expected="at least one", actual="none")
    for subject in record.subjects:
        if not _DIGEST.fullmatch(subject.sha256):
            raise RecordError(
                "subjects.sha256", expected="64 lower-case hex digits", actual=repr(subject.sha256)
            )


def _parse_subjects(value: JsonValue) -> tuple[Subject, ...]:
    subjects = []
    for item in _list(value, field="statement.subject"):
        subject = _object(item, field="statement.subject")
        digest = _object(subject.get("digest"), field="statement.subject.digest")
        subjects.append(
            Subject(
                name=text_field(subject, "name", field="statement.subject"),
                sha256=text_field(digest, "sha256", field="statement.subject.digest"),
            )
        )
    return tuple(subjects)


def _parse_attachments(value: JsonValue) -> dict[str, PayloadReference]:
    name = "statement.predicate.attachments"
    attachments = {}
    for item in _list(value, field=name):
        attachment = _object(item, field=name)
        attachments[text_field(attachment, "name", field=name)] = PayloadReference.parse(
            attachment.get("payload"), field=f"{name}.payload"
        )
    return attachments


def _object(value: JsonValue, *, field: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise FormatError(field, expected="an object", actual=type(value).__name__)
    return value


def _list(value: JsonValue, *, field: str) -> list[JsonValue]:
    if not isinstance(value, list):
        raise FormatError(field, expected="an array", actual=type(value).__name__)
    return value
