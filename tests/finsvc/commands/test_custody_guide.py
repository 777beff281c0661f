"""Every command of docs/custody.md, run in its order on a small log."""

import json
import shlex
from pathlib import Path

import pytest

from audit.verify import verify_directory
from finsvc import cli
from finsvc.adapters.audit import AuditLog
from finsvc.services.ports import RecordKind
from finsvc.settings_audit import AuditSettings
from tests.data import ROOT

GUIDE = (ROOT / "docs" / "custody.md").read_text()


def test_guide_commands_all_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem")
    for number in range(3):
        body = {"answer": "yes", "client": "client-7" if number else ""}
        log.append(RecordKind.DECISION, f"dec_{number}", body)
    log.close()
    rules = [{"type": "urn:finsvc:record:report:*", "days": 30, "basis": "house rule"}]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FINSVC_AUDIT_RETENTION_FILE", str(tmp_path / "rules.json"))
    monkeypatch.chdir(tmp_path)
    lines = [line[4:] for line in GUIDE.splitlines() if line.startswith("    finsvc ")]
    assert len(lines) == 13
    for line in lines:
        assert cli.run(shlex.split(line)[1:]) == 0, line
        said = capsys.readouterr().out
        if line.startswith("finsvc key "):
            (tmp_path / "cleo.key").write_text(said)
    assert verify_directory(tmp_path / "log").ok


def test_guide_names_every_setting() -> None:
    table = GUIDE.partition("## Settings")[2].partition("##")[0].lower()
    for name in AuditSettings.model_fields:
        group, _, rest = name.partition("_")
        assert f"`{name}`" in table or (f"`{group}_" in table and f"_{rest}`" in table), name
