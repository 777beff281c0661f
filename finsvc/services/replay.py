"""Replay: derive a logged decision again and say where it differs.

The driver and the reading of the log are the audit package's; an adapter joins it to this
service's policies, calculators and engine. This room only asks policy and records the replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from finsvc.domain.errors import RefusedError
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.services.ports import Clock, PolicyGate, RecordKind, RecordLog


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


class Replayer(Protocol):
    """Derives records again; an adapter implements it over the audit package."""

    def replay(self, record_id: str, level: Level) -> ReplayResult:
        """Replay one record up to a level."""

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
        outcome = self.policy.decide(
            PolicyQuery(
                principal=principal, action=Action.REPLAY, resource="Log::decisions", context={}
            )
        )
        if not outcome.is_allowed:
            raise RefusedError(action="replay", reasons=outcome.determining)
        result = self.replayer.replay(record_id, level)
        body = {
            "replayed": record_id,
            "time": self.clock.now().isoformat(timespec="microseconds"),
            "principal": {"id": principal.id, "roles": sorted(principal.roles)},
            "level": level.value,
            "ok": result.is_ok,
            "levels": dict(result.levels),
            "details": dict(result.details),
        }
        self.log.append(RecordKind.REPLAY, self.clock.new_id("rep"), body)
        return result
