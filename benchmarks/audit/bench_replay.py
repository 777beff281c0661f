"""Replay of the embedded model's decisions at every level, against the time they took to make.

    python -m benchmarks.run 'benchmarks/audit/bench_replay.py::test_replay[100]'

Decisions are made by a service in this process; a copy of its data directory, as an auditor would
carry it to another machine, is then replayed R0 to R4 in a fresh process. Bar: all equal, at least
5 times as fast as they were made, for 1,000 decisions (about 20 minutes on two cores).
"""

import json
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.audit.replay_questions import questions
from benchmarks.finsvc.bench_ask import ask
from finsvc.settings import Settings
from finsvc.wiring import open_services

TIMES_FASTER_MIN = 5

_REPLAY = """
import json, sys, time
from pathlib import Path
from finsvc.services.replay import Level
from finsvc.services.replay_selection import Selection
from finsvc.settings import Settings
from finsvc.wiring import open_services
began = time.perf_counter()
with open_services(Settings(data_dir=Path(sys.argv[1])), on_progress=lambda _: None) as services:
    ready = time.perf_counter()
    results = list(services.replay.many(Selection(), Level.R4, services.local_principal))
    done = time.perf_counter()
levels = [outcome for result in results for outcome in result.levels.values()]
print(json.dumps({
    "decisions": len(results), "equal": sum(result.is_ok for result in results),
    "load_s": ready - began, "replay_s": done - ready,
    "levels": {outcome: levels.count(outcome) for outcome in sorted(set(levels))},
}))
"""


@pytest.mark.parametrize("count", [100, 1000])
def test_replay(benchmark: BenchmarkFixture, tmp_path: Path, count: int) -> None:
    """Seconds of the whole fresh process; extra_info holds the parts."""
    made_s = 0.0
    made, carried = tmp_path / "made", tmp_path / "carried"
    with open_services(Settings(data_dir=made), on_progress=lambda _: None) as services:
        texts = list(islice(questions(), count))
        began = time.perf_counter()
        for text in texts:
            ask(services, text)
        made_s = time.perf_counter() - began
    shutil.copytree(made, carried)

    def replay() -> dict[str, object]:
        command = [sys.executable, "-c", _REPLAY, str(carried)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        found: dict[str, object] = json.loads(done.stdout)
        return found

    found = benchmark.pedantic(replay, rounds=1)
    times_faster = made_s / float(str(found["replay_s"]))
    benchmark.extra_info.update(made_s=made_s, times_faster=times_faster, **found)
    assert found["decisions"] == found["equal"] == count
    assert times_faster >= TIMES_FASTER_MIN
