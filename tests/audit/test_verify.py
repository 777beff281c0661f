import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.dsse import seal
from audit.layout import OPEN_MARK
from audit.log import Log
from audit.rfc6962 import MerkleTree, leaf_hash
from audit.segment import (
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    FrameKind,
    segment_path,
)
from audit.signed_note import Signer
from audit.verify import Reason, VerifyReport, verify_directory
from tests.audit.support import (
    DRAFTER,
    STAMP,
    drop_payloads,
    make_entry,
    make_large_record,
    make_log,
    make_record,
    make_signer,
    read_frames,
    write_frames,
)

SIGNER = make_signer()
VERIFIER = SIGNER.verifier
NUM_ENTRIES = 6


def build(folder: Path) -> Path:
    """A closed log: entries 0 and 1 alone, 2 to 4 as one batch, 5 large with an attachment."""
    log = make_log(folder, num_records=2)
    log.append_many(make_record(number) for number in (2, 3, 4))
    log.append_many([make_large_record(5)])
    log.close()
    return folder / "log"


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("clean"))


@pytest.fixture
def log(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "log"))


def verify(directory: Path, **arguments: object) -> VerifyReport:
    return verify_directory(directory, verifier=VERIFIER, **arguments)


def write_entries(directory: Path, entries: list[bytes], *, seals: list[int]) -> None:
    """Write entries as an attacker would who can compute every checksum and root."""
    payloads, waiting = {}, []
    for frame in read_frames(directory):
        if frame.kind is FrameKind.PAYLOAD:
            waiting.append(frame.data)
        else:
            payloads[frame.data], waiting = waiting, []
    frames, tree = [], MerkleTree()
    for index, entry in enumerate(entries):
        frames.extend((FrameKind.PAYLOAD, index, data) for data in payloads.get(entry, []))
        frames.append((FrameKind.ENTRY, index, entry))
        tree.append(leaf_hash(entry))
        if tree.size in seals:
            frames.append((FrameKind.COMMIT, tree.size, tree.root()))
    write_frames(directory, frames)


def entries_of(directory: Path) -> list[bytes]:
    return [frame.data for frame in read_frames(directory) if frame.kind is FrameKind.ENTRY]


def expected_index(directory: Path, offset: int) -> set[int]:
    """Entries that may rightly be named for a changed byte of the segment."""
    next_index, batch = 0, 0
    for frame in read_frames(directory):
        if offset < HEADER_BYTES:
            return {0}
        if offset < frame.end:
            if frame.kind is not FrameKind.COMMIT:
                return {next_index}
            # A damaged seal: its batch is no longer sealed, and what follows cannot be read.
            return {batch, next_index}
        if frame.kind is FrameKind.ENTRY:
            next_index += 1
        elif frame.kind is FrameKind.COMMIT:
            batch = next_index
    raise AssertionError(offset)


def test_verify_clean_log_is_ok(clean: Path):
    report = verify(clean)
    assert report.ok
    assert (report.size, report.problems, report.warnings) == (NUM_ENTRIES, [], [])
    assert report.first_bad_index is None
    assert report.checkpoint.size == NUM_ENTRIES
    assert verify_directory(clean).ok


def flip_bytes(directory: Path, path: Path, offsets: range) -> list[str]:
    """Flip one bit of each of these bytes; return those that verify did not find or misnamed."""
    data, missed = path.read_bytes(), []
    for offset in offsets:
        changed = bytearray(data)
        changed[offset] ^= 1 << offset % 8
        path.write_bytes(changed)
        report = verify(directory)
        index = report.first_bad_index
        is_right = index == 0
        if path.suffix == ".seg":
            path.write_bytes(data)
            is_right = index in expected_index(directory, offset)
        if report.ok or not is_right:
            missed.append(f"{path.name}[{offset}]: {report.problems[:1]}")
    path.write_bytes(data)
    return missed


@pytest.mark.parametrize("name", ["format", "vkey", "checkpoint"])
def test_verify_any_changed_byte_of_a_small_file_is_found(log: Path, name: str):
    path = log / name
    assert flip_bytes(log, path, range(path.stat().st_size)) == []


