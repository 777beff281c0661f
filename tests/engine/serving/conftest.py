"""An engine in a process of its own, on a small random model."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.serving.client import RemoteEngine
from engine.serving.supervisor import EngineProcess


@pytest.fixture
def process(small_folder: Path) -> Iterator[EngineProcess]:
    made = EngineProcess(small_folder, num_threads=1)
    made.start()
    yield made
    made.close(drain_s=5.0)


@pytest.fixture
def remote(process: EngineProcess, small_folder: Path) -> Iterator[RemoteEngine]:
    client = RemoteEngine.connect(process.address, small_folder, connect_timeout_s=20.0)
    yield client
    client.close()


@pytest.fixture
def _signals() -> Iterator[None]:
    """Put back what a process sets for itself."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
