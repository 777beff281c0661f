"""A flipped byte anywhere in the log is found, by the command that an auditor runs."""

import json
import shutil
from pathlib import Path

import pytest

from finsvc.cli import run
from finsvc.demo import Service
from tests.e2e.conftest import finsvc

pytestmark = pytest.mark.e2e

FLIPS_PER_FILE = 8


@pytest.fixture
def copied(
    data_dir: Path, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the log with at least one record, under a data directory of its own."""
    if finsvc(data_dir, "audit", "verify", "--json").document["size"] == 0:
        finsvc(data_dir, "ask", "What is the EUR/USD rate?", "--json")
    shutil.copytree(data_dir / "log", tmp_path / "log")
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    return tmp_path / "log"


def test_flipped_byte_anywhere_is_found(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify", "--json"]) == 0
    capsys.readouterr()
    files = [path for path in sorted(copied.rglob("*")) if path.is_file() and path.name != "lock"]
    assert any(path.suffix == ".seg" for path in files)
    for path in files:
        content = path.read_bytes()
        step = max(1, len(content) // FLIPS_PER_FILE)
        for position in {*range(0, len(content), step), len(content) - 1}:
            changed = bytearray(content)
            changed[position] ^= 0x40
            path.write_bytes(bytes(changed))
            code = run(["audit", "verify", "--json"])
            printed = capsys.readouterr().out
            assert code == 4, f"{path.name} byte {position}: {printed}"
            report = json.loads(printed)
            if path.suffix == ".seg":
                assert isinstance(report["first_bad_index"], int)
        path.write_bytes(content)
    assert run(["audit", "verify", "--json"]) == 0


def test_missing_file_is_found(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    payload = next(path for path in sorted((copied / "payloads").rglob("*")) if path.is_file())
    payload.unlink()
    assert run(["audit", "verify", "--json"]) == 4
    assert payload.name in capsys.readouterr().out
