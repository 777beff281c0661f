"""Which tokens of which requests the next step of the network takes: continuous batching.

Free of tensors: it plans `engine.runner.Feed`s and takes in what they drew. A step holds one token
of every request that is writing its answer and chunks of the prompts that are still being read, so
that long prompts delay nobody's next token for long. Requests are served by priority, then in the
order of arrival. Where places or pages run out, the last in that order is preempted: it keeps its
tokens, and its keys and values stay findable until the pages are needed. Nothing of this changes a
token (`engine.runner`). Not thread-safe.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.errors import (
    ContextLengthError,
    DeadlineError,
    EngineError,
    EngineStoppedError,
    QueueFullError,
)
from engine.job import FailureEvent, Job, JobEvent, Terms, TokenEvent
from engine.pace import Pace
from engine.pages import CanResume, PageTable
from engine.runner import Draw, Drawn, Feed, Outcome, RunnerLimits, WindowLost
from engine.types import FinishReason, GenerationRequest, TokenMask


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerLimits:
    """Bounds of the queue and of a step.

    Attributes:
        waiting_max: Requests that may wait; more are refused.
        chunk_tokens: Prompt tokens of one step, beside one token for each request that writes.
        kept_pages_max: Pages kept for later prompts; all that are not in use by default.
    """

    waiting_max: int = 256
    chunk_tokens: int = 256
    kept_pages_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One step: page copies first, in order, then the feeds."""

    copies: tuple[tuple[int, int], ...]
    feeds: tuple[Feed, ...]
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStats:
    """Counts since the start, and what is the case now."""

    num_running: int
    num_waiting: int
    pages_used: int
    num_pages: int
    num_preemptions: int
    prompt_tokens: int
    cached_tokens: int
    drawn_tokens: int
    num_finished: int
    num_refused: int


