from dataclasses import replace

import pytest

from audit.checkpoint import open_checkpoint
from audit.errors import (
    FormatError,
    LogFailedError,
    LogLockedError,
    ReadOnlyError,
    SignatureError,
    WrongKeyError,
)
from audit.events import KEY_EVENT
from audit.keyring import Keyring
from audit.log import Log
from audit.rotation import finish_rotation
from audit.verify import Reason, verify_directory
from tests.audit.support import ORIGIN, make_log, make_record, make_signer, options

OLD, NEW, NEXT = (make_signer(seed=seed) for seed in (1, 2, 3))


def rotated(folder):
    """Entries 0 and 1 under the old key, 2 the key event, 3 under the new one."""
    log = make_log(folder, num_records=2)
    log.rotate(NEW)
    log.append(make_record(3))
    return log


def test_rotate_signs_on_with_the_new_key_and_checkpoints_with_both(tmp_path):
    log = make_log(tmp_path, num_records=2)
    old_receipt = log.receipt(0)
    receipt = log.rotate(NEW)
    later = log.append(make_record(3))
    assert (receipt.index, later.index) == (2, 3)
    for key in (OLD, NEW):
        assert open_checkpoint(log.checkpoint(), [key.verifier]).size == 4
        later.verify([key.verifier])
    assert log.verifier == NEW.verifier
    assert log.keyring.first_indices == (0, 3)
    assert [log.read(index).index for index in range(4)] == [0, 1, 2, 3]
    assert log.statement(2).type == KEY_EVENT
    log.close()
    old_receipt.verify([OLD.verifier])
    for key in (OLD, NEW):
        report = verify_directory(tmp_path / "log", verifier=key.verifier)
        assert report.ok, report.problems


def test_open_after_a_rotation_needs_the_new_key(tmp_path):
    rotated(tmp_path).close()
    with pytest.raises(WrongKeyError):
        Log.open(tmp_path / "log", signer=OLD)
    with Log.open(tmp_path / "log", signer=NEW, options=options()) as log:
        log.append(make_record(4))
        with pytest.raises(SignatureError):
            open_checkpoint(log.checkpoint(), [OLD.verifier])
    with Log.open(tmp_path / "log", signer=NEW, previous=OLD, options=options()) as log:
        open_checkpoint(log.checkpoint(), [OLD.verifier])
        log.rotate(NEXT)
        with pytest.raises(SignatureError):
            open_checkpoint(log.checkpoint(), [OLD.verifier])
        open_checkpoint(log.checkpoint(), [NEW.verifier])
    report = verify_directory(tmp_path / "log", verifier=OLD.verifier)
    assert report.ok, report.problems


def test_rotate_to_a_key_of_before_or_of_another_log_changes_nothing(tmp_path):
    log = rotated(tmp_path)
    for signer in (OLD, make_signer("other", seed=7)):
        with pytest.raises(FormatError):
            log.rotate(signer)
    assert log.size == 4
    log.close()
    with pytest.raises(ReadOnlyError):
        Log.open(tmp_path / "log").rotate(NEXT)


def test_rotate_that_cannot_be_written_ends_the_writer(tmp_path):
    log = make_log(tmp_path, num_records=1)
    (tmp_path / "log" / "vkey.tmp").mkdir()
    with pytest.raises(Exception, match="storage failed"):
        log.rotate(NEW)
    (tmp_path / "log" / "vkey.tmp").rmdir()
    log.close()
    # The event is in the log, so verification calls it unfinished and not forged.
    assert verify_directory(tmp_path / "log").ok


def test_verify_key_that_no_event_names_is_found(tmp_path):
    rotated(tmp_path).close()
    path = tmp_path / "log" / "vkey"
    ring = Keyring.parse(path.read_text())
    for changed in (
        Keyring.of(OLD.verifier).extended(NEXT.verifier, 3),
        Keyring.of(OLD.verifier),
        replace(ring, first_indices=(0, 2)),
        ring.extended(NEXT.verifier, 4),
    ):
        path.write_text(changed.text)
        report = verify_directory(tmp_path / "log")
        assert report.first_bad_index is not None
        assert {problem.reason for problem in report.problems} & {Reason.KEY, Reason.ENTRY}


