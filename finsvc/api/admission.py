"""Who may wait for the engine: a few questions run, a bounded number waits, the rest is sent back.

Work runs in threads, since answering blocks and computes. A thread cannot be stopped: a question
that runs out of time is answered with an error, and goes on until its decision is on record.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from finsvc.domain.errors import BusyError, TimedOutError, UnavailableError

T = TypeVar("T")

# The engine runs one turn at a time; the others of four calculate, look up or write the log.
RUNNING_MAX = 4


class Admission:
    """A bounded queue in front of worker threads."""

    def __init__(self, *, max_waiting: int, timeout_s: float) -> None:
        self._max_pending = RUNNING_MAX + max_waiting
        self._timeout_s = timeout_s
        self._executor = ThreadPoolExecutor(RUNNING_MAX, thread_name_prefix="finsvc-work")
        self._lock = threading.Lock()
        self._num_pending = 0
        self._is_closed = False

    @property
    def num_waiting(self) -> int:
        """Questions that wait for a thread."""
        return max(0, self._num_pending - RUNNING_MAX)

    @property
    def num_running(self) -> int:
        """Questions being answered."""
        return min(RUNNING_MAX, self._num_pending)

    @property
    def is_closed(self) -> bool:
        """Whether no more work is taken."""
        return self._is_closed

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking work in a thread, the caller's context with it.

        Raises:
            BusyError: Too many wait already.
            TimedOutError: Waiting and running took too long.
            UnavailableError: The service is shutting down.
        """
        future = self._submit(work)
        try:
            return await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(future)), self._timeout_s
            )
        except TimeoutError as error:
            future.cancel()
            raise TimedOutError(
                f"expected an answer within {self._timeout_s:.0f} s, got none"
            ) from error
        except asyncio.CancelledError as error:
            if future.cancelled():
                raise UnavailableError("the service is shutting down") from error
            # Its caller left: what waits need not run, what runs ends with its record.
            future.cancel()
            raise

    def close(self) -> None:
        """Take no more work, drop what waits and finish what runs."""
        self._is_closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _submit(self, work: Callable[[], T]) -> "Future[T]":
        with self._lock:
            if self._is_closed:
                raise UnavailableError("the service is shutting down")
            if self._num_pending >= self._max_pending:
                raise BusyError(
                    f"expected at most {self._max_pending} questions at a time, got one more"
                )
            self._num_pending += 1
            future = self._executor.submit(copy_context().run, work)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: "Future[T]") -> None:
        with self._lock:
            self._num_pending -= 1
        # Read here, so that a failure after its caller gave up is not reported as never read.
        if not future.cancelled():
            future.exception()
