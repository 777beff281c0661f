from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audit.errors import (
    FormatError,
    LogFailedError,
    PayloadLockedError,
    PayloadShreddedError,
    RetentionError,
    VaultError,
)
from audit.events import SHREDDING_EVENT, Shredded
from audit.log import Log
from audit.retention import Authority, Keeper, RetentionRule
from audit.search import Query
from audit.vault import Vault
from audit.verify import Reason, verify_directory
from tests.audit.support import (
    PASSPHRASE,
    STAMP,
    TYPE,
    drop_payloads,
    make_log,
    make_record,
    make_signer,
    make_vault,
    options,
)

WRITTEN = datetime.fromtimestamp(STAMP.utc_ns / 1e9, UTC)
NOW = WRITTEN + timedelta(days=400)
OFFICER = Authority(by="dpo", reason="erasure request 17")
SECRET = "Jane Doe, account DE89370400440532013000"


def terms(_type: str, predicate) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in predicate.items())


def sealed(number: int, *, data_subject: str = "", attachments=None):
    record = make_record(number, attachments=attachments or {})
    content = {"decision_id": f"decision-{number}", "note": f"{SECRET} {number}"}
    return replace(record, predicate=content, data_subject=data_subject)


@pytest.fixture
def vault(tmp_path) -> Vault:
    return make_vault(tmp_path / "vault")


@pytest.fixture
def log(tmp_path, vault):
    chosen = replace(options(), terms=terms)
    with make_log(tmp_path, vault=vault) as made:
        made.close()
    with Log.open(tmp_path / "log", signer=make_signer(), vault=vault, options=chosen) as opened:
        for number in range(4):
            subject = "client" if number in (1, 3) else ""
            extra = {"letter": SECRET.encode()} if number == 1 else None
            opened.append(sealed(number, data_subject=subject, attachments=extra))
        yield opened


def keeper(log: Log, vault: Vault, *rules: RetentionRule) -> Keeper:
    return Keeper(log, vault, rules)


def test_sealed_log_reads_back_and_shows_nothing(tmp_path, log):
    entry = log.read(1)
    assert entry.content["note"] == f"{SECRET} 1"
    assert log.attachment(entry, "letter") == SECRET.encode()
    assert entry.names_subject("answer", f"{1:064x}")
    assert not entry.names_subject("answer", f"{2:064x}")
    assert not replace(entry, opening=None).names_subject("answer", f"{1:064x}")
    assert log.search(Query(terms={"note": f"{SECRET} 2"})) == (2,)
    assert log.verify().ok
    log.close()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"Jane" not in path.read_bytes()


def test_sealed_log_without_its_vault_proves_but_does_not_read(tmp_path, log):
    log.close()
    with Log.open(tmp_path / "log") as reader:
        with pytest.raises(PayloadLockedError):
            reader.read(0)
        reader.receipt(0).verify([make_signer().verifier], entry=reader.envelope(0))
        assert reader.find("decision-2") == (2,)
    assert verify_directory(tmp_path / "log").ok


def test_open_with_the_vault_of_another_log_is_refused(tmp_path, log, vault):
    other = Vault.create(tmp_path / "other", origin="other", passphrase=PASSPHRASE, work=10)
    log.close()
    with pytest.raises(VaultError):
        Log.open(tmp_path / "log", vault=other)
    with pytest.raises(VaultError):
        Keeper(log, other)


def test_shred_records_leaves_proofs_and_nothing_else(tmp_path, log, vault):
    before = log.read(1)
    receipt = keeper(log, vault).shred_records([1], OFFICER, now=NOW)
    assert log.statement(receipt.index).type == SHREDDING_EVENT
    assert log.read(receipt.index).content["by"] == "dpo"
    with pytest.raises(PayloadShreddedError):
        log.read(1)
    with pytest.raises(PayloadShreddedError):
        log.attachment(before, "letter")
    for index in (0, 2, 3):
        log.read(index)
    log.receipt(1).verify([make_signer().verifier], entry=log.envelope(1))
    before.receipt.verify([make_signer().verifier], entry=before.envelope)
    assert log.search(Query(terms={"note": f"{SECRET} 1"})) == ()
    assert log.search(Query(id="decision-1")) == (1,)
    assert log.verify().ok
    assert log.verify().num_shredded == 2
    assert log.export(tmp_path / "export") == 5
    assert '"shredded":true' in (tmp_path / "export").read_text().splitlines()[2]
    log.close()
    report = verify_directory(
        tmp_path / "log", vault=Vault.load(tmp_path / "vault", passphrase=PASSPHRASE)
    )
    assert (report.ok, report.num_shredded) == (True, 2)


