"""Commands on the real data, log and policies, without the service."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from finsvc import cli
from finsvc.adapters.audit import AuditLog
from finsvc.adapters.identities import LocalIdentities
from finsvc.commands.backend import AskInput, ReportInput
from finsvc.commands.local_service import LocalBackend
from finsvc.commands.steps import step_line
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.policy import Principal
from finsvc.files import exclusive_lock
from finsvc.services.ports import RecordKind
from finsvc.services.replay import Level, ModelWhatIf, ReplayResult, WhatIf
from finsvc.services.replay_selection import Selection
from finsvc.wiring import Services
from tests.finsvc.api.fakes import ANSWER, World, make_world


@pytest.fixture(scope="module")
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose snapshot is built once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def data_dir(shared_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINSVC_DATA_DIR", str(shared_dir))
    return shared_dir


@pytest.fixture
def empty_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    return tmp_path


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = cli.run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_calculator_runs_on_a_book_by_name(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data_dir / "in.json"
    path.write_text('{"portfolio": {"book": "sample"}, "as_of": "2022-12-28"}')
    code, document = run_json(capsys, "calc", "run", "historical_var", "--input", str(path))
    assert code == 0
    assert document["second"]["fields"]["var"]["within"] is True
    assert cli.run(["calc", "run", "historical_var", "--input", str(path)]) == 0
    shown = capsys.readouterr().out
    assert document["value"] in shown
    assert "agrees" in shown


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ('{"portfolio": {"book": "sample"}}', "as_of"),
        ('{"portfolio": {"book": "none"}, "as_of": "2022-12-28"}', "portfolio.book"),
        (
            '{"portfolio": {"book": "sample"}, "as_of": "2022-12-28", "confidence": "1.5"}',
            "confidence",
        ),
    ],
)
def test_calculator_bad_input_names_the_field(
    data_dir: Path, capsys: pytest.CaptureFixture[str], inputs: str, field: str
) -> None:
    path = data_dir / "bad.json"
    path.write_text(inputs)
    code, document = run_json(capsys, "calc", "run", "historical_var", "--input", str(path))
    assert (code, document["error"]["field"]) == (2, field)


def test_calculator_draws_its_result(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, picture = data_dir / "in.json", data_dir / "out.svg"
    path.write_text('{"portfolio": {"book": "sample"}, "as_of": "2022-12-28"}')
    arguments = ("calc", "run", "exposure", "--input", str(path), "--plot")
    code, _ = run_json(capsys, *arguments, str(picture))
    assert code == 0
    assert "<svg" in picture.read_text()
    for wrong in ("out.gif", "none/out.svg"):
        code, document = run_json(capsys, *arguments, str(data_dir / wrong))
        assert (code, document["error"]["field"]) == (2, "plot")


def test_calculators_write_their_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["calc", "pages", str(tmp_path / "pages")]) == 0
    assert "Version" in (tmp_path / "pages" / "historical_var.md").read_text()
    (tmp_path / "file").write_text("")
    assert cli.run(["calc", "pages", str(tmp_path / "file")]) == 2
    assert "a writable folder" in capsys.readouterr().err


def test_calculator_explains_what_moved_its_result(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = data_dir / "before.json", data_dir / "after.json"
    before.write_text('{"portfolio": {"book": "sample"}, "as_of": "2022-12-27"}')
    after.write_text(
        '{"portfolio": {"book": "sample"}, "as_of": "2022-12-28", "confidence": "0.95"}'
    )
    arguments = [
        "calc",
        "explain",
        "historical_var",
        "--before",
        str(before),
        "--after",
        str(after),
    ]
    code, document = run_json(capsys, *arguments)
    assert code == 0
    effects = [Decimal(cause["effect"]) for cause in document["causes"]]
    assert [cause["input"] for cause in document["causes"]] == ["as_of", "confidence"]
    assert sum(effects) + Decimal(document["interaction"]) == Decimal(document["change"])
    assert cli.run(arguments) == 0
    assert "together only" in capsys.readouterr().out


def test_books_are_listed_and_imported(
    data_dir: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = Path(__file__).parents[3] / "finsvc" / "books" / "sample.csv"
    code, document = run_json(capsys, "book", "import", str(source), "mine")
    assert (code, document["name"], document["limits"]) == (0, "mine", 0)
    code, document = run_json(capsys, "book", "list")
    assert [book["name"] for book in document["books"]] == ["mine", "sample"]
    assert cli.run(["book", "list"]) == 0
    assert "mine" in capsys.readouterr().out
    assert cli.run(["book", "import", str(source), "mine", "--replace"]) == 0
    bad = tmp_path / "bad.csv"
    bad.write_text("this,is\nnot,it\n")
    code, document = run_json(capsys, "book", "import", str(bad), "other")
    assert code == 2
    assert not list((data_dir / "books").glob("other*"))


@pytest.fixture
def logged(empty_dir: Path) -> Path:
    """A data directory with a log of three decisions."""
    log = AuditLog.open(empty_dir / "log", empty_dir / "keys" / "log.pem")
    for number in range(3):
        log.append(RecordKind.DECISION, f"dec_{number}", {"answer": ANSWER, "number": number})
    log.close()
    return empty_dir


def test_log_in_order_is_verified(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = run_json(capsys, "audit", "verify")
    assert (code, document["ok"], document["size"]) == (0, True, 3)
    assert cli.run(["audit", "verify"]) == 0
    assert "3 records" in capsys.readouterr().out


def test_log_with_a_flipped_byte_exits_4_naming_the_index(
    logged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (segment,) = (path for path in (logged / "log" / "segments").iterdir() if path.is_file())
    data = bytearray(segment.read_bytes())
    data[-200] ^= 1
    segment.write_bytes(data)
    code, document = run_json(capsys, "audit", "verify")
    assert (code, document["ok"]) == (4, False)
    assert document["first_bad_index"] == 2
    assert cli.run(["audit", "verify"]) == 4
    assert "first bad index: 2" in capsys.readouterr().out


def test_log_receipts_and_export(
    logged: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, document = run_json(capsys, "audit", "receipt", "dec_1")
    assert (code, document["receipt"]["index"]) == (0, 1)
    assert document["vkey"].startswith("finsvc.local/")
    assert cli.run(["audit", "receipt", "dec_1"]) == 0
    assert "record 1 of 3" in capsys.readouterr().out
    out = tmp_path / "export"
    code, document = run_json(capsys, "audit", "export", str(out))
    assert (code, document["records"]) == (0, 3)
    assert len((out / "records.jsonl").read_text().splitlines()) == 4
    assert cli.run(["audit", "export", str(out)]) == 0
    (tmp_path / "file").write_text("")
    code, document = run_json(capsys, "audit", "export", str(tmp_path / "file"))
    assert (code, document["error"]["field"]) == (2, "directory")


def test_log_commands_say_what_is_missing(
    empty_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run_json(capsys, "audit", "verify")
    assert (code, document["error"]["field"]) == (2, "data_dir")


def test_receipt_of_an_unknown_record_names_the_id(
    logged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run_json(capsys, "audit", "receipt", "dec_9")
    assert (code, document["error"]["field"]) == (2, "id")


def test_model_that_is_no_checkpoint_is_bad_input(
    empty_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run_json(capsys, "model", "info", str(empty_dir))
    assert (code, document["error"]["field"]) == (2, "model")
    assert "config.json" in document["error"]["message"]


def test_key_is_made_for_another_person(
    empty_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run_json(capsys, "key", "anna", "--role", "approver", "--role", "book:rates")
    assert code == 0
    identities = LocalIdentities(empty_dir / "identities.json")
    roles = frozenset({"approver", "book:rates"})
    assert identities.authenticate(document["key"]) == Principal(id="anna", roles=roles)
    assert cli.run(["key", "ben", "--role", "analyst"]) == 0
    assert capsys.readouterr().out.startswith("fsk_")


def test_key_with_an_unknown_role_is_refused(
    empty_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run_json(capsys, "key", "anna", "--role", "king")
    assert (code, document["error"]["field"]) == (2, "role")


def test_key_beside_a_running_service_is_refused(
    empty_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with exclusive_lock(empty_dir / "lock"):
        code, document = run_json(capsys, "key", "anna", "--role", "approver")
    assert (code, document["error"]["code"]) == (2, "invalid_state")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def backend(world: World, *, roles: frozenset[str] | None = None) -> LocalBackend:
    principal = Principal(id="boss", roles=roles or frozenset({"approver", "auditor"}))
    parts = SimpleNamespace(**vars(world.services), local_principal=principal)
    return LocalBackend(cast("Services", parts))


def test_local_backend_answers_and_shows_steps(world: World) -> None:
    lines: list[str] = []
    question = AskInput(question="q", agent="risk", book=None, as_of=None)
    assert backend(world).ask(question, lines.append)["answer"] == ANSWER
    assert lines[0].startswith("  calling value_at_risk")
    assert world.services.ask.commands[0].request_id.startswith("cli_")
    other = AskInput(question="q", agent="poet", book=None, as_of=None)
    with pytest.raises(UnknownNameError, match="compliance"):
        backend(world).ask(other, lines.append)


def test_local_backend_reaches_every_use_case(world: World, tmp_path: Path) -> None:
    local = backend(world)
    assert local.run_calculator("beta", {})["by"] == "boss"
    out = tmp_path / "out"
    report = ReportInput(name="risk_limits", book="sample", as_of=None, out=out)
    assert local.run_report(report)["confirmed"] is True
    world.hold("dec_1")
    world.hold("dec_2", asked_by="boss")
    assert [row["decision_id"] for row in local.pending()] == ["dec_1"]
    assert local.decide("dec_1", "rejected", "no")["answer"] is None
    assert local.replay("dec_1", "R0")["ok"] is True


class ManyReplays:
    """Replays everything as recorded; another bundle changes nothing."""

    def many(
        self, selection: Selection, level: Level, principal: Principal
    ) -> Iterator[ReplayResult]:
        for name in ("dec_1", "dec_2"):
            levels = {level.value: principal.id}
            yield ReplayResult(record_id=name, is_ok=True, levels=levels, details={})

    def what_if(self, selection: Selection, bundle: Path, principal: Principal) -> WhatIf:
        return WhatIf(bundle=bundle.name, num_decisions=2, changes=())

    def what_if_model(self, selection: Selection, model: Path, principal: Principal) -> ModelWhatIf:
        return ModelWhatIf(fingerprint=model.name, num_decisions=2, changes=())


def test_local_backend_replays_many_and_asks_what_if(world: World, tmp_path: Path) -> None:
    parts = {**vars(world.services), "replay": ManyReplays()}
    principal = Principal(id="boss", roles=frozenset())
    local = LocalBackend(cast("Services", SimpleNamespace(**parts, local_principal=principal)))
    lines: list[str] = []
    replays = local.replay_many(Selection(), "R0", lines.append)
    assert [item["levels"] for item in replays] == [{"R0": "boss"}] * 2
    assert lines == ["replayed dec_1 (1)", "replayed dec_2 (2)"]
    assert local.what_if(Selection(), tmp_path / "b") == {
        "bundle": "b",
        "decisions": 2,
        "changes": [],
    }
    assert local.what_if_model(Selection(), tmp_path / "m") == {
        "fingerprint": "m",
        "decisions": 2,
        "changes": [],
    }


def test_unknown_step_is_still_one_line() -> None:
    assert step_line("retry", "", "again") == "  retry again"
