"""Order, bounds and bookkeeping of the scheduler, on a network that is arithmetic."""

import random
from collections.abc import Sequence

import pytest

from engine.digest import LogitDigest
from engine.errors import (
    ContextLengthError,
    DeadlineError,
    EngineError,
    EngineStoppedError,
    NonFiniteLogitsError,
    QueueFullError,
    TokenMaskError,
)
from engine.job import FailureEvent, JobEvent, Priority, Terms, TokenEvent
from engine.runner import Drawn, Feed
from engine.scheduler import Scheduler, SchedulerLimits
from engine.types import FinishReason, GenerationRequest
from tests.engine.fake_runner import FakeRunner, next_token


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A scheduler with its runner, and what every job reported."""

    def __init__(self, runner: FakeRunner | None = None, **limits: int) -> None:
        self.runner = runner or FakeRunner()
        self.clock = Clock()
        self.scheduler = Scheduler(
            self.runner.limits,
            SchedulerLimits(**limits),
            clock=self.clock,
            can_resume=self.runner.can_resume,
        )
        self.events: dict[int, list[JobEvent]] = {}

    def submit(self, request: GenerationRequest, **terms: object) -> int:
        given = Terms(**terms)  # type: ignore[arg-type]
        return self.scheduler.submit(request, terms=given, mask=None)

    def step(self) -> bool:
        events = self.scheduler.expire()
        plan = self.scheduler.plan()
        if plan is not None:
            for source, target in plan.copies:
                self.runner.copy_page(source, target)
            events += self.scheduler.apply(plan, self.runner.run(plan.feeds))
        for event in events:
            self.events.setdefault(event.job_id, []).append(event)
        return plan is not None

    def run(self) -> None:
        while self.step():
            pass

    def tokens(self, job_id: int) -> list[int]:
        return [e.token_id for e in self.events.get(job_id, []) if isinstance(e, TokenEvent)]

    def last(self, job_id: int) -> JobEvent:
        return self.events[job_id][-1]


def request(prompt: list[int], count: int = 5, **changes: object) -> GenerationRequest:
    values = {"prompt_ids": tuple(prompt), "max_new_tokens": count, "stop_ids": frozenset()}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def alone(prompt: list[int], count: int, vocab_size: int = 50) -> tuple[list[int], str]:
    tokens, digest = list(prompt), LogitDigest()
    for _ in range(count):
        drawn = next_token(tokens, vocab_size)
        digest.update_packed(drawn.candidates)
        tokens.append(drawn.token_id)
    return tokens[len(prompt) :], digest.hex


def test_request_gets_the_tokens_and_the_chain_it_has_alone() -> None:
    bench = Bench()
    job_id = bench.submit(request([1, 2, 3]))
    bench.run()
    tokens, digest = alone([1, 2, 3], 5)
    last = bench.last(job_id)
    assert bench.tokens(job_id) == tokens
    assert isinstance(last, TokenEvent)
    assert (last.finish, last.digest, last.cached_tokens) == (FinishReason.LENGTH, digest, 0)
    assert not bench.scheduler.has_work


def test_stop_token_ends_a_request_and_is_reported() -> None:
    tokens, _ = alone([1, 2, 3], 5)
    bench = Bench()
    job_id = bench.submit(request([1, 2, 3], stop_ids=frozenset({tokens[2]})))
    bench.run()
    assert bench.tokens(job_id) == tokens[: tokens.index(tokens[2]) + 1]
    last = bench.last(job_id)
    assert isinstance(last, TokenEvent)
    assert last.finish is FinishReason.STOP


def test_long_prompt_is_read_in_chunks_beside_the_tokens_of_others() -> None:
    bench = Bench(chunk_tokens=8)
    first = bench.submit(request([1], 20))
    bench.step()
    bench.submit(request(list(range(30)), 1))
    bench.run()
    assert bench.runner.steps[:5] == [[1], [1, 8], [1, 8], [1, 8], [1, 6]]
    assert bench.tokens(first) == alone([1], 20)[0]


def test_priority_goes_first_then_arrival() -> None:
    bench = Bench(FakeRunner(sequences_max=1))
    low = bench.submit(request([1], 1), priority=Priority.BACKGROUND)
    normal = bench.submit(request([2], 1))
    second = bench.submit(request([3], 1))
    high = bench.submit(request([4], 1), priority=Priority.INTERACTIVE)
    order = []
    while bench.step():
        order.append(next(iter(bench.events)))
        bench.events.clear()
    assert order == [high, normal, second, low]


def test_higher_priority_preempts_and_the_preempted_goes_on_where_it_was() -> None:
    bench = Bench(FakeRunner(sequences_max=1))
    low = bench.submit(request([1, 2, 3], 12), priority=Priority.BACKGROUND)
    for _ in range(5):
        bench.step()
    high = bench.submit(request([9], 3), priority=Priority.INTERACTIVE)
    fed_before = sum(map(sum, bench.runner.steps))
    bench.run()
    assert bench.scheduler.stats().num_preemptions == 1
    assert bench.tokens(low) == alone([1, 2, 3], 12)[0]
    assert bench.tokens(high) == alone([9], 3)[0]
    # Nothing that was computed was computed again: its pages were still there.
    assert sum(map(sum, bench.runner.steps)) - fed_before == 7 + 3


def test_pages_that_run_out_preempt_the_last_and_every_token_stays_the_same() -> None:
    bench = Bench(FakeRunner(num_pages=9, sequences_max=4))
    prompts = [[i, i + 1, i + 2] for i in range(4)]
    jobs = [bench.submit(request(prompt, 20)) for prompt in prompts]
    bench.run()
    assert bench.scheduler.stats().num_preemptions > 0
    for job_id, prompt in zip(jobs, prompts, strict=True):
        tokens, digest = alone(prompt, 20)
        assert bench.tokens(job_id) == tokens
        last = bench.last(job_id)
        assert isinstance(last, TokenEvent)
        assert last.digest == digest


def test_higher_priority_that_waits_takes_pages_of_a_lower_one() -> None:
    bench = Bench(FakeRunner(num_pages=4, sequences_max=4))
    low = bench.submit(request([1] * 10, 4), priority=Priority.BACKGROUND)
    bench.step()
    high = bench.submit(request([2] * 10, 2), priority=Priority.INTERACTIVE)
    bench.step()
    assert bench.scheduler.stats().num_preemptions == 1
    bench.run()
    assert bench.tokens(low) == alone([1] * 10, 4)[0]
    assert bench.tokens(high) == alone([2] * 10, 2)[0]


def test_waiting_request_whose_pages_are_taken_waits_its_turn() -> None:
    bench = Bench(FakeRunner(num_pages=4))
    first = bench.submit(request([1] * 10, 4))
    bench.step()
    second = bench.submit(request([2] * 10, 4))
    bench.step()
    assert bench.scheduler.stats().num_waiting == 1
    bench.run()
    assert bench.tokens(first) == alone([1] * 10, 4)[0]
    assert bench.tokens(second) == alone([2] * 10, 4)[0]


def test_prompt_that_is_known_starts_with_its_last_token() -> None:
    bench = Bench()
    prompt = list(range(18))
    bench.submit(request(prompt, 1))
    bench.run()
    bench.runner.steps.clear()
    job_id = bench.submit(request(prompt, 1))
    bench.run()
    assert bench.runner.steps == [[1]]
    last = bench.last(job_id)
    assert isinstance(last, TokenEvent)
    assert last.cached_tokens == 17


def test_tenants_do_not_share_prompts() -> None:
    bench = Bench()
    prompt = list(range(18))
    bench.submit(request(prompt, 1), tenant="a")
    bench.run()
    bench.runner.steps.clear()
    bench.submit(request(prompt, 1), tenant="b")
    bench.run()
    assert sum(map(sum, bench.runner.steps)) == 18


def test_full_queue_is_refused_with_the_time_it_needs() -> None:
    bench = Bench(FakeRunner(sequences_max=1), waiting_max=2)
    for token in range(3):
        bench.submit(request([token], 2))
    with pytest.raises(QueueFullError) as caught:
        bench.submit(request([9]))
    assert caught.value.waiting_max == 2
    assert caught.value.retry_after_s == 0.0
    for _ in range(4):
        bench.clock.now += 0.5
        bench.step()
    # Two requests are done, one a second; one runs.
    bench.submit(request([4], 2))
    bench.step()
    bench.submit(request([5], 2))
    with pytest.raises(QueueFullError) as caught:
        bench.submit(request([9]))
    assert caught.value.retry_after_s == pytest.approx(2.0)
    assert bench.scheduler.stats().num_refused == 2


def test_request_that_needs_more_pages_than_there_are_is_refused() -> None:
    bench = Bench(FakeRunner(num_pages=2))
    with pytest.raises(ContextLengthError):
        bench.submit(request([1] * 6, 3))
    bench.submit(request([1] * 6, 2))


def test_deadline_ends_waiting_and_running_requests() -> None:
    bench = Bench(FakeRunner(sequences_max=1))
    running = bench.submit(request([1], 9), timeout_s=5.0)
    waiting = bench.submit(request([2], 9), timeout_s=6.0)
    free = bench.submit(request([3], 2))
    bench.step()
    bench.clock.now += 6.0
    bench.run()
    for job_id in (running, waiting):
        last = bench.last(job_id)
        assert isinstance(last, FailureEvent)
        assert isinstance(last.error, DeadlineError)
    assert bench.tokens(free) == alone([3], 2)[0]
    assert bench.scheduler.stats().pages_used == 0


def test_cancelled_requests_leave_at_once_and_report_nothing() -> None:
    bench = Bench(FakeRunner(sequences_max=1))
    running, waiting = bench.submit(request([1])), bench.submit(request([2]))
    bench.step()
    bench.scheduler.cancel(running)
    bench.scheduler.cancel(waiting)
    bench.scheduler.cancel(77)
    bench.run()
    assert len(bench.tokens(running)) == 1
    assert waiting not in bench.events
    assert bench.scheduler.stats().pages_used == 0


def test_request_cancelled_during_its_step_is_passed_over() -> None:
    bench = Bench()
    job_id = bench.submit(request([1, 2]))
    plan = bench.scheduler.plan()
    assert plan is not None
    bench.scheduler.cancel(job_id)
    assert bench.scheduler.apply(plan, bench.runner.run(plan.feeds)) == []


def test_failure_of_one_request_leaves_the_others() -> None:
    bench = Bench()
    bench.runner.fails_at[4] = NonFiniteLogitsError(4)
    bad, good = bench.submit(request([1, 2, 3])), bench.submit(request([1, 2, 3, 4, 5]))
    bench.run()
    last = bench.last(bad)
    assert isinstance(last, FailureEvent)
    assert isinstance(last.error, NonFiniteLogitsError)
    assert bench.tokens(good) == alone([1, 2, 3, 4, 5], 5)[0]


class Refuses:
    def bitmask(self) -> None:
        return None

    def allows(self, token_id: int) -> bool:
        return False

    def accept(self, token_id: int) -> None:
        raise TokenMaskError(position=0, expected="another", actual=str(token_id))


def test_mask_that_refuses_the_token_fails_the_request() -> None:
    bench = Bench()
    job_id = bench.scheduler.submit(request([1]), mask=Refuses())
    bench.run()
    assert isinstance(bench.last(job_id), FailureEvent)


def test_closed_scheduler_finishes_what_it_has_and_takes_no_more() -> None:
    bench = Bench()
    job_id = bench.submit(request([1]))
    bench.scheduler.close()
    with pytest.raises(EngineStoppedError):
        bench.submit(request([2]))
    bench.run()
    assert bench.tokens(job_id) == alone([1], 5)[0]


@pytest.mark.parametrize("seed", range(12))
def test_storm_of_requests_changes_no_token(seed: int) -> None:
    rng = random.Random(seed)
    bench = Bench(
        FakeRunner(num_pages=rng.randint(10, 30), sequences_max=rng.randint(1, 6)),
        chunk_tokens=rng.randint(1, 9),
        kept_pages_max=rng.randint(0, 30),
    )
    shared = [rng.randrange(3) for _ in range(12)]
    expected: dict[int, tuple[list[int], str]] = {}
    for _ in range(60):
        prompt = shared[: rng.randint(0, 12)] + [rng.randrange(3) for _ in range(rng.randint(1, 9))]
        count = rng.randint(1, 12)
        job_id = bench.submit(
            request(prompt, count), priority=rng.choice(list(Priority)), tenant=rng.choice("ab")
        )
        expected[job_id] = alone(prompt, count)
        if rng.random() < 0.2:
            victim = rng.choice(list(expected))
            bench.scheduler.cancel(victim)
            if len(bench.tokens(victim)) < len(expected[victim][0]):
                del expected[victim]
        for _ in range(rng.randint(0, 3)):
            bench.step()
    bench.run()
    for job_id, (tokens, digest) in expected.items():
        assert bench.tokens(job_id) == tokens
        last = bench.last(job_id)
        assert isinstance(last, TokenEvent)
        assert last.digest == digest
    assert bench.scheduler.stats().pages_used == 0
    assert bench.scheduler.pages.num_available == bench.runner.limits.num_pages


def test_runner_that_looks_ahead_gets_the_next_page_while_pages_are_free() -> None:
    bench = Bench(FakeRunner(num_pages=3, looks_ahead=True))
    seen: list[tuple[int, int]] = []
    run = bench.runner.run

    def note(feeds: Sequence[Feed]) -> list[Drawn | EngineError | None]:
        seen.extend((feed.start + len(feed.token_ids), len(feed.pages)) for feed in feeds)
        return run(feeds)

    bench.runner.run = note  # type: ignore[method-assign]
    job = bench.submit(request([1, 2, 3], 9))
    bench.run()
    assert bench.tokens(job) == alone([1, 2, 3], 9)[0]
    assert seen == [(end, min(3, end // 4 + 1)) for end in range(3, 12)]
    assert bench.scheduler.stats().pages_used == 0


@pytest.mark.parametrize("held", [0, 4, 8])
def test_known_beginning_is_used_as_far_as_the_runner_can_go_on(held: int) -> None:
    bench = Bench(FakeRunner())
    prompt = list(range(1, 11))
    bench.submit(request(prompt))
    bench.run()
    bench.runner.resumes = lambda pages, start: start <= held
    again = bench.submit(request([*prompt, 40]))
    bench.run()
    event = bench.last(again)
    assert isinstance(event, TokenEvent)
    assert event.cached_tokens == held
    assert bench.tokens(again) == alone([*prompt, 40], 5)[0]


def test_sequence_whose_window_the_runner_gave_up_starts_again_and_draws_the_same() -> None:
    bench = Bench(chunk_tokens=6)
    chance = random.Random(3)
    bench.runner.loses = lambda feed: feed.start > 0 and chance.random() < 0.2
    prompts = [list(range(i, i + 5 + 3 * i)) for i in range(1, 7)]
    jobs = [bench.submit(request(prompt, 8)) for prompt in prompts]
    bench.run()
    assert bench.scheduler.stats().num_preemptions > 3
    for job, prompt in zip(jobs, prompts, strict=True):
        assert bench.tokens(job) == alone(prompt, 8)[0]
    assert bench.scheduler.stats().pages_used == 0