def test_shred_subject_destroys_all_of_it(tmp_path, log, vault):
    keeper(log, vault).shred_subject("client", OFFICER, now=NOW)
    for index in (1, 3):
        with pytest.raises(PayloadShreddedError):
            log.read(index)
    log.read(0)
    with pytest.raises(RetentionError, match="unknown"):
        keeper(log, vault).shred_subject("client", OFFICER, now=NOW)
    report = log.verify()
    assert (report.ok, report.num_shredded) == (True, 3)
    # Payload frames may be dropped once their keys are gone; others may not.
    log.close()
    drop_payloads(tmp_path / "log")
    report = verify_directory(tmp_path / "log")
    assert {problem.index for problem in report.problems} == {0, 2}
    assert {problem.reason for problem in report.problems} == {Reason.PAYLOAD}


def test_key_that_vanished_without_an_event_is_a_problem(log, vault):
    vault.destroy_subject(vault.find_subject("client"))
    report = log.verify()
    assert [problem.index for problem in report.problems] == [1, 1, 3]


def test_record_on_hold_is_not_destroyed_until_released(log, vault):
    keep = keeper(log, vault)
    keep.hold("case-1", OFFICER, indices=[2])
    keep.hold("case-2", OFFICER, data_subject="client")
    assert set(keep.holds()) == {"case-1", "case-2"}
    with pytest.raises(RetentionError, match="new name"):
        keep.hold("case-1", OFFICER, indices=[0])
    with pytest.raises(RetentionError, match="case-1"):
        keep.shred_records([2], OFFICER, now=NOW)
    with pytest.raises(RetentionError, match="case-2"):
        keep.shred_records([3], OFFICER, now=NOW)
    with pytest.raises(RetentionError, match="case-2"):
        keep.shred_subject("client", OFFICER, now=NOW)
    keep.release("case-2", OFFICER)
    with pytest.raises(RetentionError, match="in force"):
        keep.release("case-2", OFFICER)
    keep.shred_subject("client", OFFICER, now=NOW)
    assert set(keep.holds()) == {"case-1"}


def test_record_still_to_be_kept_is_not_destroyed(log, vault):
    rule = RetentionRule(type=TYPE, period=timedelta(days=365), basis="MiFID II 16(6)")
    keep = keeper(log, vault, rule, replace(rule, type="urn:other:*"))
    with pytest.raises(RetentionError, match="MiFID"):
        keep.shred_records([0], OFFICER, now=WRITTEN + timedelta(days=364))
    assert keep.expired(now=WRITTEN + timedelta(days=364)) == []
    keep.hold("case-1", OFFICER, indices=[3])
    keep.shred_records([0], OFFICER, now=WRITTEN + timedelta(days=366))
    assert keep.expired(now=WRITTEN + timedelta(days=366)) == [1, 2]


def test_rule_with_a_star_is_for_every_rest():
    rule = RetentionRule(type="urn:a:*", period=timedelta(1), basis="x")
    assert rule.applies("urn:a:b")
    assert not rule.applies("urn:b:a")


def test_event_and_plain_record_cannot_be_shredded(log, vault):
    keep = keeper(log, vault)
    receipt = keep.hold("case-1", OFFICER, indices=[])
    with pytest.raises(RetentionError, match="sealed"):
        keep.shred_records([receipt.index], OFFICER, now=NOW)


def test_shred_that_fails_after_its_event_is_finished_later(log, vault, monkeypatch):
    keep = keeper(log, vault)

    def fail(*_: object) -> None:
        raise LogFailedError(log.directory, "no space")

    for name in ("destroy_slots", "destroy_subject"):
        monkeypatch.setattr(vault, name, fail)
    with pytest.raises(LogFailedError):
        keep.shred_records([0], OFFICER, now=NOW)
    with pytest.raises(LogFailedError):
        keep.shred_subject("client", OFFICER, now=NOW)
    monkeypatch.undo()
    log.read(0)
    keep.finish()
    keep.finish()
    for index in (0, 1, 3):
        with pytest.raises(PayloadShreddedError):
            log.read(index)
    assert log.verify().ok


@pytest.mark.parametrize("content", [{}, {"keys": 1}, {"subject": 1}, {"keys": [{}]}])
def test_shredding_event_malformed_is_refused(content):
    with pytest.raises(FormatError):
        Shredded().add(content)


def test_index_made_again_after_shredding_knows_no_more(tmp_path, log, vault):
    keeper(log, vault).shred_records([1], OFFICER, now=NOW)
    log.close()
    (tmp_path / "log" / "search.sqlite").write_bytes(b"damaged" * 1000)
    chosen = replace(options(), terms=terms)
    with Log.open(tmp_path / "log", signer=make_signer(), vault=vault, options=chosen) as again:
        assert again.search(Query(terms={"note": f"{SECRET} 1"})) == ()
        assert again.search(Query(terms={"note": f"{SECRET} 2"})) == (2,)
        assert again.mended == ("search.sqlite",)


def test_hold_event_malformed_is_an_error(log, vault):
    log.append_event("urn:finsvc:audit:hold:v1", {"hold": "x", "reason": "", "indices": {"a": 1}})
    with pytest.raises(FormatError, match="array"):
        keeper(log, vault).holds()
