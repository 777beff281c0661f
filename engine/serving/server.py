"""The engine's side of its connections: requests in, tokens out, and the loop between them.

One thread runs the network and does nothing else. Each connection has a thread that reads requests
(and compiles their grammars) and one that writes tokens, so a caller that reads slowly delays
nobody; one that does not read at all is cut off. A connection that ends takes its requests along.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict

from engine.core import EngineCore
from engine.errors import EngineError
from engine.facade import ModelFacts, ModelFingerprint
from engine.job import FailureEvent, JobEvent, TokenEvent
from engine.recorded import RecordedGeneration, Rescored
from engine.serving import wire
from engine.types import GenerationRequest, TokenMask

_log = logging.getLogger(__name__)

# A minute of tokens of a full batch; who is behind by more has stopped reading.
OUTBOX_MAX = 100_000
_IDLE_S = 1.0
# The longest step is a fraction of a second; the first ones of a GPU may compile kernels.
STEP_S_MAX = 300.0


Rescore = Callable[[Sequence[RecordedGeneration]], Sequence[Rescored | EngineError]]
# Generations checked between two looks at whether somebody waits for tokens.
_RESCORE_AT_ONCE = 8
_GIVE_WAY_S = 0.02
# A service that is never idle must not keep a replay waiting for ever.
_GIVE_WAY_MAX = 50


class EngineServer:
    """Serves an engine's core on a listening Unix socket."""

    def __init__(
        self,
        core: EngineCore,
        listener: socket.socket,
        *,
        info: ModelFacts,
        fingerprint: ModelFingerprint,
        mask_of: Callable[[str], TokenMask],
        check: Callable[[GenerationRequest], None],
        rescore: Rescore,
    ) -> None:
        """Prepare to serve.

        Args:
            core: Requests and steps.
            listener: Bound and listening.
            info: Facts for callers.
            fingerprint: For callers.
            mask_of: Masks of a grammar's text.
            check: Raises `RequestError` for a request that the model cannot run.
            rescore: Checks recorded generations again.
        """
        self.core = core
        self.mask_of = mask_of
        self.check = check
        self.rescore = rescore
        self.hello = (
            "hello",
            info.name,
            info.vocab_size,
            info.context_length,
            json.loads(fingerprint.to_json()),
        )
        self._listener = listener
        self._is_stopping = threading.Event()

    def run(self) -> None:
        """Serve until `stop` was called and what was running is done, or the device failed."""
        threading.Thread(target=self._accept, name="engine-accept", daemon=True).start()
        while self.core.is_ready and not (self._is_stopping.is_set() and not self.core.has_work):
            if self.core.wait_for_work(_IDLE_S):
                # A device that hangs must not look like one that works: the supervisor starts anew.
                faulthandler.dump_traceback_later(STEP_S_MAX, exit=True)
                try:
                    self.core.step()
                finally:
                    faulthandler.cancel_dump_traceback_later()

    def stop(self) -> None:
        """Take no more requests; `run` returns once those that run are done."""
        self._is_stopping.set()
        self.core.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            _Connection(self, connection).start()


class _Connection:
    """One caller."""

    def __init__(self, server: EngineServer, connection: socket.socket) -> None:
        self._server = server
        self._socket = connection
        self._outbox: deque[tuple[object, ...]] = deque([server.hello])
        self._changed = threading.Condition()
        self._is_closed = False
        # Numbers of the core's jobs by those of the caller.
        self._jobs: dict[int, int] = {}

    def start(self) -> None:
        for target in (self._read, self._write):
            threading.Thread(target=target, name=f"engine{target.__name__}", daemon=True).start()

    def _read(self) -> None:
        try:
            while (message := wire.receive(self._socket)) is not None:
                self._handle(message)
        except (OSError, wire.WireError) as error:
            _log.warning("connection_lost", extra={"error": type(error).__name__})
        finally:
            self._close()

    def _handle(self, message: list[object]) -> None:
        match message:
            case ["submit", int() as item_id, request, str() as grammar, terms]:
                self._submit(item_id, request, grammar, terms)
            case ["cancel", int() as item_id]:
                job_id = self._jobs.pop(item_id, None)
                if job_id is not None:
                    self._server.core.cancel(job_id)
            case ["stats", int() as item_id]:
                self._put(("stats", item_id, asdict(self._server.core.stats())))
            case ["rescore", int() as item_id, *items]:
                recorded = [wire.read_recorded(item) for item in items]
                threading.Thread(
                    target=self._rescore,
                    args=(item_id, recorded),
                    name="engine-rescore",
                    daemon=True,
                ).start()
            case _:
                raise wire.WireError(f"message: expected a known one, got {message[0]!r}")

    def _rescore(self, item_id: int, recorded: Sequence[RecordedGeneration]) -> None:
        """Check recorded generations, a few at a time, behind whoever waits for tokens."""
        found: list[list[object]] = []
        for start in range(0, len(recorded), _RESCORE_AT_ONCE):
            for _ in range(_GIVE_WAY_MAX):
                if not self._server.core.has_work or self._is_closed:
                    break
                time.sleep(_GIVE_WAY_S)
            if self._is_closed:
                return
            some = recorded[start : start + _RESCORE_AT_ONCE]
            try:
                found += [wire.rescored_item(outcome) for outcome in self._server.rescore(some)]
            except EngineError as error:
                found += [wire.rescored_item(error) for _ in some]
        self._put(("rescored", item_id, *found))

    def _submit(self, item_id: int, document: object, grammar: str, terms: object) -> None:
        request = wire.read_request(document)

        def on_event(event: JobEvent) -> None:
            self._report(item_id, event)

        try:
            self._server.check(request)
            mask = self._server.mask_of(grammar) if grammar else None
            given = wire.read_terms(terms)
            # Held until the number is known, so that the first event finds it.
            with self._changed:
                if not self._is_closed:
                    self._jobs[item_id] = self._server.core.submit(
                        request, on_event, terms=given, mask=mask
                    )
        except wire.WireError:
            raise
        except EngineError as error:
            self._put(("failed", item_id, *wire.error_fields(error)))

    def _report(self, item_id: int, event: JobEvent) -> None:
        is_last = isinstance(event, FailureEvent) or event.finish is not None
        with self._changed:
            if is_last:
                self._jobs.pop(item_id, None)
            if isinstance(event, TokenEvent):
                self._put(("token", wire.token_item(item_id, event)))
            else:
                self._put(("failed", item_id, *wire.error_fields(event.error)))

    def _put(self, message: tuple[object, ...]) -> None:
        with self._changed:
            if self._is_closed:
                return
            self._outbox.append(message)
            is_behind = len(self._outbox) > OUTBOX_MAX
            self._changed.notify()
        if is_behind:
            _log.warning("connection_behind")
            self._close()

    def _write(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._outbox or self._is_closed)
                    if self._is_closed:
                        return
                    pending = list(self._outbox)
                    self._outbox.clear()
                for message in _joined(pending):
                    wire.send(self._socket, message)
        except OSError:
            self._close()

    def _close(self) -> None:
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify()
        for job_id in list(self._jobs.values()):
            self._server.core.cancel(job_id)
        # Wakes the other thread of this connection, which may be inside a call.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            _log.debug("connection_gone")
        self._socket.close()


def _joined(messages: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Put tokens that follow each other into one message."""
    joined: list[tuple[object, ...]] = []
    for message in messages:
        if message[0] != "token":
            joined.append(message)
        elif joined and joined[-1][0] == "tokens":
            joined[-1] = (*joined[-1], message[1])
        else:
            joined.append(("tokens", message[1]))
    return joined
