"""A writer killed at any moment loses nothing that it has acknowledged."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from audit.log import Log
from audit.signing import DirectSigner, SignerMemory
from audit.verify import verify_directory
from tests.audit.support import make_large_record, make_log, make_record, make_signer, options

SEGMENT_BYTES = 60_000
NUM_ROUNDS = 1_000
NUM_ROUNDS_QUICK = 15


def write_until_killed(directory: Path, memory: Path, pipe: int) -> None:
    signer = DirectSigner(make_signer(), SignerMemory(memory))
    log = Log.open(directory, signer=signer, options=options(segment_bytes_max=SEGMENT_BYTES))
    number = log.size
    while True:
        make = make_large_record if number % 9 == 0 else make_record
        receipts = log.append_many(make(number + n) for n in range(number % 3 + 1))
        for receipt in receipts:
            os.write(pipe, f"{receipt.index} {receipt.leaf_hash.hex()}\n".encode())
        number += len(receipts)


def run_round(directory: Path, memory: Path, seconds: float) -> dict[int, str]:
    """Fork a writer, kill it, and return what it acknowledged."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ours)
            write_until_killed(directory, memory, theirs)
        finally:
            os._exit(1)
    os.close(theirs)
    data = os.read(ours, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(ours, "rb") as pipe:
        data += pipe.read()
    lines = [line.split() for line in data.decode().splitlines(keepends=True) if line[-1] == "\n"]
    return {int(index): digest for index, digest in lines}


def run_rounds(folder: Path, count: int) -> None:
    make_log(folder, segment_bytes_max=SEGMENT_BYTES).close()
    directory, memory = folder / "log", folder / "memory"
    rng = random.Random(20261122)
    acknowledged: dict[int, str] = {}
    for number in range(count):
        found = run_round(directory, memory, rng.uniform(0, 0.03))
        assert found, "the writer died by itself"
        assert not set(found) & set(acknowledged), "an index was given twice"
        acknowledged |= found
        with Log.open(directory) if number % 2 else opened(directory, memory) as log:
            for index, digest in found.items():
                assert log.receipt(index).leaf_hash.hex() == digest
        if number % 100 == 99 or number == count - 1:
            report = verify_directory(directory, verifier=make_signer().verifier)
            assert report.ok, report.problems
    with opened(directory, memory) as log:
        assert log.size > max(acknowledged)
        for index, digest in acknowledged.items():
            assert log.receipt(index).leaf_hash.hex() == digest


def opened(directory: Path, memory: Path) -> Log:
    signer = DirectSigner(make_signer(), SignerMemory(memory))
    return Log.open(directory, signer=signer, options=options(segment_bytes_max=SEGMENT_BYTES))


def test_append_killed_at_random_loses_nothing_acknowledged(tmp_path):
    run_rounds(tmp_path, NUM_ROUNDS_QUICK)


@pytest.mark.slow
def test_append_killed_a_thousand_times_loses_nothing_acknowledged(tmp_path):
    run_rounds(tmp_path, NUM_ROUNDS)
