"""The engine's process is killed under a running service: nobody is misled, nothing is lost."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from finsvc.demo import Service, running_service
from tests.e2e.conftest import finsvc

pytestmark = pytest.mark.e2e

WAIT_S = 60.0


@pytest.fixture(scope="module")
def own_data_dir(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine-process")


@pytest.fixture(scope="module")
def own_service(own_data_dir: Path) -> Iterator[Service]:
    with running_service(own_data_dir) as running:
        yield running


def engine_pid(data_dir: Path) -> int:
    service = json.loads((data_dir / "service.json").read_text())["pid"]
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if b"engine.serving.process" in command and parent == service:
            return int(entry.name)
    raise AssertionError("no engine process")


def body(**changes: object) -> dict[str, object]:
    messages = [{"role": "user", "content": "Say something long."}]
    return {"model": "embedded", "messages": messages, "temperature": 1.0, "seed": 5, **changes}


def wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + WAIT_S
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_killed_engine_ends_streams_with_an_error_and_comes_back(
    own_service: Service, own_data_dir: Path
) -> None:
    headers = {"authorization": f"Bearer {own_service.key}"}
    with httpx.Client(base_url=own_service.url, headers=headers, timeout=WAIT_S) as client:
        whole = client.post("/v1/chat/completions", json=body(max_completion_tokens=40))
        assert whole.status_code == 200
        first = engine_pid(own_data_dir)
        request = body(stream=True, max_completion_tokens=2000, stop=["never to be said"])
        events: list[str] = []
        # The first event follows the durable intent; by then the engine works on the request.
        with client.stream("POST", "/v1/chat/completions", json=request) as stream:
            assert stream.status_code == 200
            for line in stream.iter_lines():
                events += [line] if line.startswith("data: ") else []
                if len(events) == 1:
                    os.kill(first, signal.SIGKILL)
        error = json.loads(events[-1].removeprefix("data: "))["error"]
        assert error["code"] == "unavailable"
        wait_until_ready(client)
        assert engine_pid(own_data_dir) != first
        again = client.post("/v1/chat/completions", json=body(max_completion_tokens=40))
        assert again.json()["choices"] == whole.json()["choices"]
        # Every completion has its closing record, the broken one with its error.
        broken = json.loads(events[0].removeprefix("data: "))["id"]
        for name, has_failed in ((whole.json()["id"], False), (broken, True)):
            record = client.get(f"/v1/audit/decisions/{name}").json()["record"]
            assert ("error" in record) is has_failed
    assert finsvc(own_data_dir, "audit", "verify", "--json").code == 0


def test_killed_engine_ends_a_response_with_error_and_failed_and_comes_back(
    own_service: Service, own_data_dir: Path
) -> None:
    headers = {"authorization": f"Bearer {own_service.key}"}
    body = {"model": "embedded", "input": "Say something long.", "temperature": 0}
    with httpx.Client(base_url=own_service.url, headers=headers, timeout=WAIT_S) as client:
        wait_until_ready(client)
        before = client.post("/v1/responses", json={**body, "max_output_tokens": 20}).json()
        request = {**body, "stream": True, "max_output_tokens": 2000}
        events: list[dict[str, Any]] = []
        with client.stream("POST", "/v1/responses", json=request) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    events.append(json.loads(line.removeprefix("data: ")))
                if len(events) == 1:
                    os.kill(engine_pid(own_data_dir), signal.SIGKILL)
                    events.append({})
        assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
        assert events[-2]["code"] == "unavailable"
        assert events[-1]["response"]["status"] == "failed"
        # What failed is in the log with its error and is not kept.
        failed = events[0]["response"]["id"]
        assert client.get(f"/v1/responses/{failed}").status_code == 404
        record = client.get(f"/v1/audit/decisions/{failed}").json()["record"]
        assert record["error"]["code"] == "unavailable"
        wait_until_ready(client)
        after = client.post("/v1/responses", json={**body, "max_output_tokens": 20}).json()
        assert [item["content"] for item in after["output"]] == [
            item["content"] for item in before["output"]
        ]
    assert finsvc(own_data_dir, "audit", "verify", "--json").code == 0


def test_readiness_and_new_requests_say_that_the_engine_is_away(
    own_service: Service, own_data_dir: Path
) -> None:
    headers = {"authorization": f"Bearer {own_service.key}"}
    with httpx.Client(base_url=own_service.url, headers=headers, timeout=WAIT_S) as client:
        wait_until_ready(client)
        os.kill(engine_pid(own_data_dir), signal.SIGKILL)
        deadline = time.monotonic() + WAIT_S
        while (ready := client.get("/readyz")).status_code == 200:
            assert time.monotonic() < deadline
        assert ready.json()["error"]["code"] == "unavailable"
        answer = client.post("/v1/chat/completions", json=body())
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        wait_until_ready(client)
        assert client.get("/healthz").status_code == 200
