"""Destroying contents in due form: retention periods, legal holds, shredding.

What is destroyed is the key of a payload, never an entry: proofs stay valid. A shredding event is
durable in the log before any key goes. Nothing on hold, and nothing that a rule still keeps, is
destroyed. What a data subject is known under stands in the vault alone. SPEC.md, sections 7 and 8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit.canonical import JsonObject, JsonValue, text_field
from audit.errors import FormatError, RetentionError, VaultError
from audit.events import HOLD_EVENT, RELEASE_EVENT, SHREDDING_EVENT, Shredded
from audit.log import Log
from audit.payloads import SlotKey
from audit.receipt import Receipt
from audit.record import Statement
from audit.search import Query
from audit.vault import Vault

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long records are kept, whoever asks for their erasure.

    Attributes:
        type: Record type that it is for; a final `*` stands for any rest.
        period: Counted from when the record was written.
        basis: The law or policy that asks for it.
    """

    type: str
    period: timedelta
    basis: str

    def applies(self, record_type: str) -> bool:
        """Say whether a record falls under the rule."""
        if self.type.endswith("*"):
            return record_type.startswith(self.type[:-1])
        return record_type == self.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold.

    Attributes:
        id: Its name.
        indices: Records held; empty where a data subject is.
        subject_id: Data subject held.
        reason: Why.
    """

    id: str
    indices: frozenset[int]
    subject_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who orders something, and why; both go into the log.

    Attributes:
        by: Identifier of the person.
        reason: A sentence.
    """

    by: str
    reason: str


