"""Every kernel compiles without a GPU for the architectures that the engine names."""

import json
import os
import subprocess
import sys

import pytest

from tests.data import ROOT
from tests.kernels.ahead_of_time import TARGETS

# Shared memory of one program: 227 KiB on Hopper, 163 KiB on Ampere.
SHARED_BYTES_MAX = {90: 232448, 80: 166912}


@pytest.mark.parametrize("cases", ["attention_cases", "product_cases"])
def test_kernels_compile_for_each_architecture_and_fit(cases: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "tests.kernels.ahead_of_time", f"tests.kernels.{cases}"]
    done = subprocess.run(  # noqa: S603  # our own module
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["arch"] for row in rows} == set(TARGETS)
    for row in rows:
        assert row["cubin_bytes"] > 0
        assert row["shared_bytes"] <= SHARED_BYTES_MAX[row["arch"]], row
    # The products of prefill and the head are the tensor cores' in the form of the architecture.
    for row in rows:
        if row["kernel"] in ("_prefill_kernel", "_head_kernel"):
            assert ("wgmma" if row["arch"] == 90 else "mma.sync") in row["families"]
