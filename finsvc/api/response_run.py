"""One response at work: sampled or asked for in a thread, written down, kept, and streamed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from finsvc.api.agent_completion import ask_work
from finsvc.api.context import ApiContext
from finsvc.api.error_map import to_answer
from finsvc.api.failures import log_failure
from finsvc.api.raw_completion import proof_of
from finsvc.api.response_writer import Event, Outcome, ResponseWriter
from finsvc.api.sse import Finished, Idle, Relay, event, keep_alive, relay
from finsvc.api.token_choices import logprob_items
from finsvc.domain.policy import Principal
from finsvc.services.chat import ChatCommand, ChatResult, RawTurn
from finsvc.services.conversation import FinishReason, TextKind, TextPiece
from finsvc.services.decision import AskCommand, Decision, decision_to_json
from finsvc.services.responses import StoredResponse

Post = Callable[[list[Event]], None]


@dataclass(kw_only=True)
class ResponseRun:
    """A response that is asked for; ``head`` is what its document says from the begin.

    Attributes:
        command: Of a raw model or an agent.
        input_items: What it answers, to be kept with it.
        is_kept: Whether it is kept when it has ended.
        stop: Ends the sampling; set when nobody waits any more.
        writer: Once the response has an identifier.
        has_failed: Whether it was given up; what its thread still makes is not kept.
    """

    context: ApiContext
    command: ChatCommand | AskCommand
    head: Mapping[str, object]
    input_items: tuple[Mapping[str, object], ...]
    is_kept: bool
    stop: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False
    writer: ResponseWriter | None = None
    has_failed: bool = False

    def __call__(self, post: Post) -> Mapping[str, object]:
        """Do the work; blocks. The document of the response when it has ended and is kept.

        Raises:
            FinsvcError: It could not be begun, or the model failed.
        """
        if isinstance(self.command, AskCommand):
            events = self._ask(self.command, post)
        else:
            events = self._complete(self.command, post)
        if self.writer is None:
            return {}
        if not self.has_failed:
            self._keep(self.writer.document)
        post(events)
        return self.writer.document

    def cancel(self) -> None:
        """Ask the model to stop; the response ends as cancelled."""
        self.is_cancelled = True
        self.stop.set()

    @property
    def principal(self) -> Principal:
        """Whose response it is."""
        return self.command.principal

    def failed(self, error: Exception) -> list[Event]:
        """The events of a failure in mid-stream; what failed is on record, but not kept."""
        log_failure(error, request_id=self.command.request_id)
        writer = self.writer or ResponseWriter(self.head, self.context.services.clock.new_id)
        return writer.fail(to_answer(error).error)

    def give_up(self, error: Exception) -> None:
        """Keep that it failed: whoever asked learns it by asking again."""
        self.has_failed = True
        self.failed(error)
        if self.writer is not None:
            self._keep(self.writer.document)

    def _complete(self, command: ChatCommand, post: Post) -> list[Event]:
        chat = self.context.services.chat
        intent = chat.begin(command, prefix="resp")
        writer = self._begin(intent.completion_id, post)
        result = chat.complete(intent, lambda _, piece: post(writer.add(piece)), self.stop.is_set)
        outcome = _outcome(result, is_cancelled=self.is_cancelled)
        return writer.finish(outcome, at=self._now())

    def _ask(self, command: AskCommand, post: Post) -> list[Event]:
        work = ask_work(self.context, command)
        decision = work(lambda _: None)
        writer = self._begin(self.context.services.clock.new_id("resp"), post)
        post(writer.add(TextPiece(kind=TextKind.ANSWER, text=decision.answer)))
        return writer.finish(_decided(decision), at=self._now())

    def _begin(self, response_id: str, post: Post) -> ResponseWriter:
        head = {"id": response_id, **self.head}
        self.writer = ResponseWriter(head, self.context.services.clock.new_id)
        self.context.running[response_id] = self
        post(self.writer.begin())
        return self.writer

    def _keep(self, document: Mapping[str, object]) -> None:
        if not self.is_kept:
            return
        previous = document["previous_response_id"]
        self.context.responses.keep(
            StoredResponse(
                response_id=str(document["id"]),
                owner=self.principal.id,
                created_at=int(str(document["created_at"])),
                previous_id=None if previous is None else str(previous),
                document=document,
                input_items=self.input_items,
            )
        )

    def _now(self) -> int:
        return int(self.context.services.clock.now().timestamp())

    def end(self) -> None:
        """Nobody waits any more: what still runs is ended."""
        self.stop.set()
        if self.writer is not None:
            self.context.running.pop(str(self.writer.document["id"]), None)


async def respond(run: ResponseRun) -> Mapping[str, object]:
    """Run to the end and return the document."""
    try:
        return await run.context.admission.run(lambda: run(lambda _: None))
    finally:
        run.end()


async def respond_later(run: ResponseRun) -> Mapping[str, object]:
    """Run on after the caller has gone; the document as it is once the intent is on record.

    Raises:
        Exception: Whatever failed before that.
    """
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    def post(events: list[Event]) -> None:
        loop.call_soon_threadsafe(begun.set)

    async def work() -> None:
        try:
            await run.context.admission.run(lambda: run(post))
        except Exception as error:
            if not begun.is_set():
                raise
            await asyncio.to_thread(run.give_up, error)
        finally:
            run.end()

    task = asyncio.create_task(work())
    # The loop itself holds tasks weakly.
    run.context.background.add(task)
    task.add_done_callback(run.context.background.discard)
    waiting = asyncio.create_task(begun.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not begun.is_set():
        await task
    return {} if run.writer is None else dict(run.writer.document)


async def response_events(run: ResponseRun) -> AsyncIterator[bytes]:
    """Run as a stream of events; what fails before the first one is an HTTP error."""
    steps: Relay[list[Event], Mapping[str, object]] = relay(run.context.admission, run)
    has_sent = False
    try:
        async for step in steps:
            if isinstance(step, Finished):
                continue
            has_sent = True
            if isinstance(step, Idle):
                yield keep_alive()
            else:
                for item in step:
                    yield event(item, name=str(item["type"]))
    except Exception as error:
        if not has_sent:
            raise
        for item in run.failed(error):
            yield event(item, name=str(item["type"]))
    finally:
        run.end()


def _outcome(result: ChatResult, *, is_cancelled: bool) -> Outcome:
    (turn,) = result.turns
    status = "incomplete" if turn.finish_reason is FinishReason.LENGTH else "completed"
    # A caller who left has cancelled too.
    is_cut = is_cancelled or turn.finish_reason is FinishReason.CANCELLED
    return Outcome(
        status="cancelled" if is_cut else status,
        calls=turn.calls,
        logprobs=logprob_items(turn.logprobs),
        usage=_usage(turn),
        proof=proof_of(result),
    )


def _usage(turn: RawTurn) -> dict[str, object]:
    return _counts(
        len(turn.trace.prompt_ids),
        turn.trace.cached_tokens,
        len(turn.trace.token_ids),
        turn.reasoning_tokens,
    )


def _decided(decision: Decision) -> Outcome:
    usage = decision.usage
    document = decision_to_json(decision)
    del document["answer"], document["usage"]
    return Outcome(
        status="completed",
        calls=(),
        logprobs=[],
        # Agents answer without reasoning.
        usage=_counts(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, 0),
        proof=document,
    )


def _counts(prompt: int, cached: int, sampled: int, reasoning: int) -> dict[str, object]:
    return {
        "input_tokens": prompt,
        # Writing to the cache costs nothing here and is not counted.
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": sampled,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + sampled,
    }
