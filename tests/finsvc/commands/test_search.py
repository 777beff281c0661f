import json
from pathlib import Path

import pytest

from finsvc import cli
from finsvc.adapters.audit import AuditLog
from finsvc.services.ports import RecordKind
from tests.data import ROOT


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    log = AuditLog.open(tmp_path / "log", tmp_path / "keys" / "log.pem")
    for number, who in enumerate(("alice", "bob", "alice")):
        body = {
            "decision_id": f"dec_{number}",
            "principal": {"id": who},
            "request": {"book": "rates"},
            "calls": [{"name": "historical_var", "arguments": {}}],
            "claims": [{"value": f"{number}.5"}],
            "verdict": "verified",
            "answer": "yes",
        }
        log.append(RecordKind.DECISION, f"dec_{number}", body)
    log.close()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--who", "alice"], ["dec_0", "dec_2"]),
        (["--who", "alice", "--number", "2.5"], ["dec_2"]),
        (["--book", "rates", "--verdict", "verified"], ["dec_0", "dec_1", "dec_2"]),
        (["--tool", "historical_var", "--from", "2020-01-01"], ["dec_0", "dec_1", "dec_2"]),
        (["--to", "2020-01-01T00:00Z"], []),
        (["--who", "nobody"], []),
    ],
)
def test_search_finds_what_meets_everything(
    data_dir: Path, capsys: pytest.CaptureFixture[str], given: list[str], expected: list[str]
) -> None:
    assert cli.run(["audit", "search", *given, "--json"]) == 0
    records = json.loads(capsys.readouterr().out)["records"]
    assert [record["id"] for record in records] == expected
    assert cli.run(["audit", "search", *given]) == 0


def test_search_with_a_time_that_is_none_is_refused(data_dir: Path) -> None:
    assert cli.run(["audit", "search", "--from", "soon"]) == 2


def test_law_is_printed_as_the_page_in_the_documentation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["audit", "law"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "law.md").read_text()


def test_export_takes_what_a_search_would_find(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data_dir / "out"
    argv = ["audit", "export", str(out), "--who", "alice", "--json"]
    assert cli.run(argv) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["records"], document["sheets"] > 0) == (2, True)
    assert (out / "records.pdf").exists()
    assert json.loads((out / "manifest.json").read_text())["asked"]["who"] == "alice"
    assert cli.run(["audit", "export", str(data_dir / "all"), "--no-pdf"]) == 0
    assert not (data_dir / "all" / "records.pdf").exists()
    assert cli.run(["audit", "export", str(data_dir / "lock" / "x"), "--json"]) == 0
    (data_dir / "file").write_text("")
    assert cli.run(["audit", "export", str(data_dir / "file")]) == 2
