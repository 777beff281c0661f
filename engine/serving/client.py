"""The engine as its callers in other processes see it.

Free of tensors. A connection that breaks ends every request on it with `EngineStoppedError`; the
client then connects again by itself and is ready once the engine says hello. An engine that comes
back with another fingerprint is refused: answers would no longer be those of the model on record.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import queue
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.collect import POLL_S, Collector
from engine.errors import EngineError, EngineStoppedError
from engine.job import FailureEvent, JobEvent, Terms
from engine.recorded import RecordedGeneration, Rescored
from engine.serving import wire
from engine.tokenizer import Tokenizer
from engine.types import FinishReason, Generation, GenerationRequest, TokenLogprobs

_log = logging.getLogger(__name__)

RECONNECT_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteInfo:
    """What a served model is; lengths in tokens."""

    name: str
    vocab_size: int
    context_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFingerprint:
    """A fingerprint as the engine's process states it."""

    canonical: str

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no spaces."""
        return self.canonical

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hex."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


class RemoteEngine:
    """An engine behind a Unix socket; safe to use from several threads.

    Attributes:
        info: What the model is.
        fingerprint: What its bits depend on.
        tokenizer: Its vocabulary.
    """

    def __init__(self, address: str, tokenizer: Tokenizer, *, connect_timeout_s: float) -> None:
        """Connect to an engine; `connect` is what callers use.

        Raises:
            EngineStoppedError: No engine said hello in time.
        """
        self.tokenizer = tokenizer
        self._address = address
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._send_lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._requests: dict[int, Callable[[JobEvent], None]] = {}
        self._answers: dict[int, queue.SimpleQueue[Mapping[str, object]]] = {}
        self._rescored: dict[int, queue.SimpleQueue[list[Rescored | EngineError]]] = {}
        self._is_closed = False
        self._hello: tuple[RemoteInfo, RemoteFingerprint] | None = None
        threading.Thread(target=self._serve, name="engine-client", daemon=True).start()
        self.info, self.fingerprint = self._first_hello(connect_timeout_s)

    @classmethod
    def connect(
        cls, address: str, folder: Path, *, connect_timeout_s: float = 60.0
    ) -> RemoteEngine:
        """Connect to the engine that serves the checkpoint in `folder`.

        Raises:
            EngineStoppedError: No engine said hello in time.
            TokenizerFileError: The folder's vocabulary cannot be read.
        """
        tokenizer = Tokenizer.from_folder(folder)
        return cls(address, tokenizer, connect_timeout_s=connect_timeout_s)

    @property
    def is_ready(self) -> bool:
        """Whether the engine is connected."""
        with self._changed:
            return self._socket is not None

    def generate(
        self,
        request: GenerationRequest,
        *,
        grammar: str = "",
        terms: Terms | None = None,
        on_token: Callable[[int], None] | None = None,
        on_logprobs: Callable[[TokenLogprobs], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Generation:
        """Continue a prompt; as `engine.engine.Engine.generate`, in the engine's process.

        Raises:
            EngineStoppedError: The engine is not there, or went while it was generating.
            EngineError: As there.
        """
        is_cancelled = is_cancelled or _never
        collector = Collector(len(request.prompt_ids), on_token, on_logprobs)
        if is_cancelled():
            return collector.generation(FinishReason.CANCELLED)
        number = next(self._numbers)
        document = wire.request_document(request)
        submit = ("submit", number, document, grammar, wire.terms_document(terms or Terms()))
        self._begin(number, collector.events.put)
        reason = None
        try:
            self._send(submit)
            while reason is None:
                event = self._next(collector.events, is_cancelled)
                reason = FinishReason.CANCELLED if event is None else collector.take(event)
        finally:
            self._leave(number)
        return collector.generation(reason)

    def stats(self, *, timeout_s: float = 5.0) -> Mapping[str, object]:
        """Return the counts of the engine's scheduler (`SchedulerStats`) by name.

        Raises:
            EngineStoppedError: The engine is not there or does not answer.
        """
        number = next(self._numbers)
        answer: queue.SimpleQueue[Mapping[str, object]] = queue.SimpleQueue()
        self._answers[number] = answer
        try:
            self._send(("stats", number))
            return answer.get(timeout=timeout_s)
        except queue.Empty as error:
            raise EngineStoppedError(f"did not answer within {timeout_s:g} s") from error
        finally:
            del self._answers[number]

    def rescore(self, generations: Sequence[RecordedGeneration]) -> list[Rescored | EngineError]:
        """Check recorded generations in the engine's process; as `engine.rescore.Rescorer`.

        Those who wait for tokens come first.

        Raises:
            EngineStoppedError: The engine is not there, or went meanwhile.
        """
        number = next(self._numbers)
        answer: queue.SimpleQueue[list[Rescored | EngineError]] = queue.SimpleQueue()
        with self._changed:
            connection = self._socket
            self._rescored[number] = answer
        try:
            self._send(("rescore", number, *(wire.recorded_item(item) for item in generations)))
            while True:
                try:
                    return answer.get(timeout=POLL_S)
                except queue.Empty as error:
                    with self._changed:
                        is_gone = self._socket is not connection
                    if is_gone:
                        raise EngineStoppedError("was stopped or killed") from error
        finally:
            del self._rescored[number]

    def close(self) -> None:
        """Disconnect; requests that run end with `EngineStoppedError`."""
        with self._changed:
            self._is_closed = True
            connection = self._socket
            self._changed.notify_all()
        if connection is not None:
            _shut(connection)

    def _first_hello(self, timeout_s: float) -> tuple[RemoteInfo, RemoteFingerprint]:
        with self._changed:
            self._changed.wait_for(lambda: self._hello is not None, timeout_s)
            hello = self._hello
        if hello is None:
            self.close()
            raise EngineStoppedError(f"did not answer within {timeout_s:g} s")
        return hello

    def _next(
        self, events: queue.SimpleQueue[JobEvent], is_cancelled: Callable[[], bool]
    ) -> JobEvent | None:
        """Wait for an event; None when the caller has left before it is taken."""
        while True:
            try:
                event = events.get(timeout=POLL_S)
            except queue.Empty:
                if is_cancelled():
                    return None
                continue
            return None if is_cancelled() else event

    def _begin(self, number: int, on_event: Callable[[JobEvent], None]) -> None:
        with self._changed:
            if self._socket is None:
                raise EngineStoppedError("is starting again")
            self._requests[number] = on_event

    def _leave(self, number: int) -> None:
        with self._changed:
            is_running = self._requests.pop(number, None) is not None
        if is_running:
            try:
                self._send(("cancel", number))
            except EngineStoppedError:
                _log.debug("cancel_not_needed")

    def _send(self, message: wire.Message) -> None:
        with self._changed:
            connection = self._socket
        try:
            if connection is None:
                raise EngineStoppedError("is starting again")
            with self._send_lock:
                wire.send(connection, message)
        except OSError as error:
            raise EngineStoppedError("was stopped or killed") from error

    def _serve(self) -> None:
        """Hold a connection, and a new one whenever it breaks."""
        while not self._is_closed:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.connect(self._address)
                    self._read(connection)
            except (OSError, wire.WireError) as error:
                _log.debug("engine_connection", extra={"error": type(error).__name__})
            self._disconnected()
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed, RECONNECT_S)

    def _read(self, connection: socket.socket) -> None:
        hello = wire.receive(connection)
        if hello is None or not self._greet(hello):
            return
        with self._changed:
            self._socket = None if self._is_closed else connection
            self._changed.notify_all()
        while not self._is_closed and (message := wire.receive(connection)) is not None:
            self._handle(message)

    def _greet(self, message: list[object]) -> bool:
        """Take the engine's hello; False when it is not the engine that was there before."""
        match message:
            case ["hello", str() as name, int() as vocab_size, int() as length, dict() as manifest]:
                info = RemoteInfo(name=name, vocab_size=vocab_size, context_length=length)
                canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
                found = (info, RemoteFingerprint(canonical=canonical))
            case _:
                raise wire.WireError("message: expected a hello")
        with self._changed:
            if self._hello not in (None, found):
                _log.error("engine_fingerprint_changed")
                return False
            self._hello = found
        return True

    def _handle(self, message: list[object]) -> None:
        match message:
            case ["tokens", *items]:
                for item in items:
                    event = wire.read_token(item)
                    self._report(event.job_id, event, is_last=event.finish is not None)
            case ["failed", int() as number, code, fields]:
                failure = FailureEvent(job_id=number, error=wire.read_error(code, fields))
                self._report(number, failure, is_last=True)
            case ["stats", int() as number, dict() as counts]:
                answer = self._answers.get(number)
                if answer is not None:
                    answer.put(counts)
            case ["rescored", int() as number, *items]:
                found = [wire.read_rescored(item) for item in items]
                waiting = self._rescored.get(number)
                if waiting is not None:
                    waiting.put(found)
            case _:
                raise wire.WireError(f"message: expected a known one, got {message[0]!r}")

    def _report(self, number: int, event: JobEvent, *, is_last: bool) -> None:
        with self._changed:
            requests = self._requests
            on_event = requests.pop(number, None) if is_last else requests.get(number)
        if on_event is not None:
            on_event(event)

    def _disconnected(self) -> None:
        with self._changed:
            self._socket = None
            left, self._requests = self._requests, {}
        for number, on_event in left.items():
            error = EngineStoppedError("was stopped or killed")
            on_event(FailureEvent(job_id=number, error=error))


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        _log.debug("engine_connection_gone")


def _never() -> bool:
    return False
