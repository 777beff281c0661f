"""Responses that are made after their caller has gone."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from finsvc.domain.errors import UnavailableError
from finsvc.services.conversation import FinishReason
from tests.finsvc.api.fakes import World

BODY = {"model": "embedded", "input": "hi", "background": True}
WAIT_S = 10.0


class Gate:
    """Holds a raw model until it is opened or its caller cancels."""

    def __init__(self, world: World) -> None:
        self.opened = threading.Event()
        self.was_cancelled = False
        self._sample = world.raw.run
        world.raw.run = self  # type: ignore[method-assign, assignment]

    def __call__(self, prompt: Any, on_text: Any, is_cancelled: Any) -> Any:
        deadline = time.monotonic() + WAIT_S
        while not self.opened.is_set() and time.monotonic() < deadline:
            if is_cancelled():
                self.was_cancelled = True
                break
            time.sleep(0.005)
        return self._sample(prompt, on_text, is_cancelled)


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    # One event loop for all requests, as a server has.
    with world.client() as opened:
        yield opened


def settled(client: TestClient, response_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while True:
        document: dict[str, Any] = client.get(f"/v1/responses/{response_id}").json()
        if document["status"] != "in_progress":
            return document
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_background_response_is_made_after_its_caller_has_gone(
    world: World, client: TestClient
) -> None:
    gate = Gate(world)
    begun = client.post("/v1/responses", json=BODY).json()
    assert (begun["status"], begun["background"], begun["output"]) == ("in_progress", True, [])
    # The intent is on record before the caller is told.
    assert [item.record_id for item in world.services.log.items] == [f"intent_{begun['id']}"]
    assert client.get(f"/v1/responses/{begun['id']}").json()["status"] == "in_progress"
    gate.opened.set()
    done = settled(client, begun["id"])
    assert done["status"] == "completed"
    assert done["output"][0]["content"][0]["text"] == "Hello, world"
    assert world.services.log.items[-1].record_id == begun["id"]
    listed = client.get(f"/v1/responses/{begun['id']}/input_items").json()
    assert listed["data"][0]["content"][0]["text"] == "hi"


def test_background_response_is_its_owners_alone(world: World, client: TestClient) -> None:
    gate = Gate(world)
    begun = client.post("/v1/responses", json=BODY).json()
    stranger = {"authorization": f"Bearer {world.keys['analyst']}"}
    path = f"/v1/responses/{begun['id']}"
    assert client.get(path, headers=stranger).status_code == 404
    assert client.post(f"{path}/cancel", headers=stranger).status_code == 404
    gate.opened.set()
    settled(client, begun["id"])


def test_background_response_cancelled_stops_the_model(world: World, client: TestClient) -> None:
    gate = Gate(world)
    world.raw.finish_reason = FinishReason.CANCELLED
    begun = client.post("/v1/responses", json=BODY).json()
    answer = client.post(f"/v1/responses/{begun['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert settled(client, begun["id"])["status"] == "cancelled"
    assert gate.was_cancelled


def test_background_response_that_fails_says_so_when_it_is_asked_for(
    world: World, client: TestClient
) -> None:
    gate = Gate(world)
    world.raw.failure = UnavailableError("the model was stopped")
    begun = client.post("/v1/responses", json=BODY).json()
    gate.opened.set()
    done = settled(client, begun["id"])
    assert done["status"] == "failed"
    assert done["error"] == {"code": "server_error", "message": "the model was stopped"}


def test_background_response_refused_before_it_begins_is_an_error(
    world: World, client: TestClient
) -> None:
    stranger = {"authorization": f"Bearer {world.keys['nobody']}"}
    answer = client.post("/v1/responses", json=BODY, headers=stranger)
    assert answer.status_code == 403


def test_background_response_needs_a_place_to_be_kept(world: World) -> None:
    world.stored = None
    with world.client() as client:
        answer = client.post("/v1/responses", json=BODY)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "background")
