"""Every system call of creating, opening, appending and closing fails once, in two ways each.

"lost": the call does nothing and reports an error. "persisted": it does its work and then reports
one. Either is followed by a crash of the process alone, or by a power loss that takes every write
and name that was not synced. Afterwards nothing acknowledged may be missing.
"""

import errno
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from audit.errors import LogFailedError
from audit.filesystem import RealFileSystem, write_all
from audit.layout import OPEN_MARK
from audit.log import Log
from audit.verify import verify_directory
from tests.audit.support import (
    ORIGIN,
    make_large_record,
    make_log,
    make_record,
    make_signer,
    options,
)

SIGNER = make_signer()
CALLS_MAX = 60


class FaultyFileSystem(RealFileSystem):
    """Fails one call, remembers what was not synced, and can lose it."""

    def __init__(self, *, fail_at: int, is_persisted: bool) -> None:
        self.fail_at = fail_at
        self.num_calls = 0
        self._is_persisted = is_persisted
        self._is_second_part = False
        self._paths: dict[int, Path] = {}
        self._synced_sizes: dict[Path, int] = {}
        self._unsynced_names: list[tuple[Path, bytes | None]] = []

    def _call(self, action: Callable[[], object]) -> object:
        self.num_calls += 1
        if self.num_calls == self.fail_at:
            if self._is_persisted:
                action()
            raise OSError(errno.EIO, "injected")
        return action()

    def open_new(self, path: Path) -> int:
        descriptor = self._call(lambda: super(FaultyFileSystem, self).open_new(path))
        self._paths[descriptor] = path
        self._synced_sizes[path] = 0
        return descriptor

    def open_append(self, path: Path) -> int:
        descriptor = self._call(lambda: super(FaultyFileSystem, self).open_append(path))
        self._paths[descriptor] = path
        self._synced_sizes[path] = path.stat().st_size
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        # In two parts, so that every write can be torn.
        self._is_second_part = not self._is_second_part
        part = data[: len(data) // 2 + 1] if self._is_second_part else data
        return self._call(lambda: super(FaultyFileSystem, self).write(descriptor, part))

    def sync(self, descriptor: int) -> None:
        self._call(lambda: super(FaultyFileSystem, self).sync(descriptor))
        if descriptor in self._paths:
            path = self._paths[descriptor]
            self._synced_sizes[path] = path.stat().st_size

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        self._call(lambda: super(FaultyFileSystem, self).close(descriptor))

    def truncate(self, descriptor: int, size: int) -> None:
        self._call(lambda: super(FaultyFileSystem, self).truncate(descriptor, size))

    def rename(self, source: Path, target: Path) -> None:
        before = target.read_bytes() if target.is_file() else None
        is_folder = source.is_dir()
        self._call(lambda: super(FaultyFileSystem, self).rename(source, target))
        self._synced_sizes[target] = self._synced_sizes.pop(source, 0)
        if not is_folder:
            self._unsynced_names.append((target, before))

    def unlink(self, path: Path) -> None:
        self._call(lambda: super(FaultyFileSystem, self).unlink(path))

    def sync_directory(self, path: Path) -> None:
        self._call(lambda: super(FaultyFileSystem, self).sync_directory(path))
        self._unsynced_names = [item for item in self._unsynced_names if item[0].parent != path]

    def make_directory(self, path: Path) -> None:
        self._call(lambda: super(FaultyFileSystem, self).make_directory(path))

    def lose_power(self) -> None:
        """Take back what no sync has made durable."""
        for path, size in self._synced_sizes.items():
            if path.is_file() and path.stat().st_size > size:
                os.truncate(path, size)
        for path, before in reversed(self._unsynced_names):
            if before is None:
                path.unlink(missing_ok=True)
            elif path.parent.is_dir():
                path.write_bytes(before)


def check_nothing_lost(directory: Path, acknowledged: list) -> None:
    """The crashed log verifies, opens, holds what was acknowledged, and goes on."""
    report = verify_directory(directory, verifier=SIGNER.verifier)
    assert report.ok, report.problems
    with Log.open(directory, signer=SIGNER) as log:
        for receipt in acknowledged:
            entry = log.read(receipt.index)
            assert entry.receipt.leaf_hash == receipt.leaf_hash
            receipt.verify([SIGNER.verifier], entry=entry.envelope)
        size = log.size
        assert size >= len(acknowledged)
        assert log.append(make_record(99)).index == size
    report = verify_directory(directory, trusted=[receipt.checkpoint for receipt in acknowledged])
    assert report.ok, report.problems
    assert not [warning for warning in report.warnings if warning.reason == "torn"]


@pytest.mark.parametrize("has_power_loss", [False, True], ids=["crash", "power-loss"])
@pytest.mark.parametrize("is_persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize("fail_at", range(1, CALLS_MAX))
def test_append_any_call_fails_nothing_acknowledged_is_lost(
    tmp_path, fail_at: int, is_persisted: bool, has_power_loss: bool
):
    make_log(tmp_path, num_records=2, segment_bytes_max=1_000).close()
    files = FaultyFileSystem(fail_at=-1, is_persisted=is_persisted)
    log = Log.open(
        tmp_path / "log", signer=SIGNER, options=options(files=files, segment_bytes_max=1_000)
    )
    acknowledged = [log.receipt(0), log.receipt(1), log.append(make_record(2))]
    files.num_calls, files.fail_at = 0, fail_at
    try:
        for number in (3, 4):
            acknowledged.append(log.append(make_large_record(number)))
    except LogFailedError:
        # What the failed call left is unknown, so nothing is tried again.
        num_calls = files.num_calls
        for _ in range(2):
            with pytest.raises(LogFailedError):
                log.append(make_record(5))
        assert files.num_calls == num_calls
    files.fail_at = -1
    log.close()
    if has_power_loss:
        files.lose_power()
    check_nothing_lost(tmp_path / "log", acknowledged)


def test_append_fault_table_reaches_past_the_last_call(tmp_path):
    files = FaultyFileSystem(fail_at=-1, is_persisted=False)
    log = make_log(tmp_path, num_records=3, files=files, segment_bytes_max=1_000)
    files.num_calls = 0
    log.append_many([make_large_record(3)])
    log.append_many([make_large_record(4)])
    assert files.num_calls < CALLS_MAX
    log.close()


@pytest.mark.parametrize("is_persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize("fail_at", range(1, CALLS_MAX))
def test_open_and_close_any_call_fails_the_next_writer_mends_it(
    tmp_path, fail_at: int, is_persisted: bool
):
    make_log(tmp_path, num_records=2).close()
    segment = tmp_path / "log" / "segments" / "000000000000.seg"
    (tmp_path / "log" / "lock").write_bytes(OPEN_MARK)
    with segment.open("ab") as file:
        file.write(b"torn")
    (tmp_path / "log" / "checkpoint.tmp").write_bytes(b"torn")
    files = FaultyFileSystem(fail_at=fail_at, is_persisted=is_persisted)
    acknowledged = []
    try:
        log = Log.open(tmp_path / "log", signer=SIGNER, options=options(files=files))
        acknowledged = [log.receipt(0), log.receipt(1)]
        log.close()
    except LogFailedError:
        assert files.num_calls >= fail_at
    check_nothing_lost(tmp_path / "log", acknowledged)


@pytest.mark.parametrize("is_persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize("fail_at", range(1, CALLS_MAX))
def test_create_any_call_fails_it_can_be_made_or_opened_afterwards(
    tmp_path, fail_at: int, is_persisted: bool
):
    files = FaultyFileSystem(fail_at=fail_at, is_persisted=is_persisted)
    with suppress(LogFailedError):
        make_log(tmp_path, files=files).close()
    if not (tmp_path / "log").exists():
        Log.create(tmp_path / "log", origin=ORIGIN, signer=SIGNER).close()
    check_nothing_lost(tmp_path / "log", [])


def test_append_signer_fails_the_log_stops(tmp_path):
    class BrokenSigner:
        verifier = SIGNER.verifier
        is_broken = False

        def sign(self, message: bytes) -> bytes:
            if self.is_broken:
                raise RuntimeError("token gone")
            return SIGNER.sign(message)

    make_log(tmp_path, num_records=1).close()
    signer = BrokenSigner()
    log = Log.open(tmp_path / "log", signer=signer)
    signer.is_broken = True
    with pytest.raises(LogFailedError, match="token gone"):
        log.append(make_record(1))
    with pytest.raises(LogFailedError, match="token gone"):
        log.append(make_record(2))
    log.close()
    check_nothing_lost(tmp_path / "log", [])


def test_append_waiting_in_a_batch_that_fails_raises_as_well(tmp_path):
    class StallingSigner:
        """Holds the first batch until two more records wait, then fails."""

        verifier = SIGNER.verifier
        log: Log | None = None
        num_signed = 0
        is_signing = threading.Event()

        def sign(self, message: bytes) -> bytes:
            if self.log is None:
                return SIGNER.sign(message)
            self.is_signing.set()
            while not self.num_signed and self.log._committer.num_waiting < 2:
                time.sleep(0.001)
            self.num_signed += 1
            if self.num_signed > 2:
                raise RuntimeError("token gone")
            return SIGNER.sign(message)

    make_log(tmp_path).close()
    signer = StallingSigner()
    log = Log.open(tmp_path / "log", signer=signer)
    signer.log = log
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            log.append(make_record(number))
        except (RuntimeError, LogFailedError) as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    # The first record is in a batch of its own before the others come.
    threads[0].start()
    assert signer.is_signing.wait(timeout=60)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert {type(error) for error in errors} == {LogFailedError}
    assert len(errors) == 2
    assert log.size == 1
    check_nothing_lost(tmp_path / "log", [])


def test_append_records_behind_a_failed_batch_are_not_acknowledged(tmp_path):
    files = FaultyFileSystem(fail_at=-1, is_persisted=False)
    log = make_log(tmp_path, files=files)
    files.num_calls, files.fail_at = 0, 1
    # The first batch of 256 fails; the records behind it must not be acknowledged either.
    with pytest.raises(LogFailedError):
        log.append_many(make_record(number) for number in range(300))
    with pytest.raises(LogFailedError):
        log.append(make_record(300))
    log.close()
    check_nothing_lost(tmp_path / "log", [])


def test_write_all_goes_on_after_short_writes(tmp_path):
    files = FaultyFileSystem(fail_at=-1, is_persisted=False)
    descriptor = files.open_new(tmp_path / "file")
    write_all(files, descriptor, b"some bytes")
    files.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"some bytes"
