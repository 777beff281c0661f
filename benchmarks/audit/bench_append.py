"""Durable appends and verification of the audit log.

Run: `python -m pytest benchmarks/audit/bench_append.py -o python_files='bench_*.py'`.
The log lies in pytest's temporary folder, so the figures are those of the disk under it.
"""

import itertools
import threading
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from audit.log import Log
from audit.verify import verify_directory
from tests.audit.support import make_log, make_record

# The envelope around this content is about 2 KB.
CONTENT_BYTES = 900
NUM_VERIFIED = 2_000


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log that is open for writing."""
    return make_log(tmp_path)


def test_append_single_writer(benchmark: BenchmarkFixture, log: Log) -> None:
    """One record, synced and covered by a signed checkpoint; bar: 300 a second."""
    numbers = itertools.count()
    receipt = benchmark.pedantic(
        lambda: log.append(make_record(next(numbers), size=CONTENT_BYTES)),
        rounds=1_000,
        warmup_rounds=20,
    )
    benchmark.extra_info["entry_bytes"] = len(log.read(receipt.index).envelope)


def test_append_64_writers(benchmark: BenchmarkFixture, log: Log) -> None:
    """64 threads of 20 records each, every one answered with its receipt."""

    def write(worker: int) -> None:
        for number in range(20):
            log.append(make_record(worker * 20 + number, size=CONTENT_BYTES))

    def write_all() -> None:
        threads = [threading.Thread(target=write, args=(worker,)) for worker in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    benchmark.extra_info["records"] = 64 * 20
    benchmark.pedantic(write_all, rounds=3, warmup_rounds=1)


def test_verify_whole_log(benchmark: BenchmarkFixture, log: Log) -> None:
    """Every byte, signature, place and root of a log."""
    log.append_many(make_record(number, size=CONTENT_BYTES) for number in range(NUM_VERIFIED))
    log.close()
    benchmark.extra_info["records"] = NUM_VERIFIED
    assert benchmark.pedantic(lambda: verify_directory(log.directory), rounds=3).ok


def test_receipt_verify(benchmark: BenchmarkFixture, log: Log) -> None:
    """One receipt against the log's public key."""
    log.append_many(make_record(number) for number in range(NUM_VERIFIED))
    receipt = log.receipt(NUM_VERIFIED // 3)
    benchmark(lambda: receipt.verify([log.verifier]))
