"""Every system call of a writer's process fails once, by `strace -e inject`.

Disk full, read-only, input/output error, no descriptors: whatever was acknowledged is there
afterwards, and the log goes on. strace is attached once the writer has loaded its modules, so that
what fails is the log's own call.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audit.log import Log
from audit.receipt import Receipt
from audit.signing import DirectSigner, SignerMemory
from tests.audit.support import make_log, make_signer
from tests.audit.test_log_faults import check_nothing_lost
from tests.data import ROOT

SIGNER = make_signer()
# Call, error, and how many of its calls are failed one after the other at most.
FAULTS = (
    ("openat", "EMFILE", 60),
    ("mkdir", "ENOSPC", 10),
    ("unlink", "EIO", 10),
    ("close", "EIO", 60),
    ("fdatasync", "EIO", 40),
    ("fsync", "EIO", 40),
    ("write", "ENOSPC", 40),
    ("pwrite64", "ENOSPC", 40),
    ("rename", "EROFS", 40),
    ("ftruncate", "EROFS", 10),
)
WRITER = """
import os, sys
from pathlib import Path
from audit.log import Log
from audit.signing import DirectSigner, SignerMemory
from tests.audit.support import make_large_record, make_record, make_signer, options
folder = Path(sys.argv[1])
os.write(1, b"ready\\n")
os.read(0, 1)
signer = DirectSigner(make_signer(), SignerMemory(folder / "memory"))
log = Log.open(folder / "log", signer=signer, options=options(segment_bytes_max=3_000))
for number in range(2, 6):
    receipt = log.append((make_large_record if number == 4 else make_record)(number))
    os.write(1, f"{receipt.index} {receipt.leaf_hash.hex()}\\n".encode())
log.close()
"""


def find_strace() -> str:
    found = shutil.which("strace")
    if found is not None:
        return found
    if os.environ.get("CI") != "true":
        pytest.skip("strace is not installed: apt-get install strace")
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "strace"]):
        subprocess.run(["apt-get", *arguments], check=True, capture_output=True)  # noqa: S603, S607
    return "/usr/bin/strace"


def run_writer(folder: Path, *options: str) -> tuple[str, str]:
    """Run the writer under strace; return what it acknowledged and the trace."""
    strace = find_strace()
    writer = subprocess.Popen(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", WRITER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        tracer = subprocess.Popen(  # noqa: S603
            [strace, "-f", "-p", str(writer.pid), "-o", str(folder / "trace"), *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        with tracer:
            assert tracer.stderr is not None
            assert "attached" in tracer.stderr.readline()
            output, _ = writer.communicate(b"\n", timeout=120)
            tracer.wait(timeout=60)
    return output.decode(errors="replace"), (folder / "trace").read_text()


def prepare(folder: Path) -> None:
    folder.mkdir()
    make_log(folder, num_records=2).close()


@pytest.mark.slow
@pytest.mark.parametrize(("call", "error", "limit"), FAULTS)
def test_every_call_fails_once_and_nothing_acknowledged_is_lost(
    tmp_path: Path, call: str, error: str, limit: int
):
    for number in range(1, limit + 1):
        folder = tmp_path / str(number)
        prepare(folder)
        inject = f"inject={call}:error={error}:when={number}"
        output, trace = run_writer(folder, "-e", f"trace={call}", "-e", inject)
        # Counted for each thread, so the end is where no thread gets that far.
        if "(INJECTED)" not in trace:
            assert number > 1
            break
        # The last line may be cut, or its own write may be the one that failed.
        acknowledged = dict(line.split() for line in output.splitlines() if len(line) > 65)
        signer = DirectSigner(SIGNER, SignerMemory(folder / "memory"))
        with Log.open(folder / "log", signer=signer) as log:
            receipts: list[Receipt] = [log.receipt(index) for index in range(log.size)]
            for index, digest in acknowledged.items():
                assert receipts[int(index)].leaf_hash.hex() == digest
        check_nothing_lost(folder / "log", receipts)
        shutil.rmtree(folder)
    else:
        pytest.fail(f"{call} is called more than {limit} times a thread")
