"""Server-sent events, and values on their way from a worker thread to the event loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi.responses import StreamingResponse

from finsvc.api.admission import Admission

T = TypeVar("T")
R = TypeVar("R")

# Proxies cut connections that are silent for half a minute or more.
KEEP_ALIVE_S = 15.0
_KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Finished(Generic[R]):
    """The last value of a relay: what the work returned."""

    value: R


class Idle:
    """Nothing happened for a while."""


Relay = AsyncIterator[T | Finished[R] | Idle]


def event(document: Mapping[str, object], *, name: str | None = None) -> bytes:
    """Encode one event."""
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {data}\n\n".encode()


def keep_alive() -> bytes:
    """Encode a comment, which clients skip."""
    return _KEEP_ALIVE


def stream_response(events: AsyncIterator[bytes]) -> StreamingResponse:
    """Answer with events; proxies are asked not to collect them."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def relay(admission: Admission, work: Callable[[Callable[[T], None]], R]) -> Relay[T, R]:
    """Run work in a thread and yield what it posts, then what it returns.

    Raises:
        Exception: Whatever the work raised, after everything it had posted.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[T | None] = asyncio.Queue()

    def post(item: T) -> None:
        # Nobody listens once the loop is closed; the work must still reach its record.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, item)

    task = asyncio.create_task(admission.run(lambda: work(post)))
    # The thread posts through the loop in order, so this end comes after all it posted.
    task.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while True:
            try:
                item = await asyncio.wait_for(queue.get(), KEEP_ALIVE_S)
            except TimeoutError:
                yield Idle()
                continue
            if item is None:
                break
            yield item
        yield Finished(await task)
    finally:
        # The caller left: the thread goes on until its record is written, nobody waits for it.
        if task.done() and not task.cancelled():
            task.exception()
        task.cancel()
