"""Making records ready outside the log's lock: all but their index and time.

The canonical form is put together from canonical parts, since a content is the larger part of a
statement and would otherwise be serialised twice; names of JSON objects are in RFC 8785 order here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from audit.canonical import JsonObject, JsonValue, canonical_bytes
from audit.errors import RecordError
from audit.payloads import Payload, PayloadReference, Sealer, commit, pack
from audit.record import (
    ENTRY_BYTES_MAX,
    INLINE_BYTES_MAX,
    STATEMENT_TYPE,
    DigestKind,
    Record,
    Stamp,
    Subject,
)
from audit.segment import PAYLOAD_BYTES_MAX

# Envelope, signature and key id around the base64 of the statement.
_ENVELOPE_OVERHEAD_BYTES = 256
# Index and time, at their longest.
_STAMP_BYTES = 112
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Terms = tuple[tuple[str, str], ...]
TermSource = Callable[[str, JsonObject], Terms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record made ready.

    Attributes:
        type: The record's type.
        id: Its identifier.
        head: Statement up to the index.
        middle: From the index to the time: the log's origin.
        tail: Statement after the time.
        frames: Stored bytes of its payloads.
        terms: What a search finds it by.
    """

    type: str
    id: str
    head: bytes
    middle: bytes
    tail: bytes
    frames: tuple[bytes, ...]
    terms: Terms

    def statement(self, index: int, stamp: Stamp) -> bytes:
        """Return the canonical statement for an index and a time."""
        return b'%b"index":%d,%b"time":{"clock":"%b","error_us":%d,"utc_ns":"%d"}%b' % (
            self.head,
            index,
            self.middle,
            stamp.clock.value.encode(),
            stamp.error_us,
            stamp.utc_ns,
            self.tail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafter:
    """Makes the drafts of one log.

    Attributes:
        origin: The log.
        sealer: Seals contents; None in a log without a vault.
        terms: Says what a search finds a record by, from its type and predicate.
    """

    origin: str
    sealer: Sealer | None
    terms: TermSource

    def draft(self, record: Record) -> Draft:
        """Check a record and serialise it.

        Raises:
            RecordError: A field is malformed, the predicate is not I-JSON, or something is too
                large.
            LogFailedError: The key of a new data subject could not be made durable.
        """
        _check_record(record)
        content = canonical_bytes(record.predicate)
        payloads, opening, inline = [], None, None
        if self.sealer is not None:
            packed = self.sealer.seal(content, data_subject=record.data_subject)
            payloads, opening = [packed], packed.opening
        elif len(content) > INLINE_BYTES_MAX:
            payloads = [pack(content)]
        else:
            inline = content
        member = _content_member(inline, payloads)
        attached = {
            name: self._pack(data, record.data_subject)
            for name, data in sorted(record.attachments.items())
        }
        payloads.extend(attached.values())
        references = {name: payload.reference for name, payload in attached.items()}
        return self._join(
            record,
            head=_head(record, content=member, attachments=references),
            subjects=[_subject_json(item, opening) for item in record.subjects],
            frames=tuple(payload.stored for payload in payloads),
            terms=self.terms(record.type, record.predicate),
        )

    def event(self, event_type: str, content: JsonObject) -> Draft:
        """Make a record of the log about itself: never sealed, for everyone to check."""
        data = canonical_bytes(content)
        digest = pack(data).reference.commitment
        record = Record(
            type=event_type,
            id=event_type,
            subjects=(Subject(name="event", sha256=digest),),
            predicate=content,
        )
        return self._join(
            record,
            head=_head(record, content=b'"content":' + data, attachments={}),
            subjects=[_subject_json(item, None) for item in record.subjects],
            frames=(),
            terms=(),
        )

    def _join(
        self,
        record: Record,
        *,
        head: bytes,
        subjects: list[JsonValue],
        frames: tuple[bytes, ...],
        terms: Terms,
    ) -> Draft:
        middle = b'"log":%b,' % _canonical_text(self.origin)
        tail = b'},"predicateType":%b,"subject":%b}' % (
            _canonical_text(record.type),
            canonical_bytes(subjects, field="subjects"),
        )
        statement_bytes = len(head) + len(middle) + len(tail) + _STAMP_BYTES
        entry_bytes = -(-statement_bytes // 3) * 4 + _ENVELOPE_OVERHEAD_BYTES
        longest = max(map(len, frames), default=0)
        for field, limit, actual in (
            ("record", ENTRY_BYTES_MAX, entry_bytes),
            ("payload", PAYLOAD_BYTES_MAX, longest),
        ):
            if actual > limit:
                raise RecordError(field, expected=f"at most {limit} bytes", actual=str(actual))
        return Draft(
            type=record.type,
            id=record.id,
            head=head,
            middle=middle,
            tail=tail,
            frames=frames,
            terms=terms,
        )

    def _pack(self, data: bytes, data_subject: str) -> Payload:
        if self.sealer is None:
            return pack(data)
        return self.sealer.seal(data, data_subject=data_subject)


@lru_cache(maxsize=256)
def _canonical_text(text: str) -> bytes:
    """Return a text's canonical form; for the few that every record repeats."""
    return canonical_bytes(text, field="type")


def _content_member(inline: bytes | None, payloads: list[Payload]) -> bytes:
    if inline is not None:
        return b'"content":' + inline
    return b'"content_ref":' + canonical_bytes(payloads[0].reference.to_json())


def _head(record: Record, *, content: bytes, attachments: dict[str, PayloadReference]) -> bytes:
    references: list[JsonValue] = [
        {"name": name, "payload": reference.to_json()} for name, reference in attachments.items()
    ]
    return b'{"_type":%b,"predicate":{"attachments":%b,%b,"id":%b,' % (
        _canonical_text(STATEMENT_TYPE),
        canonical_bytes(references, field="attachments") if references else b"[]",
        content,
        canonical_bytes(record.id, field="id"),
    )


def _subject_json(subject: Subject, opening: bytes | None) -> JsonValue:
    if opening is None:
        return {"digest": {DigestKind.SHA256.value: subject.sha256}, "name": subject.name}
    keyed = commit(opening, bytes.fromhex(subject.sha256))
    return {"digest": {DigestKind.HMAC_SHA256.value: keyed}, "name": subject.name}


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
    if any(not data for data in record.attachments.values()):
        raise RecordError("attachments", expected="some bytes each", actual="none")
