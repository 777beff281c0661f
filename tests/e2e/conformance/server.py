"""The service with the embedded model and a database of responses, on a port of this machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openai
import uvicorn

from finsvc.adapters.stored_responses import open_stored_responses, sqlite_url
from finsvc.api.app import create_app
from finsvc.settings import Settings
from finsvc.telemetry import Telemetry
from finsvc.wiring import open_services

STARTED_WITHIN_S = 120
STOPPED_WITHIN_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where the service listens, and a key of the local user."""

    url: str
    key: str

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.key, max_retries=0)


@contextmanager
def running_server(data_dir: Path) -> Iterator[Running]:
    settings = Settings(data_dir=data_dir, port=0)
    with (
        open_services(settings, on_progress=lambda _: None, is_served=True) as services,
        open_stored_responses(sqlite_url(data_dir / "responses.sqlite")) as stored,
    ):
        app = create_app(services, Telemetry(), stored=stored)
        config = uvicorn.Config(
            app, port=0, log_config=None, timeout_graceful_shutdown=STOPPED_WITHIN_S
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, name="conformance-server", daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + STARTED_WITHIN_S
            while not server.started:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            port = server.servers[0].sockets[0].getsockname()[1]
            key = services.identities.create(services.local_principal)
            yield Running(url=f"http://127.0.0.1:{port}", key=key)
        finally:
            server.should_exit = True
            thread.join(2 * STOPPED_WITHIN_S)
