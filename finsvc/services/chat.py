"""Plain completions of a raw model: entitled callers only, unverified, logged before and after.

The intent record is durable before the first token leaves and the closing record before the last
event does, so that nothing a raw model said is missing from the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Protocol

from finsvc.domain.errors import FinsvcError, RefusedError, UnknownNameError
from finsvc.domain.policy import Action, PolicyOutcome, PolicyQuery, Principal
from finsvc.domain.turns import ModelIdentity, TurnTrace
from finsvc.domain.verdicts import Verdict
from finsvc.services.chat_record import call_record, request_record
from finsvc.services.conversation import (
    AnswerFormat,
    ChatMessage,
    ChatOptions,
    ChatRole,
    ChatTool,
    ChatToolCall,
    FinishReason,
    TextPiece,
    TokenChoice,
    ToolUse,
)
from finsvc.services.decision import outcome_to_json
from finsvc.services.ports import Clock, PolicyGate, RecordKind, RecordLog
from finsvc.services.record import turn_to_json
from finsvc.services.who import who

# The words of a command come with it.
__all__ = [
    "Chat",
    "ChatCommand",
    "ChatIntent",
    "ChatMessage",
    "ChatOptions",
    "ChatParts",
    "ChatResult",
    "ChatRole",
    "OnPiece",
    "OnText",
    "RawModel",
    "RawPrompt",
    "RawTurn",
    "TurnChecks",
]

_SEEDS = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCommand:
    """A conversation to continue.

    Attributes:
        callable_names: Tools that may be called now; None means all of ``tools``.
        answer: What the answer must look like; None is free text.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[ChatTool, ...]
    options: ChatOptions
    principal: Principal
    request_id: str
    tool_use: ToolUse = ToolUse.AUTO
    callable_names: frozenset[str] | None = None
    answer: AnswerFormat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnChecks:
    """A second opinion on what a grammar made, by a validator that shares no code with it."""

    call: Callable[[str, str], bool]
    answer: Callable[[str], bool] | None = None


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
    grammar: str = ""
    tool_use: ToolUse = ToolUse.AUTO
    checks: TurnChecks | None = None


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
    reasoning: str = ""


OnText = Callable[[TextPiece], None]
OnPiece = Callable[[int, TextPiece], None]
"""Takes the number of a choice and more text of it."""


class RawModel(Protocol):
    """A model that continues conversations freely; an adapter implements it."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""

    def prepare(self, command: ChatCommand) -> RawPrompt:
        """Render the conversation and build the grammar of its continuation.

        Raises:
            InputError: A message, tool or schema is out of order, or the context is too short.
        """

    def run(self, prompt: RawPrompt, on_text: OnText, is_cancelled: Callable[[], bool]) -> RawTurn:
        """Sample one turn; ``on_text`` gets its texts as they grow.

        Raises:
            ConstraintError: The turn breaks a schema.
        """


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
    """A finished completion with a turn for each choice; its verdict is always ``unverified``."""

    completion_id: str
    identity: ModelIdentity
    turns: tuple[RawTurn, ...]
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

    def begin(self, command: ChatCommand, *, prefix: str = "chatcmpl") -> ChatIntent:
        """Check, render and put the intent on record; after this the first byte may leave.

        Args:
            command: What to complete.
            prefix: Of the completion's identifier.

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
        completion_id = self._parts.clock.new_id(prefix)
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
        self, intent: ChatIntent, on_piece: OnPiece, is_cancelled: Callable[[], bool]
    ) -> ChatResult:
        """Sample the turns, one choice after another, and put what came of them on record.

        Raises:
            FinsvcError: The model failed; that is on record too.
            AuditError: The record could not be made durable, so the terminal event must not leave.
        """
        turns: list[RawTurn] = []
        try:
            for index in range(intent.command.options.choices):
                turns.append(self._run(intent, index, on_piece, is_cancelled))
        except FinsvcError as error:
            failure = {"error": {"code": error.code, "message": str(error)}}
            self._close(intent, {**_outcome(turns), **failure})
            raise
        receipt = self._close(intent, _outcome(turns))
        return ChatResult(
            completion_id=intent.completion_id,
            identity=intent.identity,
            turns=tuple(turns),
            receipt=receipt,
        )

    def _run(
        self,
        intent: ChatIntent,
        index: int,
        on_piece: OnPiece,
        is_cancelled: Callable[[], bool],
    ) -> RawTurn:
        options = intent.prompt.options
        seed = (options.seed + index) % _SEEDS
        prompt = replace(intent.prompt, options=replace(options, seed=seed))
        turn = self._parts.model.run(prompt, lambda piece: on_piece(index, piece), is_cancelled)
        calls = tuple(replace(call, id=self._parts.clock.new_id("call")) for call in turn.calls)
        return replace(turn, calls=calls)

    def _intent(
        self,
        completion_id: str,
        command: ChatCommand,
        prompt: RawPrompt | None,
        outcome: PolicyOutcome,
    ) -> dict[str, object]:
        principal = command.principal
        identity = self._parts.model.identity
        names = command.callable_names
        return {
            "completion_id": completion_id,
            "time": self._now(),
            "request_id": command.request_id,
            "principal": who(principal),
            "client": principal.capacity.client,
            "request": {
                "model": command.model,
                **request_record(command.messages, command.tools, command.options),
                "tool_use": command.tool_use.value,
                "callable": None if names is None else sorted(names),
                "answer_format": None if command.answer is None else command.answer.name,
            },
            "policy": [outcome_to_json(outcome)],
            "model": {"name": identity.name, "fingerprint": identity.fingerprint},
            "prompt_ids": [] if prompt is None else list(prompt.prompt_ids),
            "max_new_tokens": 0 if prompt is None else prompt.max_new_tokens,
            "verdict": Verdict.UNVERIFIED.value,
        }

    def _close(self, intent: ChatIntent, outcome: Mapping[str, object]) -> Mapping[str, object]:
        identity, principal = intent.identity, intent.command.principal
        body = {
            "completion_id": intent.completion_id,
            "time": self._now(),
            "request_id": intent.command.request_id,
            "principal": who(principal),
            "client": principal.capacity.client,
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


def _outcome(turns: list[RawTurn]) -> dict[str, object]:
    """What came of a completion: turns as replay reads them, choices as the caller got them."""
    return {
        "turns": [turn_to_json(turn.trace) for turn in turns],
        "choices": [
            {
                "content": turn.content,
                "tool_calls": [call_record(call) for call in turn.calls],
                "finish_reason": turn.finish_reason.value,
                "repairs": list(turn.repairs),
            }
            for turn in turns
        ],
    }
