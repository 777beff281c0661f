"""Starts the engine's process, and starts it again when it dies.

Free of tensors. The listening socket belongs to the supervisor and outlives the process, so that
callers find the next one at the same address. A process that keeps dying is started less and less
often; the requests it held have failed at their callers, nothing is run twice.
"""

from __future__ import annotations

import json
import logging
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from engine.errors import EngineError, EngineStoppedError

_log = logging.getLogger(__name__)

# Pauses between deaths: at once, then twice as long each time, until one lives for a minute.
RESTART_S_MAX = 10.0
STEADY_S = 60.0
# What runs may finish; the service's own drain ends a little later.
DRAIN_S = 20.0
_BACKLOG = 64


class EngineProcess:
    """A checkpoint served in a process of its own.

    Attributes:
        address: Path of the Unix socket.
        num_restarts: How often the process was started again.
    """

    def __init__(self, model: Path, *, num_threads: int | None = None, device: str = "cpu") -> None:
        """Prepare to serve the checkpoint in `model`; `start` starts it."""
        self._command = [sys.executable, "-m", "engine.serving.process", "--model", str(model)]
        if num_threads is not None:
            self._command += ["--threads", str(num_threads)]
        self._command += ["--device", device]
        # Paths of Unix sockets are short; a folder of our own keeps others out.
        self._folder = Path(tempfile.mkdtemp(prefix="finsvc-engine-"))
        self.address = str(self._folder / "socket")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.address)
        self._listener.listen(_BACKLOG)
        self.num_restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closing = threading.Event()
        # Whoever starts a process makes sure that nobody is closing meanwhile.
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Number of the process that runs now."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def start(self) -> None:
        """Start the process and wait until its model is loaded.

        Raises:
            EngineStoppedError: It ended before it was ready, or says that the model is unusable.
        """
        try:
            process = self._spawn()
            _await_ready(process)
        except EngineError:
            self.close()
            raise
        self._watcher = threading.Thread(target=self._watch, name="engine-watch", daemon=True)
        self._watcher.start()

    def close(self, *, drain_s: float = DRAIN_S) -> None:
        """Let what runs finish, end the process and remove the socket."""
        with self._lock:
            self._is_closing.set()
        if self._process is not None:
            _end(self._process, drain_s)
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        descriptor = self._listener.fileno()
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [*self._command, "--listener", str(descriptor)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
        )
        return self._process

    def _watch(self) -> None:
        pause_s = 0.0
        while (process := self._process) is not None:
            started = time.monotonic()
            status = process.wait()
            _close_pipes(process)
            if self._is_closing.is_set():
                return
            lived_s = time.monotonic() - started
            pause_s = 0.0 if lived_s > STEADY_S else min(RESTART_S_MAX, 2 * pause_s + 0.1)
            _log.error("engine_died", extra={"status": status, "restart_in_s": pause_s})
            self._is_closing.wait(pause_s)
            with self._lock:
                if self._is_closing.is_set():
                    return
                self.num_restarts += 1
                self._spawn()


def _await_ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        document = json.loads(line) if line else {}
    except ValueError:
        document = {}
    if document.get("ready") is not True:
        reason = document.get("error", {}).get("message", "ended before it was ready")
        raise EngineStoppedError(f"cannot start: {reason}")


def _end(process: subprocess.Popen[bytes], drain_s: float) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(drain_s)
    except subprocess.TimeoutExpired:
        _log.warning("engine_killed")
        process.kill()
        process.wait()
    _close_pipes(process)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
