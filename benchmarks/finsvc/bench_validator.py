"""The mutation suite of the validator: recall of every class, false alarms, time of an answer.

    python -m benchmarks.run benchmarks/finsvc/bench_validator.py

Bars: recall at least 99 % in every class and 100 % for unit and scale, false alarms at most 1 %,
95 % of the answers within 50 ms. The table is printed with ``-s`` and kept in the result's row.
"""

import sys
from collections.abc import Callable
from typing import Protocol

import pytest

from tests.finsvc.conftest import MarketData
from tests.finsvc.conftest import data as data
from tests.finsvc.validator.mutation import Tally, run
from tests.finsvc.validator.mutation_cases import Bench
from tests.finsvc.validator.test_mutation import FULL_ANSWERS


class Benchmark(Protocol):
    """The part of pytest-benchmark's fixture that is used here."""

    extra_info: dict[str, object]

    def pedantic(self, target: Callable[[], object], *, rounds: int) -> object:
        """Time a call."""


@pytest.mark.parametrize("seed", [7])
def bench_mutants(benchmark: Benchmark, data: MarketData, seed: int) -> None:
    """One round is the whole suite."""
    tallies: list[Tally] = []

    def suite() -> None:
        tallies.append(run(Bench(data), answers=FULL_ANSWERS, seed=seed))

    benchmark.pedantic(suite, rounds=1)
    tally = tallies[-1]
    lines = [f"{'class':24} {'mutants':>8} {'caught':>9}"]
    lines += [
        f"{name:24} {tally.tried[name]:8} {share:9.2%}" for name, share in tally.recall.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    benchmark.extra_info.update(
        seed=seed,
        mutants=tally.mutants,
        answers=tally.answers,
        false_alarms=len(tally.alarms),
        recall_min=min(tally.recall.values()),
        recall=dict(tally.recall),
        p95_ms=tally.p95_ms,
    )
