"""Every command of docs/auditor.md, run in its order on a small log."""

import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit import standalone
from audit.keys import load_verifier
from finsvc import cli
from finsvc.adapters.audit import AuditLog
from finsvc.commands import common
from finsvc.services.ports import RecordKind
from tests.data import ROOT


class Backend:
    """Stands in for the service: what replay does is tested with the service itself."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def replay(self, decision_id: str, level: str) -> dict[str, object]:
        self.asked.append(f"replay {level}")
        levels = {"R0": "ok", "R1": "ok", "R2": "ok"}
        return {"decision_id": decision_id, "ok": True, "levels": levels, "details": {}}

    def replay_many(self, selection: object, level: str, progress: object) -> list[object]:
        self.asked.append(f"replay_many {level}")
        return []

    def what_if(self, selection: object, bundle: Path) -> dict[str, object]:
        self.asked.append("what_if")
        return {"decisions": 1, "changes": []}

    def what_if_model(self, selection: object, model: Path) -> dict[str, object]:
        self.asked.append("what_if_model")
        return {"decisions": 1, "changes": []}


def commands() -> list[str]:
    lines = (ROOT / "docs" / "auditor.md").read_text().splitlines()
    return [line[4:] for line in lines if line.startswith("    ")]


def test_guide_commands_all_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem")
    for number in range(3):
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": "yes", "number": number})
    log.close()
    backend = Backend()

    @contextmanager
    def open_backend(_: object) -> Iterator[Backend]:
        yield backend

    monkeypatch.setattr(common, "open_backend", open_backend)
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copy(standalone.__file__, tmp_path)
    values = {"$KEY": load_verifier(tmp_path / "keys" / "log.pem.vkey").vkey, "$WITNESS": ""}
    assert len(commands()) >= 16
    for command in commands():
        words = [values.get(word, word) for word in shlex.split(command)]
        capsys.readouterr()
        if words[0] == "python":
            code = standalone.main(words[2:])
            assert json.loads(capsys.readouterr().out)["is_key_trusted"] is True
        else:
            code = cli.run(words[1:])
            shown = capsys.readouterr().out
            if words[3:4] == ["init"]:
                values["$WITNESS"] = shown.split()[0]
            if words[2] == "receipt":
                (tmp_path / "receipt.json").write_text(shown)
        assert code == 0, command
    assert backend.asked == ["replay R2", "replay_many R4", "replay R4", "what_if", "what_if_model"]
