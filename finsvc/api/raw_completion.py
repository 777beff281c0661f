"""Plain completions in OpenAI's shapes: one document, or a stream of text as it is sampled.

A stream carries the answer as it grows, and with each text the log-probabilities of its tokens. A
call leaves once it is whole, since only then it counts.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from finsvc.api.agent_completion import CompletionHead
from finsvc.api.context import ApiContext
from finsvc.api.failures import failure_event
from finsvc.api.sse import DONE, Finished, Idle, Relay, event, keep_alive, relay
from finsvc.api.token_choices import logprob_items
from finsvc.services.chat import ChatCommand, ChatIntent, ChatResult, RawTurn
from finsvc.services.conversation import (
    ChatToolCall,
    FinishReason,
    TextKind,
    TextPiece,
    TokenChoice,
)

# Arguments come in pieces of this many characters.
_PIECE_CHARACTERS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicePiece:
    """More text of the choice of a number."""

    index: int
    piece: TextPiece


Step = ChatIntent | ChoicePiece


async def complete(
    context: ApiContext, command: ChatCommand, head: CompletionHead
) -> dict[str, object]:
    """Complete a conversation and return the ChatCompletion."""
    chat = context.services.chat
    has_left = threading.Event()

    def work() -> ChatResult:
        return chat.complete(chat.begin(command), ignore_piece, has_left.is_set)

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
    steps: Relay[Step, ChatResult] = relay(
        context.admission, completion_work(context, command, has_left.is_set)
    )
    has_sent = False
    # Of each choice, how many tokens have been shown.
    shown = [0] * command.options.choices
    try:
        async for step in steps:
            has_sent = True
            if isinstance(step, ChatIntent):
                head = replace(head, completion_id=step.completion_id)
                for index in range(command.options.choices):
                    yield event(head.chunk({"role": "assistant", "content": ""}, index=index))
            elif isinstance(step, Finished):
                for chunk in _closing_chunks(head, step.value, shown):
                    yield event(chunk)
            elif isinstance(step, Idle):
                yield keep_alive()
            elif step.piece.kind is TextKind.ANSWER:
                piece = step.piece
                shown[step.index] += len(piece.logprobs)
                logprobs = _logprobs(piece.logprobs)
                yield event(
                    head.chunk({"content": piece.text}, index=step.index, logprobs=logprobs)
                )
    except Exception as error:
        if not has_sent:
            raise
        yield failure_event(error, request_id=command.request_id)
        return
    finally:
        has_left.set()
    yield DONE


def completion_work(
    context: ApiContext,
    command: ChatCommand,
    is_cancelled: Callable[[], bool],
    *,
    prefix: str = "chatcmpl",
) -> Callable[[Callable[[Step], None]], ChatResult]:
    """The blocking work of a completion, which posts its intent and then its text."""

    def work(post: Callable[[Step], None]) -> ChatResult:
        chat = context.services.chat
        intent = chat.begin(command, prefix=prefix)
        post(intent)

        def on_piece(index: int, piece: TextPiece) -> None:
            post(ChoicePiece(index=index, piece=piece))

        return chat.complete(intent, on_piece, is_cancelled)

    return work


def ignore_piece(index: int, piece: TextPiece) -> None:
    """Drop text that nobody watches."""


def finish_reason_of(turn: RawTurn) -> FinishReason:
    """Why a turn ended; OpenAI has no word for a caller who left, and nobody reads it then."""
    is_cut = turn.finish_reason is FinishReason.CANCELLED
    return FinishReason.STOP if is_cut else turn.finish_reason


def _document(head: CompletionHead, result: ChatResult) -> dict[str, object]:
    return {
        **head.document("chat.completion"),
        "choices": [_choice(index, turn) for index, turn in enumerate(result.turns)],
        "usage": _usage(result.turns),
        "finsvc": proof_of(result),
    }


def _choice(index: int, turn: RawTurn) -> dict[str, object]:
    message: dict[str, object] = {
        "role": "assistant",
        "content": turn.content,
        "refusal": None,
        "annotations": [],
    }
    if turn.calls:
        message["tool_calls"] = [_call(call) for call in turn.calls]
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(turn.logprobs),
        "finish_reason": finish_reason_of(turn).value,
    }


def _closing_chunks(
    head: CompletionHead, result: ChatResult, shown: Sequence[int]
) -> Iterator[Mapping[str, object]]:
    last = len(result.turns) - 1
    for index, turn in enumerate(result.turns):
        for delta in _call_deltas(turn):
            yield head.chunk(delta, index=index)
        # Tokens whose text a stop sequence cut off.
        rest = _logprobs(turn.logprobs[shown[index] :])
        if rest is not None:
            yield head.chunk({"content": ""}, index=index, logprobs=rest)
        chunk = head.chunk({}, index=index, finish_reason=finish_reason_of(turn).value)
        yield {**chunk, "finsvc": proof_of(result)} if index == last else chunk
    if head.include_usage:
        yield head.usage_chunk(_usage(result.turns))


def _call_deltas(turn: RawTurn) -> Iterator[dict[str, object]]:
    for number, call in enumerate(turn.calls):
        begun = {"index": number, **_call(replace(call, arguments=""))}
        yield {"tool_calls": [begun]}
        for start in range(0, len(call.arguments), _PIECE_CHARACTERS):
            piece = call.arguments[start : start + _PIECE_CHARACTERS]
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _call(call: ChatToolCall) -> dict[str, object]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _usage(turns: tuple[RawTurn, ...]) -> dict[str, object]:
    # All choices continue one prompt; of its tokens those count as cached that the first one found.
    first = turns[0].trace
    prompt = len(first.prompt_ids)
    sampled = sum(len(turn.trace.token_ids) for turn in turns)
    reasoning = sum(turn.reasoning_tokens for turn in turns)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": sampled,
        "total_tokens": prompt + sampled,
        "prompt_tokens_details": {"cached_tokens": first.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _logprobs(choices: tuple[TokenChoice, ...]) -> dict[str, object] | None:
    return {"content": logprob_items(choices), "refusal": None} if choices else None


def proof_of(result: ChatResult) -> dict[str, object]:
    """What stands for a completion beside OpenAI's fields: verdict, receipt, repairs."""
    repairs = dict.fromkeys(repair for turn in result.turns for repair in turn.repairs)
    return {
        "verdict": result.verdict.value,
        "receipt": dict(result.receipt),
        "repairs": list(repairs),
    }