def test_verify_changed_bytes_of_a_segment_are_found_and_named(log: Path):
    path = segment_path(log, 0)
    missed = flip_bytes(log, path, range(0, path.stat().st_size, 11))
    for frame in read_frames(log):
        header = frame.end - len(frame.data) - FRAME_HEADER_BYTES
        missed += flip_bytes(log, path, range(header, header + FRAME_HEADER_BYTES + 1))
        missed += flip_bytes(log, path, range(frame.end - 1, frame.end))
    assert missed == []


@pytest.mark.slow
def test_verify_every_changed_byte_of_a_segment_is_found_and_named(log: Path):
    path = segment_path(log, 0)
    assert flip_bytes(log, path, range(path.stat().st_size)) == []


@pytest.mark.parametrize("step", [1, 13])
def test_verify_segment_cut_anywhere_is_found_and_named(log: Path, step: int):
    path = segment_path(log, 0)
    data = path.read_bytes()
    frames = read_frames(log)
    lengths = [frame.end for frame in frames[:-1]] if step == 1 else range(0, len(data), step)
    for length in lengths:
        path.write_bytes(data[:length])
        report = verify(log)
        whole = [frame for frame in frames if frame.end <= length]
        sealed = [frame.index for frame in whole if frame.kind is FrameKind.COMMIT]
        num_entries = sum(frame.kind is FrameKind.ENTRY for frame in whole)
        allowed = {num_entries, max(sealed, default=0)}
        assert report.first_bad_index in allowed, (length, report.problems)


def test_verify_cut_log_of_a_running_writer_is_found_too(log: Path):
    (log / "lock").write_bytes(OPEN_MARK)
    path = segment_path(log, 0)
    path.write_bytes(path.read_bytes()[: read_frames(log)[3].end])
    assert verify(log).first_bad_index == 2


@pytest.mark.parametrize(
    ("order", "index"),
    [
        ([1, 0, 2, 3, 4, 5], 0),
        ([0, 1, 2, 4, 3, 5], 3),
        ([0, 1, 3, 4, 5], 2),
        ([0, 1, 2, 2, 3, 4], 3),
        ([0, 1, 2, 3, 4], 5),
        ([], 0),
    ],
    ids=["swapped", "swapped in a batch", "deleted", "repeated", "cut", "emptied"],
)
def test_verify_moved_entries_with_right_checksums_and_roots_are_named(
    log: Path, order: list[int], index: int
):
    entries = entries_of(log)
    write_entries(log, [entries[number] for number in order], seals=[1, 2, 5, 6])
    report = verify(log)
    assert report.first_bad_index == index, report.problems


def test_verify_frames_moved_as_they_are_are_named(log: Path):
    frames = [(frame.kind, frame.index, frame.data) for frame in read_frames(log)]
    write_frames(log, frames[:2] + frames[4:6] + frames[2:4] + frames[6:])
    assert verify(log).first_bad_index == 1


@pytest.mark.parametrize("signer", [SIGNER, make_signer(seed=2)], ids=["stolen key", "other key"])
def test_verify_rewritten_entry_is_found(log: Path, signer: Signer):
    entries = entries_of(log)
    entries[3] = make_entry(make_record(77), 3, signer)
    write_entries(log, entries, seals=[1, 2, 5, 6])
    report = verify(log)
    # With the log's own key only the signed root shows it, which does not say where.
    assert report.first_bad_index == (0 if signer is SIGNER else 3)
    assert report.problems[0].reason is (Reason.ROOT if signer is SIGNER else Reason.ENTRY)


@pytest.mark.parametrize(
    "entry",
    [
        b"{}",
        make_entry(make_record(3), 3, SIGNER, origin="other"),
        make_entry(make_record(3), 4, SIGNER),
        make_entry(make_record(3), 3, SIGNER)[:-1],
        seal(b"{}", signer=SIGNER),
        seal(
            DRAFTER.draft(make_record(3)).statement(3, STAMP),
            signer=SIGNER,
            payload_type="text/plain",
        ),
    ],
    ids=["empty", "foreign log", "other index", "malformed", "no statement", "other type"],
)
def test_verify_entry_that_does_not_belong_is_named(log: Path, entry: bytes):
    entries = entries_of(log)
    entries[3] = entry
    write_entries(log, entries, seals=[1, 2, 5, 6])
    report = verify(log)
    assert report.first_bad_index == 3
    assert [problem.reason for problem in report.problems] == [Reason.ENTRY]


