"""Records and their form in the log: in-toto statements that say which log and place they are for.

Origin, index and time are signed with the rest, so that an entry moved within a log, or to another
one, is named exactly. The form is that of SPEC.md, section 3; `draft.py` writes it.

Source: in-toto attestation framework, Statement v1; C2SP tlog-tiles.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from audit.canonical import JsonObject, JsonValue, count_field, parse_json_object, text_field
from audit.clock import ClockState
from audit.errors import FormatError
from audit.payloads import PayloadReference

ENTRY_BYTES_MAX = 65_535
# Base64 and the second wrapping make an entry 4/3 as long as its statement; half is ample.
INLINE_BYTES_MAX = 16_384
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

_DIGITS = re.compile(r"[1-9][0-9]{0,18}")


class DigestKind(StrEnum):
    """How a subject's digest is made."""

    SHA256 = "sha256"
    """Of the thing itself."""
    HMAC_SHA256 = "hmac-sha256"
    """Of its SHA-256, under the opening of the record's content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that a record is about.

    Attributes:
        name: What it is, for example `answer`.
        sha256: Its digest, 64 lower-case hex digits.
        kind: Written by the log: keyed where contents are sealed.
    """

    name: str
    sha256: str
    kind: DigestKind = DigestKind.SHA256


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a caller logs.

    Attributes:
        type: URI that names the predicate's schema and version.
        id: The caller's identifier; several records may share one (a decision and its approval).
        subjects: At least one.
        predicate: The record's content, I-JSON.
        attachments: Further bytes by name, stored beside the log.
        data_subject: Name of the person or client whose data it holds, so that all of them can be
            destroyed together; empty where it is nobody's in particular. Never in the log.
    """

    type: str
    id: str
    subjects: tuple[Subject, ...]
    predicate: JsonObject
    attachments: Mapping[str, bytes] = field(default_factory=dict)
    data_subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When an entry was written.

    Attributes:
        utc_ns: Nanoseconds since 1970 UTC by the writer's clock.
        clock: Whether the clock was synchronised.
        error_us: The kernel's bound on its error.
    """

    utc_ns: int
    clock: ClockState
    error_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement read back from an entry.

    Attributes:
        type: The record's type.
        id: The record's identifier.
        log: Origin of the log that it was written for.
        index: Index that it was written for.
        stamp: When it was written.
        subjects: As recorded.
        content: The predicate, where it is held in the entry.
        content_reference: Its payload otherwise.
        attachments: Payloads by name.
    """

    type: str
    id: str
    log: str
    index: int
    stamp: Stamp
    subjects: tuple[Subject, ...]
    content: JsonObject | None
    content_reference: PayloadReference | None
    attachments: Mapping[str, PayloadReference]

    @property
    def payload_references(self) -> tuple[PayloadReference, ...]:
        """All payloads that the entry commits to."""
        content = (self.content_reference,) if self.content_reference else ()
        return content + tuple(self.attachments.values())


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
        stamp=_parse_stamp(predicate.get("time")),
        subjects=_parse_subjects(statement.get("subject")),
        content=None if has_reference else _object(predicate["content"], field=f"{name}.content"),
        content_reference=(
            PayloadReference.parse(predicate["content_ref"], field=f"{name}.content_ref")
            if has_reference
            else None
        ),
        attachments=_parse_attachments(predicate.get("attachments")),
    )


def _parse_stamp(value: JsonValue) -> Stamp:
    name = "statement.predicate.time"
    time = _object(value, field=name)
    clock = text_field(time, "clock", field=name)
    if clock not in list(ClockState):
        raise FormatError(f"{name}.clock", expected="ntp or free", actual=clock)
    digits = text_field(time, "utc_ns", field=name)
    if not _DIGITS.fullmatch(digits):
        raise FormatError(f"{name}.utc_ns", expected="1 to 19 digits", actual=repr(digits))
    return Stamp(
        utc_ns=int(digits),
        clock=ClockState(clock),
        error_us=count_field(time, "error_us", field=name),
    )


def _parse_subjects(value: JsonValue) -> tuple[Subject, ...]:
    name = "statement.subject"
    subjects = []
    for item in _list(value, field=name):
        subject = _object(item, field=name)
        digest = _object(subject.get("digest"), field=f"{name}.digest")
        kind = DigestKind.HMAC_SHA256 if "hmac-sha256" in digest else DigestKind.SHA256
        subjects.append(
            Subject(
                name=text_field(subject, "name", field=name),
                sha256=text_field(digest, kind.value, field=f"{name}.digest"),
                kind=kind,
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
