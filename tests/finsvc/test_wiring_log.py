"""The log with witnesses and stamps, as the service opens it; the witness answers in this process.

Processes of their own, and a witness that goes and comes back: `tests/e2e/test_witness.py`.
"""

from pathlib import Path

import pytest

from audit.errors import WitnessQuorumError, WitnessRefusedError
from audit.keys import load_verifier
from finsvc.adapters import log_witnesses
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.policies import CedarPolicies
from finsvc.adapters.witness import create_witness, open_witness
from finsvc.domain.custody import View
from finsvc.domain.policy import Principal
from finsvc.services.ports import RecordKind
from finsvc.settings import Settings
from finsvc.telemetry import Telemetry
from finsvc.wiring_log import open_audit

AUDITOR = Principal(id="olga", roles=frozenset({"auditor"}))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    AuditLog.open(data_dir / "log", data_dir / "keys" / "log.pem").close()
    vkeys = create_witness(tmp_path / "witness", "audit.example/w1")
    log_vkey = load_verifier(data_dir / "keys" / "log.pem.vkey").vkey
    witness = open_witness(tmp_path / "witness", [log_vkey])
    monkeypatch.setattr(
        log_witnesses,
        "ask_over_http",
        lambda url, timeout_s: lambda asked: witness.add_checkpoint(asked.text.encode()),
    )
    given = {
        "witnesses": [" ".join(["http://w.example", *vkeys])],
        "witness_require": True,
        "witness_timeout": "PT1S",
        "witness_interval": "PT1H",
    }
    return Settings.model_validate({"data_dir": data_dir, "audit": given})


def test_required_witness_has_cosigned_before_append_returns(settings: Settings) -> None:
    telemetry, policy = Telemetry(), CedarPolicies(settings.data_dir / "bundles")
    with open_audit(settings, policy, telemetry=telemetry) as opened:
        for number in range(3):
            opened.audit.append(RecordKind.DECISION, f"dec_{number}", {"answer": "yes"})
            assert b"finsvc_audit_unwitnessed_records 0.0" in telemetry.metrics()
        (row,) = opened.custody.view(View.WITNESSES, AUDITOR)["data"]
        assert (row["witness"], row["size"], row["error"]) == ("audit.example/w1", 3, None)


def test_required_witness_that_is_away_withholds_the_answer_not_the_record(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, timeout_s: float) -> object:
        def ask(asked: object) -> object:
            raise WitnessRefusedError("witness", expected="an answer", actual="none")

        return ask

    monkeypatch.setattr(log_witnesses, "ask_over_http", refuse)
    policy = CedarPolicies(settings.data_dir / "bundles")
    with open_audit(settings, policy, is_served=True) as opened:
        with pytest.raises(WitnessQuorumError):
            opened.audit.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
        assert opened.audit.find("dec_1") is not None


def test_log_without_witnesses_opens_as_before(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    policy = CedarPolicies(tmp_path / "bundles")
    with open_audit(settings, policy, is_served=True, telemetry=Telemetry()) as opened:
        opened.audit.append(RecordKind.DECISION, "dec_1", {"answer": "yes"})
        assert opened.custody.view(View.WITNESSES, AUDITOR)["data"] == []
