"""Replay of a recorded decision by re-execution, level by level.

    R0  the entry itself: signature, place in the log, inclusion under the latest checkpoint
    R1  each policy decision            content["policy"]
    R2  each calculator result          content["calls"] and, if there, content["sample_calls"]
    R3  the token ids of each turn      content["turns"]
    R4  the logit digests of each turn  content["turns"]

The log knows nothing of policies, calculators or models: those who do hand in replayers. A level
with nothing to compare is not applicable. On another device class than the recorded one the model
levels report `class_mismatch`, neither success nor failure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

from audit.canonical import JsonObject
from audit.entry import Entry, check_content, open_entry
from audit.errors import (
    FormatError,
    PayloadError,
    ProofError,
    ReplayError,
    SignatureError,
    WrongKeyError,
)
from audit.keyring import Keyring


class Level(IntEnum):
    """How much is derived again."""

    R0 = 0
    R1 = 1
    R2 = 2
    R3 = 3
    R4 = 4


class Outcome(StrEnum):
    """What a comparison found."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NOT_APPLICABLE = "not_applicable"
    CLASS_MISMATCH = "class_mismatch"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outcome of one comparison.

    Attributes:
        outcome: What was found.
        detail: The first difference: where, recorded and derived value; empty on a match.
    """

    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelResult:
    """Outcome of one level.

    Attributes:
        level: Which.
        outcome: The worst of its parts.
        detail: The first difference.
        num_compared: How many parts were compared.
    """

    level: Level
    outcome: Outcome
    detail: str
    num_compared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """Outcome of a replay.

    Attributes:
        index: The entry.
        id: The record's id.
        levels: From R0 to the level asked for.
    """

    index: int
    id: str
    levels: tuple[LevelResult, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all levels."""
        return _worst([result.outcome for result in self.levels])

    @property
    def ok(self) -> bool:
        """Whether everything that could be compared is the same, and all could be."""
        return self.outcome in (Outcome.MATCH, Outcome.NOT_APPLICABLE)


class Replayer(Protocol):
    """Derives one recorded part again."""

    def replay(self, part: JsonObject, decision: JsonObject) -> Comparison:
        """Compare a part with what is derived now.

        Args:
            part: One item of the decision's policy decisions, calls or turns.
            decision: The whole recorded decision, for what the part refers to.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayers:
    """Who replays what. Only those that the level needs must be there.

    Attributes:
        policy: R1.
        calculators: R2.
        tokens: R3.
        logits: R4; it may share one run of the model with `tokens`.
    """

    policy: Replayer | None = None
    calculators: Replayer | None = None
    tokens: Replayer | None = None
    logits: Replayer | None = None


def replay(entry: Entry, level: Level, replayers: Replayers, *, keyring: Keyring) -> ReplayReport:
    """Replay a recorded decision from R0 up to a level; a failing level does not end it.

    Raises:
        ReplayError: A level has something to compare, but no replayer was given.
    """
    results = [_check_entry(entry, keyring)]
    plan = (
        (Level.R1, ("policy",), replayers.policy),
        (Level.R2, ("calls", "sample_calls"), replayers.calculators),
        (Level.R3, ("turns",), replayers.tokens),
        (Level.R4, ("turns",), replayers.logits),
    )
    results.extend(
        _replay_level(step, names, entry.content, replayer)
        for step, names, replayer in plan
        if step <= level
    )
    return ReplayReport(index=entry.index, id=entry.statement.id, levels=tuple(results))


def _check_entry(entry: Entry, keyring: Keyring) -> LevelResult:
    try:
        entry.receipt.verify(keyring.verifiers, entry=entry.envelope)
        statement = open_entry(entry.envelope, index=entry.index, keyring=keyring)
        check_content(statement, entry.content, entry.opening)
    except (FormatError, SignatureError, WrongKeyError, ProofError, PayloadError) as error:
        return LevelResult(
            level=Level.R0, outcome=Outcome.MISMATCH, detail=str(error), num_compared=1
        )
    return LevelResult(level=Level.R0, outcome=Outcome.MATCH, detail="", num_compared=1)


def _replay_level(
    level: Level, names: Sequence[str], content: JsonObject, replayer: Replayer | None
) -> LevelResult:
    comparisons: list[tuple[str, Comparison]] = []
    for name in names:
        parts = content.get(name)
        if parts is None:
            parts = []
        if not isinstance(parts, list):
            return LevelResult(
                level=level,
                outcome=Outcome.MISMATCH,
                detail=f"{name}: expected an array, got {type(parts).__name__}",
                num_compared=0,
            )
        if parts and replayer is None:
            raise ReplayError(f"replayer for {level.name}", expected="one", actual="none")
        comparisons += [
            (f"{name}[{position}]", _compare(replayer, part, content))
            for position, part in enumerate(parts)
            if replayer is not None
        ]
    outcome = _worst([comparison.outcome for _, comparison in comparisons])
    details = [
        f"{place}: {comparison.detail}"
        for place, comparison in comparisons
        if comparison.outcome is outcome and comparison.detail
    ]
    return LevelResult(
        level=level,
        outcome=outcome,
        detail=details[0] if details else "",
        num_compared=len(comparisons),
    )


def _compare(replayer: Replayer, part: object, content: JsonObject) -> Comparison:
    if not isinstance(part, dict):
        return Comparison(Outcome.MISMATCH, f"expected an object, got {type(part).__name__}")
    return replayer.replay(part, content)


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Mismatch outweighs class mismatch, that a match, and that nothing to compare."""
    for outcome in (Outcome.MISMATCH, Outcome.CLASS_MISMATCH, Outcome.MATCH):
        if outcome in outcomes:
            return outcome
    return Outcome.NOT_APPLICABLE
