from pathlib import Path

import pytest

from finsvc.demo import main

pytestmark = pytest.mark.e2e


def test_demonstration_runs_twice_on_one_folder(
    data_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["--data-dir", str(tmp_path / "demo")]) == 0
        shown = capfd.readouterr().out
        assert shown.count("verdict: verified") == 3
        for level in ("R0", "R1", "R2", "R3"):
            assert f"{level}  match" in shown
        assert "Everything was verified." in shown


def test_service_that_cannot_start_ends_the_demonstration(
    data_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lock").mkdir()
    assert main(["--data-dir", str(tmp_path)]) == 1
    assert "The demonstration failed: the service ended with exit code 2" in capfd.readouterr().out
