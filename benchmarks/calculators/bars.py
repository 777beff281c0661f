"""Every speed bar of the calculators: one command, one table, pass or fail.

    python -m benchmarks.calculators.bars

Sizes double up to that of the bar; ``growth`` is the time of the whole over that of the half,
where two is linear. Parsing and the digest of the inputs count. Judged by processor seconds of one
thread, which are wall seconds where nothing else runs; wall seconds are shown beside them. What is
slower than its bar fails the command. Ratios are to a loop over QuantLib or to pandas, position by
position, in the same run; the peak of memory is that of a process that does nothing else.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.calculators.pricing import contracts, quantlib_loop
from benchmarks.calculators.risk import by_pandas, document_of, market_of, timed
from benchmarks.run import RESULTS, ROOT, commit, processor
from finsvc.calculators.pricing.american import FAST, american_greeks
from finsvc.calculators.pricing.european import value_and_greeks
from finsvc.calculators.registry import calculator
from tests.finsvc.calculators.capital.large import crif, sensitivities, trades
from tests.finsvc.marketdata.factories import real_market

LOOP = 2000
"""Contracts of the loop over QuantLib."""

MEMORY_MB_MAX = 2048
GROWTH_MAX = 2.6
"""Growth that still counts as linear: doubling plus the noise of shared cores."""

_PEAK = """
import resource
from benchmarks.calculators.risk import document_of, market_of
from finsvc.calculators.registry import calculator
market, entry = market_of(10_000), calculator("historical_var")
entry.run(entry.parse(document_of(10_000, options=False)), market)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One bar: ``limit`` is the most seconds, or the least of a rate or ratio."""

    metric: str
    found: float
    limit: float
    is_least: bool = False
    wall_seconds: float | None = None
    growth: float | None = None

    @property
    def passes(self) -> bool:
        """Whether the bar and linear growth are met."""
        is_met = self.found >= self.limit if self.is_least else self.found <= self.limit
        return is_met and (self.growth is None or self.growth <= GROWTH_MAX)


def swept(metric: str, work: Callable[[int], Callable[[], object]], size: int, limit: float) -> Row:
    """Time a size and its half; ``work`` prepares what is timed."""
    _, half = timed(work(size // 2))
    wall, whole = timed(work(size))
    return Row(metric=metric, found=whole, limit=limit, wall_seconds=wall, growth=whole / half)


def options() -> list[Row]:
    """European prices with Greeks against QuantLib's loop, American ones against the clock."""

    def european(size: int) -> Callable[[], object]:
        terms = contracts(size)
        return lambda: value_and_greeks(terms)

    def american(size: int) -> Callable[[], object]:
        terms = contracts(size)
        return lambda: american_greeks(terms, FAST)

    row = swept("European prices with Greeks, 1,000,000: s", european, 1_000_000, 1.0)
    _, loop = timed(lambda: quantlib_loop(contracts(LOOP), LOOP), rounds=1)
    ratio = loop / LOOP / (row.found / 1_000_000)
    return [
        row,
        Row(metric="European prices: x QuantLib's loop", found=ratio, limit=20, is_least=True),
        swept("American prices with Greeks, 10,000: s", american, 10_000, 5.0),
    ]


def histories() -> list[Row]:
    """Historical value at risk over 2,500 scenarios, parsing included."""
    market, entry = market_of(10_000), calculator("historical_var")

    def book(*, of_options: bool) -> Callable[[int], Callable[[], object]]:
        def work(size: int) -> Callable[[], object]:
            document = document_of(size, options=of_options)
            return lambda: entry.run(entry.parse(document), market)

        return work

    linear = swept("historical VaR, 10,000 linear x 2,500: s", book(of_options=False), 10_000, 2.0)
    document = document_of(2_500, options=False)
    _, pandas_s = timed(lambda: by_pandas(document, market), rounds=1)
    parsed = entry.parse(document)
    ratio = pandas_s / timed(lambda: entry.run(parsed, market))[1]
    peak = subprocess.run(  # noqa: S603 (our own interpreter and text)
        [sys.executable, "-c", _PEAK], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [
        linear,
        Row(metric="the same: x pandas", found=ratio, limit=1, is_least=True),
        Row(metric="the same: MB", found=float(peak.stdout), limit=MEMORY_MB_MAX),
        swept("historical VaR, 1,000 options x 2,500: s", book(of_options=True), 1_000, 5.0),
    ]


def capital() -> list[Row]:
    """Capital from documents, parsing included."""
    market = real_market()

    def of(name: str, make: Callable[[int], object]) -> Callable[[int], Callable[[], object]]:
        entry = calculator(name)

        def work(size: int) -> Callable[[], object]:
            document = make(size)
            return lambda: entry.run(entry.parse(document), market)

        return work

    return [
        swept("FRTB SA, 100,000 sensitivities: s", of("frtb_sa", sensitivities), 100_000, 2.0),
        swept("SIMM, 10,000 CRIF rows: s", of("simm", crif), 10_000, 2.0),
        swept("SA-CCR, 100,000 trades: s", of("sa_ccr", trades), 100_000, 5.0),
    ]


def main() -> int:
    """Print the table, append the rows, and fail where a bar is missed."""
    rows = [*options(), *histories(), *capital()]
    common = {"commit": commit(), "processor": processor(), "numpy": np.__version__}
    with RESULTS.open("a") as file:
        for row in rows:
            entry = {**asdict(row), "passes": row.passes, **common}
            file.write(json.dumps(entry, sort_keys=True) + "\n")
            sign = ">=" if row.is_least else "<="
            growth = "" if row.growth is None else f"growth {row.growth:.2f}"
            wall = "" if row.wall_seconds is None else f"wall {row.wall_seconds:.2f}"
            sys.stdout.write(
                f"{'pass' if row.passes else 'FAIL'}  {row.metric:<44}{row.found:>10,.3g}  "
                f"{sign} {row.limit:<8g}{wall:<12}{growth}\n"
            )
    return 0 if all(row.passes for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