def test_verify_wrong_sealed_root_names_the_batch(log: Path):
    frames = [(frame.kind, frame.index, frame.data) for frame in read_frames(log)]
    position = next(n for n, f in enumerate(frames) if f[0] is FrameKind.COMMIT and f[1] == 5)
    frames[position] = (FrameKind.COMMIT, 5, b"\0" * 32)
    write_frames(log, frames)
    assert verify(log).first_bad_index == 2


def test_verify_missing_seal_at_the_end_names_the_batch(log: Path):
    entries = entries_of(log)
    write_entries(log, entries, seals=[1, 2])
    assert verify(log).first_bad_index == 2


def delete(*names: str) -> Callable[[Path], None]:
    return lambda directory: [(directory / name).unlink() for name in names]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (delete("format"), Reason.IDENTITY),
        (delete("vkey"), Reason.IDENTITY),
        (delete("checkpoint"), Reason.CHECKPOINT),
        (delete("segments/000000000000.seg"), Reason.SEGMENT),
        (lambda directory: shutil.rmtree(directory), Reason.IDENTITY),
    ],
)
def test_verify_deleted_file_is_found(log: Path, damage, reason: Reason):
    damage(log)
    report = verify(log)
    assert report.first_bad_index == 0
    assert reason in {problem.reason for problem in report.problems}


def test_verify_without_any_key_says_so(log: Path):
    (log / "vkey").unlink()
    report = verify_directory(log)
    assert [problem.reason for problem in report.problems] == [Reason.IDENTITY]


def test_verify_deleted_payload_is_named(log: Path):
    drop_payloads(log)
    report = verify(log)
    assert report.first_bad_index == 5
    assert report.problems[0].reason is Reason.PAYLOAD


def test_verify_deleted_middle_segment_is_named(tmp_path: Path):
    make_log(tmp_path, num_records=6, segment_bytes_max=1_000).close()
    paths = sorted((tmp_path / "log" / "segments").iterdir())
    paths[1].unlink()
    assert verify(tmp_path / "log").first_bad_index == int(paths[1].stem)


def test_verify_segment_cut_before_the_last_one_is_named_also_while_open(tmp_path: Path):
    make_log(tmp_path, num_records=6, segment_bytes_max=1_000).close()
    (tmp_path / "log" / "lock").write_bytes(OPEN_MARK)
    first, second, *_ = sorted((tmp_path / "log" / "segments").iterdir())
    data = first.read_bytes()
    first.write_bytes(data[: -FRAME_HEADER_BYTES - 32])
    assert verify(tmp_path / "log").first_bad_index == int(second.stem) - 1


def test_verify_segment_that_cannot_be_read_is_found(log: Path):
    segment_path(log, 0).unlink()
    segment_path(log, 0).mkdir()
    assert verify(log).problems[0].reason is Reason.FILE


def test_verify_rolled_back_checkpoint_is_found(tmp_path: Path):
    log = make_log(tmp_path, num_records=2)
    old = (tmp_path / "log" / "checkpoint").read_bytes()
    log.append(make_record(2))
    log.close()
    (tmp_path / "log" / "checkpoint").write_bytes(old)
    report = verify(tmp_path / "log")
    assert report.first_bad_index == 2
    assert "older" in report.problems[0].detail


def test_verify_rolled_back_log_is_found_by_a_checkpoint_seen_earlier(tmp_path: Path):
    log = make_log(tmp_path, num_records=2)
    log.close()
    shutil.copytree(tmp_path / "log", tmp_path / "old")
    with Log.open(tmp_path / "log", signer=SIGNER) as log:
        log.append(make_record(2))
        seen = log.checkpoint()
    assert verify(tmp_path / "log", trusted=[seen]).ok
    assert verify(tmp_path / "old").ok
    assert verify(tmp_path / "old", trusted=[seen]).first_bad_index == 2


