import threading
from dataclasses import replace

import pytest

from audit.checkpoint import open_checkpoint
from audit.errors import (
    CorruptLogError,
    FormatError,
    LogExistsError,
    LogFailedError,
    LogLockedError,
    LogMissingError,
    PayloadError,
    ReadOnlyError,
    RecordError,
    RetriableAuditError,
    UnknownEntryError,
    WrongKeyError,
)
from audit.log import Log
from audit.rfc6962 import verify_consistency
from tests.audit.support import (
    ORIGIN,
    drop_payloads,
    make_large_record,
    make_log,
    make_record,
    make_signer,
    options,
)

SIGNER = make_signer()


def test_append_receipts_verify_and_indices_count_up(tmp_path):
    with make_log(tmp_path) as log:
        receipts = [log.append(make_record(number)) for number in range(20)]
        for index, receipt in enumerate(receipts):
            assert receipt.index == index
            assert receipt.verify([SIGNER.verifier]).size == index + 1


def test_read_gives_the_record_back(tmp_path):
    record = make_record(3, attachments={"report": b"bytes"})
    with make_log(tmp_path, num_records=3) as log:
        log.append(record)
        entry = log.read(3)
        assert entry.content == record.predicate
        assert (entry.statement.id, entry.statement.type) == (record.id, record.type)
        assert entry.statement.subjects == record.subjects
        assert log.attachment(entry, "report") == b"bytes"
        entry.receipt.verify([SIGNER.verifier], entry=entry.envelope)
        with pytest.raises(UnknownEntryError, match="report"):
            log.attachment(entry, "other")


def test_read_large_record_gives_the_record_back(tmp_path):
    record = make_large_record()
    with make_log(tmp_path) as log:
        log.append(record)
        assert log.read(0).content == record.predicate
        assert len(log.read(0).envelope) < 2_000


def test_append_after_reopening_goes_on(tmp_path):
    with make_log(tmp_path, num_records=3) as log:
        old = log.checkpoint()
    with Log.open(tmp_path / "log", signer=SIGNER) as log:
        assert log.size == 3
        assert log.append(make_record(3)).index == 3
        checkpoints = [open_checkpoint(n, [SIGNER.verifier]) for n in (old, log.checkpoint())]
        verify_consistency(
            old_size=3,
            new_size=4,
            old_root=checkpoints[0].root,
            new_root=checkpoints[1].root,
            proof=log.consistency_proof(3),
        )
        assert log.verify().ok


def test_open_without_signer_reads_but_does_not_write(tmp_path):
    with make_log(tmp_path, num_records=2):
        log = Log.open(tmp_path / "log")
        assert log.origin == ORIGIN
        assert [entry.index for entry in log.entries()] == [0, 1]
        with pytest.raises(ReadOnlyError):
            log.append(make_record())
        log.close()


def test_find_gives_all_records_of_an_id_also_later_ones(tmp_path):
    with make_log(tmp_path, num_records=3) as log:
        assert log.find("decision-1") == (1,)
        log.append(make_record(1))
        assert log.find("decision-1") == (1, 3)
        assert log.find("nothing") == ()


def test_append_many_shares_batches_and_keeps_the_order(tmp_path):
    with make_log(tmp_path) as log:
        receipts = log.append_many(make_record(number) for number in range(300))
        assert [receipt.index for receipt in receipts] == list(range(300))
        assert {receipt.tree_size for receipt in receipts} == {256, 300}
        assert log.find("decision-299") == (299,)
        assert log.verify().ok


def test_append_nothing_gives_no_receipts(tmp_path):
    with make_log(tmp_path) as log:
        assert log.append_many([]) == ()
        assert log.size == 0


def test_append_from_many_threads_loses_and_repeats_nothing(tmp_path):
    receipts = {}

    def write(worker: int) -> None:
        for number in range(20):
            name = worker * 100 + number
            receipts[name] = log.append(make_record(name))

    with make_log(tmp_path) as log:
        threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(receipt.index for receipt in receipts.values()) == list(range(160))
        for name, receipt in receipts.items():
            receipt.verify([SIGNER.verifier])
            assert log.find(f"decision-{name}") == (receipt.index,)
        assert log.verify().ok


def test_segments_rotate_and_reopen(tmp_path):
    with make_log(tmp_path, num_records=6, segment_bytes_max=1_200) as log:
        assert log.verify().ok
    assert len(list((tmp_path / "log" / "segments").iterdir())) == 3
    with Log.open(tmp_path / "log", signer=SIGNER, options=options(segment_bytes_max=1_200)) as log:
        log.append(make_record(6))
        assert [log.read(index).statement.index for index in range(7)] == list(range(7))
        assert log.verify().ok


