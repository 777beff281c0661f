import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from finsvc.domain.errors import StateError
from finsvc.files import exclusive_lock, write_atomically

_HOLD = """
import sys
from pathlib import Path
from finsvc.files import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    sys.stdout.write("held\\n")
    sys.stdout.flush()
    sys.stdin.readline()
"""


def test_file_is_written_with_its_mode_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"one", mode=0o600)
    write_atomically(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_failure_leaves_the_old_content_and_no_part(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(StateError, match="expected a writable file, got No space left"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(StateError, match="taken"):
        write_atomically(tmp_path / "taken" / "file", b"new")
    with (
        pytest.raises(StateError, match="expected a writable folder"),
        exclusive_lock(tmp_path / "taken" / "lock"),
    ):
        pytest.fail("the lock was given")


def test_second_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd(), text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StateError, match="another running finsvc"),
            exclusive_lock(path),
        ):
            pytest.fail("two processes hold the lock")
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert holder.wait(timeout=30) == 0
    with exclusive_lock(path):
        pass
