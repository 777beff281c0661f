"""Speed of the calculators: value at risk of a large book, and both methods on a small one.

Run: ``python -m pytest benchmarks/finsvc/calculators/bench_var.py --benchmark-only``.
"""

from collections.abc import Callable

import pytest

from finsvc.calculators.inputs.base import CalculatorInput
from finsvc.calculators.registry import calculator
from finsvc.marketdata.market import SnapshotMarket
from finsvc.marketdata.second_reader import SecondMarket
from finsvc.marketdata.sources import PINNED_DIGEST
from tests.finsvc.calculators.factories import book, option, stock
from tests.finsvc.calculators.test_registry import AS_OF, ON_BOOK, REAL_CASES
from tests.finsvc.marketdata.factories import real_market, real_snapshot_folder

Benchmark = Callable[..., object]


@pytest.fixture(scope="module")
def market() -> SnapshotMarket:
    return real_market()


@pytest.fixture(scope="module")
def second_market() -> SecondMarket:
    return SecondMarket(real_snapshot_folder(), expected=PINNED_DIGEST)


def thousand_positions(market: SnapshotMarket, *, num_options: int) -> CalculatorInput:
    """A thousand distinct positions, the given number of them options."""
    names = market.instruments()
    entries = [
        stock(names[index % len(names)], str(index + 1)) for index in range(1000 - num_options)
    ]
    for index in range(num_options):
        name = names[index % len(names)]
        spot = market.close(name, market.last_date((name,), uses_fx=False))
        strike = f"{spot * (0.7 + 0.6 * index / num_options):.2f}"
        entries.append(option(name, "put" if index % 2 else "call", strike, str(index % 7 - 3)))
    document = {"portfolio": book(*entries), "as_of": AS_OF, "window_days": 750}
    return calculator("historical_var").parse(document)


@pytest.mark.parametrize("num_options", [0, 500, 1000])
def bench_historical_var_of_1000_positions_over_750_scenarios(
    benchmark: Benchmark, market: SnapshotMarket, num_options: int
) -> None:
    inputs = thousand_positions(market, num_options=num_options)
    result = benchmark(calculator("historical_var").run, inputs, market)
    assert result is not None


def bench_second_historical_var_of_1000_positions(
    benchmark: Benchmark, second_market: SecondMarket, market: SnapshotMarket
) -> None:
    inputs = thousand_positions(market, num_options=500)
    assert benchmark(calculator("historical_var").confirm, inputs, second_market) is not None


@pytest.mark.parametrize(
    "case", range(len(REAL_CASES)), ids=lambda case: f"{REAL_CASES[case][0]}-{case}"
)
def bench_both_methods(
    benchmark: Benchmark, market: SnapshotMarket, second_market: SecondMarket, case: int
) -> None:
    name, document = REAL_CASES[case]
    entry = calculator(name)
    inputs = entry.parse(document)

    def both() -> object:
        return entry.run(inputs, market), entry.confirm(inputs, second_market)

    assert benchmark(both) is not None


def bench_parse_a_thousand_positions(benchmark: Benchmark, market: SnapshotMarket) -> None:
    document = thousand_positions(market, num_options=500).document()
    assert benchmark(calculator("historical_var").parse, document) is not None


def bench_digest_of_inputs(benchmark: Benchmark, market: SnapshotMarket) -> None:
    entry = calculator("close")
    inputs = entry.parse({"instrument": "AAPL", "as_of": ON_BOOK["as_of"]})
    assert benchmark(entry.run, inputs, market) is not None
