"""What the use cases need from outside, as Protocols."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from finsvc.domain.policy import PolicyOutcome, PolicyQuery

Json = Mapping[str, object]


class RecordKind(StrEnum):
    """Kinds of records in the log."""

    DECISION = "decision"
    APPROVAL = "approval"
    REPORT = "report"
    COMPLETION_INTENT = "completion_intent"
    COMPLETION = "completion"
    REPLAY = "replay"
    ADMINISTRATION = "administration"
    ACCESS = "access"
    BUILD = "build"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRecord:
    """A record as read back from the log."""

    index: int
    kind: RecordKind
    record_id: str
    body: Json


class PolicyGate(Protocol):
    """Decides what may be done; deny by default."""

    def decide(self, query: PolicyQuery) -> PolicyOutcome:
        """Evaluate one query against the current bundle."""


class RecordLog(Protocol):
    """The tamper-evident log. An append that returns is durable."""

    def append(self, kind: RecordKind, record_id: str, body: Json) -> Json:
        """Append a record and return its receipt as JSON."""

    def find(self, record_id: str) -> LoggedRecord | None:
        """The record of that identifier, if there is one."""

    def records(self) -> Iterator[LoggedRecord]:
        """All records in order."""

    def receipt(self, record_id: str) -> Json | None:
        """A fresh receipt for a record, against the latest checkpoint."""


class Clock(Protocol):
    """Tells the time and makes identifiers; injected so that tests can fix both."""

    def now(self) -> datetime:
        """The current instant, UTC."""

    def new_id(self, prefix: str) -> str:
        """A fresh identifier: the prefix and 32 hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySummary:
    """Outcome of checking the whole log; ``problems`` are sentences, the worst first.

    ``warnings`` name what a crash or a writer at work leaves and opening the log mends.
    """

    is_ok: bool
    size: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    first_bad_index: int | None


class AuditReader(Protocol):
    """What may be read of the log besides single records."""

    def checkpoint(self) -> str:
        """The latest signed checkpoint."""

    def vkey(self) -> str:
        """The public key that receipts and checkpoints are verified with."""

    def verify(self) -> VerifySummary:
        """Check every byte of the log."""

    def export(self, destination: Path) -> int:
        """Write all records in readable form; returns how many."""
