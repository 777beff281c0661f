"""Plain completions in OpenAI's shapes: one document, or a stream of text as it is sampled."""

import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from finsvc.api.agent_completion import CompletionHead
from finsvc.api.context import ApiContext
from finsvc.api.failures import failure_event
from finsvc.api.sse import DONE, Finished, Idle, Relay, event, keep_alive, relay
from finsvc.services.chat import (
    Candidate,
    ChatCommand,
    ChatIntent,
    ChatResult,
    ChatToolCall,
    FinishReason,
    RawTurn,
)

_Step = ChatIntent | str


async def complete(
    context: ApiContext, command: ChatCommand, head: CompletionHead
) -> dict[str, object]:
    """Complete a conversation and return the ChatCompletion."""
    chat = context.services.chat
    has_left = threading.Event()

    def work() -> ChatResult:
        return chat.complete(chat.begin(command), lambda _: None, has_left.is_set)

    try:
        result = await context.admission.run(work)
    finally:
        # After a time-out nobody waits for the rest, so the engine is freed.
        has_left.set()
    return _document(replace(head, completion_id=result.completion_id), result)


async def complete_events(
    context: ApiContext, command: ChatCommand, head: CompletionHead
) -> AsyncIterator[bytes]:
    """Complete a conversation as a stream of chunks.

    The first event follows the durable intent, the last ones the closing record. A caller who
    leaves ends the sampling; what was sampled is on record.
    """
    has_left = threading.Event()
    steps: Relay[_Step, ChatResult] = relay(
        context.admission, _work(context, command, has_left.is_set)
    )
    has_sent = False
    try:
        async for step in steps:
            has_sent = True
            if isinstance(step, ChatIntent):
                head = replace(head, completion_id=step.completion_id)
                yield event(head.chunk({"role": "assistant", "content": ""}))
            elif isinstance(step, Finished):
                for chunk in _closing_chunks(head, step.value):
                    yield event(chunk)
            elif isinstance(step, Idle):
                yield keep_alive()
            else:
                yield event(head.chunk({"content": step}))
    except Exception as error:
        if not has_sent:
            raise
        yield failure_event(error, request_id=command.request_id)
        return
    finally:
        has_left.set()
    yield DONE


def _work(
    context: ApiContext, command: ChatCommand, is_cancelled: Callable[[], bool]
) -> Callable[[Callable[[_Step], None]], ChatResult]:
    def work(post: Callable[[_Step], None]) -> ChatResult:
        intent = context.services.chat.begin(command)
        post(intent)
        return context.services.chat.complete(intent, post, is_cancelled)

    return work


def _document(head: CompletionHead, result: ChatResult) -> dict[str, object]:
    turn = result.turn
    message: dict[str, object] = {
        "role": "assistant",
        "content": turn.content,
        "refusal": None,
    }
    if turn.calls:
        message["tool_calls"] = [_call(call) for call in turn.calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(turn),
        "finish_reason": _finish_reason(turn),
    }
    return {
        **head.document("chat.completion"),
        "choices": [choice],
        "usage": _usage(turn),
        "finsvc": _proof(result),
    }


def _closing_chunks(head: CompletionHead, result: ChatResult) -> list[dict[str, object]]:
    turn = result.turn
    chunks = [
        head.chunk({"tool_calls": [{"index": index, **_call(call)}]})
        for index, call in enumerate(turn.calls)
    ]
    last = head.chunk({}, finish_reason=_finish_reason(turn))
    chunks.append({**last, "finsvc": _proof(result)})
    if head.include_usage:
        chunks.append(head.usage_chunk(_usage(turn)))
    return chunks


def _call(call: ChatToolCall) -> dict[str, object]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _finish_reason(turn: RawTurn) -> str:
    # OpenAI has no word for a caller who left; nobody reads this chunk then.
    is_cut = turn.finish_reason is FinishReason.CANCELLED
    return (FinishReason.STOP if is_cut else turn.finish_reason).value


def _usage(turn: RawTurn) -> dict[str, object]:
    prompt, sampled = len(turn.trace.prompt_ids), len(turn.trace.token_ids)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": sampled,
        "total_tokens": prompt + sampled,
        "prompt_tokens_details": {"cached_tokens": turn.trace.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
    }


def _logprobs(turn: RawTurn) -> dict[str, object] | None:
    if not turn.logprobs:
        return None
    content = [
        {**_candidate(item.chosen), "top_logprobs": [_candidate(other) for other in item.top]}
        for item in turn.logprobs
    ]
    return {"content": content, "refusal": None}


def _candidate(item: Candidate) -> dict[str, object]:
    return {
        "token": item.data.decode("utf-8", "replace"),
        "logprob": item.logprob,
        "bytes": list(item.data),
    }


def _proof(result: ChatResult) -> dict[str, object]:
    return {
        "verdict": result.verdict.value,
        "receipt": dict(result.receipt),
        "repairs": list(result.turn.repairs),
    }
