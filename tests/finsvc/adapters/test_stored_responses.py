"""Responses in a real SQLite file."""

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from finsvc.adapters.stored_responses import StoredResponses, open_stored_responses, sqlite_url
from finsvc.domain.errors import StateError, UnavailableError
from finsvc.services.responses import StoredResponse

RESPONSE = StoredResponse(
    response_id="resp_1",
    owner="local",
    created_at=1_800_000_000,
    previous_id=None,
    document={"id": "resp_1", "output": [{"text": "\u20ac 5"}]},
    input_items=({"role": "user"},),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoredResponses]:
    with open_stored_responses(sqlite_url(tmp_path / "responses.sqlite")) as opened:
        yield opened


def test_response_is_found_as_it_was_put(store: StoredResponses) -> None:
    store.put(RESPONSE)
    assert store.find("resp_1") == RESPONSE
    assert store.find("resp_2") is None


def test_response_put_again_replaces_the_first(store: StoredResponses) -> None:
    store.put(RESPONSE)
    later = replace(RESPONSE, document={"id": "resp_1", "status": "completed"})
    store.put(later)
    assert store.find("resp_1") == later


def test_response_deleted_is_gone(store: StoredResponses) -> None:
    store.put(replace(RESPONSE, document={"text": "confidential-figure"}))
    store.delete("resp_1")
    assert store.find("resp_1") is None


def test_responses_outlive_the_process_and_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "a%b.sqlite"
    for _ in range(2):
        with open_stored_responses(sqlite_url(path)) as store:
            store.put(RESPONSE)
    with open_stored_responses(sqlite_url(path)) as store:
        assert store.find("resp_1") == RESPONSE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////nowhere/x.sqlite", "absent://u:secret@h/d"]
)
def test_database_that_does_not_open_is_refused_without_its_url(url: str) -> None:
    with pytest.raises(StateError) as caught, open_stored_responses(url):
        pass
    assert "secret" not in str(caught.value)


def test_database_that_fails_is_unavailable(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "x.sqlite")
    with open_stored_responses(url) as store:
        other = sa.create_engine(url)
        with other.begin() as connection:
            connection.execute(sa.text("DROP TABLE responses"))
        other.dispose()
        with pytest.raises(UnavailableError):
            store.find("resp_1")
