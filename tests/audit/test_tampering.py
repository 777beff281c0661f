"""Random changes to a log's segments: each is found, and the first bad index is right."""

import random
import shutil
from pathlib import Path

import pytest

from audit.segment import FrameKind, segment_path
from audit.verify import verify_directory
from tests.audit.support import make_log, make_signer, read_frames, write_frames

NUM_ENTRIES = 8
NUM_CHANGES = 10_000
NUM_CHANGES_QUICK = 300
VERIFIER = make_signer().verifier

Frames = list[tuple[FrameKind, int, bytes]]


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """Eight entries in batches of one, so that each is sealed by itself."""
    folder = tmp_path_factory.mktemp("clean")
    make_log(folder, num_records=NUM_ENTRIES).close()
    return folder / "log"


def change(directory: Path, frames: Frames, rng: random.Random) -> set[int]:
    """Change something at an entry drawn at random; return the indices that may rightly be named.

    Where the seal of an entry is damaged, the entry itself is whole: it, as no longer sealed, and
    the next one, as the first that is missing, are both right.
    """
    index = rng.randrange(NUM_ENTRIES)
    entry, seal = frames[2 * index], frames[2 * index + 1]
    kind = rng.choice(["flip", "cut", "swap", "delete", "repeat", "seal"])
    if kind == "flip":
        return flip(directory, rng)
    if kind == "cut":
        path = segment_path(directory, 0)
        ends = [frame.end for frame in read_frames(directory)]
        begin = ends[2 * index - 1] if index else 20
        length = rng.randrange(begin, ends[2 * index + 1])
        path.write_bytes(path.read_bytes()[:length])
        return {index, index + (length >= ends[2 * index])}
    if kind == "swap":
        other = rng.choice([n for n in range(NUM_ENTRIES) if n != index])
        frames[2 * index], frames[2 * other] = frames[2 * other], entry
        index = min(index, other)
    elif kind == "delete":
        del frames[2 * index : 2 * index + 2]
    elif kind == "repeat":
        frames[2 * index + 2 : 2 * index + 2] = [entry, seal]
        index += 1
    else:
        frames[2 * index + 1] = (seal[0], seal[1], rng.randbytes(32))
    write_frames(directory, frames)
    return {index}


def flip(directory: Path, rng: random.Random) -> set[int]:
    path = segment_path(directory, 0)
    data = bytearray(path.read_bytes())
    offset = rng.randrange(len(data))
    ends = [frame.end for frame in read_frames(directory)]
    data[offset] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    before = sum(end <= offset for end in ends)
    return {before // 2, before // 2 + before % 2}


def run_changes(clean: Path, folder: Path, count: int) -> None:
    rng = random.Random(20261122)
    directory = Path(shutil.copytree(clean, folder / "log"))
    original = segment_path(directory, 0).read_bytes()
    frames = [(frame.kind, frame.index, frame.data) for frame in read_frames(directory)]
    missed = []
    for number in range(count):
        expected = change(directory, list(frames), rng)
        report = verify_directory(directory, verifier=VERIFIER)
        if report.ok or report.first_bad_index not in expected:
            missed.append((number, expected, report.problems[:1]))
        segment_path(directory, 0).write_bytes(original)
        assert number % 100 or verify_directory(directory, verifier=VERIFIER).ok
    assert missed == []


def test_random_changes_are_found_and_named(clean: Path, tmp_path: Path):
    run_changes(clean, tmp_path, NUM_CHANGES_QUICK)


@pytest.mark.slow
def test_random_changes_by_the_thousand_are_found_and_named(clean: Path, tmp_path: Path):
    run_changes(clean, tmp_path, NUM_CHANGES)
