from pathlib import Path

import pytest

from audit.keys import load_verifier
from audit.verify import verify_directory
from finsvc import cli
from finsvc.adapters import witness
from finsvc.adapters.audit import AuditLog
from finsvc.services.ports import RecordKind


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path / "data"))
    with_log(tmp_path / "data", 2)
    return tmp_path / "data"


def with_log(folder: Path, count: int) -> None:
    folder.mkdir(exist_ok=True)
    log = AuditLog.open(folder / "log", folder / "keys" / "log.pem")
    for number in range(count):
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": "yes"})
    log.close()


def run(*arguments: object) -> int:
    return cli.run(["audit", "witness", *map(str, arguments)])


def test_log_is_witnessed_by_files_and_cannot_go_back(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, request, answer, note = (
        tmp_path / name for name in ("witness", "request", "answer", "note")
    )
    assert run("init", folder, "--name", "audit.example/w1") == 0
    ed25519, ml_dsa = capsys.readouterr().out.split()
    assert run("init", folder, "--name", "audit.example/w1") != 0
    verifier = load_verifier(data_dir / "keys" / "log.pem.vkey")
    log = ("--log", verifier.vkey)
    keys = ("--witness", ed25519, "--witness", ml_dsa)
    assert run("request", "--out", request) == 0
    assert run("answer", folder, request, *log, "--out", answer) == 0
    assert run("accept", request, answer, *keys, "--out", note) == 0
    report = verify_directory(data_dir / "log", verifier=verifier, trusted=[note.read_text()])
    assert report.ok
    capsys.readouterr()
    assert run("answer", folder, request, *log, "--out", answer) == 4
    assert "refused (409): 2" in capsys.readouterr().out
    with_log(data_dir, 1)
    assert run("request", "--out", request, "--old", 2) == 0
    assert run("answer", folder, request, *log, "--out", answer) == 0
    assert run("request", "--out", request, "--old", 9) != 0
    assert run("answer", tmp_path / "nowhere", request, *log, "--out", answer) != 0


def test_witness_is_served_and_asked_over_http(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[object] = []

    class Server:
        def __init__(self, address: tuple[str, int], one: object) -> None:
            served.extend([address, one])

        def __enter__(self) -> "Server":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def serve_forever(self) -> None:
            served.append("served")

    monkeypatch.setattr(witness, "WitnessServer", Server)
    vkeys = witness.create_witness(tmp_path / "witness", "audit.example/w1")
    verifier = load_verifier(data_dir / "keys" / "log.pem.vkey")
    assert run("serve", tmp_path / "witness", "--log", verifier.vkey, "--port", 7) == 0
    assert served[0] == ("127.0.0.1", 7)
    assert served[-1] == "served"
    one = served[1]
    monkeypatch.setattr(
        witness, "ask_over_http", lambda _: lambda asked: one.add_checkpoint(asked.text.encode())
    )
    keys = [item for vkey in vkeys for item in ("--witness", vkey)]
    assert run("ask", "http://witness.example", *keys, "--out", tmp_path / "note") == 0
    assert (tmp_path / "note").read_text().count("audit.example/w1") == 2
