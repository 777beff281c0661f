"""Stored responses in a real PostgreSQL: alone, from several threads, and behind `finsvc serve`."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openai
import pytest
import sqlalchemy as sa

from finsvc.adapters.stored_responses import open_stored_responses
from finsvc.demo import running_service
from finsvc.domain.errors import StateError, UnavailableError
from finsvc.services.responses import StoredResponse
from tests.e2e.postgresql import postgresql

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RESPONSE = StoredResponse(
    response_id="resp_1",
    owner="local",
    created_at=1_800_000_000,
    previous_id=None,
    document={"id": "resp_1", "output": [{"text": "\u20ac 5 \u0000 \U0001f600"}]},
    input_items=({"role": "user"},),
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgresql() as running:
        yield running


def test_response_is_found_replaced_and_deleted(url: str) -> None:
    with open_stored_responses(url) as store:
        store.put(RESPONSE)
        assert store.find("resp_1") == RESPONSE
        later = replace(RESPONSE, document={"status": "completed"})
        store.put(later)
        assert store.find("resp_1") == later
        store.delete("resp_1")
        assert store.find("resp_1") is None


def test_responses_outlive_the_process_that_wrote_them(url: str) -> None:
    for number in range(2):
        with open_stored_responses(url) as store:
            store.put(replace(RESPONSE, response_id=f"resp_kept_{number}"))
    with open_stored_responses(url) as store:
        assert {store.find(f"resp_kept_{n}") is not None for n in range(2)} == {True}


def test_responses_of_many_threads_are_all_kept(url: str) -> None:
    with open_stored_responses(url) as store:

        def write(thread: int) -> None:
            for number in range(20):
                store.put(replace(RESPONSE, response_id=f"resp_{thread}_{number}"))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        names = [f"resp_{thread}_{number}" for thread in range(8) for number in range(20)]
        assert [name for name in names if store.find(name) is None] == []


def test_responses_are_unavailable_while_the_database_is_broken(url: str) -> None:
    with open_stored_responses(url) as store:
        other = sa.create_engine(url)
        with other.begin() as connection:
            connection.execute(sa.text("ALTER TABLE responses RENAME TO elsewhere"))
        with pytest.raises(UnavailableError):
            store.find("resp_1")
        with other.begin() as connection:
            connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO responses"))
        other.dispose()
        assert store.find("resp_1") is None


def test_server_that_is_not_there_is_refused_without_its_password() -> None:
    with (
        pytest.raises(StateError) as caught,
        open_stored_responses("postgresql+psycopg://user:secret@127.0.0.1:9/none"),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_service_keeps_continues_and_deletes_responses_there(
    url: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `data_dir` skips where there is no embedded model.
    monkeypatch.setenv("FINSVC_DATABASE_URL", url)
    with running_service(tmp_path) as service:
        client = openai.OpenAI(base_url=f"{service.url}/v1", api_key=service.key, max_retries=0)
        first = client.responses.create(
            model="embedded", input="What is a bond?", max_output_tokens=4
        )
        second = client.responses.create(
            model="embedded",
            input="And a bill?",
            previous_response_id=first.id,
            max_output_tokens=4,
        )
        assert client.responses.retrieve(second.id).previous_response_id == first.id
        client.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(first.id)
    assert not (tmp_path / "responses.sqlite").exists()
    with open_stored_responses(url) as store:
        assert store.find(second.id) is not None
        assert store.find(first.id) is None