class Keeper:
    """Holds, retention and shredding of one log."""

    def __init__(self, log: Log, vault: Vault, rules: Sequence[RetentionRule] = ()) -> None:
        """Take the log, its vault and what must be kept.

        Raises:
            VaultError: The vault is another log's.
        """
        if vault.origin != log.origin:
            raise VaultError("vault", expected=f"that of {log.origin}", actual=vault.origin)
        self._log = log
        self._vault = vault
        self._rules = tuple(rules)

    def hold(
        self,
        hold_id: str,
        authority: Authority,
        *,
        indices: Iterable[int] = (),
        data_subject: str | None = None,
    ) -> Receipt:
        """Forbid that records, or all of a data subject, are destroyed.

        Args:
            hold_id: A name that no hold in force has.
            authority: Who orders it.
            indices: The records.
            data_subject: Name of the data subject instead.

        Raises:
            RetentionError: A hold of this name is in force, or the data subject is unknown.
        """
        if hold_id in self.holds():
            raise RetentionError("hold", expected="a new name", actual=hold_id)
        content: dict[str, JsonValue] = {"hold": hold_id, **_signed_by(authority)}
        if data_subject is None:
            content["indices"] = sorted(set(indices))
        else:
            content["subject"] = self._subject_id(data_subject)
        return self._log.append_event(HOLD_EVENT, content)

    def release(self, hold_id: str, authority: Authority) -> Receipt:
        """End a hold.

        Raises:
            RetentionError: There is none of this name in force.
        """
        if hold_id not in self.holds():
            raise RetentionError("hold", expected="one in force", actual=hold_id)
        return self._log.append_event(RELEASE_EVENT, {"hold": hold_id, **_signed_by(authority)})

    def holds(self) -> dict[str, Hold]:
        """Return the holds in force, by name."""
        holds: dict[str, Hold] = {}
        events = [*self._events(HOLD_EVENT), *self._events(RELEASE_EVENT)]
        for statement in sorted(events, key=lambda event: event.index):
            hold = _parse_hold(statement)
            if statement.type == HOLD_EVENT:
                holds[hold.id] = hold
            else:
                holds.pop(hold.id, None)
        return holds

    def shred_records(
        self, indices: Iterable[int], authority: Authority, *, now: datetime
    ) -> Receipt:
        """Destroy the contents of records.

        Args:
            indices: The records.
            authority: Who orders it.
            now: The time that retention is counted to.

        Raises:
            RetentionError: One is on hold, must still be kept, or was never sealed.
            UnknownEntryError: There is no such record.
            LogFailedError: Storage failed; `finish` completes what the event in the log orders.
        """
        chosen = sorted(set(indices))
        holds = self.holds()
        keys = [key for index in chosen for key in self._free_keys(index, holds, now)]
        content: JsonObject = {
            **_signed_by(authority),
            "indices": chosen,
            "keys": [key.to_json() for key in keys],
        }
        receipt = self._log.append_event(SHREDDING_EVENT, content)
        self._vault.destroy_slots((key.subject_id, key.slot) for key in keys)
        self._log.forget_terms(chosen)
        return receipt

    def shred_subject(self, data_subject: str, authority: Authority, *, now: datetime) -> Receipt:
        """Destroy everything of a data subject; errors as for records."""
        subject_id = self._subject_id(data_subject)
        indices = self.records_of(subject_id)
        holds = self.holds()
        for index in indices:
            self._free_keys(index, holds, now)
        content: JsonObject = {
            **_signed_by(authority),
            "indices": indices,
            "subject": subject_id,
        }
        receipt = self._log.append_event(SHREDDING_EVENT, content)
        self._vault.destroy_subject(subject_id)
        self._log.forget_terms(indices)
        return receipt

    def records_of(self, subject_id: str) -> list[int]:
        """Return the records that hold data of a data subject; reads the whole log."""
        return [
            index
            for index in range(self._log.size)
            if any(key.subject_id == subject_id for key in _keys(self._log.statement(index)))
        ]

    def expired(self, *, now: datetime) -> list[int]:
        """Return the records whose retention has ended, that are not on hold nor destroyed.

        Records that no rule is for are never among them.
        """
        holds, shredded = self.holds(), self._shredded()
        ended = []
        for index in range(self._log.size):
            statement = self._log.statement(index)
            keys = _keys(statement)
            rules = [rule for rule in self._rules if rule.applies(statement.type)]
            if not keys or not rules or all(shredded.covers(key) for key in keys):
                continue
            if self._why_kept(statement, holds, now) is None:
                ended.append(index)
        return ended

    def finish(self) -> None:
        """Destroy what the log's shredding events order, should a crash have come between.

        Raises:
            LogFailedError: Storage failed.
        """
        for statement in self._events(SHREDDING_EVENT):
            content = statement.content or {}
            if "subject" in content:
                self._vault.destroy_subject(text_field(content, "subject", field="shredding"))
            else:
                keys = [SlotKey.parse(key, field="key") for key in _list(content.get("keys"))]
                self._vault.destroy_slots((key.subject_id, key.slot) for key in keys)
            self._log.forget_terms(_indices(content))

    def _free_keys(self, index: int, holds: dict[str, Hold], now: datetime) -> list[SlotKey]:
        statement = self._log.statement(index)
        keys = _keys(statement)
        if not keys:
            raise RetentionError(
                f"record {index}", expected="a sealed content", actual="one that anyone can read"
            )
        why = self._why_kept(statement, holds, now)
        if why is not None:
            raise RetentionError(f"record {index}", expected="nothing that keeps it", actual=why)
        return keys

    def _why_kept(self, statement: Statement, holds: dict[str, Hold], now: datetime) -> str | None:
        subjects = {key.subject_id for key in _keys(statement)}
        for hold in holds.values():
            if statement.index in hold.indices or hold.subject_id in subjects:
                return f"hold {hold.id}: {hold.reason}"
        written = datetime.fromtimestamp(statement.stamp.utc_ns / _NS, UTC)
        for rule in self._rules:
            if rule.applies(statement.type) and now < written + rule.period:
                return f"kept until {(written + rule.period).date()} by {rule.basis}"
        return None

    def _subject_id(self, data_subject: str) -> str:
        subject_id = self._vault.find_subject(data_subject)
        if subject_id is None:
            raise RetentionError(
                "data subject", expected="one with records", actual="an unknown one"
            )
        return subject_id

    def _events(self, event_type: str) -> list[Statement]:
        return [self._log.statement(i) for i in self._log.search(Query(type=event_type))]

    def _shredded(self) -> Shredded:
        shredded = Shredded()
        for statement in self._events(SHREDDING_EVENT):
            shredded.add(statement.content or {})
        return shredded


def _keys(statement: Statement) -> list[SlotKey]:
    return [ref.key for ref in statement.payload_references if ref.key is not None]


def _signed_by(authority: Authority) -> dict[str, JsonValue]:
    return {"by": authority.by, "reason": authority.reason}


def _parse_hold(statement: Statement) -> Hold:
    content = statement.content or {}
    subject = content.get("subject")
    return Hold(
        id=text_field(content, "hold", field="hold"),
        indices=frozenset(_indices(content)),
        subject_id=subject if isinstance(subject, str) else None,
        reason=text_field(content, "reason", field="hold"),
    )


def _indices(content: JsonObject) -> list[int]:
    values = _list(content.get("indices") or [])
    return [value for value in values if isinstance(value, int)]


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise FormatError("event", expected="an array", actual=type(value).__name__)
    return value
