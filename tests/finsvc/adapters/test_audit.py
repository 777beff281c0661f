import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.errors import AuditError
from audit.retention import Authority, Keeper
from finsvc.adapters.audit import AuditLog, verify_log
from finsvc.adapters.log_keys import LogKeys
from finsvc.adapters.log_terms import index_terms
from finsvc.services.ports import RecordKind


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem")
    yield opened
    opened.close()


def test_record_is_read_back_with_kind_and_index(log: AuditLog) -> None:
    log.append(RecordKind.REPLAY, "rep_1", {"n": 1})
    receipt = log.append(RecordKind.DECISION, "dec_1", {"answer": "yes", "claims": ("a",)})
    assert (receipt["index"], receipt["tree_size"]) == (1, 2)
    found = log.find("dec_1")
    assert found is not None
    assert (found.index, found.kind) == (1, RecordKind.DECISION)
    assert found.body == {"answer": "yes", "claims": ["a"]}
    assert [record.record_id for record in log.records()] == ["rep_1", "dec_1"]
    assert log.find("dec_2") is None
    assert log.entry("dec_2") is None
    assert log.receipt("dec_2") is None
    fresh = log.receipt("rep_1")
    assert fresh is not None
    assert fresh["tree_size"] == 2


def test_answer_is_a_subject_of_its_record(log: AuditLog) -> None:
    log.append(RecordKind.DECISION, "dec_1", {"answer": "48,212 USD"})
    entry = log.entry("dec_1")
    assert entry is not None
    assert entry.names_subject("answer", hashlib.sha256(b"48,212 USD").hexdigest())
    assert not entry.names_subject("answer", hashlib.sha256(b"48,213 USD").hexdigest())
    assert {item.name for item in entry.statement.subjects} == {"record", "answer"}


def test_value_that_json_cannot_hold_is_refused(log: AuditLog) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        log.append(RecordKind.DECISION, "dec_1", {"value": float("nan")})
    assert list(log.records()) == []


def test_log_is_opened_again_with_its_key(tmp_path: Path) -> None:
    folder, key = tmp_path / "log", tmp_path / "keys" / "log.pem"
    first = AuditLog.open(folder, key)
    first.append(RecordKind.DECISION, "dec_1", {"answer": ""})
    vkey = first.vkey()
    first.close()
    second = AuditLog.open(folder, key)
    assert second.vkey() == vkey
    assert second.find("dec_1") is not None
    assert vkey.split("+")[0] in second.checkpoint()
    second.close()


def test_log_with_another_key_is_refused(tmp_path: Path) -> None:
    AuditLog.open(tmp_path / "log", tmp_path / "one.pem").close()
    AuditLog.open(tmp_path / "other", tmp_path / "two.pem").close()
    with pytest.raises(AuditError):
        AuditLog.open(tmp_path / "log", tmp_path / "two.pem")


def test_key_that_outlived_its_log_starts_a_new_one(tmp_path: Path) -> None:
    first = AuditLog.open(tmp_path / "log", tmp_path / "log.pem")
    vkey = first.vkey()
    first.close()
    second = AuditLog.open(tmp_path / "second", tmp_path / "log.pem")
    assert second.vkey() == vkey
    second.close()


def test_verification_names_the_first_bad_record(log: AuditLog) -> None:
    for number in range(3):
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": "a" * 20})
    summary = log.verify()
    assert (summary.is_ok, summary.size, summary.problems) == (True, 3, ())
    (segment,) = (log.log.directory / "segments").iterdir()
    content = bytearray(segment.read_bytes())
    content[-40] ^= 1
    segment.write_bytes(bytes(content))
    summary = log.verify()
    assert not summary.is_ok
    assert summary.first_bad_index == 2
    assert "index 2" in summary.problems[0]


def test_export_writes_every_record(log: AuditLog, tmp_path: Path) -> None:
    log.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
    assert log.export(tmp_path / "out") == 1


def test_signer_of_its_own_serves_and_refuses_a_log_set_back(tmp_path: Path) -> None:
    folder, key = tmp_path / "log", tmp_path / "keys" / "log.pem"
    first = AuditLog.open(folder, key, is_signer_separate=True)
    first.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
    first.close()
    old = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    second = AuditLog.open(folder, key, is_signer_separate=True)
    second.append(RecordKind.DECISION, "dec_2", {"answer": "no"})
    second.close()
    for path, data in old.items():
        path.write_bytes(data)
    with pytest.raises(AuditError, match="extension of size 2"):
        AuditLog.open(folder, key)


def test_log_keeps_nothing_readable_and_is_read_with_its_keys(tmp_path: Path) -> None:
    folder, key = tmp_path / "log", tmp_path / "keys" / "log.pem"
    log = AuditLog.open(folder, key)
    log.append(RecordKind.DECISION, "dec_1", {"answer": "Jane Doe owes 17 EUR"})
    for path in folder.rglob("*"):
        assert path.is_dir() or b"Jane" not in path.read_bytes()
    found = AuditLog.read(folder, key).find("dec_1")
    assert found is not None
    assert found.body["answer"] == "Jane Doe owes 17 EUR"
    assert AuditLog.read(folder).receipt("dec_1") is not None
    assert verify_log(folder, key).is_ok
    log.close()


def test_passphrase_open_to_others_or_absent_is_refused(tmp_path: Path) -> None:
    folder, key = tmp_path / "log", tmp_path / "keys" / "log.pem"
    AuditLog.open(folder, key).close()
    passphrase = key.with_name("log.pem.passphrase")
    passphrase.chmod(0o644)
    with pytest.raises(AuditError, match="0644"):
        AuditLog.open(folder, key)
    passphrase.unlink()
    with pytest.raises(AuditError, match="passphrase"):
        AuditLog.open(folder, key)


def test_content_that_was_destroyed_leaves_the_record_and_an_empty_body(tmp_path: Path) -> None:
    folder, key = tmp_path / "log", tmp_path / "keys" / "log.pem"
    log = AuditLog.open(folder, key)
    log.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
    keeper = Keeper(log.log, LogKeys(key).load_vault())
    keeper.hold("case", Authority(by="dpo", reason="r"), indices=[])
    keeper.shred_records([0], Authority(by="dpo", reason="r"), now=datetime.now(UTC))
    log.close()
    reader = AuditLog.read(folder, key)
    assert [(record.record_id, dict(record.body)) for record in reader.records()] == [("dec_1", {})]


def test_terms_say_who_what_and_which_number() -> None:
    body = {
        "principal": {"id": "ada"},
        "by": "text",
        "request": {"book": "sample book"},
        "verdict": "verified",
        "decision_id": "dec_1",
        "calls": [
            {
                "name": "value_at_risk",
                "arguments": {"portfolio": "desk a"},
                "policy": {"request": {"context": {"book": "sample"}}},
            },
            {"name": "price"},
        ],
        "claims": [{"value": "48211.53"}, {"value": None}],
        "turns": "none",
    }
    assert set(index_terms("t", body)) == {
        ("who", "ada"),
        ("book", "sample"),
        ("book", "sample book"),
        ("book", "desk a"),
        ("verdict", "verified"),
        ("decision", "dec_1"),
        ("tool", "value_at_risk"),
        ("tool", "price"),
        ("number", "48211.53"),
    }
