"""Plain completions of a raw model: entitled callers only, unverified, logged before and after.

The intent record is durable before the first token leaves and the closing record before the last
event does, so that nothing a raw model said is missing from the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from enum import StrEnum
from typing import Protocol

from finsvc.domain.errors import FinsvcError, RefusedError, UnknownNameError
from finsvc.domain.policy import Action, PolicyOutcome, PolicyQuery, Principal
from finsvc.domain.turns import ModelIdentity, TurnTrace
from finsvc.domain.verdicts import Verdict
from finsvc.services.decision import outcome_to_json
from finsvc.services.ports import Clock, PolicyGate, RecordKind, RecordLog
from finsvc.services.record import turn_to_json


class ChatRole(StrEnum):
    """Author of a message; prompts of the operator come before all others."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Effort(StrEnum):
    """Length of reasoning that gpt-oss models know."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class FinishReason(StrEnum):
    """Why a completion ended, in OpenAI's words and ``cancelled`` for a caller who left."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatToolCall:
    """A call of a caller's tool; ``arguments`` is the text of a JSON object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message. ``tool_call_id`` belongs to TOOL, ``tool_calls`` to ASSISTANT."""

    role: ChatRole
    content: str
    tool_calls: tuple[ChatToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTool:
    """A function the caller offers; ``parameters`` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """How to sample. ``max_tokens`` None leaves it to the model's bound; ``stop`` ends the text."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    effort: Effort = Effort.LOW
    top_logprobs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCommand:
    """A conversation to continue."""

    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[ChatTool, ...]
    options: ChatOptions
    principal: Principal
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPrompt:
    """A conversation as the model will be given it, checked against its context length.

    Only prompts of the same ``tenant`` may share cached beginnings.
    """

    prompt_ids: tuple[int, ...]
    max_new_tokens: int
    tool_names: frozenset[str]
    options: ChatOptions
    tenant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A token with its natural-log probability; ``data`` are its bytes."""

    data: bytes
    logprob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChoice:
    """A token of the text with the most likely ones in its place, best first."""

    chosen: Candidate
    top: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTurn:
    """What a raw model produced; ``content`` is None beside calls alone."""

    content: str | None
    calls: tuple[ChatToolCall, ...]
    finish_reason: FinishReason
    repairs: tuple[str, ...]
    reasoning_tokens: int
    logprobs: tuple[TokenChoice, ...]
    trace: TurnTrace


OnText = Callable[[str], None]


class RawModel(Protocol):
    """A model that continues conversations freely; an adapter implements it."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""

    def prepare(self, command: ChatCommand) -> RawPrompt:
        """Render the conversation.

        Raises:
            InputError: A message or tool is out of order, or the context is too short for it.
        """

    def run(self, prompt: RawPrompt, on_text: OnText, is_cancelled: Callable[[], bool]) -> RawTurn:
        """Sample one turn; ``on_text`` gets the text of the answer as it grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatParts:
    """What plain completions need."""

    model: RawModel
    policy: PolicyGate
    log: RecordLog
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatIntent:
    """A completion whose intent is on record and which may now run."""

    completion_id: str
    command: ChatCommand
    prompt: RawPrompt
    identity: ModelIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatResult:
    """A finished completion; its verdict is always ``unverified``."""

    completion_id: str
    identity: ModelIdentity
    turn: RawTurn
    receipt: Mapping[str, object]
    verdict: Verdict = Verdict.UNVERIFIED


class Chat:
    """The use case; one instance serves all callers."""

    def __init__(self, parts: ChatParts) -> None:
        self._parts = parts

    @property
    def identity(self) -> ModelIdentity:
        """Which raw model is served."""
        return self._parts.model.identity

    def begin(self, command: ChatCommand) -> ChatIntent:
        """Check, render and put the intent on record; after this the first byte may leave.

        Raises:
            UnknownNameError: No such raw model is served.
            RefusedError: The principal lacks the entitlement; the refusal is logged.
            InputError: The conversation cannot be rendered or is too long.
            AuditError: The intent could not be made durable.
        """
        identity = self._parts.model.identity
        if command.model != identity.name:
            raise UnknownNameError(
                field="model", kind="raw model", actual=command.model, known=[identity.name]
            )
        completion_id = self._parts.clock.new_id("chatcmpl")
        outcome = self._parts.policy.decide(
            PolicyQuery(
                principal=command.principal,
                action=Action.USE_RAW_MODEL,
                resource=f"Model::{command.model}",
                context={},
            )
        )
        if not outcome.is_allowed:
            body = self._intent(completion_id, command, None, outcome)
            self._parts.log.append(RecordKind.COMPLETION_INTENT, _intent_id(completion_id), body)
            reasons = (*outcome.determining, *outcome.errors)
            raise RefusedError(action="use_raw_model", reasons=reasons)
        prompt = self._parts.model.prepare(command)
        body = self._intent(completion_id, command, prompt, outcome)
        self._parts.log.append(RecordKind.COMPLETION_INTENT, _intent_id(completion_id), body)
        return ChatIntent(
            completion_id=completion_id, command=command, prompt=prompt, identity=identity
        )

    def complete(
        self, intent: ChatIntent, on_text: OnText, is_cancelled: Callable[[], bool]
    ) -> ChatResult:
        """Sample the turn and put what came of it on record.

        Raises:
            FinsvcError: The model failed; that is on record too.
            AuditError: The record could not be made durable, so the terminal event must not leave.
        """
        try:
            turn = self._parts.model.run(intent.prompt, on_text, is_cancelled)
        except FinsvcError as error:
            self._close(intent, {"error": {"code": error.code, "message": str(error)}})
            raise
        calls = tuple(replace(call, id=self._parts.clock.new_id("call")) for call in turn.calls)
        turn = replace(turn, calls=calls)
        receipt = self._close(intent, _turn_record(turn))
        return ChatResult(
            completion_id=intent.completion_id,
            identity=intent.identity,
            turn=turn,
            receipt=receipt,
        )

    def _intent(
        self,
        completion_id: str,
        command: ChatCommand,
        prompt: RawPrompt | None,
        outcome: PolicyOutcome,
    ) -> dict[str, object]:
        principal = command.principal
        identity = self._parts.model.identity
        return {
            "completion_id": completion_id,
            "time": self._now(),
            "request_id": command.request_id,
            "principal": {"id": principal.id, "roles": sorted(principal.roles)},
            "request": _request_record(command),
            "policy": [outcome_to_json(outcome)],
            "model": {"name": identity.name, "fingerprint": identity.fingerprint},
            "prompt_ids": [] if prompt is None else list(prompt.prompt_ids),
            "max_new_tokens": 0 if prompt is None else prompt.max_new_tokens,
            "verdict": Verdict.UNVERIFIED.value,
        }

    def _close(self, intent: ChatIntent, outcome: Mapping[str, object]) -> Mapping[str, object]:
        identity = intent.identity
        body = {
            "completion_id": intent.completion_id,
            "time": self._now(),
            "intent": _intent_id(intent.completion_id),
            "model": {
                "name": identity.name,
                "fingerprint": identity.fingerprint,
                "manifest": dict(identity.manifest),
            },
            "verdict": Verdict.UNVERIFIED.value,
            **outcome,
        }
        return self._parts.log.append(RecordKind.COMPLETION, intent.completion_id, body)

    def _now(self) -> str:
        return self._parts.clock.now().astimezone(UTC).isoformat(timespec="microseconds")


def _intent_id(completion_id: str) -> str:
    return f"intent_{completion_id}"


def _call_record(call: ChatToolCall) -> dict[str, str]:
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def _request_record(command: ChatCommand) -> dict[str, object]:
    """The request as logged; floats and the 64-bit seed as text, so that each has one spelling."""
    options = command.options
    return {
        "model": command.model,
        "messages": [
            {
                "role": message.role.value,
                "content": message.content,
                "tool_calls": [_call_record(call) for call in message.tool_calls],
                "tool_call_id": message.tool_call_id,
            }
            for message in command.messages
        ],
        "tools": [tool.name for tool in command.tools],
        "options": {
            "temperature": repr(options.temperature),
            "top_p": repr(options.top_p),
            "seed": str(options.seed),
            "max_tokens": options.max_tokens,
            "stop": list(options.stop),
            "effort": options.effort.value,
        },
    }


def _turn_record(turn: RawTurn) -> dict[str, object]:
    return {
        "turn": turn_to_json(turn.trace),
        "content": turn.content,
        "tool_calls": [_call_record(call) for call in turn.calls],
        "finish_reason": turn.finish_reason.value,
        "repairs": list(turn.repairs),
    }
