"""Decode and prefill rates of the CPU engine.

Runs on the embedded model where it is there, else on random weights in its shape, which the row
calls synthetic. Rates are in `extra_info`, in tokens per second of the fastest round.

    python -m pytest -o python_files='bench_*.py' benchmarks/engine/bench_decode.py
"""

from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from engine.checkpoint import Checkpoint
from engine.cpu_runner import CpuRunner, Work
from engine.determinism import choose_products
from engine.engine import THREADS_MAX
from engine.model import load_weights
from tests.engine.factories import EMBEDDED_SHAPE, random_checkpoint

EMBEDDED = Path(__file__).resolve().parents[2] / "engine" / "embedded"
CONTEXT_TOKENS = 1000
STEPS = 16
PREFILL_TOKENS = 1024
ROUNDS = 15


@pytest.fixture(scope="module", params=[1, THREADS_MAX], ids=["1 thread", "2 threads"])
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[CpuRunner, str]:
    """Return a runner and the name of what it runs."""
    torch.set_num_threads(request.param)
    if (EMBEDDED / "config.json").exists():
        folder, label = EMBEDDED, "embedded"
    else:
        folder = random_checkpoint(tmp_path_factory.mktemp("synthetic"), EMBEDDED_SHAPE)
        label = "synthetic"
    checkpoint = Checkpoint.open(folder)
    return CpuRunner(load_weights(checkpoint), choose_products(checkpoint.config)), label


def prompt(runner: CpuRunner, count: int) -> list[int]:
    """Return random token ids."""
    generator = torch.Generator().manual_seed(0)
    vocab_size = runner.config.vocab_size
    ids: list[int] = torch.randint(0, vocab_size, (count,), generator=generator).tolist()
    return ids


def report(benchmark: BenchmarkFixture, label: str, tokens: int, **facts: object) -> None:
    """Add the rate, and what it was measured on, to a benchmark's row."""
    assert benchmark.stats is not None
    fastest, median = benchmark.stats.stats.min, benchmark.stats.stats.median
    benchmark.extra_info.update(
        facts,
        model=label,
        threads=torch.get_num_threads(),
        tokens_per_s=round(tokens / fastest, 1),
        tokens_per_s_median=round(tokens / median, 1),
    )


@pytest.mark.parametrize("batch", [1, 8, 16])
def test_decode(benchmark: BenchmarkFixture, model: tuple[CpuRunner, str], batch: int) -> None:
    """Time steps of one token for each sequence."""
    runner, label = model
    ids = prompt(runner, CONTEXT_TOKENS)
    first = runner.new_cache()
    runner.prefill(first, ids)
    first.reserve(CONTEXT_TOKENS + STEPS)
    caches = [first, *(first.fork(CONTEXT_TOKENS) for _ in range(batch - 1))]

    def rewind() -> None:
        for cache in caches:
            cache.truncate(CONTEXT_TOKENS)

    def decode() -> None:
        for step in range(STEPS):
            runner.step([Work(cache, ids[step : step + 1]) for cache in caches])

    benchmark.pedantic(decode, setup=rewind, rounds=ROUNDS, warmup_rounds=1)
    report(benchmark, label, STEPS * batch, batch=batch, context_tokens=CONTEXT_TOKENS)


def test_prefill(benchmark: BenchmarkFixture, model: tuple[CpuRunner, str]) -> None:
    """Time a whole prompt in chunks."""
    runner, label = model
    ids = prompt(runner, PREFILL_TOKENS)
    benchmark.pedantic(
        lambda: runner.prefill(runner.new_cache(), ids), rounds=ROUNDS // 3, warmup_rounds=1
    )
    report(benchmark, label, PREFILL_TOKENS, prompt_tokens=PREFILL_TOKENS)
