"""Search of the log: what may be asked, by whom; every search is itself put on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from finsvc.domain.errors import InputError, RefusedError
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.services.ports import Clock, Json, PolicyGate, RecordKind, RecordLog
from finsvc.services.who import who

# What a record is found by; the log's index has these terms.
TERMS = (
    "who",
    "tenant",
    "session",
    "purpose",
    "client",
    "book",
    "verdict",
    "decision",
    "tool",
    "number",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for; a record must meet all of it.

    Attributes:
        terms: Values by the names of `TERMS`.
        since: Written at this time or later.
        until: Written before.
    """

    terms: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what nothing can meet.

        Raises:
            InputError: A name is none of `TERMS`, a time has no zone, an end is before its start.
        """
        for name in self.terms:
            if name not in TERMS:
                raise InputError(field=name, expected=f"one of {', '.join(TERMS)}", actual=name)
        for name, time in (("since", self.since), ("until", self.until)):
            if time is not None and time.tzinfo is None:
                raise InputError(field=name, expected="a time with a zone", actual=str(time))
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise InputError(field="until", expected=f"after {self.since}", actual=str(self.until))

    def to_json(self) -> dict[str, object]:
        """JSON form for records and manifests."""
        return {
            **self.terms,
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }


class SearchableLog(Protocol):
    """A log with an index."""

    def search(self, search: Search) -> Sequence[int]:
        """Indices of the records that meet it, oldest first."""

    def summary(self, index: int) -> Json:
        """Index, time, type and id of a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """Some of what was found; ``num_found`` counts all."""

    records: tuple[Json, ...]
    num_found: int
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLog:
    """The use case."""

    searchable: SearchableLog
    log: RecordLog
    policy: PolicyGate
    clock: Clock

    def __call__(
        self, search: Search, principal: Principal, *, limit: int, after: int = -1
    ) -> SearchPage:
        """Look for records, and log who looked for what.

        Args:
            search: What to look for.
            principal: Who does.
            limit: Most records returned.
            after: Index beyond which they begin.

        Raises:
            RefusedError: Policy does not let the principal read the log.
        """
        outcome = self.policy.decide(
            PolicyQuery(
                principal=principal,
                action=Action.READ_AUDIT,
                resource="Log::decisions",
                context={},
            )
        )
        if not outcome.is_allowed:
            reasons = (*outcome.determining, *outcome.errors)
            raise RefusedError(action="read_audit", reasons=reasons)
        found = self.searchable.search(search)
        rest = [index for index in found if index > after]
        records = tuple(self.searchable.summary(index) for index in rest[:limit])
        log_access(
            self.log,
            self.clock,
            principal,
            what="search",
            details={"search": search.to_json(), "after": after, "found": len(found)},
        )
        return SearchPage(records=records, num_found=len(found), has_more=len(rest) > limit)


def log_access(
    log: RecordLog, clock: Clock, principal: Principal, *, what: str, details: Json
) -> None:
    """Put on record that somebody read the log.

    Raises:
        AuditError: It could not be made durable, so nothing may be shown.
    """
    body = {
        "what": what,
        "time": clock.now().isoformat(timespec="microseconds"),
        "principal": who(principal),
        **details,
    }
    log.append(RecordKind.ACCESS, clock.new_id("acc"), body)
