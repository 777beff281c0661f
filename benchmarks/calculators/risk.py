"""Speed and memory of market risk on large books, as a table and JSON lines.

    python -m benchmarks.calculators.risk

Historical value at risk of 10,000 linear positions and of 1,000 option positions over 2,500
scenarios, against pandas position by position in the same run, and a sweep over the number of
positions. Every position is an instrument of its own: nothing merges. Times are of ``run`` on
parsed inputs; parsing is shown apart.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.run import RESULTS, commit, processor
from finsvc.calculators.registry import calculator
from finsvc.domain.identifiers import CurrencyCode, InstrumentId, SnapshotDigest
from finsvc.domain.market import Series

SCENARIOS = 2500
AS_OF = "2022-12-30"
Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManyMarket:
    """Random walks of many instruments in one currency; synthetic, for speed alone."""

    days: npt.NDArray[np.datetime64]
    levels: dict[str, npt.NDArray[np.float64]]

    @property
    def snapshot(self) -> SnapshotDigest:
        """Digest of nothing."""
        return SnapshotDigest("sha256:" + "0" * 64)

    def currency(self, instrument: InstrumentId) -> CurrencyCode:
        """The one currency."""
        return CurrencyCode("USD")

    def sector(self, instrument: InstrumentId) -> str:
        """One sector."""
        return "Index"

    def name(self, instrument: InstrumentId) -> str:
        """The ticker."""
        return instrument

    def last_date(self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool) -> date:
        """The last day."""
        return date.fromisoformat(AS_OF)

    def close(self, instrument: InstrumentId, on: date, *, field: str = "as_of") -> float:
        """Level of the last day."""
        return float(self.levels[instrument][-1])

    def closes(
        self, instrument: InstrumentId, *, end: date, count: int, field: str = "as_of"
    ) -> Series:
        """The last levels."""
        return Series(dates=self.days[-count:], values=self.levels[instrument][-count:])

    def closes_between(self, instrument: InstrumentId, start: date, end: date) -> Series:
        """All levels."""
        return Series(dates=self.days, values=self.levels[instrument])

    def fx_rate(
        self, base: CurrencyCode, quote: CurrencyCode, on: date, *, field: str = "as_of"
    ) -> float:
        """One."""
        return 1.0

    def fx_rates(
        self, base: CurrencyCode, quote: CurrencyCode, dates: npt.NDArray[np.datetime64]
    ) -> npt.NDArray[np.float64]:
        """Ones."""
        return np.ones(len(dates))


def market_of(count: int) -> ManyMarket:
    """Random walks of so many instruments."""
    end = np.datetime64(AS_OF, "D")
    days = np.busday_offset(end, np.arange(-SCENARIOS - 1, 1), roll="backward")
    steps = np.random.default_rng(1).standard_normal((count, len(days))) * 0.01
    levels = 100.0 * np.exp(np.cumsum(steps, axis=1))
    return ManyMarket(days=days, levels={f"N{index}": levels[index] for index in range(count)})


def document_of(count: int, *, options: bool) -> Document:
    """A book of so many positions, each on an instrument of its own."""
    positions: list[Document] = []
    for index in range(count):
        if options:
            positions.append(
                {
                    "kind": "option",
                    "underlying": f"N{index}",
                    "option_type": "put" if index % 2 else "call",
                    "strike": str(60 + index % 100),
                    "expiry": "2023-06-16",
                    "quantity": str(index % 9 - 4),
                }
            )
        else:
            quantity = str(index % 11 - 5)
            positions.append({"kind": "stock", "instrument": f"N{index}", "quantity": quantity})
    return {
        "portfolio": {"label": "large", "positions": positions},
        "as_of": AS_OF,
        "window_days": SCENARIOS,
        "horizon_days": 1,
    }


def timed(run: Callable[[], object], rounds: int = 3) -> tuple[float, float]:
    """Best wall and processor seconds of a few runs; they differ where others use the cores."""
    best = (float("inf"), float("inf"))
    for _ in range(rounds):
        start, used = time.perf_counter(), time.process_time()
        run()
        spent = (time.perf_counter() - start, time.process_time() - used)
        best = (min(best[0], spent[0]), min(best[1], spent[1]))
    return best


def by_pandas(document: Document, market: ManyMarket) -> float:
    """Value at risk by pandas, one series a position."""
    portfolio = document["portfolio"]
    assert isinstance(portfolio, dict)
    profit = pd.Series(0.0, index=range(SCENARIOS))
    for position in portfolio["positions"]:
        levels = pd.Series(market.levels[position["instrument"]][-SCENARIOS - 1 :])
        growth = levels.pct_change().iloc[1:].reset_index(drop=True)
        profit = profit + float(position["quantity"]) * levels.iloc[-1] * growth
    return float((-profit).sort_values().iloc[int(np.ceil(SCENARIOS * 0.99)) - 1])


def rows() -> list[Document]:
    """Measure."""
    found: list[Document] = []
    entry = calculator("historical_var")
    cases = [(count, False) for count in (1250, 2500, 5000, 10_000)]
    cases += [(count, True) for count in (125, 250, 500, 1000)]
    market = market_of(10_000)
    for count, options in cases:
        document = document_of(count, options=options)
        parsed = entry.parse(document)
        wall, seconds = timed(lambda parsed=parsed: entry.run(parsed, market))
        row: Document = {
            "metric": f"historical_var of {count} {'options' if options else 'shares'}",
            "scenarios": SCENARIOS,
            "wall_seconds": wall,
            "cpu_seconds": seconds,
            "parse_cpu_seconds": timed(lambda document=document: entry.parse(document))[1],
            "cpu_us_per_position": seconds / count * 1e6,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        if not options:
            _, slow = timed(lambda document=document: by_pandas(document, market), rounds=1)
            row["times_faster_than_pandas"] = slow / seconds
        found.append(row)
    for name in ("tail_risk", "var_contributions", "stressed_var"):
        document = document_of(1000, options=False)
        if name == "stressed_var":
            document |= {"window_days": 250, "search_days": SCENARIOS}
        other = calculator(name)
        parsed = other.parse(document)
        wall, seconds = timed(lambda other=other, parsed=parsed: other.run(parsed, market))
        found.append(
            {
                "metric": f"{name} of 1000 shares",
                "scenarios": SCENARIOS,
                "wall_seconds": wall,
                "cpu_seconds": seconds,
            }
        )
    return found


def main() -> int:
    """Print a table and append the rows."""
    common = {"commit": commit(), "processor": processor(), "numpy": np.__version__}
    with RESULTS.open("a") as file:
        for row in rows():
            file.write(json.dumps({**row, **common}, sort_keys=True) + "\n")
            shown = "  ".join(
                f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, float)
            )
            sys.stdout.write(f"{row['metric']:<36} {shown}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
