"""Replay: derive logged decisions again and say where they differ, and what else would change.

The driver and the reading of the log are the audit package's; an adapter joins it to this
service's policies, calculators and engine. This room asks policy, selects and records the replay.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from finsvc.domain.errors import RefusedError
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.services.ports import Clock, PolicyGate, RecordKind, RecordLog
from finsvc.services.replay_selection import Selection, candidate
from finsvc.services.who import who


class Level(StrEnum):
    """How much is derived again; each level includes those before it."""

    R0 = "R0"
    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    R4 = "R4"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Outcome per level: ``match``, ``mismatch``, ``not_applicable`` or ``class_mismatch``."""

    record_id: str
    is_ok: bool
    levels: Mapping[str, str]
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A policy decision that another bundle takes otherwise.

    Attributes:
        record_id: The decision it belongs to.
        position: Among the record's policy decisions, from 0.
        action: What was to be done.
        recorded: "allow" or "deny", as it was decided.
        derived: The same under the other bundle.
        determining: Policies of the other bundle that decide it.
    """

    record_id: str
    position: int
    action: str
    recorded: str
    derived: str
    determining: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What another bundle would have changed.

    Attributes:
        bundle: Its digest.
        num_decisions: Decisions looked at.
        changes: In the order of the log.
    """

    bundle: str
    num_decisions: int
    changes: tuple[PolicyChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRun:
    """A replay of many and the record of it.

    Attributes:
        record_id: Of the record that says what was replayed and how it went.
        results: In the order of the log.
        receipt: The record's proof.
    """

    record_id: str
    results: tuple[ReplayResult, ...]
    receipt: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """A decision that another model would have made otherwise.

    Attributes:
        record_id: The decision.
        turn: First turn that differs, from 0.
        difference: First token that differs, with both candidates and their probabilities.
        recorded: What the turn said.
        derived: What the other model says there.
    """

    record_id: str
    turn: int
    difference: str
    recorded: str
    derived: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWhatIf:
    """What another model would have changed.

    Attributes:
        fingerprint: Of the other model on this machine.
        num_decisions: Decisions looked at.
        changes: In the order of the log.
    """

    fingerprint: str
    num_decisions: int
    changes: tuple[ModelChange, ...]


class Replayer(Protocol):
    """Derives records again; an adapter implements it over the audit package."""

    @property
    def fingerprint(self) -> str:
        """Of the model that samples again, so of the machine and build that replay."""

    def replay(self, record_id: str, level: Level) -> ReplayResult:
        """Replay one record up to a level."""

    def replay_many(self, record_ids: Sequence[str], level: Level) -> Iterator[ReplayResult]:
        """Replay records in order, sharing work between them."""

    def what_if(self, record_ids: Sequence[str], bundle: Path) -> WhatIf:
        """Take recorded policy decisions again under the bundle of a folder."""

    def what_if_model(self, record_ids: Sequence[str], model: Path) -> ModelWhatIf:
        """Put recorded turns to the model of a folder."""

    def record_ids(self) -> list[str]:
        """Identifiers of every decision in the log, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The use case."""

    replayer: Replayer
    policy: PolicyGate
    log: RecordLog
    clock: Clock

    def __call__(self, record_id: str, level: Level, principal: Principal) -> ReplayResult:
        """Replay one decision and log that it was replayed, by whom and with what outcome.

        Raises:
            RefusedError: Policy does not let the principal replay.
            UnknownNameError: The log holds no such decision.
        """
        self._require(principal)
        result = self.replayer.replay(record_id, level)
        body = {
            "replayed": record_id,
            "level": level.value,
            "ok": result.is_ok,
            "levels": dict(result.levels),
            "details": dict(result.details),
            # Details quote what the decision says, so they are erased with it.
            "client": self._client(record_id),
        }
        self._append(body, principal)
        return result

    def many(
        self, selection: Selection, level: Level, principal: Principal
    ) -> Iterator[ReplayResult]:
        """Replay a selection; one record at the end says what was replayed and how it went.

        A replay that is left early is recorded as far as it came.

        Raises:
            RefusedError: Policy does not let the principal replay.
        """
        self._require(principal)
        chosen = self.selected(selection)
        results: list[ReplayResult] = []
        try:
            for result in self.replayer.replay_many(chosen, level):
                results.append(result)
                yield result
        finally:
            body = _many_document(results, selection, level)
            self._append({**body, "complete": len(results) == len(chosen)}, principal)

    def run(self, selection: Selection, level: Level, principal: Principal) -> ReplayRun:
        """Replay a selection to its end, and return it with its record; errors as for `many`."""
        self._require(principal)
        results = tuple(self.replayer.replay_many(self.selected(selection), level))
        body = {**_many_document(results, selection, level), "complete": True}
        record_id, receipt = self._append(body, principal)
        return ReplayRun(record_id=record_id, results=results, receipt=receipt)

    def what_if(self, selection: Selection, bundle: Path, principal: Principal) -> WhatIf:
        """Tell which recorded policy decisions another bundle takes otherwise, and log the answer.

        Raises:
            RefusedError: Policy does not let the principal replay.
            InputError: The folder holds no valid bundle.
        """
        self._require(principal)
        found = self.replayer.what_if(self.selected(selection), bundle)
        body = {"what_if": what_if_document(found), "selection": selection.to_json()}
        self._append(body, principal)
        return found

    def what_if_model(self, selection: Selection, model: Path, principal: Principal) -> ModelWhatIf:
        """Tell which recorded decisions another model makes otherwise, and log the answer.

        Raises:
            RefusedError: Policy does not let the principal replay.
            InputError: The folder holds no model, or one of another vocabulary.
        """
        self._require(principal)
        found = self.replayer.what_if_model(self.selected(selection), model)
        # The texts stay out of this record: they may be of clients, whose records can be erased.
        body = {
            "what_if_model": {
                "fingerprint": found.fingerprint,
                "decisions": found.num_decisions,
                "changed": [change.record_id for change in found.changes],
            },
            "selection": selection.to_json(),
        }
        self._append(body, principal)
        return found

    def selected(self, selection: Selection) -> list[str]:
        """Identifiers of the decisions of a selection, in order."""
        return selection.select(
            candidate(record.record_id, record.index, record.body.get("time"))
            for record in self.log.records()
            if record.kind is RecordKind.DECISION
        )

    def _client(self, record_id: str) -> str:
        record = self.log.find(record_id)
        return "" if record is None else str(record.body.get("client", ""))

    def _require(self, principal: Principal) -> None:
        outcome = self.policy.decide(
            PolicyQuery(
                principal=principal, action=Action.REPLAY, resource="Log::decisions", context={}
            )
        )
        if not outcome.is_allowed:
            raise RefusedError(action="replay", reasons=outcome.determining)

    def _append(
        self, body: Mapping[str, object], principal: Principal
    ) -> tuple[str, Mapping[str, object]]:
        document = {
            **body,
            "time": self.clock.now().isoformat(timespec="microseconds"),
            "principal": who(principal),
            "fingerprint": self.replayer.fingerprint,
        }
        record_id = self.clock.new_id("rep")
        return record_id, self.log.append(RecordKind.REPLAY, record_id, document)


def _many_document(
    results: Sequence[ReplayResult], selection: Selection, level: Level
) -> dict[str, object]:
    """What the log keeps of a replay of many: all identifiers, and all that differs."""
    different = {
        result.record_id: {"levels": dict(result.levels), "details": dict(result.details)}
        for result in results
        if not result.is_ok
    }
    counts = Counter(outcome for result in results for outcome in result.levels.values())
    return {
        "replayed": [result.record_id for result in results],
        "selection": selection.to_json(),
        "level": level.value,
        "ok": not different,
        "outcomes": dict(sorted(counts.items())),
        "different": different,
    }


def what_if_document(found: WhatIf) -> dict[str, object]:
    """JSON form of what another bundle would have changed."""
    return {
        "bundle": found.bundle,
        "decisions": found.num_decisions,
        "changes": [
            {
                "decision_id": change.record_id,
                "policy": change.position,
                "action": change.action,
                "recorded": change.recorded,
                "derived": change.derived,
                "determining": list(change.determining),
            }
            for change in found.changes
        ],
    }


def model_what_if_document(found: ModelWhatIf) -> dict[str, object]:
    """JSON form of what another model would have changed."""
    return {
        "fingerprint": found.fingerprint,
        "decisions": found.num_decisions,
        "changes": [
            {
                "decision_id": change.record_id,
                "turn": change.turn,
                "difference": change.difference,
                "recorded": change.recorded,
                "derived": change.derived,
            }
            for change in found.changes
        ],
    }
