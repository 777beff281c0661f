"""What goes wrong around a log, made for real, each with an error code of its own."""

import resource
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.entry import open_entry
from audit.errors import (
    AuditError,
    DiskFullError,
    DiskReadOnlyError,
    ForeignEntryError,
    ForeignLogError,
    ForeignReceiptError,
    LogFailedError,
    PayloadShreddedError,
    StaleCheckpointError,
    WrongKeyError,
)
from audit.events import CLOCK_EVENT
from audit.keyring import Keyring
from audit.log import Log
from audit.options import LogOptions
from audit.receipt import Receipt
from audit.retention import Authority, Keeper
from audit.verify import Reason, verify_directory
from audit.witness_client import have_cosigned
from tests.audit.support import make_entry, make_log, make_record, make_signer, make_vault, options
from tests.audit.test_clock import SetClock, open_log
from tests.audit.test_verify import write_entries
from tests.audit.test_witness import make_witness, request
from tests.audit.test_witness_client import KEYS, bring

SIGNER = make_signer()
OTHER = "other.example/log"


def test_every_condition_has_a_code_of_its_own():
    kinds = [AuditError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    named = [kind for kind in kinds if not kind.__name__.startswith("_")]
    assert len({kind.code for kind in named}) == len(named)


def test_wrong_key_and_key_of_another_log_are_told_apart(tmp_path: Path):
    make_log(tmp_path).close()
    with pytest.raises(WrongKeyError) as raised:
        Log.open(tmp_path / "log", signer=make_signer(seed=2), options=options())
    assert raised.value.code == "audit_wrong_key"
    with pytest.raises(ForeignLogError) as raised:
        Log.open(tmp_path / "log", signer=make_signer(OTHER), options=options())
    assert raised.value.code == "audit_foreign_log"
    report = verify_directory(tmp_path / "log", verifier=make_signer(OTHER).verifier)
    assert report.problems[0].reason is Reason.IDENTITY


def test_receipt_for_another_log_says_so(tmp_path: Path):
    with make_log(tmp_path, num_records=2) as log:
        receipt: Receipt = log.receipt(1)
    with pytest.raises(ForeignReceiptError, match="expected other") as raised:
        receipt.verify([make_signer(OTHER).verifier])
    assert raised.value.code == "audit_foreign_receipt"


def test_entry_of_another_log_says_so(tmp_path: Path):
    with make_log(tmp_path, num_records=1) as log:
        own = log.envelope(0)
    foreign = make_entry(make_record(1), 1, SIGNER, origin=OTHER)
    write_entries(tmp_path / "log", [own, foreign], seals=[2])
    with pytest.raises(ForeignEntryError) as raised:
        open_entry(foreign, index=1, keyring=Keyring.of(SIGNER.verifier))
    assert raised.value.code == "audit_foreign_entry"
    report = verify_directory(tmp_path / "log")
    assert (report.ok, report.first_bad_index) == (False, 1)


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0], ids=["back", "forward"])
def test_clock_that_jumps_is_in_the_record_and_no_finding(tmp_path: Path, step_s: float):
    clock = SetClock()
    with open_log(tmp_path, clock) as log:
        log.append(make_record(0))
        clock.pass_time(1.0, step=step_s)
        log.append(make_record(1))
        event = log.statement(1)
    assert event.type == CLOCK_EVENT
    stepped_ns = int(event.content["utc_ns"]) - int(event.content["previous_utc_ns"])
    assert stepped_ns - int(event.content["elapsed_ns"]) == int(step_s * 1e9)
    assert verify_directory(tmp_path / "log").ok


def test_shredded_payload_says_so_and_its_proof_stays(tmp_path: Path):
    vault = make_vault(tmp_path / "vault")
    with make_log(tmp_path, vault=vault) as log:
        log.append(make_record(0))
        order = Authority(by="dpo", reason="asked")
        Keeper(log, vault).shred_records([0], order, now=datetime.now(UTC))
        with pytest.raises(PayloadShreddedError) as raised:
            log.read(0)
        assert raised.value.code == "audit_payload_shredded"
        log.receipt(0).verify([SIGNER.verifier], entry=log.envelope(0))
    report = verify_directory(tmp_path / "log", vault=vault)
    assert (report.ok, report.num_shredded) == (True, 1)


def test_checkpoint_older_than_the_witness_says_so(tmp_path: Path):
    witness = make_witness(tmp_path)
    witness.add_checkpoint(request(0, 5).text.encode())
    with make_log(tmp_path, num_records=2) as log, pytest.raises(StaleCheckpointError) as raised:
        have_cosigned(log, bring(witness), old_size=0, witnesses=KEYS)
    assert raised.value.code == "audit_checkpoint_stale"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0  # noqa: S603
    except OSError:
        is_mounted = False
    if not is_mounted:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S603, S607


def check_acknowledged(directory: Path, receipts: list[Receipt]) -> None:
    """Everything acknowledged is there after reopening, and the log goes on."""
    with Log.open(directory, signer=SIGNER, options=options()) as log:
        assert log.size >= len(receipts)
        for receipt in receipts:
            assert log.receipt(receipt.index).leaf_hash == receipt.leaf_hash
        log.append(make_record(99_999))
    assert verify_directory(directory, verifier=SIGNER.verifier).ok


def fill(log: Log) -> list[Receipt]:
    receipts: list[Receipt] = []

    def append_until_full() -> None:
        for number in range(1_000):
            receipts.append(log.append(make_record(number, size=4_000)))

    with pytest.raises(DiskFullError) as raised:
        append_until_full()
    assert raised.value.code == "audit_disk_full"
    with pytest.raises(LogFailedError, match="stopped"):
        log.append(make_record(0))
    return receipts


def test_disk_that_fills_up_is_named_and_loses_nothing_acknowledged(small_disk: Path):
    log = make_log(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(512 * 1024))
    receipts = fill(log)
    log.close()
    assert len(receipts) > 10
    ballast.unlink()
    check_acknowledged(small_disk / "log", receipts)


def test_file_that_may_not_grow_is_a_full_disk_to_the_log(tmp_path: Path):
    log = make_log(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        receipts = fill(log)
        log.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(receipts) > 5
    check_acknowledged(tmp_path / "log", receipts)


def test_disk_that_becomes_read_only_is_named_and_still_read(small_disk: Path):
    log = make_log(small_disk, num_records=3)
    log.close()
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)  # noqa: S603
    with pytest.raises(DiskReadOnlyError) as raised:
        Log.open(small_disk / "log", signer=SIGNER, options=options())
    assert raised.value.code == "audit_disk_read_only"
    reader = Log.open(small_disk / "log")
    reader.receipt(1).verify([SIGNER.verifier], entry=reader.envelope(1))
    assert verify_directory(small_disk / "log").ok
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)  # noqa: S603, S607
    check_acknowledged(small_disk / "log", [reader.receipt(2)])


def test_log_made_where_nothing_may_be_written_is_refused(small_disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)  # noqa: S603, S607
    with pytest.raises(DiskReadOnlyError):
        Log.create(
            small_disk / "log", origin=SIGNER.verifier.name, signer=SIGNER, options=LogOptions()
        )
