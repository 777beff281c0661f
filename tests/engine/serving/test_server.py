"""The engine's side of a connection, on a network that is arithmetic, in this process."""

import io
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.core import EngineCore
from engine.errors import EngineError, EngineStoppedError, QueueFullError, RequestError
from engine.grammar import GrammarError
from engine.job import Terms
from engine.recorded import RecordedGeneration, Rescored
from engine.runner import Drawn, Feed
from engine.scheduler import SchedulerLimits
from engine.serving import process, server, wire
from engine.serving.client import RemoteEngine, RemoteFingerprint, RemoteInfo
from engine.serving.server import EngineServer
from engine.tokenizer import Tokenizer
from engine.types import FinishReason, GenerationRequest, TokenMask
from tests.data import ROOT
from tests.engine.fake_runner import FakeRunner
from tests.engine.test_scheduler import alone

WAIT_S = 10.0


class GatedRunner(FakeRunner):
    """Steps only while the gate is open."""

    def __init__(self) -> None:
        super().__init__(num_pages=400)
        self.gate = threading.Event()
        self.gate.set()
        self.has_failed = False

    @property
    def is_ready(self) -> bool:
        return not self.has_failed

    def run(self, feeds: Sequence[Feed]) -> list[Drawn | EngineError | None]:
        assert self.gate.wait(WAIT_S)
        return super().run(feeds)


@dataclass
class Served:
    """A server that runs in a thread."""

    address: str
    runner: GatedRunner
    core: EngineCore
    server: EngineServer
    thread: threading.Thread


def no_masks(grammar: str) -> TokenMask:
    raise GrammarError("lark", expected="none", actual=grammar)


def check(request: GenerationRequest) -> None:
    if request.max_new_tokens < 1:
        raise RequestError("max_new_tokens", expected="at least 1", actual="0")


def rescore(recorded: Sequence[RecordedGeneration]) -> list[Rescored | EngineError]:
    if any(not item.token_ids for item in recorded):
        raise RequestError("device", expected="cpu", actual="cuda")
    return [
        Rescored(logit_digest=str(item.token_ids[0]), difference=None, is_ended=True)
        for item in recorded
    ]


def serve(address: str, *, manifest: str = '{"a":1}', waiting_max: int = 4) -> Served:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(8)
    runner = GatedRunner()
    core = EngineCore(runner, SchedulerLimits(waiting_max=waiting_max))
    made = EngineServer(
        core,
        listener,
        info=RemoteInfo(name="fake", vocab_size=50, context_length=1000),
        fingerprint=RemoteFingerprint(canonical=manifest),
        mask_of=no_masks,
        check=check,
        rescore=rescore,
    )

    def run() -> None:
        with listener:
            made.run()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return Served(address=address, runner=runner, core=core, server=made, thread=thread)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = serve(str(tmp_path / "s"))
    yield made
    made.server.stop()
    made.thread.join(WAIT_S)
    assert not made.thread.is_alive()


@pytest.fixture
def client(served: Served, small_folder: Path) -> Iterator[RemoteEngine]:
    made = RemoteEngine(served.address, Tokenizer.from_folder(small_folder), connect_timeout_s=5)
    yield made
    made.close()


def request(count: int = 5, **changes: object) -> GenerationRequest:
    values = {"prompt_ids": (1, 2, 3), "max_new_tokens": count, "stop_ids": frozenset()} | changes
    return GenerationRequest(**values)  # type: ignore[arg-type]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_tokens_and_chain_arrive_as_drawn(client: RemoteEngine) -> None:
    found = client.generate(request())
    assert (list(found.token_ids), found.logit_digest) == alone([1, 2, 3], 5)
    assert found.finish_reason is FinishReason.LENGTH
    assert client.info == RemoteInfo(name="fake", vocab_size=50, context_length=1000)
    assert client.stats()["num_finished"] == 1


