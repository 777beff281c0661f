"""Sustained appends with many writers, latency at a fixed rate, and recovery of a large log.

    python -m benchmarks.audit.sustained FOLDER [--seconds N] [--records N] [--signer process]

Prints a table and appends rows to benchmarks/results/cpu.jsonl. The figures are those of the disk
under FOLDER, which is filled and left empty. Contents are sealed, signed in a process of their own,
and about 2 KB of text that does not compress to nothing.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from audit.keys import FileSigner
from audit.log import Log
from audit.record import Record, Subject
from audit.signer_process import SignerConfig, SignerProcess
from audit.signing import DirectSigner, LogSigner, SignerMemory
from audit.vault import WORK_RANDOM, Vault
from benchmarks.run import RESULTS, commit, processor

ORIGIN = "bench.example/log"
RECORD_BYTES = 2_000


def make_records(count: int) -> list[Record]:
    """Records of 2 KB of words and digits, as decisions are."""
    rng = random.Random(6)  # noqa: S311 - test data
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(3, 9))) for _ in range(600)]
    records = []
    for number in range(count):
        text = " ".join(rng.choices(words, k=40)) + f" {rng.random()}"
        predicate = {"decision_id": f"dec_{number}", "answer": text, "turns": []}
        rest = RECORD_BYTES - len(json.dumps(predicate))
        predicate["ids"] = [rng.randrange(4096) for _ in range(rest // 6)]
        subject = Subject(name="answer", sha256=f"{number:064x}")
        records.append(
            Record(
                type="urn:bench:v1", id=f"dec_{number}", subjects=(subject,), predicate=predicate
            )
        )
    return records


def make_log(folder: Path, kind: str) -> tuple[Log, LogSigner, Vault]:
    """An empty log with its keys."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    passphrase = b"benchmark"
    FileSigner.generate(folder / "key", name=ORIGIN, passphrase=passphrase)
    vault = Vault.create(folder / "vault", origin=ORIGIN, passphrase=passphrase, work=WORK_RANDOM)
    signer = open_signer(folder, kind)
    return Log.create(folder / "log", origin=ORIGIN, signer=signer, vault=vault), signer, vault


def open_signer(folder: Path, kind: str) -> LogSigner:
    """The signer: in its own process, or in this one."""
    if kind == "process":
        return SignerProcess(
            SignerConfig(key=folder / "key", memory=folder / "memory", passphrase=b"benchmark")
        )
    key = FileSigner.load(folder / "key", passphrase=b"benchmark")
    return DirectSigner(key, SignerMemory(folder / "memory"))


def run_writers(
    log: Log, records: list[Record], *, seconds: float, writers: int, rate: float | None
) -> list[float]:
    """Append from many threads; return every latency in seconds."""
    started = time.perf_counter()
    deadline = started + seconds
    latencies: list[list[float]] = [[] for _ in range(writers)]

    def write(worker: int) -> None:
        mine, number = latencies[worker], worker
        while True:
            now = time.perf_counter()
            if rate is not None:
                due = started + (len(mine) * writers + worker) / rate
                if due > now:
                    time.sleep(due - now)
                    now = time.perf_counter()
            if now >= deadline:
                return
            log.append(records[number % len(records)])
            mine.append(time.perf_counter() - now)
            number += writers

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(value for mine in latencies for value in mine)


def report(metric: str, values: dict[str, object]) -> None:
    """Print a row and keep it."""
    sys.stdout.write(f"{metric:28} {values}\n")
    keep({"metric": f"audit::{metric}", **values})


def keep(values: dict[str, object]) -> None:
    """Append a row to the results, with the facts of the run."""
    row = {
        **values,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
    }
    with RESULTS.open("a") as file:
        file.write(json.dumps(row, sort_keys=True) + "\n")


def percentiles(latencies: list[float]) -> dict[str, object]:
    """p50, p99 and the worst, in milliseconds."""
    cuts = statistics.quantiles(latencies, n=100)
    return {
        "p50_ms": round(cuts[49] * 1e3, 2),
        "p99_ms": round(cuts[98] * 1e3, 2),
        "max_ms": round(latencies[-1] * 1e3, 1),
    }


def measure_appends(folder: Path, seconds: float, kind: str) -> None:
    """Throughput with 64 writers; then latency at 500 records a second."""
    records = make_records(512)
    for metric, rate in (("append 64 writers", None), ("append at 500/s", 500.0)):
        log, _, _ = make_log(folder, kind)
        with log:
            latencies = run_writers(log, records, seconds=seconds, writers=64, rate=rate)
        values = {"records_per_s": round(len(latencies) / seconds), "seconds": seconds}
        report(metric, {**values, "signer": kind, **percentiles(latencies)})


def measure_recovery(folder: Path, count: int, kind: str) -> None:
    """Time to open a log whose writer was killed."""
    log, _, vault = make_log(folder, kind)
    records = make_records(512)
    started = time.perf_counter()
    for begin in range(0, count, 4_096):
        log.append_many(records[n % 512] for n in range(begin, min(begin + 4_096, count)))
    filled_s = time.perf_counter() - started
    log.close()
    (folder / "log" / "lock").write_bytes(b"W")
    with sorted((folder / "log" / "segments").iterdir())[-1].open("ab") as file:
        file.write(b"torn bytes of a batch that nobody was told of")
    started = time.perf_counter()
    with Log.open(folder / "log", signer=open_signer(folder, kind), vault=vault) as opened:
        elapsed = time.perf_counter() - started
        assert opened.size == count
        begun = time.perf_counter()
        opened.receipt(count // 3)
        first_receipt_s = time.perf_counter() - begun
    size_bytes = sum(p.stat().st_size for p in (folder / "log").rglob("*") if p.is_file())
    report(
        "recovery",
        {
            "records": count,
            "open_s": round(elapsed, 2),
            "first_receipt_ms": round(first_receipt_s * 1e3, 1),
            "filled_per_s": round(count / filled_s),
            "log_bytes": size_bytes,
        },
    )


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--signer", choices=["process", "direct"], default="process")
    chosen = parser.parse_args()
    measure_appends(chosen.folder, chosen.seconds, chosen.signer)
    if chosen.records:
        measure_recovery(chosen.folder, chosen.records, chosen.signer)
    shutil.rmtree(chosen.folder)


if __name__ == "__main__":
    main()
