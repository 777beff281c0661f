"""Files and signals of the service process."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar, cast

import pytest

from finsvc import main
from finsvc.adapters.identities import LOCAL_ROLES, LocalIdentities
from finsvc.domain.errors import StateError
from finsvc.domain.policy import Principal
from finsvc.settings import Settings
from finsvc.wiring import Services
from tests.finsvc.api.fakes import make_world

LOCAL = Principal(id="local", roles=LOCAL_ROLES)


def services(tmp_path: Path) -> Services:
    """The parts that announcing needs."""
    return cast(
        "Services",
        SimpleNamespace(
            settings=Settings(data_dir=tmp_path),
            identities=LocalIdentities(tmp_path / "identities.json"),
            local_principal=LOCAL,
        ),
    )


class FakeListener:
    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 4711)


def announced(parts: Services, lines: list[str]) -> object:
    return main._announced(parts, cast("socket.socket", FakeListener()), lines.append)


def test_announced_files_tell_how_to_reach_the_service_and_go_with_it(tmp_path: Path) -> None:
    parts = services(tmp_path)
    lines: list[str] = []
    with announced(parts, lines):  # type: ignore[attr-defined]
        document = json.loads((tmp_path / "service.json").read_text())
        assert document == {"url": "http://127.0.0.1:4711", "pid": os.getpid()}
        token = tmp_path / "local.token"
        assert token.stat().st_mode & 0o777 == 0o600
        assert parts.identities.authenticate(token.read_text()) == LOCAL
    assert not (tmp_path / "service.json").exists()
    assert not (tmp_path / "local.token").exists()
    assert any("curl" in line and "/v1/chat/completions" in line for line in lines)


def test_first_key_is_shown_once(tmp_path: Path) -> None:
    lines: list[str] = []
    main.first_key(services(tmp_path), lines.append)
    main.first_key(services(tmp_path), lines.append)
    (line,) = lines
    key = line.rsplit(" ", 1)[-1]
    assert LocalIdentities(tmp_path / "identities.json").authenticate(key) == LOCAL
    assert key not in (tmp_path / "identities.json").read_text()


def test_session_key_is_not_stored(tmp_path: Path) -> None:
    parts = services(tmp_path)
    key = parts.identities.create_session(LOCAL)
    assert parts.identities.authenticate(key) == LOCAL
    assert LocalIdentities(tmp_path / "identities.json").authenticate(key) is None


def test_address_in_use_is_a_state_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(main.socket, "create_server", refuse)
    with (
        pytest.raises(StateError, match=r"free address, got 127\.0\.0\.1:8741"),
        main._listening(Settings(data_dir=tmp_path)),
    ):
        pass


class FakeServer:
    """Ends as uvicorn does: drained, then the signal is raised again."""

    ending: BaseException | None = None
    seen: ClassVar[list[bool]] = []

    def __init__(self, config: object) -> None:
        self.config = config

    def run(self, sockets: list[object]) -> None:
        FakeServer.seen.append((self.folder() / "service.json").exists())
        if FakeServer.ending is not None:
            raise FakeServer.ending

    @staticmethod
    def folder() -> Path:
        return Path(os.environ["FINSVC_DATA_DIR"])


@pytest.mark.parametrize("ending", [None, main._Stopped(0), KeyboardInterrupt()])
def test_serve_removes_its_files_however_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: BaseException | None
) -> None:
    monkeypatch.setenv("FINSVC_DATA_DIR", str(tmp_path))
    world = make_world(tmp_path)
    world.services.local_principal = LOCAL  # type: ignore[attr-defined]
    handler = signal.getsignal(signal.SIGTERM)

    @contextmanager
    def listening(settings: Settings) -> Iterator[FakeListener]:
        yield FakeListener()

    @contextmanager
    def open_services(settings: Settings, **options: object) -> Iterator[object]:
        yield world.services

    FakeServer.ending, FakeServer.seen = ending, []
    monkeypatch.setattr(main, "_listening", listening)
    monkeypatch.setattr(main, "open_services", open_services)
    monkeypatch.setattr(main.uvicorn, "Server", FakeServer)
    monkeypatch.setattr(main, "configure_logging", lambda level: None)
    try:
        main.serve(Settings(data_dir=tmp_path), lambda line: None)
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert FakeServer.seen == [True]
    assert not (tmp_path / "service.json").exists()
    assert not (tmp_path / "local.token").exists()


def test_sigterm_before_the_server_runs_ends_the_process() -> None:
    with pytest.raises(main._Stopped):
        main._stop(signal.SIGTERM, None)