def test_append_record_that_cannot_be_logged_leaves_the_log_usable(tmp_path):
    with make_log(tmp_path) as log:
        with pytest.raises(RecordError):
            log.append(replace(make_record(), predicate={"x": float("nan")}))
        assert log.append(make_record()).index == 0


def test_append_after_close_is_refused(tmp_path):
    log = make_log(tmp_path)
    log.close()
    log.close()
    with pytest.raises(LogFailedError, match="closed"):
        log.append(make_record())


def test_open_second_writer_is_locked_out_until_the_first_ends(tmp_path):
    with make_log(tmp_path), pytest.raises(LogLockedError) as caught:
        Log.open(tmp_path / "log", signer=SIGNER)
    assert isinstance(caught.value, RetriableAuditError)
    Log.open(tmp_path / "log", signer=SIGNER).close()


def test_open_with_another_key_is_refused(tmp_path):
    make_log(tmp_path).close()
    with pytest.raises(WrongKeyError):
        Log.open(tmp_path / "log", signer=make_signer(seed=2))


def test_open_a_folder_that_is_no_log_is_refused(tmp_path):
    with pytest.raises(LogMissingError):
        Log.open(tmp_path)


def test_create_over_something_is_refused(tmp_path):
    make_log(tmp_path).close()
    with pytest.raises(LogExistsError):
        make_log(tmp_path)


def test_create_in_an_empty_folder_and_over_an_interrupted_creation(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / ".log.building").mkdir()
    (tmp_path / ".log.building" / "rest").touch()
    with make_log(tmp_path, num_records=1) as log:
        assert log.verify().ok
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_create_with_a_key_of_another_name_is_refused(tmp_path):
    with pytest.raises(WrongKeyError):
        Log.create(tmp_path / "log", origin="other", signer=SIGNER)


def test_create_with_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "log").touch()
    with pytest.raises(LogExistsError):
        make_log(tmp_path)


def test_create_in_a_missing_folder_fails(tmp_path):
    with pytest.raises(LogFailedError):
        make_log(tmp_path / "missing")


@pytest.mark.parametrize("index", [-1, 2])
def test_receipt_index_outside_is_refused(tmp_path, index: int):
    with make_log(tmp_path, num_records=2) as log, pytest.raises(UnknownEntryError):
        log.receipt(index)


@pytest.mark.parametrize("size", [-1, 3])
def test_consistency_proof_size_outside_is_refused(tmp_path, size: int):
    with make_log(tmp_path, num_records=2) as log, pytest.raises(UnknownEntryError):
        log.consistency_proof(size)


def test_read_entry_changed_while_open_is_refused(tmp_path):
    with make_log(tmp_path, num_records=2) as log:
        path = tmp_path / "log" / "segments" / "000000000000.seg"
        data = bytearray(path.read_bytes())
        data[100] ^= 1
        path.write_bytes(data)
        with pytest.raises(CorruptLogError) as caught:
            log.read(0)
        assert caught.value.index == 0


def test_read_entry_without_its_payload_is_refused(tmp_path):
    with make_log(tmp_path) as log:
        log.append(make_large_record())
        drop_payloads(tmp_path / "log")
        with pytest.raises(PayloadError):
            Log.open(tmp_path / "log").read(0)


def test_open_damaged_entry_is_refused_and_named(tmp_path):
    make_log(tmp_path, num_records=3).close()
    path = tmp_path / "log" / "segments" / "000000000000.seg"
    data = path.read_bytes()
    path.write_bytes(data[:-200] + bytes([data[-200] ^ 1]) + data[-199:])
    for signer in (None, SIGNER):
        with pytest.raises(CorruptLogError) as caught:
            Log.open(tmp_path / "log", signer=signer)
        assert caught.value.index == 2


def test_open_checkpoint_of_other_entries_is_refused(tmp_path):
    make_log(tmp_path, num_records=3).close()
    (tmp_path / "other").mkdir()
    other = make_log(tmp_path / "other")
    other.append_many(make_record(number) for number in (7, 8, 9))
    other.close()
    checkpoint = (tmp_path / "other" / "log" / "checkpoint").read_bytes()
    (tmp_path / "log" / "checkpoint").write_bytes(checkpoint)
    with pytest.raises(CorruptLogError, match="not those of the checkpoint"):
        Log.open(tmp_path / "log")


def test_open_with_a_missing_checkpoint_is_refused(tmp_path):
    make_log(tmp_path).close()
    (tmp_path / "log" / "checkpoint").unlink()
    with pytest.raises(FormatError):
        Log.open(tmp_path / "log", signer=SIGNER)
