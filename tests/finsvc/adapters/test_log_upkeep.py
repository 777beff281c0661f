"""Stamps of the service's log by a real authority (`openssl ts`), and witnesses by settings."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from finsvc.adapters.audit import AuditLog
from finsvc.adapters.custody import Custodian, load_rules
from finsvc.adapters.log_keys import LogKeys
from finsvc.adapters.log_upkeep import SERVICE, Stamper
from finsvc.adapters.log_witnesses import open_witnessing
from finsvc.adapters.policies import CedarPolicies
from finsvc.domain.custody import Operation, Order, View
from finsvc.domain.errors import LogOperationError, StateError
from finsvc.domain.policy import Principal
from finsvc.services.custody import Custody
from finsvc.services.ports import RecordKind
from finsvc.settings_audit import AuditSettings
from tests.audit.test_timestamps import OpensslAuthority
from tests.finsvc.api.fakes import FakeClock

BOTH = Principal(id="cleo", roles=frozenset({"custodian", "auditor"}))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> OpensslAuthority:
    return OpensslAuthority(tmp_path_factory.mktemp("tsa") / "tsa")


@pytest.fixture
def settings(
    tmp_path: Path, authority: OpensslAuthority, monkeypatch: pytest.MonkeyPatch
) -> AuditSettings:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root.public_bytes(Encoding.PEM))
    monkeypatch.setattr("finsvc.adapters.custody.HttpAuthority", lambda url: authority)
    return AuditSettings(tsa_url="http://tsa.example/", tsa_roots=roots)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem")
    yield opened
    opened.close()


def custodian_of(log: AuditLog, folder: Path, settings: AuditSettings) -> Custodian:
    keys = LogKeys(folder / "keys" / "log.pem", settings)
    return Custodian(log.log, keys, settings, is_signer_separate=False)


def custody_of(log: AuditLog, custodian: Custodian, folder: Path) -> Custody:
    policy = CedarPolicies(folder / "bundles")
    return Custody(custodian=custodian, policy=policy, log=log, clock=FakeClock())


def test_stamp_is_made_checked_and_on_record(
    tmp_path: Path, log: AuditLog, settings: AuditSettings
) -> None:
    log.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
    custodian = custodian_of(log, tmp_path, settings)
    custody = custody_of(log, custodian, tmp_path)
    document = custody(Order(operation=Operation.STAMP, reason="quarter"), BOTH)
    assert document["result"]["size"] == 2
    (stamp,) = custody.view(View.STAMPS, BOTH)["data"]
    assert (stamp["size"], stamp["time"]) == (2, document["result"]["time"])
    assert custodian.num_unstamped() == 1
    path = log.log.directory / "timestamps" / stamp["file"]
    path.write_text(path.read_text().replace("2\n", "3\n", 1))
    with pytest.raises(LogOperationError) as raised:
        custody.view(View.STAMPS, BOTH)
    assert raised.value.code == "audit_time_stamp"


def test_stamper_stamps_a_log_that_grew_and_leaves_its_own_records_alone(
    tmp_path: Path, log: AuditLog, settings: AuditSettings
) -> None:
    custodian = custodian_of(log, tmp_path, settings)
    for number in range(3):
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": "yes"})
    stamper = Stamper(
        custody_of(log, custodian, tmp_path), custodian.num_unstamped, interval_s=0.02
    )
    stamper.start()
    deadline = time.monotonic() + 20
    while custodian.num_unstamped() > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    stamper.close()
    bodies = [one.body for one in log.records() if one.kind is RecordKind.ADMINISTRATION]
    assert [body["state"] for body in bodies] == ["ordered", "done"]
    assert bodies[0]["principal"] == {"id": SERVICE.id, "roles": ["custodian"]}


def test_authority_that_is_away_is_a_warning_and_on_record(
    tmp_path: Path, log: AuditLog, caplog: pytest.LogCaptureFixture
) -> None:
    settings = AuditSettings()
    custodian = custodian_of(log, tmp_path, settings)
    for number in range(2):
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": "yes"})
    with caplog.at_level(logging.WARNING):
        stamper = Stamper(
            custody_of(log, custodian, tmp_path), custodian.num_unstamped, interval_s=60
        )
        stamper.start()
        stamper.close()
    (record,) = [item for item in caplog.records if item.message == "audit_stamp_failed"]
    assert record.code == "audit_time_stamp"
    states = [one.body["state"] for one in log.records() if one.kind is RecordKind.ADMINISTRATION]
    assert states == ["ordered", "failed"]


@pytest.mark.parametrize(
    "text", ["", "{}", '[{"type": "a"}]', '[{"type":"","days":1,"basis":"x"}]']
)
def test_retention_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules").write_text(text)
    with pytest.raises(StateError, match="audit_retention_file"):
        load_rules(tmp_path / "rules")
    with pytest.raises(StateError):
        load_rules(tmp_path / "absent")
    (rule,) = load_rules(None)
    assert (rule.type, rule.period.days) == ("urn:finsvc:record:*", 1827)


def test_roots_that_are_no_certificates_are_refused(tmp_path: Path, log: AuditLog) -> None:
    (tmp_path / "roots").write_text("nonsense")
    given = AuditSettings(tsa_url="http://x/", tsa_roots=tmp_path / "roots")
    with pytest.raises(StateError, match="audit_tsa_roots"):
        custodian_of(log, tmp_path, given)


def test_custody_needs_the_vault(tmp_path: Path, log: AuditLog) -> None:
    with pytest.raises(Exception, match="vault"):
        custodian_of(AuditLog.read(tmp_path / "log"), tmp_path, AuditSettings())


@pytest.mark.parametrize(
    "witness", ["http://w.example", "http://w.example nonsense", "ftp://w a+00000000+AA=="]
)
def test_witness_named_wrongly_is_refused(tmp_path: Path, log: AuditLog, witness: str) -> None:
    with pytest.raises(StateError, match="audit_witnesses"):
        open_witnessing(log.log, tmp_path / "witnessed", AuditSettings(witnesses=(witness,)))
    assert open_witnessing(log.log, tmp_path / "witnessed", AuditSettings()) is None
