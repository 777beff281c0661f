"""Answers of agents in OpenAI's shapes: one document, or a stream of progress and then the answer.

Nothing of an answer is sent before its receipt exists: until then a stream carries progress only.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from finsvc.agents.catalogue import AgentName
from finsvc.agents.loop import Progress
from finsvc.api.context import ApiContext
from finsvc.api.failures import failure_event
from finsvc.api.sse import DONE, Finished, Idle, Relay, event, keep_alive, relay
from finsvc.services.decision import AskCommand, Decision, decision_to_json

AGENT_PREFIX = "finsvc/"
# Long answers come in pieces of this many characters, so that clients can show them as they come.
_PIECE_CHARACTERS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionHead:
    """What every chunk of one completion repeats; ``created`` in seconds since 1970."""

    completion_id: str
    created: int
    model: str
    fingerprint: str
    include_usage: bool = False

    def document(self, kind: str) -> dict[str, object]:
        """The fields that every document of the completion begins with."""
        return {
            "id": self.completion_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    def chunk(
        self,
        delta: Mapping[str, object],
        *,
        finish_reason: str | None = None,
        index: int = 0,
        logprobs: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """One chunk of a stream, about the choice of a number."""
        choice: dict[str, object] = {
            "index": index,
            "delta": dict(delta),
            "finish_reason": finish_reason,
        }
        if logprobs is not None:
            choice["logprobs"] = dict(logprobs)
        usage = {"usage": None} if self.include_usage else {}
        return {**self.document("chat.completion.chunk"), "choices": [choice], **usage}

    def usage_chunk(self, usage: Mapping[str, object]) -> dict[str, object]:
        """The last chunk of a stream that was asked for its usage."""
        document = self.document("chat.completion.chunk")
        return {**document, "choices": [], "usage": dict(usage)}


def agent_of(model: str) -> AgentName | None:
    """The agent behind a model's name, None for other models."""
    name = model.removeprefix(AGENT_PREFIX)
    return AgentName(name) if model != name and name in list(AgentName) else None


def ask_work(
    context: ApiContext, command: AskCommand
) -> Callable[[Callable[[Progress], None]], Decision]:
    """The blocking work of answering, traced and counted."""

    def work(on_progress: Callable[[Progress], None]) -> Decision:
        with context.telemetry.agent_call(command.agent.value) as span:
            decision = context.services.ask(command, on_progress)
            span.set_attribute("finsvc.verdict", decision.verdict.value)
        context.telemetry.decision(command.agent.value, decision)
        return decision

    return work


async def ask(context: ApiContext, command: AskCommand) -> Decision:
    """Answer without showing progress."""
    work = ask_work(context, command)
    return await context.admission.run(lambda: work(_ignore))


def progress_document(progress: Progress) -> dict[str, str]:
    """JSON form of a step."""
    return {"event": progress.event, "tool": progress.tool, "detail": progress.detail}


def completion_document(head: CompletionHead, decision: Decision) -> dict[str, object]:
    """A whole answer as a ChatCompletion, with its proof under ``finsvc``."""
    message: dict[str, object] = {
        "role": "assistant",
        "content": decision.answer,
        "refusal": None,
        "annotations": [],
    }
    proof = _proof(decision)
    return {
        **head.document("chat.completion"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": proof.pop("usage"),
        "finsvc": proof,
    }


async def completion_events(
    context: ApiContext, command: AskCommand, head: CompletionHead
) -> AsyncIterator[bytes]:
    """Answer as a stream of chunks.

    The first event is produced only once the question has been accepted, so that a refusal is an
    HTTP error and no stream.
    """
    steps = relay(context.admission, ask_work(context, command))
    has_sent = has_role = False
    try:
        async for step in steps:
            if isinstance(step, Idle):
                has_sent = True
                yield keep_alive()
                continue
            if not has_role:
                has_sent = has_role = True
                yield event(head.chunk({"role": "assistant", "content": ""}))
            if isinstance(step, Finished):
                for chunk in _answer_chunks(head, step.value):
                    yield event(chunk)
            else:
                progress = {"progress": progress_document(step)}
                yield event({**head.chunk({"content": ""}), "finsvc": progress})
    except Exception as error:
        if not has_sent:
            raise
        yield failure_event(error, request_id=command.request_id)
        return
    yield DONE


async def run_events(context: ApiContext, command: AskCommand) -> AsyncIterator[bytes]:
    """Answer as events ``progress``, then ``decision`` or ``error``."""
    steps: Relay[Progress, Decision] = relay(context.admission, ask_work(context, command))
    has_sent = False
    try:
        async for step in steps:
            has_sent = True
            if isinstance(step, Idle):
                yield keep_alive()
            elif isinstance(step, Finished):
                yield event(decision_to_json(step.value), name="decision")
            else:
                yield event(progress_document(step), name="progress")
    except Exception as error:
        if not has_sent:
            raise
        yield failure_event(error, request_id=command.request_id, name="error")


def _answer_chunks(head: CompletionHead, decision: Decision) -> list[dict[str, object]]:
    proof = _proof(decision)
    usage = proof.pop("usage")
    answer = decision.answer
    pieces = [
        answer[start : start + _PIECE_CHARACTERS]
        for start in range(0, len(answer), _PIECE_CHARACTERS)
    ]
    chunks = [head.chunk({"content": piece}) for piece in pieces]
    chunks.append({**head.chunk({}, finish_reason="stop"), "finsvc": proof})
    if head.include_usage and isinstance(usage, Mapping):
        chunks.append(head.usage_chunk(usage))
    return chunks


def _proof(decision: Decision) -> dict[str, object]:
    """Everything of a decision but the answer itself."""
    document = decision_to_json(decision)
    del document["answer"]
    return document


def _ignore(progress: Progress) -> None:
    """Drop a step that nobody watches."""
