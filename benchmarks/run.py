"""Runs the benchmarks and appends their rows to benchmarks/results/cpu.jsonl.

    python -m benchmarks.run [PATH ...]

A row holds the metric, seconds (minimum, median), rates and the hardware and versions behind them.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "cpu.jsonl"


def processor() -> str:
    """Model name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    """Commit the benchmarks ran on, with a mark when files were changed."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def rows(report: dict[str, object]) -> list[dict[str, object]]:
    """Turn pytest-benchmark's report into result rows."""
    common = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
    entries = report["benchmarks"]
    assert isinstance(entries, list)
    return [
        {
            "metric": f"{Path(entry['fullname'].split('::')[0]).stem}::{entry['name']}",
            "min_s": entry["stats"]["min"],
            "median_s": entry["stats"]["median"],
            "rounds": entry["stats"]["rounds"],
            **entry["extra_info"],
            **common,
        }
        for entry in entries
    ]


def main(paths: list[str]) -> int:
    """Run the benchmarks and keep their rows."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        status = subprocess.run(  # noqa: S603
            [
                sys.executable,
                "-m",
                "pytest",
                "-o",
                "python_files=bench_*.py",
                "-o",
                "python_functions=test_* bench_*",
                "--benchmark-warmup=off",
                f"--benchmark-json={target}",
                *(paths or ["benchmarks"]),
            ],
            cwd=ROOT,
            check=False,
        ).returncode
        if target.exists():
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            with RESULTS.open("a") as file:
                for row in rows(json.loads(target.read_text())):
                    file.write(json.dumps(row, sort_keys=True) + "\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
