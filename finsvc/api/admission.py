"""Who may wait for the engine: many questions run, a bounded number waits, the rest is sent back.

Work runs in threads, which mostly wait for the engine's process; that batches what runs. A thread
cannot be stopped: a question that runs out of time is answered with an error, and goes on until its
decision is on record.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from finsvc.domain.errors import BusyError, TimedOutError, UnavailableError

T = TypeVar("T")

# Twice the sequences of one step of the CPU's engine: while half of them calculate, look up or
# write the log, steps stay full.
RUNNING_MAX = 64
# Weight of the latest interval in the mean that retry hints rest on.
_RECENT = 0.1


class Admission:
    """A bounded queue in front of worker threads."""

    def __init__(self, *, max_waiting: int, timeout_s: float) -> None:
        self._max_pending = RUNNING_MAX + max_waiting
        self._timeout_s = timeout_s
        self._executor = ThreadPoolExecutor(RUNNING_MAX, thread_name_prefix="finsvc-work")
        self._lock = threading.Lock()
        self._num_pending = 0
        self._is_closed = False
        self._finished_at: float | None = None
        self._interval_s = 0.0

    @property
    def num_waiting(self) -> int:
        """Questions that wait for a thread."""
        return max(0, self._num_pending - RUNNING_MAX)

    @property
    def num_running(self) -> int:
        """Questions being answered."""
        return min(RUNNING_MAX, self._num_pending)

    @property
    def retry_after_s(self) -> float:
        """Seconds in which those that wait now should have begun, from recent completions."""
        return self._interval_s * self.num_waiting

    @property
    def is_closed(self) -> bool:
        """Whether no more work is taken."""
        return self._is_closed

    @property
    def num_max(self) -> int:
        """Most questions at a time, running and waiting."""
        return self._max_pending

    @property
    def num_left(self) -> int:
        """Questions that would still be taken now."""
        return max(0, self._max_pending - self._num_pending)

    @property
    def is_full(self) -> bool:
        """Whether the next question would be sent back."""
        return self._num_pending >= self._max_pending

    def busy(self) -> BusyError:
        """Return what a question that is sent back is told."""
        return BusyError(
            f"expected at most {self._max_pending} questions at a time, got one more",
            retry_after_s=self.retry_after_s,
        )

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
            if self.is_full:
                raise self.busy()
            self._num_pending += 1
            future = self._executor.submit(copy_context().run, work)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: "Future[T]") -> None:
        now = time.monotonic()
        with self._lock:
            self._num_pending -= 1
            if self._finished_at is not None:
                latest = now - self._finished_at
                mean = self._interval_s or latest
                self._interval_s = mean + _RECENT * (latest - mean)
            self._finished_at = now
        # Read here, so that a failure after its caller gave up is not reported as never read.
        if not future.cancelled():
            future.exception()
