"""Authentication, identifiers, limits and the shape of every error."""

import pytest
from starlette.routing import Route

from finsvc.api.admission import RUNNING_MAX
from finsvc.api.app import create_app
from finsvc.api.middleware import BODY_BYTES_MAX, LOCAL_PATHS, OPEN_PATHS
from tests.finsvc.api.fakes import World


class AuditFailedError(Exception):
    """As the audit package raises them: not ours, but with a code of its own."""

    code = "audit_log_failed"


def paths(world: World) -> list[tuple[str, str]]:
    app = create_app(world.services, world.telemetry)
    found = []
    for route in app.routes:
        for inner in [route, *getattr(getattr(route, "original_router", None), "routes", ())]:
            if isinstance(inner, Route):
                found += [(method, inner.path) for method in inner.methods or ()]
    return sorted(set(found))


def test_route_inventory_is_not_empty(world: World) -> None:
    assert ("POST", "/v1/chat/completions") in paths(world)
    assert len(paths(world)) > 15


def test_every_route_but_the_open_ones_refuses_a_request_without_key(world: World) -> None:
    client = world.client(None)
    for method, path in paths(world):
        answer = client.request(method, path)
        if path in OPEN_PATHS:
            assert answer.status_code == 200, path
        else:
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
            if method != "HEAD":
                assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic abc", "Bearer", "fsk_x"])
def test_request_with_a_wrong_key_is_refused(world: World, header: str) -> None:
    answer = world.client(None).get("/v1/models", headers={"authorization": header})
    assert answer.status_code == 401
    assert "got another" in answer.json()["error"]["message"]


def test_unknown_path_without_key_does_not_tell_what_exists(world: World) -> None:
    assert world.client(None).get("/v1/nothing").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/docs", 404, "not_found"),
        ("POST", "/v1/responses/compact", 404, "not_found"),
    ],
)
def test_framework_errors_have_openai_shape(
    world: World, method: str, path: str, status: int, code: str
) -> None:
    answer = world.client().request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code


def test_wrong_method_is_told_all_that_the_path_takes(world: World) -> None:
    answer = world.client().put("/v1/responses/resp_1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")


def test_metrics_are_open_to_this_machine_and_to_keys_alone(world: World) -> None:
    (path,) = LOCAL_PATHS
    assert world.client(None, host="127.0.0.1").get(path).status_code == 200
    assert world.client(None, host="10.0.0.7").get(path).status_code == 401
    assert world.client(host="10.0.0.7").get(path).status_code == 200


def test_request_id_is_echoed_when_harmless_and_made_otherwise(world: World) -> None:
    client = world.client()
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == (
        "abc-1"
    )
    for given in ("", "with space", "x" * 200):
        made = client.get("/healthz", headers={"x-request-id": given}).headers["x-request-id"]
        assert made.startswith("req_")


def test_body_above_the_limit_is_refused_by_its_declared_length(world: World) -> None:
    answer = world.client().post("/v1/chat/completions", content=b"x" * (BODY_BYTES_MAX + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")


def test_body_above_the_limit_is_refused_without_declared_length(world: World) -> None:
    def pieces() -> object:
        for _ in range(17):
            yield b"x" * (BODY_BYTES_MAX // 16)

    answer = world.client().post("/v1/chat/completions", content=pieces())  # type: ignore[arg-type]
    assert answer.status_code == 413


def test_body_that_is_no_json_is_a_bad_request(world: World) -> None:
    answer = world.client().post(
        "/v1/chat/completions", content=b"{", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "body")


def test_unexpected_error_leaves_no_trace_in_the_answer(world: World) -> None:
    world.services.ask.early_failure = ZeroDivisionError("secret detail")
    answer = world.client().post("/v1/agents/risk/runs", json={"question": "q"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_audit_failure_means_no_answer(world: World) -> None:
    world.services.ask.early_failure = AuditFailedError("/data/log: disk full")
    answer = world.client().post("/v1/agents/risk/runs", json={"question": "q"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert "record" in answer.json()["error"]["message"]
    assert "/data" not in answer.text


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"model": "\xff"}', b"{", b'{"a":' * 50_000])
def test_body_that_cannot_be_read_is_a_bad_request(world: World, body: bytes) -> None:
    answer = world.client().post(
        "/v1/chat/completions", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "body"


def test_answers_to_questions_tell_how_many_more_are_taken(world: World) -> None:
    body = {"model": "embedded", "messages": [{"role": "user", "content": "hi"}]}
    headers = world.client().post("/v1/chat/completions", json=body).headers
    limit = int(headers["x-ratelimit-limit-requests"])
    assert limit == RUNNING_MAX + 8
    assert 0 < int(headers["x-ratelimit-remaining-requests"]) <= limit
    assert headers["x-ratelimit-reset-requests"] == "0s"
    assert "x-ratelimit-limit-requests" not in world.client().get("/v1/models").headers


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (r"a \ud83d b", 400),
        (r"\udc00", 400),
        (r"\ud83d\ude00", 200),
        (r"\\ud83d", 200),
    ],
)
def test_body_with_half_a_character_is_refused(world: World, text: str, status: int) -> None:
    content = f'{{"model": "embedded", "input": "{text}"}}'.encode()
    answer = world.client().post(
        "/v1/responses", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["param"] == "body"
        assert world.services.log.items == []


def test_body_with_half_a_character_that_is_no_json_is_refused_as_such(world: World) -> None:
    content = b'{"input": "\\ud83d"'
    answer = world.client().post(
        "/v1/responses", content=content, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "body")