@pytest.mark.parametrize(
    ("given", "grammar", "error"),
    [(request(0), "", RequestError), (request(), "start: x", GrammarError)],
)
def test_request_that_cannot_run_fails_alone(
    client: RemoteEngine, given: GenerationRequest, grammar: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.generate(given, grammar=grammar)
    assert len(client.generate(request()).token_ids) == 5


def num_present(served: Served) -> int:
    stats = served.core.stats()
    return stats.num_running + stats.num_waiting


def test_full_queue_is_told_at_once(served: Served, client: RemoteEngine) -> None:
    served.runner.gate.clear()
    threads = [
        threading.Thread(target=lambda: client.generate(request()), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    # Nobody's place is free before the first step is over.
    wait_until(lambda: num_present(served) == 8)
    started = time.monotonic()
    with pytest.raises(QueueFullError):
        client.generate(request(), terms=Terms(tenant="t"))
    assert time.monotonic() - started < 1.0
    served.runner.gate.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert served.core.stats().num_finished == 8


def raw_connection(served: Served) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(WAIT_S)
    connection.connect(served.address)
    assert wire.receive(connection) is not None
    return connection


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", wire.FRAME_BYTES_MAX + 1),
        struct.pack(">I", 3) + b"}{]",
        struct.pack(">I", 2) + b"[]",
        struct.pack(">I", 7) + b'["no!"]',
        struct.pack(">I", 25) + b'["submit",1,{},"",{"a":1}]'[:25],
        struct.pack(">I", 20) + b'["submit",1,7,"",[]]',
    ],
)
def test_caller_that_talks_nonsense_is_cut_off_and_others_go_on(
    served: Served, client: RemoteEngine, data: bytes
) -> None:
    with raw_connection(served) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert wire.receive(connection) is None
    assert len(client.generate(request()).token_ids) == 5


def test_caller_that_does_not_read_is_cut_off_and_its_requests_go(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    with raw_connection(served) as connection:
        monkeypatch.setattr(server, "OUTBOX_MAX", 10)
        monkeypatch.setattr(wire, "send", lambda *_: gate.wait(WAIT_S))
        document = wire.request_document(request(300))
        monkeypatch.undo()
        wire.send(connection, ("submit", 1, document, "", wire.terms_document(Terms())))
        monkeypatch.setattr(server, "OUTBOX_MAX", 10)
        monkeypatch.setattr(wire, "send", lambda *_: gate.wait(WAIT_S))
        wait_until(lambda: served.core.stats().drawn_tokens > 10)
        wait_until(lambda: not served.core.has_work)
    gate.set()
    assert served.core.stats().num_finished == 0


def test_caller_that_cancels_frees_its_place(served: Served) -> None:
    with raw_connection(served) as connection:
        document = wire.request_document(request(900))
        wire.send(connection, ("submit", 1, document, "", wire.terms_document(Terms())))
        assert wire.receive(connection) is not None
        wire.send(connection, ("cancel", 1))
        wire.send(connection, ("cancel", 77))
        wait_until(lambda: not served.core.has_work)
    assert served.core.stats().num_finished == 0


def test_engine_that_comes_back_with_another_fingerprint_is_refused(
    tmp_path: Path, small_folder: Path
) -> None:
    address = str(tmp_path / "s")
    first = serve(address)
    client = RemoteEngine(address, Tokenizer.from_folder(small_folder), connect_timeout_s=5)
    assert client.is_ready
    first.server.stop()
    first.thread.join(WAIT_S)
    Path(address).unlink()
    other = serve(address, manifest='{"a":2}')
    # The connection of the first one outlives its loop; it ends with the process.
    with client._changed:
        connection = client._socket
    assert connection is not None
    connection.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: not client.is_ready)
    time.sleep(0.5)
    assert not client.is_ready
    with pytest.raises(EngineStoppedError):
        client.generate(request())
    with pytest.raises(EngineStoppedError):
        client.stats()
    client.close()
    other.server.stop()
    other.thread.join(WAIT_S)


def listener_fd(folder: Path) -> int:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "p"))
    listener.listen(1)
    return listener.detach()


@pytest.mark.usefixtures("_signals")
def test_process_whose_parent_is_gone_ends(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    monkeypatch.setattr(sys, "stdout", said)
    fd = listener_fd(tmp_path)
    assert process.main(["--model", str(small_folder), "--listener", str(fd)]) == 0
    assert said.getvalue() == '{"ready": true}\n'


@pytest.mark.usefixtures("_signals")
def test_process_without_a_model_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdout", said)
    code = process.main(["--model", str(tmp_path), "--listener", "0"])
    assert code == process.EXIT_UNUSABLE
    assert '"code": "checkpoint_missing"' in said.getvalue()


def test_device_that_fails_ends_the_server_so_that_it_is_started_anew(tmp_path: Path) -> None:
    served = serve(str(tmp_path / "s"))
    served.runner.has_failed = True
    served.core.submit(request(), lambda _: None)
    served.thread.join(WAIT_S)
    assert not served.thread.is_alive()


@pytest.mark.usefixtures("_signals")
def test_process_whose_device_failed_says_so_by_its_code(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(process.Engine, "is_ready", False)
    code = process.main(["--model", str(small_folder), "--listener", str(listener_fd(tmp_path))])
    assert code == process.EXIT_DEVICE_FAILED


HANGS = """
import sys
from tests.engine.serving import test_server
test_server.server.STEP_S_MAX = 0.2
served = test_server.serve(sys.argv[1])
served.runner.gate.clear()
served.core.submit(test_server.request(), print)
served.thread.join(8)
"""


def test_step_that_hangs_ends_the_process(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", HANGS, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "in run" in done.stderr
