"""Streams: order, keep-alive, callers who leave, shutdown."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from typing import cast

import pytest

from finsvc.api import sse
from finsvc.api.admission import RUNNING_MAX, Admission
from finsvc.api.agent_completion import CompletionHead
from finsvc.api.context import ApiContext
from finsvc.api.raw_completion import complete_events
from finsvc.api.sse import Finished, Idle, relay
from finsvc.domain.errors import BusyError, InputError, UnavailableError
from finsvc.domain.policy import Principal
from finsvc.services.chat import (
    ChatCommand,
    ChatMessage,
    ChatOptions,
    ChatRole,
    OnText,
    RawPrompt,
    RawTurn,
)
from finsvc.services.conversation import TextKind, TextPiece
from finsvc.services.ports import RecordKind
from tests.finsvc.api.fakes import World


def admission(*, max_waiting: int = 4) -> Admission:
    return Admission(max_waiting=max_waiting, timeout_s=10)


def test_relay_yields_in_order_and_ends_with_the_result() -> None:
    async def collect() -> list[object]:
        def work(post: Callable[[int], None]) -> str:
            for number in range(100):
                post(number)
            return "done"

        return [item async for item in relay(admission(), work)]

    items = asyncio.run(collect())
    assert items == [*range(100), Finished("done")]


def test_relay_raises_after_what_was_posted() -> None:
    seen: list[object] = []

    async def collect() -> None:
        def work(post: Callable[[int], None]) -> str:
            post(1)
            raise InputError(field="a", expected="b", actual="c")

        async for item in relay(admission(), work):
            seen.append(item)

    with pytest.raises(InputError):
        asyncio.run(collect())
    assert seen == [1]


def test_relay_tells_when_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.01)
    gate = threading.Event()

    async def first() -> object:
        def work(post: Callable[[int], None]) -> None:
            gate.wait(10)

        steps = relay(admission(), work)
        try:
            return await anext(steps)
        finally:
            gate.set()
            await cast("AsyncGenerator[object]", steps).aclose()

    assert isinstance(asyncio.run(first()), Idle)
    assert sse.keep_alive().startswith(b":")


def test_caller_who_leaves_ends_the_sampling_and_the_record_is_closed(world: World) -> None:
    ended = threading.Event()
    asked: list[bool] = []
    sample = world.raw.run

    def endless(prompt: RawPrompt, on_text: OnText, is_cancelled: Callable[[], bool]) -> RawTurn:
        on_text(TextPiece(kind=TextKind.ANSWER, text="begin"))
        while not is_cancelled():
            ended.wait(0.005)
        asked.append(True)
        return sample(prompt, on_text, is_cancelled)

    world.raw.run = endless  # type: ignore[method-assign]
    line = admission()
    context = ApiContext(services=world.services, admission=line, telemetry=world.telemetry)
    command = ChatCommand(
        model="embedded",
        messages=(ChatMessage(role=ChatRole.USER, content="x"),),
        tools=(),
        options=ChatOptions(),
        principal=Principal(id="p", roles=frozenset({"model:raw"})),
        request_id="r",
    )
    head = CompletionHead(completion_id="", created=0, model="embedded", fingerprint="f")

    async def leave() -> None:
        events = cast("AsyncGenerator[bytes]", complete_events(context, command, head))
        await anext(events)
        await anext(events)
        await events.aclose()

    asyncio.run(leave())
    line.close()
    assert asked == [True]
    assert world.services.log.items[-1].kind is RecordKind.COMPLETION


def test_shutdown_drops_what_waits_and_finishes_what_runs() -> None:
    line = admission()
    gate = threading.Event()

    def work() -> str:
        gate.wait(10)
        return "done"

    async def shut_down() -> list[object]:
        tasks = [asyncio.create_task(line.run(work)) for _ in range(RUNNING_MAX + 2)]
        await asyncio.sleep(0.05)
        assert (line.num_running, line.num_waiting) == (RUNNING_MAX, 2)
        closing = asyncio.create_task(asyncio.to_thread(line.close))
        await asyncio.sleep(0.05)
        gate.set()
        await closing
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(shut_down())
    assert results[:RUNNING_MAX] == ["done"] * RUNNING_MAX
    assert all(isinstance(item, UnavailableError) for item in results[RUNNING_MAX:])
    assert line.num_waiting == 0


def test_refused_work_is_told_when_those_that_wait_should_have_begun() -> None:
    line = admission(max_waiting=1)
    gate = threading.Event()

    async def fill() -> float:
        for _ in range(3):
            await line.run(lambda: time.sleep(0.02))
        held = [
            asyncio.create_task(line.run(lambda: gate.wait(10))) for _ in range(RUNNING_MAX + 1)
        ]
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError) as caught:
            await line.run(lambda: None)
        gate.set()
        await asyncio.gather(*held)
        return caught.value.retry_after_s

    # One waits, and one is done about every 20 ms.
    assert 0.02 <= asyncio.run(fill()) < 1.0
    line.close()


def test_caller_who_leaves_while_waiting_gives_the_place_back() -> None:
    line = admission(max_waiting=1)
    gate = threading.Event()

    async def leave() -> int:
        running = [asyncio.create_task(line.run(lambda: gate.wait(10))) for _ in range(RUNNING_MAX)]
        waiting = asyncio.create_task(line.run(lambda: gate.wait(10)))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        num_waiting = line.num_waiting
        gate.set()
        await asyncio.gather(*running)
        return num_waiting

    assert asyncio.run(leave()) == 0
    line.close()
