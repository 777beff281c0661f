"""One real service process with the embedded model, asked over HTTP by the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from finsvc.adapters.engine import EMBEDDED_FOLDER
from finsvc.demo import Service, running_service

TIMEOUT_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended; ``document`` is what it printed with ``--json``."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, object]:
        assert self.stdout, self.stderr
        loaded: dict[str, object] = json.loads(self.stdout)
        return loaded


def finsvc(data_dir: Path, *arguments: str, stdin: str = "") -> Finished:
    """Run the command line as a user would."""
    environment = {**os.environ, "FINSVC_DATA_DIR": str(data_dir)}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "finsvc.cli", *arguments],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Finished(code=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (EMBEDDED_FOLDER / "config.json").exists():
        message = f"no embedded model under {EMBEDDED_FOLDER}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return tmp_path_factory.mktemp("finsvc")


@pytest.fixture(scope="session")
def service(data_dir: Path) -> Iterator[Service]:
    with running_service(data_dir) as running:
        yield running
