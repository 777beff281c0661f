"""The HTTP service as a process: settings in, a listening server until a signal ends it.

While it listens, two files of the data directory tell local programs how to reach it:
``service.json`` (address and process) and ``local.token`` (an API key of the local user, readable
by its owner alone). Both go when the service does.
"""

import gc
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import uvicorn

from finsvc.adapters.stored_responses import open_stored_responses, sqlite_url
from finsvc.api.app import create_app
from finsvc.domain.errors import StateError
from finsvc.domain.policy import Principal
from finsvc.files import write_atomically
from finsvc.logging import configure_logging
from finsvc.settings import Settings
from finsvc.telemetry import open_telemetry
from finsvc.wiring import Services, open_services

SERVICE_FILE = "service.json"
KEY_FILE = "local.token"
RESPONSES_FILE = "responses.sqlite"

# How long running questions may finish after a signal; container runtimes kill after 30 s or so.
_DRAIN_S = 25

Say = Callable[[str], None]


class _Stopped(SystemExit):
    """The process was asked to end."""


def serve(settings: Settings, say: Say) -> None:
    """Run the service until SIGINT or SIGTERM; running questions are finished first.

    Args:
        settings: Of this process.
        say: Shows a line to the person who started it.

    Raises:
        StateError: The data directory, the model or the address cannot be used.
    """
    configure_logging(settings.log_level)
    telemetry = open_telemetry(settings.otlp_endpoint)
    # The server hands a signal on once it has drained; files are still to be removed then.
    signal.signal(signal.SIGTERM, _stop)
    try:
        with (
            suppress(KeyboardInterrupt, _Stopped),
            open_services(
                settings, on_progress=say, telemetry=telemetry, is_served=True
            ) as services,
            open_stored_responses(_responses_url(settings)) as stored,
            _listening(settings) as listener,
            _announced(services, listener, say),
        ):
            config = uvicorn.Config(
                create_app(services, telemetry, stored=stored),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_DRAIN_S,
            )
            # What was made so far stays; to look through it again would stop every request for up
            # to a second whenever the collector does.
            gc.collect()
            gc.freeze()
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        telemetry.close()


def _responses_url(settings: Settings) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return sqlite_url(settings.data_dir / RESPONSES_FILE)


def first_key(services: Services, say: Say) -> None:
    """Make the local user's first API key and show it, this once."""
    if services.identities.is_empty:
        key = services.identities.create(services.local_principal)
        say(f"API key of the local user, shown this once: {key}")


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped(0)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        message = (
            f"host and port: expected a free address, got {settings.host}:{settings.port} "
            f"({error.strerror})"
        )
        raise StateError(message) from error
    with listener:
        yield listener


@contextmanager
def _announced(services: Services, listener: socket.socket, say: Say) -> Iterator[None]:
    data_dir = services.settings.data_dir
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    first_key(services, say)
    with (
        _file(data_dir / KEY_FILE, _local_token(services)),
        _file(data_dir / SERVICE_FILE, json.dumps({"url": url, "pid": os.getpid()})),
    ):
        say(f"finsvc listens on {url}")
        say(_EXAMPLE.format(url=url, token=data_dir / KEY_FILE))
        yield


_EXAMPLE = """Ask it, for instance:
  finsvc ask "What is the 10-day 99% VaR of the sample book?"
  curl -s {url}/v1/chat/completions -H "Authorization: Bearer $(cat {token})" \\
    -H 'Content-Type: application/json' \\
    -d '{{"model": "finsvc/risk", "messages": [{{"role": "user", \
"content": "What is the 10-day 99% VaR of the sample book?"}}]}}'"""


def _local_token(services: Services) -> str:
    """A key for programs of this user on this machine, made anew at every start."""
    local: Principal = services.local_principal
    return services.identities.create_session(local)


@contextmanager
def _file(path: Path, content: str) -> Iterator[None]:
    write_atomically(path, content.encode(), mode=0o600)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