def test_verify_other_history_under_the_same_key_is_found_by_a_checkpoint_seen_earlier(
    tmp_path: Path,
):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with make_log(tmp_path / name) as log:
            log.append_many(make_record(number + len(name)) for number in range(2))
    with make_log(tmp_path) as log:
        log.append_many(make_record(number) for number in (5, 6))
        seen = log.checkpoint()
    report = verify(tmp_path / "one" / "log", trusted=[seen])
    assert report.problems[0].reason is Reason.ROOT


def test_verify_trusted_checkpoint_of_another_key_is_refused(log: Path):
    report = verify(log, trusted=["nonsense"])
    assert [problem.path for problem in report.problems] == ["trusted checkpoint"]


def test_verify_with_another_key_is_refused(log: Path):
    report = verify_directory(log, verifier=make_signer(seed=2).verifier)
    assert report.problems[0].reason is Reason.IDENTITY
    assert not report.ok


@pytest.mark.parametrize(
    "name", ["note.txt", "segments/x", "checkpoint.tmp", "tile/0/x", "places/1.idx"]
)
def test_verify_unknown_file_is_found(log: Path, name: str):
    (log / name).parent.mkdir(exist_ok=True, parents=True)
    (log / name).write_text("x")
    report = verify(log)
    assert [(p.reason, p.path) for p in report.problems] == [(Reason.FILE, name)]


def test_verify_unfinished_derived_file_is_a_warning_also_when_closed(log: Path):
    (log / "places").mkdir(exist_ok=True)
    (log / "places" / "000000000000.idx.tmp").write_bytes(b"x")
    report = verify(log)
    assert report.ok
    assert Reason.TORN in {warning.reason for warning in report.warnings}


@pytest.mark.parametrize("mark", [b"x", b"WW"])
def test_verify_changed_lock_file_is_found(log: Path, mark: bytes):
    (log / "lock").write_bytes(mark)
    assert verify(log).problems[0].path == "lock"


def test_verify_after_a_crash_warns_of_what_is_left(log: Path):
    (log / "lock").write_bytes(OPEN_MARK)
    (log / "checkpoint.tmp").write_bytes(b"x")
    with segment_path(log, 0).open("ab") as file:
        file.write(b"torn")
    report = verify(log)
    assert report.ok
    assert [warning.reason for warning in report.warnings] == [Reason.TORN, Reason.TORN]


def test_verify_torn_tail_of_a_closed_log_is_a_problem(log: Path):
    with segment_path(log, 0).open("ab") as file:
        file.write(b"more")
    assert verify(log).problems[0].reason is Reason.SEGMENT


def test_verify_payload_that_no_entry_refers_to_is_named(log: Path):
    frames = [(frame.kind, frame.index, frame.data) for frame in read_frames(log)]
    write_frames(log, [frames[0], frames[1], (FrameKind.PAYLOAD, 1, b"more"), *frames[2:]])
    report = verify(log)
    assert (report.first_bad_index, report.problems[0].reason) == (1, Reason.PAYLOAD)


@pytest.mark.parametrize("position", [1, -1])
def test_verify_payload_without_its_entry_is_found(log: Path, position: int):
    frames = [(frame.kind, frame.index, frame.data) for frame in read_frames(log)]
    extra = (FrameKind.PAYLOAD, 1 if position == 1 else NUM_ENTRIES, b"more")
    write_frames(
        log, [*frames[:position], extra, *frames[position:]] if position == 1 else [*frames, extra]
    )
    assert verify(log).first_bad_index in (0, 1, NUM_ENTRIES)


def test_verify_while_the_writer_ends_is_no_false_alarm(log: Path, monkeypatch):
    """The checkpoint moves on between reading it and reading the segments."""
    writer = Log.open(log, signer=SIGNER)
    note = writer.checkpoint()
    writer.append(make_record(6))
    writer.close()
    notes = iter([note])
    monkeypatch.setattr(
        "audit.verify.read_checkpoint_note",
        lambda directory: next(notes, (directory / "checkpoint").read_text()),
    )
    assert verify(log).ok


def test_verify_checkpoint_vanishing_meanwhile_is_no_crash(log: Path):
    (log / "checkpoint").write_text("nonsense")
    report = verify(log)
    assert [problem.reason for problem in report.problems] == [Reason.CHECKPOINT]
