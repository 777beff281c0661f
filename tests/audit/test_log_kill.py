"""A writer killed at any moment loses nothing that it has acknowledged."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit.log import Log
from audit.verify import verify_directory
from tests.audit.support import make_log, make_signer

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from audit.log import Log
from tests.audit.support import make_record, make_large_record, make_signer, options

log = Log.open(Path(sys.argv[1]), signer=make_signer(), segment_bytes_max=20_000)
number = log.size
while True:
    make = make_large_record if number % 5 == 0 else make_record
    receipt = log.append(make(number))
    print(receipt.index, receipt.leaf_hash.hex(), flush=True)
    number += 1
"""


@pytest.mark.slow
def test_append_killed_at_random_loses_nothing_acknowledged(tmp_path):
    make_log(tmp_path).close()
    rng = random.Random(20261122)
    acknowledged: dict[int, str] = {}
    for _ in range(25):
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", WRITER, str(tmp_path / "log")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0]
        acknowledged |= dict(
            read_acknowledgement(line) for line in rest.splitlines(True) if "\n" in line
        )
        report = verify_directory(tmp_path / "log", verifier=make_signer().verifier)
        assert report.ok, report.problems
    with Log.open(tmp_path / "log", signer=make_signer()) as log:
        assert log.size > max(acknowledged)
        for index, digest in acknowledged.items():
            assert log.receipt(index).leaf_hash.hex() == digest
        assert log.verify().ok


def read_acknowledgement(line: str) -> tuple[int, str]:
    index, digest = line.split()
    return int(index), digest
