"""What issue 4 calls bad input, on the running service: each has its answer, none a 500."""

import json
import socket
import time
from typing import Any

import httpx
import pytest

from finsvc.demo import Service

pytestmark = pytest.mark.e2e

TOOL = {"type": "object", "properties": {"a": {"type": "integer"}}}
WAIT_S = 60.0
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
PATHS = pytest.mark.parametrize("path", [CHAT, RESPONSES])


def body(path: str, text: str = "hi", **changes: object) -> dict[str, Any]:
    said = {"messages": [{"role": "user", "content": text}]} if path == CHAT else {"input": text}
    return {"model": "embedded", "temperature": 0, **said, **changes}


def tools(path: str, *schemas: object, name: str = "f") -> list[dict[str, object]]:
    functions = [{"name": name, "parameters": schema, "strict": True} for schema in schemas]
    if path == CHAT:
        return [{"type": "function", "function": function} for function in functions]
    return [{"type": "function", **function} for function in functions]


def post(service: Service, path: str, content: bytes) -> httpx.Response:
    headers = {"authorization": f"Bearer {service.key}", "content-type": "application/json"}
    return httpx.post(f"{service.url}{path}", content=content, headers=headers, timeout=WAIT_S)


def refused(answer: httpx.Response) -> tuple[int, str | None, str]:
    error = answer.json()["error"]
    return answer.status_code, error["param"], error["code"]


@PATHS
def test_oversized_body_is_refused(service: Service, path: str) -> None:
    answer = post(service, path, json.dumps(body(path, "x" * (2 << 20))).encode())
    assert refused(answer) == (413, None, "payload_too_large")


@PATHS
def test_prompt_beyond_the_context_is_refused(service: Service, path: str) -> None:
    answer = post(service, path, json.dumps(body(path, "bond " * 60_000)).encode())
    assert refused(answer) == (400, "messages", "context_length_exceeded")


@PATHS
@pytest.mark.parametrize(
    "content",
    [b'{"model": "\xff\xfe"}', b"\xff", b'{"model": "embedded", "x": "\xc3("}'],
)
def test_invalid_utf8_is_refused(service: Service, path: str, content: bytes) -> None:
    assert refused(post(service, path, content)) == (400, "body", "invalid_input")


@PATHS
def test_half_of_a_surrogate_pair_is_refused(service: Service, path: str) -> None:
    text = json.dumps(body(path, "a \ud83d b")).encode()
    assert refused(post(service, path, text)) == (400, "body", "invalid_input")


@PATHS
def test_deep_json_is_refused(service: Service, path: str) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert refused(post(service, path, deep)) == (400, "body", "invalid_input")
    inner = b'{"model": "embedded", "metadata": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001
    assert post(service, path, inner).status_code == 400


@PATHS
def test_deep_schema_is_refused_by_its_field(service: Service, path: str) -> None:
    schema: dict[str, object] = {"type": "integer"}
    for _ in range(100):
        schema = {"type": "object", "properties": {"a": schema}}
    answer = post(service, path, json.dumps(body(path, tools=tools(path, schema))).encode())
    status, param, _ = refused(answer)
    assert (status, str(param).startswith("tools.0")) == (400, True)


@PATHS
def test_duplicate_tool_names_are_refused(service: Service, path: str) -> None:
    answer = post(service, path, json.dumps(body(path, tools=tools(path, TOOL, TOOL))).encode())
    assert refused(answer)[:2] == (400, "tools")


@PATHS
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
        {"$ref": "#/nowhere"},
        {"type": "wrong"},
        {"type": "string", "pattern": "(?<x>a)\\k<x>"},
    ],
    ids=["empty range", "never", "dangling", "no type", "back reference"],
)
def test_impossible_schema_is_refused_by_its_field(
    service: Service, path: str, schema: dict[str, object]
) -> None:
    parameters = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    given = body(path, tools=tools(path, parameters))
    status, param, _ = refused(post(service, path, json.dumps(given).encode()))
    assert (status, str(param).startswith("tools.0")) == (400, True)


def bound(path: str, count: int) -> dict[str, int]:
    return {"max_completion_tokens" if path == CHAT else "max_output_tokens": count}


@PATHS
@pytest.mark.parametrize("count", [-1, 0, -(2**63), 10**30])
def test_count_that_cannot_be_is_refused_by_its_field(
    service: Service, path: str, count: int
) -> None:
    given = bound(path, count)
    answer = post(service, path, json.dumps(body(path, **given)).encode())
    status, param, _ = refused(answer)
    assert status == 400
    assert param in (*given, "messages")


def open_stream(service: Service, path: str, count: int) -> socket.socket:
    """Ask for a long stream on a connection whose buffers hold next to nothing."""
    url = httpx.URL(service.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(WAIT_S)
    connection.connect((url.host, url.port or 80))
    content = json.dumps(body(path, "Tell me all.", stream=True, **bound(path, count))).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {url.host}\r\nauthorization: Bearer {service.key}\r\n"
        f"content-type: application/json\r\nconnection: close\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


def running(service: Service) -> float:
    lines = httpx.get(f"{service.url}/metrics", timeout=WAIT_S).text.splitlines()
    (line,) = [line for line in lines if line.startswith("finsvc_engine_running ")]
    return float(line.split()[1])


@PATHS
def test_client_that_reads_slowly_delays_nobody_and_gets_everything(
    service: Service, path: str
) -> None:
    with open_stream(service, path, 200) as connection:
        received = connection.recv(512)
        started = time.monotonic()
        other = post(service, path, json.dumps(body(path, **bound(path, 2))).encode())
        assert other.status_code == 200
        # While the first reads nothing the service is done with it and others.
        while running(service) > 0:
            assert time.monotonic() - started < WAIT_S
            time.sleep(0.1)
        while piece := connection.recv(1024):
            received += piece
    end = b"data: [DONE]" if path == CHAT else b'"type":"response.incomplete"'
    assert end in received


@PATHS
def test_client_that_vanishes_frees_its_place_and_its_record_is_closed(
    service: Service, path: str
) -> None:
    with open_stream(service, path, 2000) as connection:
        received = b""
        while b"\n\n" not in received.partition(b"data: ")[2]:
            received += connection.recv(1024)
    started = time.monotonic()
    while running(service) > 0:
        # Two thousand tokens would take far longer.
        assert time.monotonic() - started < 5
        time.sleep(0.05)
    data = received.partition(b"data: ")[2].partition(b"\n")[0]
    document = json.loads(data)
    name = document["id"] if path == CHAT else document["response"]["id"]
    headers = {"authorization": f"Bearer {service.key}"}
    logged = httpx.get(f"{service.url}/v1/audit/decisions/{name}", headers=headers).json()
    assert logged["record"]["turns"][0]["finish_reason"] == "cancelled"
    if path == RESPONSES:
        kept = httpx.get(f"{service.url}/v1/responses/{name}", headers=headers).json()
        assert kept["status"] == "cancelled"
