"""The bars of serving: which field of which row must be how large; tables and rows of results."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.run import ROOT, commit, processor

RESULTS = ROOT / "benchmarks" / "results" / "serving.jsonl"
Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a field of a metric's rows must be.

    Attributes:
        is_least: Whether the limit is the least value, else the largest.
    """

    metric: str
    field: str
    limit: float
    is_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a value is within the limit."""
        return value >= self.limit if self.is_least else value <= self.limit


BARS = (
    Bar(metric="http_32_streams", field="cost_percent", limit=10),
    Bar(metric="first_token", field="ratio", limit=1.2),
    Bar(metric="prefix_4000", field="times_sooner", limit=10, is_least=True),
    Bar(metric="saturation_10x", field="goodput_percent", limit=80, is_least=True),
    Bar(metric="saturation_10x", field="refused_p99_ms", limit=100),
    Bar(metric="saturation_10x", field="other", limit=0),
    Bar(metric="saturation_10x", field="growth_percent", limit=2),
    Bar(metric="soak_80_percent", field="growth_percent", limit=2),
    Bar(metric="soak_80_percent", field="errors", limit=0),
    Bar(metric="soak_80_percent", field="refused", limit=0),
    Bar(metric="masks", field="p99_us", limit=1000),
    Bar(metric="grammar_batch_16", field="lost_percent", limit=3),
    Bar(metric="parser", field="tokens_per_s", limit=200_000, is_least=True),
)


def say(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def judge(rows: Sequence[Row]) -> bool:
    """Print every bar with what was measured; return whether all that were measured are met."""
    say(f"\n{'bar':54} {'limit':>10} {'measured':>10}")
    is_all_met = True
    for bar in BARS:
        for row in rows:
            value = row.get(bar.field)
            if row["metric"] != bar.metric or not isinstance(value, int | float):
                continue
            is_met = bar.is_met(value)
            is_all_met = is_all_met and is_met
            name = f"{bar.metric} {row.get('case', '')}".strip()
            sign = ">=" if bar.is_least else "<="
            limit = f"{sign} {bar.limit:g}"
            mark = "met" if is_met else "MISSED"
            say(f"{f'{name}, {bar.field}':54} {limit:>10} {value:>10g}  {mark}")
    return is_all_met


def keep(rows: Sequence[Row]) -> None:
    """Append rows to the results, with the machine and versions behind them."""
    common = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[1], 2),
        "torch": version("torch"),
        "llguidance": version("llguidance"),
    }
    with RESULTS.open("a") as file:
        for row in rows:
            file.write(json.dumps({**row, **common}, sort_keys=True) + "\n")
