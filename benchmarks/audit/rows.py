"""Result rows of the benchmarks in this folder that are commands of their own."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.run import RESULTS, commit, processor


def append_row(metric: str, figures: Mapping[str, object]) -> None:
    """Append a row with the hardware and versions behind it."""
    row = {
        "metric": metric,
        **figures,
        "load_1min": os.getloadavg()[0],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": version("torch"),
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")
