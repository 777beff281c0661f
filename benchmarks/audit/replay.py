"""Replay of the embedded model's decisions at every level, against the time they took to make.

    python -m benchmarks.audit.replay --decisions 1000 [--folder DIR]

Decisions are made by a service in this process, about 0.7 s each on a quiet machine; a run that was
stopped goes on where it was. A copy of the data directory, as an auditor would carry it to another
machine, is then replayed R0 to R4 in a fresh process with an environment of its own. Prints a table
and appends a row to benchmarks/results/cpu.jsonl. Bar: all equal, at least 5 times as fast as they
were made (about 15 minutes for 1,000 decisions on two cores).
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from benchmarks.audit.replay_questions import questions
from benchmarks.audit.rows import append_row
from benchmarks.finsvc.bench_ask import ask
from finsvc.settings import Settings
from finsvc.wiring import open_services

TIMES_FASTER_MIN = 5
_SAY_EVERY = 25

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
    results = []
    for result in services.replay.many(Selection(), Level.R4, services.local_principal):
        results.append(result)
        if len(results) % 100 == 0:
            print(f"replayed {len(results)}", file=sys.stderr, flush=True)
    done = time.perf_counter()
levels = [outcome for result in results for outcome in result.levels.values()]
print(json.dumps({
    "replayed": len(results), "equal": sum(result.is_ok for result in results),
    "load_s": ready - began, "replay_s": done - ready,
    "levels": {outcome: levels.count(outcome) for outcome in sorted(set(levels))},
}))
"""


def make(folder: Path, count: int) -> float:
    """Ask the questions that were not asked yet; return the seconds of all."""
    timings = folder / "seconds.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    taken = [float(line) for line in timings.read_text().split()] if timings.exists() else []
    if len(taken) < count:
        with (
            open_services(Settings(data_dir=folder / "made"), on_progress=lambda _: None) as parts,
            timings.open("a") as file,
        ):
            for text in islice(questions(), len(taken), count):
                began = time.perf_counter()
                ask(parts, text)
                taken.append(time.perf_counter() - began)
                file.write(f"{taken[-1]:.6f}\n")
                file.flush()
                if len(taken) % _SAY_EVERY == 0:
                    left_s = (count - len(taken)) * sum(taken) / len(taken)
                    sys.stderr.write(f"made {len(taken)} of {count}, {left_s:.0f} s to go\n")
    return sum(taken[:count])


def replay(folder: Path) -> dict[str, object]:
    """Replay a copy in a fresh process whose environment is not this one's."""
    carried = folder / "carried"
    shutil.rmtree(carried, ignore_errors=True)
    shutil.copytree(folder / "made", carried)
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _REPLAY, str(carried)],
        env={"HOME": str(folder), "TZ": "Asia/Tokyo"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/finsvc-replay"))  # noqa: S108
    given = parser.parse_args(argv)
    made_s = make(given.folder, given.decisions)
    found = replay(given.folder)
    times_faster = made_s / float(str(found["replay_s"]))
    row = {"decisions": given.decisions, "made_s": made_s, "times_faster": times_faster, **found}
    append_row("audit.replay", row)
    for name, value in row.items():
        sys.stdout.write(f"{name:14} {value}\n")
    is_met = found["equal"] == found["replayed"] and times_faster >= TIMES_FASTER_MIN
    is_met &= int(str(found["replayed"])) >= given.decisions
    sys.stdout.write(f"bar of {TIMES_FASTER_MIN} x, all equal: {'met' if is_met else 'MISSED'}\n")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