class Scheduler:
    """Requests, their pages and their order.

    Attributes:
        pages: Owners and content of all pages.
    """

    def __init__(
        self,
        runner: RunnerLimits,
        limits: SchedulerLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        can_resume: CanResume | None = None,
    ) -> None:
        """Plan for a runner of which `runner` fits; `clock` counts seconds."""
        self._runner = runner
        self._limits = limits or SchedulerLimits()
        self._clock = clock
        self._can_resume = can_resume
        self.pages = PageTable(
            num_pages=runner.num_pages,
            page_tokens=runner.page_tokens,
            kept_max=self._limits.kept_pages_max,
        )
        self._jobs: dict[int, Job] = {}
        # Both in the order of service.
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._copies: list[tuple[int, int]] = []
        self._num_arrived = 0
        self._is_closed = False
        self._pace = Pace()
        self._counts = dict.fromkeys(("preempted", "prompt", "cached", "drawn", "refused"), 0)

    @property
    def has_work(self) -> bool:
        """Whether a request waits or runs."""
        return bool(self._jobs)

    @property
    def is_closed(self) -> bool:
        """Whether no more requests are taken."""
        return self._is_closed

    @property
    def retry_after_s(self) -> float:
        """Seconds in which those that wait now should have begun, from recent completions."""
        return self._pace.interval_s * len(self._waiting)

    def stats(self) -> SchedulerStats:
        """Return counts."""
        counts = self._counts
        return SchedulerStats(
            num_running=len(self._running),
            num_waiting=len(self._waiting),
            pages_used=self.pages.num_pages - self.pages.num_available,
            num_pages=self.pages.num_pages,
            num_preemptions=counts["preempted"],
            prompt_tokens=counts["prompt"],
            cached_tokens=counts["cached"],
            drawn_tokens=counts["drawn"],
            num_finished=self._pace.num_completed,
            num_refused=counts["refused"],
        )

    def submit(
        self, request: GenerationRequest, *, terms: Terms | None = None, mask: TokenMask | None
    ) -> int:
        """Queue a request that was checked (`engine.request_check`) and return its number.

        Raises:
            EngineStoppedError: No more requests are taken.
            QueueFullError: Too many wait.
            ContextLengthError: It needs more pages than there are.
        """
        terms = terms or Terms()
        if self._is_closed:
            raise EngineStoppedError("is shutting down")
        longest = len(request.prompt_ids) + request.max_new_tokens
        room = self._runner.num_pages * self._runner.page_tokens
        if longest > room:
            raise ContextLengthError(
                context_length=room,
                prompt_tokens=len(request.prompt_ids),
                max_new_tokens=request.max_new_tokens,
            )
        free_places = self._runner.sequences_max - len(self._running)
        if len(self._waiting) >= self._limits.waiting_max + max(0, free_places):
            self._counts["refused"] += 1
            raise QueueFullError(
                waiting_max=self._limits.waiting_max, retry_after_s=self.retry_after_s
            )
        self._num_arrived += 1
        now = self._clock()
        job = Job(
            job_id=self._num_arrived,
            request=request,
            terms=terms,
            mask=mask,
            arrival=self._num_arrived,
            deadline=None if terms.timeout_s is None else now + terms.timeout_s,
            tokens=list(request.prompt_ids),
        )
        self._jobs[job.job_id] = job
        bisect.insort(self._waiting, job, key=_rank)
        return job.job_id

    def cancel(self, job_id: int) -> None:
        """Drop a request whose caller has left; unknown and finished ones are passed over."""
        job = self._jobs.get(job_id)
        if job is not None:
            self._end(job)

    def close(self) -> None:
        """Take no more requests; those that are here go on."""
        self._is_closed = True

    def expire(self) -> list[JobEvent]:
        """End the requests whose time has run out."""
        now = self._clock()
        late = [job for job in self._jobs.values() if job.deadline is not None]
        return [
            self._fail(job, DeadlineError(job.terms.timeout_s or 0.0))
            for job in late
            if (job.deadline or 0.0) <= now
        ]

    def plan(self) -> Plan | None:
        """Return the next step, or None when there is nothing to do."""
        self._admit()
        feeds: list[Feed] = []
        jobs: list[Job] = []
        budget = min(
            self._limits.chunk_tokens, self._runner.step_tokens_max - self._runner.sequences_max
        )
        # In the order of service: whoever is preempted for want of pages comes later.
        for job in self._still_running():
            count = job.num_left
            if count > 1:
                count = min(count, budget)
                budget -= count
            if count == 0 or not self._make_room(job, job.num_fed + count):
                continue
            self._add_spare(job, job.num_fed + count)
            feeds.append(self._feed(job, count))
            jobs.append(job)
        copies, self._copies = tuple(self._copies), []
        return Plan(copies=copies, feeds=tuple(feeds), jobs=tuple(jobs)) if feeds else None

    def _still_running(self) -> Iterator[Job]:
        """Yield running jobs in order; those at the end may be preempted meanwhile."""
        index = 0
        while index < len(self._running):
            yield self._running[index]
            index += 1

    def apply(self, plan: Plan, outcomes: Sequence[Outcome]) -> list[JobEvent]:
        """Take in what a step drew; requests that were cancelled meanwhile are passed over."""
        events: list[JobEvent] = []
        for job, feed, outcome in zip(plan.jobs, plan.feeds, outcomes, strict=True):
            if job.job_id not in self._jobs:
                continue
            if isinstance(outcome, WindowLost):
                self._preempt(job)
                continue
            job.num_fed += len(feed.token_ids)
            self._declare(job)
            if isinstance(outcome, Drawn):
                events.append(self._take(job, outcome))
            elif outcome is not None:
                events.append(self._fail(job, outcome))
        return events

    def _take(self, job: Job, drawn: Drawn) -> JobEvent:
        token_id, request = drawn.token_id, job.request
        job.digest.update_packed(drawn.candidates)
        job.tokens.append(token_id)
        self._counts["drawn"] += 1
        if job.mask is not None:
            try:
                job.mask.accept(token_id)
            except EngineError as error:
                return self._fail(job, error)
        finish = None
        if token_id in request.stop_ids:
            finish = FinishReason.STOP
        elif job.num_drawn == request.max_new_tokens:
            finish = FinishReason.LENGTH
        if finish is not None:
            self._end(job)
            self._pace.note(self._clock())
        return TokenEvent(
            job_id=job.job_id,
            token_id=token_id,
            digest=job.digest.hex,
            cached_tokens=job.cached_tokens or 0,
            logprobs=drawn.logprobs,
            finish=finish,
        )

    def _fail(self, job: Job, error: EngineError) -> JobEvent:
        self._end(job)
        return FailureEvent(job_id=job.job_id, error=error)

    def _end(self, job: Job) -> None:
        del self._jobs[job.job_id]
        if job in self._running:
            self._running.remove(job)
            self._release(job)
        else:
            self._waiting.remove(job)

    def _admit(self) -> None:
        while self._waiting:
            job = self._waiting[0]
            if len(self._running) >= self._runner.sequences_max and not self._preempt_for(job):
                return
            if not self._place(job):
                return
            self._waiting.pop(0)
            bisect.insort(self._running, job, key=_rank)

    def _place(self, job: Job) -> bool:
        """Give a waiting job what is known of its tokens, if the rest will fit."""
        # The last token is always fed, since its logits are wanted.
        match = self.pages.match(job.terms.tenant, job.tokens[:-1], self._can_resume)
        needed = -(-len(job.tokens) // self._runner.page_tokens) - len(match.pages)
        while self.pages.num_available < needed and self._preempt_for(job):
            pass
        if self.pages.num_available < needed:
            for page in reversed(match.pages):
                self.pages.release(page)
            return False
        job.pages = list(match.pages)
        job.filled = list(match.digests)
        job.num_fed = len(match.pages) * self._runner.page_tokens
        # All at once, so that whoever is admitted next counts what is left.
        allocated = [self.pages.allocate() for _ in range(needed)]
        job.pages += [page for page in allocated if page is not None]
        if match.source is not None:
            self._copies.append((match.source, job.pages[len(match.pages)]))
            job.num_fed += match.num_copied
        if job.cached_tokens is None:
            job.cached_tokens = job.num_fed
            self._counts["prompt"] += len(job.tokens)
            self._counts["cached"] += job.num_fed
        return True

    def _preempt_for(self, job: Job) -> bool:
        """Preempt the last running job if it is of lower priority than a waiting one."""
        if not self._running or self._running[-1].terms.priority <= job.terms.priority:
            return False
        self._preempt(self._running[-1])
        return True

    def _preempt(self, job: Job) -> None:
        self._running.remove(job)
        self._release(job)
        bisect.insort(self._waiting, job, key=_rank)
        self._counts["preempted"] += 1

    def _make_room(self, job: Job, num_tokens: int) -> bool:
        """Allocate pages up to `num_tokens`, preempting from the end; False if it is the job."""
        while len(job.pages) * self._runner.page_tokens < num_tokens:
            page = self.pages.allocate()
            if page is not None:
                job.pages.append(page)
                continue
            last = self._running[-1]
            self._preempt(last)
            if last is job:
                return False
        return True

    def _add_spare(self, job: Job, num_tokens: int) -> None:
        """Allocate the page of the token after `num_tokens`, if one is to be had for nothing."""
        is_full = len(job.pages) * self._runner.page_tokens == num_tokens
        page = self.pages.allocate() if self._runner.looks_ahead and is_full else None
        if page is not None:
            job.pages.append(page)

    def _feed(self, job: Job, count: int) -> Feed:
        request = job.request
        draw = None
        if count == job.num_left:
            draw = Draw(sampling=request.sampling, top_logprobs=request.top_logprobs, mask=job.mask)
        end = job.num_fed + count
        used = (end + self._runner.looks_ahead - 1) // self._runner.page_tokens + 1
        return Feed(
            pages=tuple(job.pages[:used]),
            start=job.num_fed,
            token_ids=tuple(job.tokens[job.num_fed : end]),
            draw=draw,
        )

    def _declare(self, job: Job) -> None:
        """Let others share the pages that have become full."""
        size = self._runner.page_tokens
        while (len(job.filled) + 1) * size <= job.num_fed:
            index = len(job.filled)
            tokens = job.tokens[index * size : (index + 1) * size]
            job.filled.append(self.pages.fill(job.pages[index], self._parent(job), tokens))

    def _parent(self, job: Job) -> bytes:
        return job.filled[-1] if job.filled else self.pages.root(job.terms.tenant)

    def _release(self, job: Job) -> None:
        """Give a job's pages back, the last first, so that beginnings are kept longest."""
        size = self._runner.page_tokens
        partial = job.num_fed % size
        full = job.num_fed // size
        for page in reversed(job.pages[full + (1 if partial else 0) :]):
            self.pages.release(page)
        if partial:
            tokens = job.tokens[full * size : job.num_fed]
            self.pages.release_partial(job.pages[full], self._parent(job), tokens)
        for page in reversed(job.pages[:full]):
            self.pages.release(page)
        job.pages, job.filled, job.num_fed = [], [], 0


def _rank(job: Job) -> tuple[int, int]:
    return job.rank
