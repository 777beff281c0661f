"""Custody of the log from the command line, on a real log, by people with and without the role."""

import json
from pathlib import Path
from typing import cast

import httpx
import pytest

from audit.keys import load_verifier
from audit.signed_note import parse_note
from audit.verify import verify_directory
from finsvc import cli
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.identities import LocalIdentities
from finsvc.commands import common
from finsvc.commands.remote import RemoteBackend
from finsvc.domain.errors import InputError
from finsvc.domain.policy import Principal
from finsvc.services.ports import RecordKind
from finsvc.settings import Settings
from tests.finsvc.api.fakes import make_world


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("FINSVC_DATA_DIR", str(folder))
    monkeypatch.setenv("FINSVC_AUDIT_RETENTION_FILE", str(tmp_path / "rules.json"))
    rules = [{"type": "urn:finsvc:record:report:*", "days": 30, "basis": "house rule"}]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    folder.mkdir()
    log = AuditLog.open(folder / "log", folder / "keys" / "log.pem")
    for number in range(2):
        body = {"answer": "yes", "client": "client-7"}
        log.append(RecordKind.DECISION, f"dec_{number}", body)
    log.append(RecordKind.REPORT, "run_1", {"answer": ""})
    log.close()
    identities = LocalIdentities(folder / "identities.json")
    for name, roles in (("cleo", {"custodian", "auditor"}), ("ana", {"analyst", "custodian"})):
        key = identities.create(Principal(id=name, roles=frozenset(roles)))
        (tmp_path / f"{name}.key").write_text(key)
    return folder


def run(
    capsys: pytest.CaptureFixture[str], *arguments: object, who: Path | None = None
) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    key = [] if who is None else ["--key-file", str(who)]
    code = cli.run(["audit", *map(str, arguments), *key, "--json"])
    return code, json.loads(capsys.readouterr().out or "{}")


def acts(data_dir: Path) -> list[tuple[object, object, object]]:
    """What the log says of acts: who or None, what, how it went."""
    log = AuditLog.read(data_dir / "log", data_dir / "keys" / "log.pem")
    bodies = [one.body for one in log.records() if one.kind is RecordKind.ADMINISTRATION]
    names = [body.get("principal", {}).get("id") for body in bodies]
    return [
        (name, body["operation"], body["state"]) for name, body in zip(names, bodies, strict=True)
    ]


