"""The command line: documents, exit codes, errors, help."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finsvc import cli
from finsvc.agents.catalogue import AgentName
from finsvc.commands import approvals as approval_commands
from finsvc.commands import ask as ask_commands
from finsvc.commands import calc, common, lazy
from finsvc.commands.backend import AskInput, Json, ReportInput, Say
from finsvc.domain.errors import InputError, RefusedError, StateError
from finsvc.services.approve import ApprovalVerdict
from finsvc.services.decision import decision_to_json
from finsvc.services.replay_selection import Selection
from finsvc.settings import Settings
from tests.finsvc.api.fakes import ANSWER, decision


class FakeBackend:
    """Answers as told; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[AskInput] = []
        self.failure: Exception | None = None
        self.changes: dict[str, object] = {}
        self.is_ok = True
        self.reports: list[ReportInput] = []
        self.decided: list[tuple[str, str, str]] = []
        self.selections: list[Selection] = []

    def ask(self, question: AskInput, say: Say) -> Json:
        self.asked.append(question)
        say("  calling value_at_risk")
        if self.failure is not None:
            raise self.failure
        return {**decision_to_json(decision(None, decision_id="dec_1")), **self.changes}  # type: ignore[arg-type]

    def run_calculator(self, name: str, inputs: Json) -> Json:
        return {"calculator": name, "inputs": inputs}

    def run_report(self, report: ReportInput) -> Json:
        self.reports.append(report)
        files = {"report.json": str(report.out / "report.json")}
        return {
            "report_id": "rpt_1",
            "as_of": "2022-12-28",
            "confirmed": self.is_ok,
            "files": files,
            "receipt": {},
        }

    def pending(self) -> list[Json]:
        request = {"question": "VaR?"}
        return [{"decision_id": "dec_1", "asked_by": "a", "request": request, "answer": ANSWER}]

    def decide(self, decision_id: str, verdict: str, comment: str) -> Json:
        self.decided.append((decision_id, verdict, comment))
        return {"decision_id": decision_id, "verdict": verdict, "answer": ANSWER, "receipt": {}}

    def replay(self, decision_id: str, level: str) -> Json:
        outcome = "match" if self.is_ok else "mismatch"
        details = {} if self.is_ok else {"R2": "value: recorded 1, derived 2"}
        return {
            "decision_id": decision_id,
            "ok": self.is_ok,
            "levels": {"R0": "match", "R2": outcome},
            "details": details,
        }

    def replay_many(self, selection: Selection, level: str, say: Say) -> list[Json]:
        self.selections.append(selection)
        say("replayed dec_2 (2)")
        return [self.replay(one, level) for one in ("dec_1", "dec_2")]

    def what_if(self, selection: Selection, bundle: Path) -> Json:
        self.selections.append(selection)
        change = {"decision_id": "dec_1", "action": "ask", "recorded": "allow", "derived": "deny"}
        changes = [] if self.is_ok else [change]
        return {"bundle": bundle.name, "decisions": 2, "changes": changes}

    def what_if_model(self, selection: Selection, model: Path) -> Json:
        change = {"decision_id": "dec_1", "turn": 0, "difference": "token 3: recorded, derived"}
        return {"fingerprint": model.name, "decisions": 2, "changes": [change]}


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeBackend:
    made = FakeBackend()

    @contextmanager
    def open_backend(settings: Settings, *, key_file: Path | None = None) -> Iterator[FakeBackend]:
        yield made

    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(common, "open_backend", open_backend)
    return made


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    code = cli.run([*arguments, "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def test_ask_json_is_one_document_and_progress_goes_to_standard_error(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, err = run_json(capsys, "ask", "VaR?", "--book", "sample", "--agent", "risk")
    assert code == 0
    assert set(document) >= {
        "decision_id",
        "answer",
        "verdict",
        "claims",
        "tool_calls",
        "receipt",
        "model",
        "usage",
        "timing_ms",
    }
    assert "calling value_at_risk" in err
    (question,) = backend.asked
    assert (question.question, question.agent, question.book) == ("VaR?", "risk", "sample")


def test_ask_attaches_documents_by_name(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "trades.json"
    file.write_text('{"trades": []}', encoding="utf-8")
    code, _, _ = run_json(capsys, "ask", "SA-CCR of desk1?", "--document", f"desk1={file}")
    assert code == 0
    assert backend.asked[0].documents == {"desk1": {"trades": []}}
    code, document, _ = run_json(capsys, "ask", "SA-CCR of desk1?", "--document", "desk1")
    assert code == 2
    assert "document: expected NAME=FILE" in document["error"]["message"]


def test_ask_for_people_shows_every_number_with_source_and_second_method(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["ask", "VaR?", "--as-of", "2022-06-30"]) == 0
    out = capsys.readouterr().out
    for shown in (
        ANSWER,
        "verified_rounded",
        "c1.var",
        "sorted_losses",
        "value_at_risk(portfolio=sample book)",
        "record 0 of 1",
        "root root",
        "total 12 ms",
    ):
        assert shown in out
    assert str(backend.asked[0].as_of) == "2022-06-30"


@pytest.mark.parametrize(
    "changes",
    [{"verdict": "abstained"}, {"verdict": "needs_human"}, {"held": True}],
)
def test_ask_withheld_answer_exits_3(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str], changes: Mapping[str, object]
) -> None:
    backend.changes.update(changes, claims=[], tool_calls=[])
    code, document, _ = run_json(capsys, "ask", "VaR?")
    assert code == 3
    assert document["answer"] == ANSWER
    assert cli.run(["ask", "VaR?"]) == 3


class AuditCorruptError(Exception):
    code = "audit_log_corrupt"


@pytest.mark.parametrize(
    ("failure", "code", "error"),
    [
        (
            InputError(field="book", expected="a book", actual="x"),
            2,
            {"code": "invalid_input", "field": "book"},
        ),
        (StateError("data directory: expected a writable folder"), 2, {"code": "invalid_state"}),
        (RefusedError(action="ask", reasons=["r"]), 3, {"code": "policy_denied"}),
        (AuditCorruptError("entry 3: changed"), 4, {"code": "audit_log_corrupt"}),
        (ZeroDivisionError("x\nTraceback"), 5, {"code": "internal_error"}),
    ],
)
def test_ask_error_has_code_exit_and_no_trace(
    backend: FakeBackend,
    capsys: pytest.CaptureFixture[str],
    failure: Exception,
    code: int,
    error: dict[str, str],
) -> None:
    backend.failure = failure
    got, document, err = run_json(capsys, "ask", "VaR?")
    assert got == code
    assert error.items() <= document["error"].items()
    assert ("field" in document["error"]) == ("field" in error)
    assert "Traceback" not in json.dumps(document) + err
    assert cli.run(["ask", "VaR?"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert error["code"] in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask",),
        ("ask", "q", "--agent", "poet"),
        ("ask", "q", "--wrong"),
        ("nonsense",),
        ("calc", "run", "beta"),
        ("audit", "replay", "dec_1", "--level", "R9"),
    ],
)
def test_wrong_usage_exits_2_with_one_document(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, document, _ = run_json(capsys, *arguments)
    assert (code, document["error"]["code"]) == (2, "invalid_usage")


def test_ask_bad_date_names_the_option(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, _ = run_json(capsys, "ask", "q", "--as-of", "30.6.2022")
    assert (code, document["error"]["field"]) == (2, "as_of")


def test_bad_setting_names_the_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINSVC_PORT", "99999")
    code, document, _ = run_json(capsys, "ask", "q")
    assert (code, document["error"]["field"]) == (2, "FINSVC_PORT")


def test_interrupted_command_exits_130(backend: FakeBackend) -> None:
    def interrupt(question: AskInput, say: Say) -> Json:
        raise KeyboardInterrupt

    backend.ask = interrupt  # type: ignore[method-assign]
    assert cli.run(["ask", "q"]) == 130


def test_replay_all_reports_every_decision(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, err = run_json(capsys, "audit", "replay", "--all", "--level", "R2")
    assert code == 0
    assert [item["decision_id"] for item in document["replays"]] == ["dec_1", "dec_2"]
    assert "replayed dec_2 (2)" in err


def test_replay_that_differs_exits_4_and_says_where(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.is_ok = False
    assert cli.run(["audit", "replay", "dec_1"]) == 4
    assert "recorded 1, derived 2" in capsys.readouterr().out
    code, document, _ = run_json(capsys, "audit", "replay", "dec_1")
    assert (code, document["ok"]) == (4, False)


@pytest.mark.parametrize("arguments", [(), ("dec_1", "--all")])
def test_replay_needs_an_id_or_all(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, document, _ = run_json(capsys, "audit", "replay", *arguments)
    assert (code, document["error"]["field"]) == (2, "ID")


def test_replay_of_a_range_and_a_sample_selects(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    range_options = ("--from", "2026-03-02T00:00Z", "--to", "9")
    code, document, _ = run_json(capsys, "audit", "replay", *range_options, "--sample", "2")
    assert code == 0
    (chosen,) = backend.selections
    since = datetime(2026, 3, 2, tzinfo=UTC)
    assert (chosen.first, chosen.last, chosen.since, chosen.sample) == (None, 9, since, 2)
    assert len(chosen.seed) == 16
    assert document["selection"] == chosen.to_json()
    assert cli.run(["audit", "replay", "--sample", "2", "--seed", "x"]) == 0
    assert backend.selections[-1].seed == "x"


def test_replay_with_a_time_that_is_none_is_refused(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, _ = run_json(capsys, "audit", "replay", "--from", "monday")
    assert (code, document["error"]["field"]) == (2, "from")


def test_what_if_shows_changes(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.run(["audit", "what-if", str(tmp_path)]) == 0
    assert "2 decisions, 0 policy decisions change." in capsys.readouterr().out
    backend.is_ok = False
    assert cli.run(["audit", "what-if", str(tmp_path), "--from", "3"]) == 0
    out = capsys.readouterr().out
    assert "1 policy decisions change." in out
    assert "deny" in out
    code, document, _ = run_json(capsys, "audit", "what-if", str(tmp_path))
    assert (code, document["bundle"]) == (0, tmp_path.name)


def test_what_if_takes_a_bundle_or_a_model(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.run(["audit", "what-if", "--model", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "2 decisions, 1 decisions change." in out
    assert "token 3" in out
    for argv in ([], [str(tmp_path), "--model", str(tmp_path)]):
        code, document, _ = run_json(capsys, "audit", "what-if", *argv)
        assert (code, document["error"]["field"]) == (2, "BUNDLE")


def test_approvals_list_and_decide(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, _ = run_json(capsys, "approvals", "list")
    assert (code, document["approvals"][0]["asked_by"]) == (0, "a")
    assert cli.run(["approvals", "list"]) == 0
    assert "VaR?" in capsys.readouterr().out
    code, document, _ = run_json(
        capsys, "approvals", "decide", "dec_1", "approved", "--comment", "seen"
    )
    assert (code, document["verdict"]) == (0, "approved")
    assert cli.run(["approvals", "decide", "dec_1", "rejected", "--comment", "no"]) == 0
    assert backend.decided == [("dec_1", "approved", "seen"), ("dec_1", "rejected", "no")]


def test_report_run_passes_its_options(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ("report", "run", "risk_limits", "--as-of", "2022-06-30", "--out", str(tmp_path))
    code, document, _ = run_json(capsys, *arguments)
    assert (code, document["report_id"]) == (0, "rpt_1")
    (given,) = backend.reports
    assert (given.name, given.book, str(given.as_of), given.out) == (
        "risk_limits",
        "sample",
        "2022-06-30",
        tmp_path,
    )
    backend.is_ok = False
    assert cli.run(list(arguments)) == 3
    assert "NOT every figure" in capsys.readouterr().out


def test_report_list_names_reports(capsys: pytest.CaptureFixture[str]) -> None:
    code, document, _ = run_json(capsys, "report", "list")
    assert code == 0
    assert document["reports"]
    assert cli.run(["report", "list"]) == 0
    assert document["reports"][0]["name"] in capsys.readouterr().out


def test_calc_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, document, _ = run_json(capsys, "calc", "list")
    assert (code, len(document["calculators"]) > 10) == (0, True)
    assert cli.run(["calc", "list"]) == 0
    assert "historical_var" in capsys.readouterr().out
    code, document, _ = run_json(capsys, "calc", "show", "historical_var")
    assert (code, document["input_schema"]["type"]) == (0, "object")
    assert cli.run(["calc", "show", "historical_var"]) == 0
    assert "input_schema" in capsys.readouterr().out
    code, document, _ = run_json(capsys, "calc", "show", "astrology")
    assert (code, document["error"]["code"]) == (2, "unknown_name")


@pytest.mark.parametrize(
    ("content", "expected"), [("{", "JSON"), ("[1]", "a JSON object"), (None, "a readable text")]
)
def test_calc_run_bad_input_file_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None, expected: str
) -> None:
    path = tmp_path / "in.json"
    if content is not None:
        path.write_text(content)
    code, document, _ = run_json(capsys, "calc", "run", "beta", "--input", str(path))
    assert (code, document["error"]["field"]) == (2, "input")
    assert expected in document["error"]["message"]


def test_calc_run_uses_the_running_service(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Remote(FakeBackend):
        def __enter__(self) -> "Remote":
            return self

        def __exit__(self, *details: object) -> None:
            return None

    (tmp_path / "in.json").write_text('{"a": 1}')
    monkeypatch.setattr(calc, "find_service", lambda settings: Remote())
    code, document, _ = run_json(capsys, "calc", "run", "x", "--input", str(tmp_path / "in.json"))
    assert (code, document) == (0, {"calculator": "x", "inputs": {"a": 1}})


def test_serve_passes_its_options_to_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Settings] = []

    class Local:
        def serve(self, settings: Settings, say: Say) -> None:
            served.append(settings)

    monkeypatch.setattr(lazy, "local_service", lambda: Local())
    assert cli.run(["serve", "--host", "0.0.0.0", "--port", "0", "--model", "/m"]) == 0  # noqa: S104 - never bound
    (settings,) = served
    assert (settings.host, settings.port, settings.model) == ("0.0.0.0", 0, "/m")  # noqa: S104
    assert cli.run(["serve", "--port", "70000"]) == 2


def test_choices_of_the_command_line_are_those_of_the_service() -> None:
    assert [item.value for item in ask_commands.Agent] == [item.value for item in AgentName]
    assert [item.value for item in approval_commands.Verdict] == [
        item.value for item in ApprovalVerdict
    ]


def commands() -> list[list[str]]:
    groups = {
        "calc": ("list", "show", "run"),
        "report": ("list", "run"),
        "book": ("list", "import"),
        "audit": ("verify", "replay", "what-if", "receipt", "export"),
        "model": ("info", "check"),
        "approvals": ("list", "decide"),
    }
    nested = [[group, name] for group, names in groups.items() for name in names]
    return [[], ["ask"], ["serve"], ["key"], *nested]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_help_teaches_with_an_example(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "--help"]) == 0
    assert f"finsvc {' '.join(command)}".strip() in " ".join(
        capsys.readouterr().out.split("Usage", 1)[1].split("\n", 1)[1].split()
    )


def test_help_needs_neither_torch_nor_fastapi() -> None:
    program = (
        "import sys; from finsvc import cli; code = cli.run(['ask', '--help']); "
        "heavy = {'torch', 'fastapi', 'polars', 'scipy', 'QuantLib'} & set(sys.modules); "
        "sys.exit(code or (f'loaded {heavy}' if heavy else 0))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("is_ok", "expected"), [(True, 0), (False, 4)])
def test_model_check_shows_every_check_and_exits_by_the_outcome(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_ok: bool,
    expected: int,
) -> None:
    class Local:
        def info(self, settings: Settings, path: str) -> Json:
            return {"name": path}

        def check(self, settings: Settings, path: str) -> Json:
            checks = [{"name": "mxfp4", "ok": is_ok, "detail": "0 differ"}]
            return {"name": path, "ok": is_ok, "checks": checks}

    monkeypatch.setattr(lazy, "local_model", lambda: Local())
    code, document, _ = run_json(capsys, "model", "check")
    assert (code, document["ok"]) == (expected, is_ok)
    assert cli.run(["model", "check", "/m"]) == expected
    assert ("passed" if is_ok else "FAILED") in capsys.readouterr().out
    code, document, _ = run_json(capsys, "model", "info")
    assert (code, document["name"]) == (0, "embedded")


def test_main_ends_the_process_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["finsvc", "nonsense"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
