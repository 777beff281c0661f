"""The loop of an engine: a scheduler, a runner, and the turns they take.

Callers submit requests from any thread; one thread at a time drives a step. Reports of what a step
drew go to whoever submitted, through a callback that must not block.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from engine.job import FailureEvent, JobEvent, Terms
from engine.runner import PagedRunner
from engine.scheduler import Scheduler, SchedulerLimits, SchedulerStats
from engine.types import GenerationRequest, TokenMask

OnEvent = Callable[[JobEvent], None]


class EngineCore:
    """Runs the requests of many callers in shared steps."""

    def __init__(
        self,
        runner: PagedRunner,
        limits: SchedulerLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Serve requests with `runner`; `clock` counts the seconds of deadlines."""
        self._runner = runner
        self._scheduler = Scheduler(
            runner.limits, limits, clock=clock, can_resume=runner.can_resume
        )
        self._listeners: dict[int, OnEvent] = {}
        self._changed = threading.Condition()
        self._is_stepping = False

    @property
    def has_work(self) -> bool:
        """Whether a request waits or runs."""
        with self._changed:
            return self._scheduler.has_work

    @property
    def is_ready(self) -> bool:
        """Whether the runner would run a step."""
        return self._runner.is_ready

    def stats(self) -> SchedulerStats:
        """Return the scheduler's counts."""
        with self._changed:
            return self._scheduler.stats()

    def submit(
        self,
        request: GenerationRequest,
        on_event: OnEvent,
        *,
        terms: Terms | None = None,
        mask: TokenMask | None = None,
    ) -> int:
        """Queue a checked request and return its number; see `Scheduler.submit` for errors.

        `on_event` is called by the thread that drives the step, which waits for it.
        """
        with self._changed:
            job_id = self._scheduler.submit(request, terms=terms, mask=mask)
            self._listeners[job_id] = on_event
            self._changed.notify_all()
        return job_id

    def cancel(self, job_id: int) -> None:
        """Drop a request; it reports nothing more."""
        with self._changed:
            self._scheduler.cancel(job_id)
            self._listeners.pop(job_id, None)

    def close(self) -> None:
        """Take no more requests; those that are here go on."""
        with self._changed:
            self._scheduler.close()
            self._changed.notify_all()

    def wait_for_work(self, timeout_s: float) -> bool:
        """Wait until there is something to do or the end has come; return whether there is."""
        scheduler = self._scheduler
        with self._changed:
            self._changed.wait_for(lambda: scheduler.has_work or scheduler.is_closed, timeout_s)
            return scheduler.has_work

    def drive(self, is_done: Callable[[], bool]) -> None:
        """Drive steps, or wait while another thread does, until `is_done` or one step is over."""
        with self._changed:
            if self._is_stepping:
                self._changed.wait_for(lambda: is_done() or not self._is_stepping)
                return
            self._is_stepping = True
        try:
            if not is_done():
                self.step()
        finally:
            with self._changed:
                self._is_stepping = False
                self._changed.notify_all()

    def step(self) -> None:
        """Run one step and report it; for one thread at a time."""
        with self._changed:
            events = self._scheduler.expire()
            plan = self._scheduler.plan()
        if plan is not None:
            for source, target in plan.copies:
                self._runner.copy_page(source, target)
            outcomes = self._runner.run(plan.feeds)
            with self._changed:
                events += self._scheduler.apply(plan, outcomes)
        for event in events:
            self._report(event)

    def _report(self, event: JobEvent) -> None:
        is_last = isinstance(event, FailureEvent) or event.finish is not None
        with self._changed:
            listener = (
                self._listeners.pop(event.job_id, None)
                if is_last
                else self._listeners.get(event.job_id)
            )
        # A caller that has left listens no more.
        if listener is not None:
            listener(event)
