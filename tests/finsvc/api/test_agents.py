"""`/v1/agents` and the waiting line in front of the engine."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from finsvc.api.admission import RUNNING_MAX
from finsvc.domain.errors import RefusedError, TimedOutError
from tests.finsvc.api.fakes import ANSWER, World, make_world


def test_run_returns_the_whole_decision(world: World) -> None:
    body = {"question": "VaR?", "book": "sample", "as_of": "2022-06-30"}
    answer = world.client().post("/v1/agents/risk/runs", json=body)
    assert answer.status_code == 200
    document = answer.json()
    assert document["answer"] == ANSWER
    assert document["receipt"]["index"] == 0
    assert document["claims"][0]["second"]["difference"] == "0"
    (command,) = world.services.ask.commands
    assert (command.agent.value, command.book, str(command.as_of)) == (
        "risk",
        "sample",
        "2022-06-30",
    )


def test_documents_of_a_run_reach_the_question(world: World) -> None:
    body = {"question": "SA-CCR of desk1?", "documents": {"desk1": {"trades": []}}}
    assert world.client().post("/v1/agents/risk/runs", json=body).status_code == 200
    (command,) = world.services.ask.commands
    assert command.documents == {"desk1": {"trades": []}}


def test_agents_list_every_tool_and_say_which_are_trained(world: World) -> None:
    listed = {item["id"]: item["tools"] for item in world.client().get("/v1/agents").json()["data"]}
    trained = {tool["name"]: tool["trained"] for tool in listed["auto"]}
    assert trained["value_at_risk"]
    assert not trained["frtb_sa"]
    assert "frtb_sa" in {tool["name"] for tool in listed["compliance"]}


def test_run_unknown_agent_is_404_naming_the_agents(world: World) -> None:
    answer = world.client().post("/v1/agents/poet/runs", json={"question": "q"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "agent")
    assert "compliance" in answer.json()["error"]["message"]


def test_run_refused_by_policy_is_403_and_not_to_be_retried(world: World) -> None:
    world.services.ask.early_failure = RefusedError(action="ask", reasons=["x"])
    answer = world.client().post("/v1/agents/risk/runs", json={"question": "q"})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (403, "false")


def test_run_without_question_names_the_field(world: World) -> None:
    answer = world.client().post("/v1/agents/risk/runs", json={"book": "sample"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "question")


def test_run_as_stream_gives_progress_then_decision(world: World) -> None:
    answer = world.client().post("/v1/agents/risk/runs", json={"question": "q", "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names == ["progress", "progress", "decision"]
    last = json.loads(answer.text.strip().splitlines()[-1].removeprefix("data: "))
    assert last["answer"] == ANSWER


def test_run_as_stream_failing_midway_gives_an_error_event(world: World) -> None:
    world.services.ask.late_failure = TimedOutError("too late for 720,101 USD")
    with capture_logs() as logs:
        answer = world.client().post("/v1/agents/risk/runs", json={"question": "q", "stream": True})
    failed = [entry for entry in logs if entry["event"] == "request_failed"]
    assert [(entry["error"], entry["code"]) for entry in failed] == [("TimedOutError", "timed_out")]
    assert "720,101" not in str(failed)
    assert answer.status_code == 200
    assert "event: error\n" in answer.text
    assert '"code":"timed_out"' in answer.text
    assert "event: decision" not in answer.text


def test_agents_lists_tools(world: World) -> None:
    data = {item["id"]: item["tools"] for item in world.client().get("/v1/agents").json()["data"]}
    assert set(data) == {"auto", "risk", "compliance", "market"}
    assert "value_at_risk" in {tool["name"] for tool in data["risk"]}


def test_run_beyond_the_waiting_line_is_told_to_come_back(tmp_path: Path) -> None:
    world = make_world(tmp_path, max_waiting=1)
    gate = threading.Event()
    world.services.ask.gate = gate
    places = RUNNING_MAX + 1
    with world.client() as client, ThreadPoolExecutor(places + 1) as pool:

        def post() -> int:
            answer = client.post("/v1/agents/risk/runs", json={"question": "q"})
            if answer.status_code == 429:
                assert answer.headers["retry-after"].isdecimal()
                assert answer.headers["x-should-retry"] == "true"
                assert answer.json()["error"]["type"] == "rate_limit_error"
                gate.set()
            return answer.status_code

        statuses = sorted(pool.map(lambda _: post(), range(places + 1)))
    assert statuses == [200] * places + [429]


def test_run_that_takes_too_long_is_503(tmp_path: Path) -> None:
    world = make_world(tmp_path, timeout_s=2)
    gate = threading.Event()
    world.services.ask.gate = gate
    client = world.client()
    client.app.state.context.admission._timeout_s = 0.05  # type: ignore[attr-defined]
    answer = client.post("/v1/agents/risk/runs", json={"question": "q"})
    gate.set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "timed_out")


def test_headers_say_for_whom_and_what_for(world: World) -> None:
    said = {
        "x-finsvc-on-behalf-of": "desk 7",
        "x-finsvc-session": "s-1",
        "x-finsvc-purpose": "client report",
        "x-finsvc-client": "client 42",
        "idempotency-key": "k-1",
    }
    answer = world.client().post("/v1/agents/risk/runs", json={"question": "?"}, headers=said)
    assert answer.status_code == 200
    principal = world.services.ask.commands[-1].principal
    assert (principal.id, principal.tenant) == ("local", "local")
    assert asdict(principal.capacity) == {
        "on_behalf_of": "desk 7",
        "session": "s-1",
        "purpose": "client report",
        "client": "client 42",
        "idempotency_key": "k-1",
    }


@pytest.mark.parametrize("text", ["x" * 201, "caf\xe9"])
def test_header_that_cannot_be_put_on_record_is_refused(world: World, text: str) -> None:
    answer = world.client().post(
        "/v1/agents/risk/runs",
        json={"question": "?"},
        headers={"x-finsvc-client": text.encode("latin-1")},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "x-finsvc-client"
    assert world.services.ask.commands == []
