"""The determinism contract where it is hardest: one request among many, on the embedded model.

Tokens, R4 chains and log-probabilities must be those of the request alone, whatever else is in its
steps, after preemption, and with a cold or warm prefix cache.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import engine
from engine.checkpoint import Checkpoint
from engine.core import EngineCore
from engine.cpu_pages import CpuPagedRunner
from engine.cpu_runner import CpuRunner
from engine.determinism import choose_products
from engine.gpu.model import load_gpu_model
from engine.gpu.options import PAGE_TOKENS, GpuOptions
from engine.job import JobEvent, Priority, Terms, TokenEvent
from engine.kv_cache import BLOCK_TOKENS
from engine.model import load_weights
from engine.runner import PagedRunner
from engine.scheduler import SchedulerLimits
from engine.types import GenerationRequest, Sampling

EMBEDDED = Path(engine.__path__[0]) / "embedded"
NUM_OTHERS = 64
NEW_TOKENS = 12
ROOM_TOKENS_MAX = 38_400
# What a request draws, bit by bit: tokens, chain, and each log-probability with its alternatives.
Bits = tuple[tuple[int, ...], str, tuple[object, ...]]
MakeRunner = Callable[[int], PagedRunner]


class Bounded:
    """A runner of whose pages only the first few are given out."""

    def __init__(self, runner: PagedRunner, num_tokens: int) -> None:
        num_pages = num_tokens // runner.limits.page_tokens
        assert num_pages <= runner.limits.num_pages
        self.limits = replace(runner.limits, num_pages=num_pages)
        self.can_resume = runner.can_resume
        self.copy_page = runner.copy_page
        self.run = runner.run


@pytest.fixture(scope="module", params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def make_runner(request: pytest.FixtureRequest) -> MakeRunner:
    """Return runners of the embedded model that share its weights, with room for some tokens."""
    if request.param == "cuda":
        pages = ROOM_TOKENS_MAX // PAGE_TOKENS
        runner: PagedRunner = load_gpu_model(
            str(EMBEDDED), options=GpuOptions(num_pages=pages)
        ).runner
    else:
        torch.set_num_threads(1)
        weights = load_weights(Checkpoint.open(EMBEDDED))
        network = CpuRunner(weights, choose_products(weights.config))
        runner = CpuPagedRunner(network, num_pages=ROOM_TOKENS_MAX // BLOCK_TOKENS)
    return lambda num_tokens: Bounded(runner, num_tokens)


class Load:
    """Requests that run together."""

    def __init__(self, runner: PagedRunner, **limits: int) -> None:
        self.core = EngineCore(runner, SchedulerLimits(**limits))
        self.events: dict[int, list[JobEvent]] = {}

    def submit(self, request: GenerationRequest, terms: Terms | None = None) -> int:
        events: list[JobEvent] = []
        job_id = self.core.submit(request, events.append, terms=terms)
        self.events[job_id] = events
        return job_id

    def run(self, steps: int | None = None) -> None:
        while self.core.has_work and steps != 0:
            self.core.step()
            steps = None if steps is None else steps - 1

    def bits(self, job_id: int) -> Bits:
        tokens = [event for event in self.events[job_id] if isinstance(event, TokenEvent)]
        assert len(tokens) == len(self.events[job_id])
        assert tokens[-1].finish is not None
        return (
            tuple(event.token_id for event in tokens),
            tokens[-1].digest,
            tuple(event.logprobs for event in tokens),
        )

    def cached_tokens(self, job_id: int) -> int:
        last = self.events[job_id][-1]
        assert isinstance(last, TokenEvent)
        return last.cached_tokens


def prompt(seed: int, length: int, vocab_size: int) -> tuple[int, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(20, vocab_size, (length,), generator=generator).tolist())


def requests(vocab_size: int) -> list[GenerationRequest]:
    """Greedy and sampled ones, shorter and longer than a page, some with one beginning."""
    shared = prompt(99, 140, vocab_size)
    return [
        GenerationRequest(
            prompt_ids=(shared if seed % 4 == 0 else ()) + prompt(seed, 5 + seed, vocab_size),
            max_new_tokens=NEW_TOKENS,
            stop_ids=frozenset(),
            sampling=Sampling(temperature=0.8 * (seed % 2), top_p=0.95, seed=seed),
            top_logprobs=3,
        )
        for seed in range(NUM_OTHERS + 1)
    ]


@pytest.fixture(scope="module")
def alone(make_runner: MakeRunner) -> list[Bits]:
    """Return what each request draws by itself, nothing cached."""
    runner = make_runner(512)
    bits = []
    for request in requests(runner.limits.vocab_size):
        load = Load(runner)
        job_id = load.submit(request)
        load.run()
        bits.append(load.bits(job_id))
    return bits


def test_bits_are_the_same_among_64_others_and_with_a_warm_cache(
    make_runner: MakeRunner, alone: list[Bits]
) -> None:
    runner = make_runner(ROOM_TOKENS_MAX)
    load = Load(runner)
    given = requests(runner.limits.vocab_size)
    for _ in range(2):
        jobs = [load.submit(request) for request in given]
        load.run()
        assert [load.bits(job_id) for job_id in jobs] == alone
    # The second time all of them were known but for their last token; a GPU keeps fewer.
    cached = [load.cached_tokens(job_id) for job_id in jobs]
    whole = [len(request.prompt_ids) - 1 for request in given]
    assert cached == whole if runner.limits.page_tokens == BLOCK_TOKENS else sum(cached) > 0
    assert load.core.stats().num_preemptions == 0


def test_bits_are_the_same_after_preemption_for_want_of_pages(
    make_runner: MakeRunner, alone: list[Bits]
) -> None:
    # Most of them hold every page when the others, of higher priority, come one after the other.
    runner = make_runner(768)
    load = Load(runner, kept_pages_max=2)
    given = requests(runner.limits.vocab_size)
    jobs = {}
    for index in sorted(range(len(given)), key=lambda index: index % 5 == 1):
        is_late = index % 5 == 1
        terms = Terms(priority=Priority(1 - is_late), tenant="ab"[index % 3 == 0])
        jobs[index] = load.submit(given[index], terms)
        load.run(steps=(NEW_TOKENS + 3) * is_late)
    load.run()
    assert load.core.stats().num_preemptions > 5
    assert [load.bits(jobs[index]) for index in range(len(given))] == alone


def test_bits_are_the_same_for_every_chunking_beside_others(
    make_runner: MakeRunner, alone: list[Bits]
) -> None:
    runner = make_runner(8192)
    given = requests(runner.limits.vocab_size)[:12]
    for chunk_tokens in (1, 17, 200):
        load = Load(runner, chunk_tokens=chunk_tokens)
        jobs = [load.submit(request) for request in given]
        load.run()
        assert [load.bits(job_id) for job_id in jobs] == alone[:12]