def test_verify_checkpoint_of_a_past_key_alone_is_found(tmp_path):
    log = rotated(tmp_path)
    checkpoint = open_checkpoint(log.checkpoint(), [NEW.verifier])
    log.close()
    (tmp_path / "log" / "checkpoint").write_text(checkpoint.sign(OLD))
    report = verify_directory(tmp_path / "log")
    assert [problem.reason for problem in report.problems] == [Reason.CHECKPOINT]
    with pytest.raises(SignatureError):
        Log.open(tmp_path / "log")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x\n",
        OLD.verifier.vkey,
        f"{OLD.verifier.vkey}\n{NEW.verifier.vkey}\n",
        f"{OLD.verifier.vkey}\n{NEW.verifier.vkey} 0\n",
        f"{OLD.verifier.vkey}\n{NEW.verifier.vkey} 2\n{NEXT.verifier.vkey} 2\n",
    ],
)
def test_keyring_malformed_is_refused(text: str):
    with pytest.raises(FormatError):
        Keyring.parse(text)


def test_keyring_round_trips_and_names_the_key_of_an_index():
    ring = Keyring.of(OLD.verifier).extended(NEW.verifier, 3).extended(NEXT.verifier, 9)
    assert Keyring.parse(ring.text) == ring
    assert ring.origin == ORIGIN
    names = [ring.key_at(index) for index in (0, 2, 3, 8, 9, 99)]
    keys = [key.verifier for key in (OLD, OLD, NEW, NEW, NEXT, NEXT)]
    assert names == keys
    assert ring.checkpoint_keys(0) == (OLD.verifier,)
    assert ring.checkpoint_keys(3) == (NEW.verifier, OLD.verifier)


def interrupted(folder):
    """The key event is in the log, the file `vkey` is as before."""
    log = make_log(folder, num_records=1)
    (folder / "log" / "vkey.tmp").mkdir()
    with pytest.raises(LogFailedError):
        log.rotate(NEW)
    (folder / "log" / "vkey.tmp").rmdir()
    log.close()
    return folder / "log"


def test_rotation_that_a_crash_interrupted_is_finished_and_goes_on(tmp_path):
    directory = interrupted(tmp_path)
    # Writing on under the old key would make a log that no verifier accepts.
    with pytest.raises(WrongKeyError, match="finish_rotation"):
        Log.open(directory, signer=OLD, options=options())
    assert finish_rotation(directory).current == NEW.verifier
    assert finish_rotation(directory).current == NEW.verifier
    with Log.open(directory, signer=NEW, previous=OLD, options=options()) as log:
        log.append(make_record(2))
        open_checkpoint(log.checkpoint(), [OLD.verifier])
        log.end_overlap()
        with pytest.raises(SignatureError):
            open_checkpoint(log.checkpoint(), [OLD.verifier])
        log.end_overlap()
        log.append(make_record(3))
    report = verify_directory(directory, verifier=OLD.verifier)
    assert (report.ok, report.size) == (True, 4)


def test_finish_rotation_of_a_log_in_order_changes_nothing(tmp_path):
    make_log(tmp_path).close()
    before = (tmp_path / "log" / "vkey").read_bytes()
    assert finish_rotation(tmp_path / "log").current == OLD.verifier
    assert (tmp_path / "log" / "vkey").read_bytes() == before
    with Log.open(tmp_path / "log", signer=OLD), pytest.raises(LogLockedError):
        finish_rotation(tmp_path / "log")


def test_finish_rotation_that_cannot_be_written_says_so(tmp_path):
    directory = interrupted(tmp_path)
    (directory / "vkey.tmp").mkdir()
    with pytest.raises(LogFailedError):
        finish_rotation(directory)


def test_end_of_overlap_that_cannot_be_published_ends_the_writer(tmp_path):
    log = rotated(tmp_path)
    (tmp_path / "log" / "checkpoint.tmp").mkdir()
    with pytest.raises(LogFailedError):
        log.end_overlap()
    with pytest.raises(LogFailedError):
        log.append(make_record(4))
    (tmp_path / "log" / "checkpoint.tmp").rmdir()
    log.close()
    with pytest.raises(ReadOnlyError):
        Log.open(tmp_path / "log").end_overlap()
