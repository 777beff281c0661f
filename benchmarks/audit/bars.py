"""Every bar of the audit log, measured, with pass or fail.

    python -m benchmarks.audit.bars FOLDER [--seconds N] [--records N] [--signer process]

Prints a table and appends a row a bar to benchmarks/results/cpu.jsonl; the exit code is 1 where a
bar is missed. The figures are those of the disk under FOLDER, which is filled and left empty. With
the sizes of the issue (60 s, a million records) it takes some ten minutes.
"""

import argparse
import operator
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit import standalone
from audit.cosignature import Cosigner, verify_cosignatures
from audit.export import entry_json, write_export
from audit.log import Log
from audit.receipt import Receipt, parse_tlog_proof
from audit.vault import Vault
from benchmarks.audit.sustained import (
    ORIGIN,
    keep,
    make_log,
    make_records,
    open_signer,
    percentiles,
    run_writers,
)

_WRITERS = 64
_CHUNK = 4_096
_RATE = 500.0
_VERIFIED_MAX = 20_000
_EXPORTED = 10_000
_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A measured figure and what it must be.

    Attributes:
        name: What was measured.
        value: The figure.
        unit: Its unit.
        limit: The bar.
        is_least: Whether the figure must be at least the bar; else at most.
        size: Of the run.
    """

    name: str
    value: float
    unit: str
    limit: float
    is_least: bool
    size: str

    @property
    def is_met(self) -> bool:
        """Whether the bar is met."""
        compare: Callable[[float, float], bool] = operator.ge if self.is_least else operator.le
        return compare(self.value, self.limit)


def at_least(name: str, value: float, limit: float, *, unit: str, size: str) -> Bar:
    """A bar to be reached."""
    return Bar(name=name, value=value, unit=unit, limit=limit, is_least=True, size=size)


def at_most(name: str, value: float, limit: float, *, unit: str, size: str) -> Bar:
    """A bar to be kept below."""
    return Bar(name=name, value=value, unit=unit, limit=limit, is_least=False, size=size)


def measure_appends(folder: Path, seconds: float, kind: str) -> Iterator[Bar]:
    """Throughput of 64 writers, then latency at 500 records a second."""
    records, size = make_records(512), f"{seconds:g} s, {_WRITERS} writers, 2 KB, signer {kind}"
    log, _, _ = make_log(folder, kind)
    with log:
        done = run_writers(log, records, seconds=seconds, writers=_WRITERS, rate=None)
    yield at_least("durable appends", len(done) / seconds, 2_000, unit="records/s", size=size)
    log, _, _ = make_log(folder, kind)
    with log:
        done = run_writers(log, records, seconds=seconds, writers=_WRITERS, rate=_RATE)
    times, size = percentiles(done), f"{seconds:g} s at {_RATE:g} records/s"
    yield at_most("append to proof p50", float(str(times["p50_ms"])), 10, unit="ms", size=size)
    yield at_most("append to proof p99", float(str(times["p99_ms"])), 100, unit="ms", size=size)


def fill(folder: Path, count: int, kind: str) -> Vault:
    """Make a log of so many records and leave it as a killed writer would."""
    log, _, vault = make_log(folder, kind)
    records = make_records(512)
    for begin in range(0, count, _CHUNK):
        log.append_many(records[n % 512] for n in range(begin, min(begin + _CHUNK, count)))
    log.close()
    (folder / "log" / "lock").write_bytes(b"W")
    with sorted((folder / "log" / "segments").iterdir())[-1].open("ab") as file:
        file.write(b"torn bytes of a batch that nobody was told of")
    return vault


def measure_recovery(folder: Path, count: int, kind: str) -> Iterator[Bar]:
    """Open a log whose writer was killed; then receipts and an export of it."""
    vault, size = fill(folder, count, kind), f"{count} records"
    started = time.perf_counter()
    with Log.open(folder / "log", signer=open_signer(folder, kind), vault=vault) as log:
        elapsed = time.perf_counter() - started
        if log.size != count:
            raise SystemExit(f"expected {count} records after recovery, got {log.size}")
        yield at_most("recovery", elapsed, 10, unit="s", size=size)
        yield from measure_receipts(log, log.receipt(count // 3), size)
        chosen = range(min(_EXPORTED, count))
        started = time.perf_counter()
        write_export(
            folder / "export.jsonl",
            verifier=log.verifier,
            checkpoint=log.checkpoint(),
            entries=(entry_json(log.read(index)) for index in chosen),
        )
        elapsed = (time.perf_counter() - started) / len(chosen) * _EXPORTED
        yield at_most("export of 10,000 records", elapsed, 60, unit="s", size=f"{len(chosen)}")


def measure_receipts(log: Log, receipt: Receipt, size: str) -> Iterator[Bar]:
    """Size of a receipt with cosignatures, and the time to check it."""
    name, entry = "witness.example/w1", log.envelope(receipt.index)
    witnesses = [
        Cosigner(name, Ed25519PrivateKey.from_private_bytes(bytes(32))),
        Cosigner(name, MLDSA44PrivateKey.from_seed_bytes(bytes(32))),
    ]
    lines = [one.cosign(log.snapshot().head, time_s=1_795_000_000) for one in witnesses]
    for label, added, limit in (
        ("receipt, Ed25519", lines[:1], 2_048),
        ("receipt, ML-DSA-44", lines, 6_144),
    ):
        note = receipt.checkpoint + "".join(added)
        text = Receipt(
            index=receipt.index,
            leaf_hash=receipt.leaf_hash,
            tree_size=receipt.tree_size,
            proof=receipt.proof,
            checkpoint=note,
        ).to_text()
        yield at_most(label, len(text.encode()), limit, unit="bytes", size=size)
    keys, times = [one.verifier for one in witnesses], []
    for _ in range(_TRIES):
        started = time.perf_counter()
        parse_tlog_proof(text, entry=entry).verify([log.verifier], entry=entry)
        verify_cosignatures(note, keys)
        times.append(time.perf_counter() - started)
    yield at_most("receipt verified", min(times) * 1e3, 5, unit="ms", size=size)


def measure_verification(folder: Path, count: int) -> Iterator[Bar]:
    """The stand-alone verifier, one core: the tree alone, and with every signature."""
    count = min(count, _VERIFIED_MAX)
    log, _, _ = make_log(folder, "direct")
    records = make_records(512)
    for begin in range(0, count, _CHUNK):
        log.append_many(records[n % 512] for n in range(begin, min(begin + _CHUNK, count)))
    log.close()
    key = standalone.Key.parse(log.verifier.vkey)
    for name, tree_only, limit in (
        ("verification, tree", True, 10_000),
        ("verification, signatures", False, 4_000),
    ):
        started = time.process_time()
        checked = standalone.Log(folder / "log", tree_only=tree_only)
        checked.run(key, [])
        elapsed = time.process_time() - started
        if checked.problems or checked.seen != count:
            raise SystemExit(f"{name}: {checked.problems}")
        yield at_least(name, count / elapsed, limit, unit="records/s", size=f"{count} records")


def report(bar: Bar) -> None:
    """Print a row and append it to the results."""
    sign, verdict = (">=" if bar.is_least else "<="), ("pass" if bar.is_met else "FAIL")
    sys.stdout.write(
        f"{verdict:5} {bar.name:26} {bar.value:12,.2f} {bar.unit:10} {sign} {bar.limit:,g}"
        f"   ({bar.size})\n"
    )
    sys.stdout.flush()
    keep(
        {
            "metric": f"audit::bar {bar.name}",
            "value": round(bar.value, 3),
            "unit": bar.unit,
            "bar": bar.limit,
            "met": bar.is_met,
            "size": bar.size,
            "origin": ORIGIN,
        }
    )


def main() -> int:
    """Measure all bars; 1 where one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--signer", choices=["process", "direct"], default="process")
    chosen = parser.parse_args()
    bars: list[Bar] = []
    for measured in (
        measure_appends(chosen.folder, chosen.seconds, chosen.signer),
        measure_verification(chosen.folder, chosen.records),
        measure_recovery(chosen.folder, chosen.records, chosen.signer),
    ):
        for bar in measured:
            report(bar)
            bars.append(bar)
    shutil.rmtree(chosen.folder)
    return 0 if all(bar.is_met for bar in bars) else 1


if __name__ == "__main__":
    raise SystemExit(main())
