"""Export of a log for a regulator: records, pages, index, manifest and verifier.

    python -m benchmarks.audit.export --records 10000

A log of sealed decisions of realistic size (those of a real folder, written again and again) is
exported as the command does it. Bar: 10,000 records within 60 s as JSON lines and HTML; the PDF is
timed on its own, over fewer records.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from benchmarks.audit.replay_questions import questions
from benchmarks.audit.rows import append_row
from benchmarks.finsvc.bench_ask import ask
from finsvc.adapters.audit import AuditLog
from finsvc.services.ports import RecordKind
from finsvc.settings import Settings
from finsvc.wiring import open_services

SECONDS_MAX = 60.0
_SAMPLES = 12


def sample_bodies(folder: Path) -> list[dict[str, object]]:
    """Real decisions of the embedded model."""
    with open_services(Settings(data_dir=folder), on_progress=lambda _: None) as services:
        for text in islice(questions(), _SAMPLES):
            ask(services, text)
        return [
            dict(record.body)
            for record in services.log.records()
            if record.kind is RecordKind.DECISION
        ]


def fill(folder: Path, bodies: Sequence[dict[str, object]], count: int) -> None:
    """Write as many decisions as asked for."""
    log = AuditLog.open(folder / "log", folder / "keys" / "log.pem")
    for number in range(count):
        log.append(RecordKind.DECISION, f"dec_{number:032x}", bodies[number % len(bodies)])
    log.close()


def timed_export(folder: Path, out: Path, *, pdf: bool) -> tuple[float, dict[str, object]]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "finsvc.cli", "audit", "export", str(out), "--json"]
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603
        [*command, "--pdf" if pdf else "--no-pdf"],
        env={"FINSVC_DATA_DIR": str(folder), "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - began, json.loads(done.stdout)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, append rows; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--printed", type=int, default=500)
    given = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="export-"))
    try:
        bodies = sample_bodies(folder / "sample")
        is_met = True
        for count, pdf in ((given.records, False), (given.printed, True)):
            data = folder / f"log-{pdf}"
            fill(data, bodies, count)
            seconds, document = timed_export(data, folder / f"out-{pdf}", pdf=pdf)
            is_met &= document["records"] == count
            if not pdf:
                is_met &= seconds <= SECONDS_MAX
            row = {"seconds": seconds, "records": count, "sheets": document["sheets"]}
            append_row("audit.export.pdf" if pdf else "audit.export.html", row)
            sys.stdout.write(f"{'with' if pdf else 'without'} PDF: {row}\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"bar of {SECONDS_MAX:g} s for 10,000: {'met' if is_met else 'MISSED'}\n")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
