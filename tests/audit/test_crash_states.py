"""What a power loss may leave at any call of a writer: every state must recover without loss.

A run's system calls are recorded at the seam they all go through. From each point of the trace
states are rebuilt that POSIX allows: unsynced writes dropped, kept, torn or turned to zeros, and
unsynced names appearing or not, independently of each other and of their order.
"""

import os
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from audit.filesystem import RealFileSystem
from audit.log import Log
from tests.audit.support import make_large_record, make_log, make_record, make_signer, options
from tests.audit.test_log_faults import check_nothing_lost

SIGNER = make_signer()
SEGMENT_BYTES = 6_000
NUM_STATES = 5_000
NUM_STATES_QUICK = 150


@dataclass
class Inode:
    """A file's bytes: what is durable, and what was done to it since."""

    durable: bytes = b""
    pending: list[tuple[str, object]] = field(default_factory=list)

    def content(self, rng: random.Random | None) -> bytes:
        """The bytes after a crash; all of them without a generator."""
        kept = len(self.pending) if rng is None else rng.randint(0, len(self.pending))
        data = self.durable
        for number, (kind, value) in enumerate(self.pending[:kept]):
            is_last = number == kept - 1 and rng is not None
            if kind == "cut":
                data = data[:value].ljust(value, b"\0")
            else:
                fate = rng.choice(["whole", "torn", "zeros"]) if is_last else "whole"
                if fate == "torn":
                    value = value[: rng.randrange(len(value) + 1)]
                data += bytes(len(value)) if fate == "zeros" else value
        return data

    def sync(self) -> None:
        self.durable, self.pending = self.content(None), []


class Recorder(RealFileSystem):
    """Does what is asked, and keeps what a crash at this point could leave."""

    def __init__(self, directory: Path) -> None:
        self.inodes: dict[int, Inode] = {}
        self.durable: dict[Path, int] = {}
        self.names: list[tuple[Path, str, Path, int]] = []
        self.live: dict[Path, int] = {}
        self.points: list[tuple[int, object]] = []
        self.acknowledged: list[object] = []
        for path in directory.rglob("*"):
            if path.is_file():
                number = len(self.inodes)
                self.inodes[number] = Inode(durable=path.read_bytes())
                self.durable[path] = self.live[path] = number

    def _at(self, descriptor: int) -> Inode:
        return self.inodes[self.live[Path(os.readlink(f"/proc/self/fd/{descriptor}"))]]

    def _point(self) -> None:
        inodes = {n: Inode(i.durable, list(i.pending)) for n, i in self.inodes.items()}
        state = (inodes, dict(self.durable), list(self.names))
        self.points.append((len(self.acknowledged), state))

    def open_new(self, path: Path) -> int:
        descriptor = super().open_new(path)
        number = self.live.get(path)
        if number is None:
            number = len(self.inodes)
            self.inodes[number] = Inode()
            self.names.append((path.parent, "link", path, number))
            self.live[path] = number
        else:
            self.inodes[number].pending.append(("cut", 0))
        self._point()
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        self._at(descriptor).pending.append(("write", data))
        self._point()
        return super().write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        self._at(descriptor).pending.append(("cut", size))
        self._point()
        super().truncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self._at(descriptor).sync()
        self._point()

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        number = self.live.pop(source)
        self.live[target] = number
        self.names.append((target.parent, "unlink", source, number))
        self.names.append((target.parent, "link", target, number))
        self._point()

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.names.append((path.parent, "unlink", path, self.live.pop(path)))
        self._point()

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        for folder, kind, name, number in self.names:
            if folder == path:
                apply_name(self.durable, kind, name, number)
        self.names = [item for item in self.names if item[0] != path]
        self._point()


def apply_name(names: dict[Path, int], kind: str, path: Path, number: int) -> None:
    if kind == "link":
        names[path] = number
    elif names.get(path) == number:
        del names[path]


def rebuild(target: Path, source: Path, state: tuple, rng: random.Random) -> None:
    """Write one of the states that a crash may leave."""
    inodes, durable, pending = state
    names = dict(durable)
    chance = rng.choice([0.0, 0.5, 1.0])
    for _, kind, path, number in pending:
        if rng.random() < chance:
            apply_name(names, kind, path, number)
    shutil.rmtree(target, ignore_errors=True)
    (target / "segments").mkdir(parents=True)
    is_kind = rng.random() < 0.2
    for path, number in names.items():
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(inodes[number].content(None if is_kind else rng))


def record(folder: Path) -> Recorder:
    make_log(folder, num_records=2, segment_bytes_max=SEGMENT_BYTES).close()
    directory = folder / "log"
    for path in directory.glob("search.sqlite*"):
        path.unlink()
    recorder = Recorder(directory)
    chosen = options(files=recorder, segment_bytes_max=SEGMENT_BYTES)
    for begin in (2, 12):
        log = Log.open(directory, signer=SIGNER, options=chosen)
        if not recorder.acknowledged:
            recorder.acknowledged.extend(log.receipt(index) for index in range(log.size))
        for number in range(begin, begin + 5):
            recorder.acknowledged.append(log.append(make_record(number)))
        recorder.acknowledged.extend(
            log.append_many(make_large_record(number) for number in range(begin + 5, begin + 8))
        )
        log.close()
    return recorder


def run_states(folder: Path, count: int) -> None:
    recorder = record(folder)
    rng = random.Random(20261122)
    assert len(recorder.points) > 100
    # In memory where there is a place for it: recovery's own syncs are not what is tested here.
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else folder) as place:
        target = Path(place) / "log"
        for number in range(count):
            num_acknowledged, state = recorder.points[number * 7 % len(recorder.points)]
            rebuild(target, folder / "log", state, rng)
            check_nothing_lost(target, recorder.acknowledged[:num_acknowledged])


def test_crash_states_recover_without_loss(tmp_path):
    run_states(tmp_path, NUM_STATES_QUICK)


@pytest.mark.slow
def test_crash_states_thousands_recover_without_loss(tmp_path):
    run_states(tmp_path, NUM_STATES)
