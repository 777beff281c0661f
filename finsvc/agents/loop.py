"""The loop between a model and the tools, bounded in steps, attempts and time.

The loop never trusts the model: a turn that cannot be used is sampled anew a few times, then the
question is refused; every call goes through the executor, which parses, asks policy and computes.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from finsvc.agents.catalogue import INSTRUCTIONS, AgentName, AgentTool
from finsvc.agents.model import Dialogue, LanguageModel
from finsvc.agents.payload import payload
from finsvc.agents.requests import is_well_formed
from finsvc.domain.calls import ToolCall
from finsvc.domain.identifiers import CallId
from finsvc.domain.turns import ModelTurn, RequestedCall, TurnTrace


class Outcome(StrEnum):
    """How a run of the loop ended."""

    ANSWERED = "answered"
    ASKED_BACK = "asked_back"
    DECLINED = "declined"
    MALFORMED = "malformed"
    LIMIT_REACHED = "limit_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as put to an agent; ``message`` is the text the model and the parsers see.

    ``documents`` are JSON values that the caller attached, by name; a model sees the names alone.
    """

    text: str
    agent: AgentName
    book: str | None
    as_of: str | None
    documents: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The question with what the caller fixed and attached, each on a line of its own."""
        lines = [self.text]
        if self.book is not None:
            lines.append(f"Book: {self.book}")
        if self.as_of is not None:
            lines.append(f"As of: {self.as_of}")
        lines += [f"Document: {name}" for name in self.documents]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one run.

    Eight calls cover every question of the tools' kind; three attempts at a turn tell bad luck
    from a model that cannot do it; a minute is as long as a person waits.
    """

    max_calls: int = 8
    max_attempts: int = 3
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """What a run produced; ``template`` is the final text with its references."""

    outcome: Outcome
    template: str
    calls: tuple[ToolCall, ...]
    turns: tuple[TurnTrace, ...]
    model_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A step worth showing while the answer is being prepared."""

    event: str
    tool: str
    detail: str


class Executor(Protocol):
    """Runs one requested call; never raises for what the model or the caller got wrong."""

    def execute(self, call_id: CallId, request: RequestedCall, question: Question) -> ToolCall:
        """Parse the arguments, ask policy, run the calculator."""


def _is_usable(turn: ModelTurn, tools: Sequence[AgentTool]) -> bool:
    """Whether a turn is a final text, or well-formed calls of tools that were offered."""
    if turn.final is not None:
        return bool(turn.final.strip())
    return bool(turn.calls) and all(is_well_formed(call, tools) for call in turn.calls)


def _classify(template: str, calls: list[ToolCall]) -> Outcome:
    """Tell an answer from asking back and from declining."""
    if calls:
        return Outcome.ANSWERED
    return Outcome.ASKED_BACK if template.rstrip().endswith("?") else Outcome.DECLINED


class _Run:
    """The state of one run."""

    def __init__(self, dialogue: Dialogue, tools: Sequence[AgentTool], limits: Limits) -> None:
        self._dialogue = dialogue
        self._tools = tools
        self._limits = limits
        self._deadline = time.monotonic() + limits.timeout_s
        self.turns: list[TurnTrace] = []
        self.calls: list[ToolCall] = []
        self.model_ms = 0.0

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self._deadline

    @property
    def is_over(self) -> bool:
        return len(self.calls) >= self._limits.max_calls or self.is_late

    def next_turn(self) -> ModelTurn | None:
        """The next turn; a model that asks again for what it has been told must now answer.

        Running the same call again would add nothing, and a model that repeats itself once
        repeats itself until the bound.
        """
        turn = self._usable_turn(may_call=True)
        if turn is None or not turn.calls or not all(map(self._is_repeated, turn.calls)):
            return turn
        return self._usable_turn(may_call=False)

    def _is_repeated(self, request: RequestedCall) -> bool:
        arguments = json.loads(request.arguments)
        return any(c.name == request.name and c.arguments == arguments for c in self.calls)

    def _usable_turn(self, *, may_call: bool) -> ModelTurn | None:
        """Sample until a turn can be used; None when the attempts or the time are spent.

        What comes too late does not count, however good it is.
        """
        for attempt in range(self._limits.max_attempts):
            started = time.perf_counter()
            turn = self._dialogue.next_turn(attempt=attempt, may_call=may_call)
            self.model_ms += (time.perf_counter() - started) * 1e3
            self.turns.append(turn.trace)
            if self.is_late:
                return None
            if _is_usable(turn, self._tools):
                return turn
        return None

    def finish(self, outcome: Outcome, template: str = "") -> AgentRun:
        return AgentRun(
            outcome=outcome,
            template=template,
            calls=tuple(self.calls),
            turns=tuple(self.turns),
            model_ms=round(self.model_ms),
        )


def run_agent(
    question: Question,
    *,
    model: LanguageModel,
    tools: Sequence[AgentTool],
    executor: Executor,
    limits: Limits,
    on_progress: Callable[[Progress], None],
    tenant: str,
    seed: int | None = None,
) -> AgentRun:
    """Put a question to an agent and return what came of it, unchecked.

    Only ``tools`` are offered and can be called; with a ``seed`` the model samples its turns.
    """
    dialogue = model.open(
        instructions=INSTRUCTIONS,
        tools=tools,
        user_message=question.message,
        tenant=tenant,
        seed=seed,
    )
    run = _Run(dialogue, tools, limits)
    while True:
        turn = run.next_turn()
        if turn is None:
            return run.finish(Outcome.LIMIT_REACHED if run.is_late else Outcome.MALFORMED)
        if turn.final is not None:
            return run.finish(_classify(turn.final, run.calls), turn.final)
        for request in turn.calls:
            if run.is_over:
                return run.finish(Outcome.LIMIT_REACHED)
            call_id = CallId(f"c{len(run.calls) + 1}")
            on_progress(Progress(event="tool", tool=request.name, detail=request.arguments))
            call = executor.execute(call_id, request, question)
            run.calls.append(call)
            dialogue.add_result(
                tool=request.name, arguments=request.arguments, payload=payload(call)
            )
