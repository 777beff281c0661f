"""The service's description of itself fits what it answers."""

from typing import Any

import jsonschema_rs
import pytest

from tests.finsvc.api.fakes import World

CHAT = {"model": "embedded", "messages": [{"role": "user", "content": "hi"}]}


def description(world: World) -> dict[str, Any]:
    document: dict[str, Any] = world.client().get("/openapi.json").json()
    return document


def faults(document: dict[str, Any], path: str, method: str, status: int, answer: Any) -> list[str]:
    schema = document["paths"][path][method]["responses"][str(status)]["content"][
        "application/json"
    ]["schema"]
    validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
    return [error.message for error in validator.iter_errors(answer)]


def test_description_is_for_holders_of_a_key(world: World) -> None:
    assert world.client(None).get("/openapi.json").status_code == 401
    assert description(world)["info"] == {"title": "finsvc", "version": "v1"}


def test_description_names_every_status_that_is_sent_and_no_other(world: World) -> None:
    document = description(world)
    chat = document["paths"]["/v1/chat/completions"]["post"]
    assert {"200", "400", "401", "403", "404", "413", "429", "500", "503"} <= set(chat["responses"])
    assert "422" not in chat["responses"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert chat["security"] == [{"key": []}]
    assert "security" not in document["paths"]["/healthz"]["get"]
    assert {} in document["paths"]["/metrics"]["get"]["security"]


@pytest.mark.parametrize("model", ["embedded", "finsvc/risk"])
def test_description_fits_completions_and_responses(world: World, model: str) -> None:
    client, document = world.client(), description(world)
    chat = client.post("/v1/chat/completions", json={**CHAT, "model": model}).json()
    assert faults(document, "/v1/chat/completions", "post", 200, chat) == []
    response = client.post("/v1/responses", json={"model": model, "input": "hi"}).json()
    assert faults(document, "/v1/responses", "post", 200, response) == []
    # It can also say no.
    assert faults(document, "/v1/responses", "post", 200, chat) != []


def test_description_fits_models_and_errors(world: World) -> None:
    client, document = world.client(), description(world)
    assert faults(document, "/v1/models", "get", 200, client.get("/v1/models").json()) == []
    one = client.get("/v1/models/embedded").json()
    assert faults(document, "/v1/models/{name}", "get", 200, one) == []
    error = client.post("/v1/responses", json={"model": "embedded", "input": "hi", "seed": 1})
    assert error.status_code == 400
    assert faults(document, "/v1/responses", "post", 400, error.json()) == []
    run = client.post("/v1/agents/risk/runs", json={"question": "hi"}).json()
    assert faults(document, "/v1/agents/{agent}/runs", "post", 200, run) == []
