"""What all GPU benchmarks share: the floor's two rates, timing, facts of the run, result rows.

Rates of the card are measured in the same run as what is compared with them: a copy on the device
counts bytes read and written, the matrix peak is a product of 8192 by 8192 by 8192 in bfloat16.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

RESULTS = Path(__file__).resolve().parents[1] / "results" / "gpu.jsonl"
COPY_BYTES = 1 << 31
MATRIX_WIDTH = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Percentiles of repeated timings, in seconds."""

    p20: float
    p50: float
    p80: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Return the percentiles of some timings."""
        ordered = sorted(seconds)
        picks = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.2, 0.5, 0.8)]
        return cls(p20=picks[0], p50=picks[1], p80=picks[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The card's rates, measured, and what the run used.

    Attributes:
        copy_rate: Bytes per second of a copy on the device, read and written.
        matrix_rate: Operations per second of a large product.
    """

    name: str
    driver: str
    copy_rate: float
    matrix_rate: float

    def facts(self) -> dict[str, object]:
        """Return the fields that every result row carries."""
        return {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "gpu": self.name,
            "driver": self.driver,
            "torch": version("torch"),
            "triton": version("triton"),
            "python": platform.python_version(),
            "copy_tb_s": round(self.copy_rate / 1e12, 3),
            "matrix_tflop_s": round(self.matrix_rate / 1e12, 1),
        }


def time_events(work: Callable[[], object], repeats: int, *, per_round: int = 1) -> Spread:
    """Time rounds of `work` on the device; `per_round` is how often one round does it."""
    work()
    torch.cuda.synchronize()
    seconds = []
    for _ in range(repeats):
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        start.record()
        work()
        end.record()
        end.synchronize()
        seconds.append(start.elapsed_time(end) / 1e3 / per_round)
    return Spread.of(seconds)


def capture(work: Callable[[], None]) -> Callable[[], None]:
    """Return a replay of `work`, captured after it ran once."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        work()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        work()
    return graph.replay


def measure_card() -> Card:
    """Measure the copy bandwidth and the matrix peak."""
    copy = _time_copy()
    product = _time_product()
    return Card(
        name=torch.cuda.get_device_name(),
        driver=_driver(),
        copy_rate=2 * COPY_BYTES / copy.p50,
        matrix_rate=2 * MATRIX_WIDTH**3 / product.p50,
    )


def _time_copy() -> Spread:
    source = torch.empty(COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return time_events(lambda: target.copy_(source), 8)


def _time_product() -> Spread:
    a = torch.randn(MATRIX_WIDTH, MATRIX_WIDTH, dtype=torch.bfloat16, device="cuda")
    out = torch.empty_like(a)
    return time_events(lambda: torch.mm(a, a, out=out), 8)


def keep(rows: Sequence[dict[str, object]], card: Card) -> None:
    """Append result rows with the facts of the run."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    facts = card.facts()
    with RESULTS.open("a") as file:
        for row in rows:
            file.write(json.dumps(row | facts, sort_keys=True) + "\n")


def show(title: str, rows: Sequence[dict[str, object]], columns: Sequence[str]) -> None:
    """Print some columns of result rows."""
    write = sys.stdout.write
    write(f"{title}\n" + "".join(f"{column:>18}" for column in columns) + "\n")
    for row in rows:
        cells = []
        for column in columns:
            value = row.get(column, "")
            cells.append(f"{value:.4g}" if isinstance(value, float) else str(value))
        write("".join(f"{cell:>18}" for cell in cells) + "\n")
    sys.stdout.flush()


def _driver() -> str:
    text = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return text.stdout.strip().splitlines()[0] if text.stdout.strip() else "unknown"


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        cwd=RESULTS.parent,
    )
    return described.stdout.strip() or "unknown"
