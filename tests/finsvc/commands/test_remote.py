"""The client of a running service, against the real application in memory."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import httpx
import pytest

from finsvc.commands import common, remote
from finsvc.commands.backend import AskInput, ReportInput
from finsvc.commands.output import ExitCode, RemoteError, exit_code
from finsvc.commands.remote import RemoteBackend, find_service
from finsvc.domain.errors import InputError, RefusedError, TimedOutError
from finsvc.services.replay_selection import Selection
from finsvc.settings import Settings
from tests.finsvc.api.fakes import ANSWER, World, make_world

QUESTION = AskInput(question="VaR?", agent="risk", book="sample", as_of=date(2022, 6, 30))
DECISION = "dec_" + "0" * 32


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def client(world: World, who: str = "local") -> RemoteBackend:
    # The test client is of httpx's successor, whose requests and answers look the same.
    return RemoteBackend(cast("httpx.Client", world.client(who)))


def test_ask_streams_steps_and_returns_the_decision(world: World) -> None:
    lines: list[str] = []
    decision = client(world).ask(QUESTION, lines.append)
    assert decision["answer"] == ANSWER
    assert lines == ['  calling value_at_risk {"portfolio":"sample"}', "  checking every number"]
    (command,) = world.services.ask.commands
    assert (command.book, str(command.as_of)) == ("sample", "2022-06-30")


def test_ask_refused_keeps_code_and_exit(world: World) -> None:
    world.services.ask.early_failure = RefusedError(action="ask", reasons=["r"])
    with pytest.raises(RemoteError) as caught:
        client(world).ask(QUESTION, lambda _: None)
    assert caught.value.code == "policy_denied"
    assert exit_code(caught.value) is ExitCode.WITHHELD


def test_ask_bad_input_keeps_the_field(world: World) -> None:
    world.services.ask.early_failure = InputError(field="book", expected="a", actual="b")
    with pytest.raises(RemoteError) as caught:
        client(world).ask(QUESTION, lambda _: None)
    assert (caught.value.field, exit_code(caught.value)) == ("book", ExitCode.BAD_INPUT)


def test_ask_failing_midway_is_an_internal_error(world: World) -> None:
    world.services.ask.late_failure = TimedOutError("too late")
    with pytest.raises(RemoteError, match="too late") as caught:
        client(world).ask(QUESTION, lambda _: None)
    assert exit_code(caught.value) is ExitCode.INTERNAL


def test_calculator_approvals_replay_and_report(world: World, tmp_path: Path) -> None:
    backend = client(world)
    assert backend.run_calculator("beta", {"a": 1})["calculator"] == "beta"
    assert backend.replay(DECISION, "R1")["levels"] == {"R0": "match", "R1": "match"}
    out = tmp_path / "out"
    given = ReportInput(name="risk_limits", book="sample", as_of=None, out=out)
    document = backend.run_report(given)
    assert document["files"] == {"report.json": str(out / "report.json")}
    assert (out / "report.json").read_text() == "{}"
    world.hold(DECISION)
    approver = client(world, "approver")
    assert [row["decision_id"] for row in approver.pending()] == [DECISION]
    assert approver.decide(DECISION, "approved", "seen")["answer"] == ANSWER


def test_replay_of_many_is_one_request_with_the_selection(world: World) -> None:
    lines: list[str] = []
    selection = Selection(first=1, sample=1, seed="x", since=datetime(2026, 1, 1, tzinfo=UTC))
    (replayed,) = client(world).replay_many(selection, "R1", lines.append)
    assert (replayed["decision_id"], replayed["ok"]) == ("dec_1", True)
    assert world.services.replay.selections == [selection]
    assert lines == ["replaying in the running service"]


def test_what_if_needs_the_data_directory(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no service runs"):
        client(world).what_if(Selection(), tmp_path)
    with pytest.raises(InputError, match="no service runs"):
        client(world).what_if_model(Selection(), tmp_path)


def answering(handler: httpx.MockTransport) -> RemoteBackend:
    return RemoteBackend(httpx.Client(transport=handler, base_url="http://service"))


def test_answer_that_is_no_error_document_is_reported_as_such() -> None:
    backend = answering(httpx.MockTransport(lambda _: httpx.Response(502, json=["gateway"])))
    with pytest.raises(RemoteError, match="status 502") as caught:
        backend.replay("x", "R0")
    assert exit_code(caught.value) is ExitCode.INTERNAL


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def test_lost_connection_is_unavailable() -> None:
    with answering(httpx.MockTransport(refuse)) as backend:
        with pytest.raises(RemoteError, match="ConnectError"):
            backend.replay("x", "R0")
        with pytest.raises(RemoteError, match="ConnectError"):
            backend.ask(QUESTION, lambda _: None)


def test_stream_that_ends_without_decision_is_unavailable() -> None:
    text = 'event: progress\ndata: {"event":"validate","tool":"","detail":""}\n\n'
    backend = answering(httpx.MockTransport(lambda _: httpx.Response(200, text=text)))
    with pytest.raises(RemoteError, match="connection ended"):
        backend.ask(QUESTION, lambda _: None)


def test_service_is_found_by_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path)
    assert find_service(settings) is None
    (tmp_path / "service.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 1}))
    (tmp_path / "local.token").write_text("fsk_x")
    probed: list[str] = []

    def get(url: str, *, timeout: float) -> httpx.Response:
        probed.append(url)
        return httpx.Response(200, request=httpx.Request("GET", url))

    monkeypatch.setattr(remote.httpx, "get", get)
    found = find_service(settings)
    assert found is not None
    found.__exit__(None, None, None)
    assert probed == ["http://127.0.0.1:1/healthz"]


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_service_file_that_is_broken_means_no_service(tmp_path: Path, content: str) -> None:
    (tmp_path / "service.json").write_text(content)
    assert find_service(Settings(data_dir=tmp_path)) is None


def test_service_that_died_means_no_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "service.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 1}))
    (tmp_path / "local.token").write_text("fsk_x")

    def get(url: str, *, timeout: float) -> httpx.Response:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(remote.httpx, "get", get)
    assert find_service(Settings(data_dir=tmp_path)) is None


def test_key_without_a_running_service_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    (tmp_path / "key").write_text("fsk_x\n")
    with (
        pytest.raises(InputError, match="a running service"),
        common.open_backend(settings, key_file=tmp_path / "key"),
    ):
        pass
    with (
        pytest.raises(InputError, match="a readable file"),
        common.open_backend(settings, key_file=tmp_path / "absent"),
    ):
        pass


def test_running_service_is_preferred(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "find_service", lambda settings, key: client(world))
    with common.open_backend(Settings(data_dir=tmp_path)) as backend:
        assert backend.replay_many(Selection(), "R0", lambda _: None)
