"""Speed of the capital calculators, a sweep over sizes; a run holds the digest of its inputs.

Run: ``python -m benchmarks.run benchmarks/finsvc/calculators/bench_capital.py``.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import pytest

from finsvc.calculators.registry import calculator
from tests.finsvc.calculators.capital.large import crif, sensitivities, trades
from tests.finsvc.marketdata.factories import real_market


class Benchmark(Protocol):
    """The part of pytest-benchmark's fixture that is used here."""

    extra_info: dict[str, object]

    def pedantic(self, target: Callable[[], object], *, rounds: int) -> object:
        """Time a call."""


SIZES = {
    "frtb_sa": (sensitivities, (12_500, 25_000, 50_000, 100_000)),
    "sa_ccr": (trades, (12_500, 25_000, 50_000, 100_000)),
    "simm": (crif, (1_250, 2_500, 5_000, 10_000)),
}
CASES = [
    pytest.param(name, make, size, id=f"{name}-{size}")
    for name, (make, sizes) in SIZES.items()
    for size in sizes
]


@pytest.mark.parametrize(("name", "make", "size"), CASES)
def bench_run(
    benchmark: Benchmark, name: str, make: Callable[[int], Mapping[str, object]], size: int
) -> None:
    entry, market = calculator(name), real_market()
    inputs = entry.parse(make(size))
    benchmark.extra_info["rows"] = size
    assert benchmark.pedantic(lambda: entry.run(inputs, market), rounds=3) is not None


@pytest.mark.parametrize(("name", "make", "size"), CASES[3::4])
def bench_parse_and_run(
    benchmark: Benchmark, name: str, make: Callable[[int], Mapping[str, object]], size: int
) -> None:
    entry, market, document = calculator(name), real_market(), make(size)
    benchmark.extra_info["rows"] = size
    result = benchmark.pedantic(lambda: entry.run(entry.parse(document), market), rounds=3)
    assert result is not None


@pytest.mark.parametrize(("name", "make", "size"), CASES[3::4])
def bench_second_method(
    benchmark: Benchmark, name: str, make: Callable[[int], Mapping[str, object]], size: int
) -> None:
    entry, market = calculator(name), real_market()
    inputs = entry.parse(make(size))
    benchmark.extra_info["rows"] = size
    assert benchmark.pedantic(lambda: entry.confirm(inputs, market), rounds=1) is not None
