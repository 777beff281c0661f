"""A flipped byte anywhere in a closed log is found, by the command that an auditor runs.

While a writer is at work, or after a crash, a torn checkpoint is a warning: the segments hold all.
"""

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
    """A copy of the log with at least one record, as a writer leaves it that ends in order."""
    if finsvc(data_dir, "audit", "verify", "--json").document["size"] == 0:
        finsvc(data_dir, "ask", "What is the EUR/USD rate?", "--json")
    shutil.copytree(data_dir / "log", tmp_path / "log")
    (tmp_path / "log" / "lock").write_bytes(b"")
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    return tmp_path / "log"


def test_flipped_byte_anywhere_is_found(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify", "--json"]) == 0
    capsys.readouterr()
    # The search index is made from the segments, and holds bytes that mean nothing.
    spared = ("lock", "search.sqlite")
    files = [
        path
        for path in sorted(copied.rglob("*"))
        if path.is_file() and not path.name.startswith(spared)
    ]
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
            report = json.loads(printed)
            if copied / "tile" in path.parents:
                # Derived from the entries, which are whole: made again, and told.
                place = str(path.relative_to(copied))
                assert any(place in warning for warning in report["warnings"]), printed
                continue
            assert code == 4, f"{path.name} byte {position}: {printed}"
            if path.suffix == ".seg":
                assert isinstance(report["first_bad_index"], int)
        path.write_bytes(content)
    assert run(["audit", "verify", "--json"]) == 0


def test_missing_segment_is_found(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next(copied.rglob("*.seg")).unlink()
    assert run(["audit", "verify", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["problems"]


def test_torn_checkpoint_of_a_writer_at_work_is_a_warning(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied / "lock").write_bytes(b"W")
    checkpoint = copied / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-9])
    assert run(["audit", "verify", "--json"]) == 0
    assert "checkpoint" in json.loads(capsys.readouterr().out)["warnings"][0]
