"""What an assistant turn says, what had to be mended to read it, and both as events of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Repair(StrEnum):
    """What was mended or dropped in a turn."""

    ARGUMENTS_AGAINST_SCHEMA = "arguments_against_schema"
    CALL_ON_ANALYSIS = "call_on_analysis"
    CALL_ON_FINAL = "call_on_final"
    CALL_NOT_ENDED_BY_CALL = "call_not_ended_by_call"
    CONTROL_SPELLING = "control_spelling"
    DOUBLED_MESSAGE = "doubled_message"
    DOUBLED_START = "doubled_start"
    FINAL_BESIDE_CALL = "final_beside_call"
    FOREIGN_ROLE = "foreign_role"
    HEADER_GARBAGE = "header_garbage"
    INVALID_ARGUMENTS = "invalid_arguments"
    INVALID_UTF8 = "invalid_utf8"
    MISSING_CHANNEL = "missing_channel"
    MISSING_CONSTRAIN = "missing_constrain"
    MISSING_END = "missing_end"
    MISSING_MESSAGE = "missing_message"
    MISSING_START = "missing_start"
    RECIPIENT_AMBIGUOUS = "recipient_ambiguous"
    RECIPIENT_IN_ROLE = "recipient_in_role"
    RECIPIENT_WITHOUT_NAMESPACE = "recipient_without_namespace"
    SEVERAL_FINALS = "several_finals"
    STRAY_CONTROL = "stray_control"
    TRAILING_TOKENS = "trailing_tokens"
    TRUNCATED = "truncated"
    TRUNCATED_ARGUMENTS = "truncated_arguments"
    UNKNOWN_CHANNEL = "unknown_channel"
    UNKNOWN_TOOL = "unknown_tool"


class TextKind(StrEnum):
    """Whom a text is for: nobody outside the service, the user before a call, or the user."""

    ANALYSIS = "analysis"
    PREAMBLE = "preamble"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of a declared tool; `arguments` is the text of a JSON object."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """More text of a kind; the deltas of a kind joined are the text of the turn."""

    kind: TextKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMade:
    """A call, once it is whole and counts."""

    call: ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """The first occurrence of a repair; `position` counts generated tokens from 0."""

    repair: Repair
    position: int


TurnEvent = Delta | CallMade | Repaired


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One assistant turn.

    Attributes:
        calls: Calls in the order written.
        final: The answer; None when there is none, and beside a call, whose result it lacks.
        analysis: Reasoning, and text of unknown audience; never to be shown as the answer.
        preamble: Commentary to the user; beside a call also what was written as an answer, since
            a stream has shown it by then.
        repairs: What was mended, each kind once, in order of first occurrence.
        reasoning_tokens: Ids of analysis contents.
    """

    calls: tuple[ToolCall, ...]
    final: str | None
    analysis: str | None
    preamble: str | None
    repairs: tuple[Repair, ...]
    reasoning_tokens: int