def test_keys_are_rotated_with_overlap_and_retired(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cleo, folder = tmp_path / "cleo.key", data_dir / "keys"
    first = load_verifier(folder / "log.pem.vkey")
    code, document = run(capsys, "keys", "rotate", "--reason", "yearly", who=cleo)
    assert code == 0
    new = load_verifier(folder / "log-2.pem.vkey")
    assert document["result"]["vkey"] == new.vkey
    # The next process takes the log up with the new key; both sign while the old one is there.
    note = AuditLog.read(data_dir / "log").checkpoint()
    for key in (first, new):
        assert key.key_id in [line.key_id for line in _signatures(note)]
    code, document = run(capsys, "keys", "list")
    rows = [(row["private_key"], row["is_current"]) for row in document["data"]]
    assert (code, rows) == (0, [("file", False), ("file", True)])
    code, document = run(capsys, "keys", "retire", "--reason", "handed over", who=cleo)
    assert (code, document["result"]["retired"]) == (0, [first.vkey])
    assert not (folder / "log.pem").exists()
    assert (folder / "log.pem.vkey").exists()
    code, document = run(capsys, "keys", "list")
    assert [row["private_key"] for row in document["data"]] == ["none", "file"]
    assert run(capsys, "keys", "rotate", "--reason", "again", who=cleo)[0] == 0
    assert len(_signatures(AuditLog.read(data_dir / "log").checkpoint())) == 2
    for key in (first, new):
        assert verify_directory(data_dir / "log", verifier=key).ok
    assert acts(data_dir)[:2] == [
        ("cleo", "rotate_key", "ordered"),
        (None, "rotate_key", "done"),
    ]


def _signatures(note: str) -> list[object]:
    return list(parse_note(note)[1])


def test_hold_stops_destruction_until_it_is_lifted(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cleo = tmp_path / "cleo.key"
    subject = ("--subject", "client-7")
    assert run(capsys, "hold", "set", "case-1", *subject, "--reason", "suit", who=cleo)[0] == 0
    code, document = run(capsys, "hold", "list")
    assert (code, [row["hold"] for row in document["data"]]) == (0, ["case-1"])
    shred = ("shred", *subject, "--reason", "GDPR Art 17")
    code, document = run(capsys, *shred, who=cleo)
    assert (code, document["error"]["code"]) == (3, "audit_retention")
    assert "case-1" in document["error"]["message"]
    assert run(capsys, "hold", "lift", "case-1", "--reason", "settled", who=cleo)[0] == 0
    code, document = run(capsys, *shred, who=cleo)
    assert (code, document["result"]["indices"]) == (0, [0, 1])
    log = AuditLog.read(data_dir / "log", data_dir / "keys" / "log.pem")
    assert [dict(log.find(f"dec_{n}").body) for n in range(2)] == [{}, {}]
    assert log.receipt("dec_0") is not None
    assert verify_directory(data_dir / "log").ok
    # The record of the erasure does not keep the name.
    orders = [one.body for one in log.records() if one.body.get("state") == "ordered"]
    assert "client-7" not in json.dumps(orders)
    assert [state for _, _, state in acts(data_dir)] == [
        "ordered", "done", "ordered", "failed", "ordered", "done", "ordered", "done",
    ]  # fmt: skip
    code, document = run(capsys, *shred, who=cleo)
    assert (code, document["error"]["code"]) == (3, "audit_retention")


def test_retention_keeps_what_its_rule_names(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cleo = tmp_path / "cleo.key"
    code, document = run(capsys, "shred", "--record", "run_1", "--reason", "x", who=cleo)
    assert (code, document["error"]["code"]) == (3, "audit_retention")
    assert "house rule" in document["error"]["message"]
    code, document = run(capsys, "shred", "--record", "none", "--reason", "x", who=cleo)
    assert (code, document["error"]["code"]) == (2, "audit_unknown_entry")
    code, document = run(capsys, "shred", "--expired", "--reason", "x", who=cleo)
    assert (code, document["result"]["indices"]) == (0, [])
    code, document = run(capsys, "retention")
    assert (code, document["data"][0]["days"], document["data"][0]["expired"]) == (0, 30, [])
    assert run(capsys, "shred", "--record", "dec_1", "--reason", "x", who=cleo)[0] == 0


def test_nobody_without_the_role_does_anything_and_the_try_is_on_record(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for who in (None, tmp_path / "ana.key"):
        code, document = run(capsys, "shred", "--record", "dec_0", "--reason", "oops", who=who)
        assert (code, document["error"]["code"]) == (3, "policy_denied")
    assert run(capsys, "keys", "list", who=tmp_path / "ana.key")[0] == 3
    (tmp_path / "stranger.key").write_text("fsk_nobody")
    code, document = run(capsys, "keys", "list", who=tmp_path / "stranger.key")
    assert (code, document["error"]["field"]) == (2, "key-file")
    assert acts(data_dir) == [("local", "shred", "refused"), ("ana", "shred", "refused")]
    # Holding a record is no destruction: an analyst who is custodian may.
    hold = ("hold", "set", "h", "--record", "dec_0", "--reason", "r")
    assert run(capsys, *hold, who=tmp_path / "ana.key")[0] == 0


def test_acts_are_told_in_words_too(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ["--reason", "r", "--key-file", str(tmp_path / "cleo.key")]
    said = []
    for arguments in (
        ["hold", "set", "h", "--record", "dec_0"],
        ["hold", "lift", "h"],
        ["shred", "--record", "dec_0"],
        ["keys", "rotate"],
        ["keys", "retire"],
    ):
        assert cli.run(["audit", *arguments, *key]) == 0
        said.append(capsys.readouterr().out.split(":")[0].strip())
    assert said == [
        "Held", "Lifted", "1 records without content now.", "The new key", "1 retired.",
    ]  # fmt: skip
    for arguments in (["keys", "list"], ["hold", "list"], ["retention"], ["witnesses"]):
        assert cli.run(["audit", *arguments]) == 0
    assert cli.run(["audit", "stamp", "list"]) == 0
    assert cli.run(["audit", "stamp", "now", *key]) != 0


def test_log_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path / "nothing"))
    code, document = run(capsys, "keys", "list")
    assert (code, document["error"]["field"]) == (2, "data_dir")
    assert not (tmp_path / "nothing").exists()


def test_acts_are_done_by_the_running_service_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str | None] = []

    def find(settings: object, *, key: str | None = None) -> RemoteBackend:
        seen.append(key)
        world = make_world(tmp_path / str(len(seen)))
        return RemoteBackend(cast("httpx.Client", world.client("custodian" if key else "local")))

    monkeypatch.setattr(common, "find_service", find)
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    (tmp_path / "cleo.key").write_text("a key\n")
    shred = ("shred", "--record", "dec_1", "--reason", "r")
    code, document = run(capsys, *shred, who=tmp_path / "cleo.key")
    assert (code, document["result"], seen) == (0, {"did": "shred"}, ["a key"])
    code, document = run(capsys, *shred)
    assert (code, document["error"]["code"]) == (3, "policy_denied")
    assert run(capsys, "hold", "list")[1]["data"] == ["holds"]
    with (
        pytest.raises(InputError, match="key-file"),
        common.open_custody(Settings(data_dir=tmp_path), key_file=tmp_path / "absent"),
    ):
        pass
