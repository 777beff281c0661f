"""Having a running log cosigned by its witnesses, again and again, without holding it up.

A round brings the latest checkpoint to every witness that lags behind it and keeps the cosigned
note durably, outside the log's folder. A witness that is away is asked again later and later; what
it has missed is one consistency proof when it is back. Nothing waits for a round but `wait_for`.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.cosignature import CosignatureVerifier, verify_cosignatures
from audit.errors import AuditError, StaleCheckpointError, WitnessQuorumError
from audit.filesystem import FileSystem, RealFileSystem, replace_file, storage_errors
from audit.reader import Reader, Snapshot
from audit.signed_note import decode_note
from audit.witness_client import Ask, have_cosigned

NOTE_SUFFIX = ".note"
# How long a witness that failed is left alone: doubled each time, so that one that is away costs
# nothing, and bounded, so that it is found again within a minute.
_PAUSE_S_MIN = 1.0
_PAUSE_S_MAX = 60.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A witness as the log knows it.

    Attributes:
        keys: Its public keys, all of one name.
        ask: Brings it a request.
    """

    keys: tuple[CosignatureVerifier, ...]
    ask: Ask

    @property
    def name(self) -> str:
        """Its name."""
        return self.keys[0].name


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a witness has come.

    Attributes:
        name: The witness.
        size: Entries that its last cosignature covers.
        cosigned_s: When that was, POSIX time; None before the first.
        error: Code of why the last request failed; empty where it did not.
    """

    name: str
    size: int
    cosigned_s: int | None
    error: str


class _State:
    """What is known of one witness."""

    def __init__(self, peer: Peer, path: Path) -> None:
        self.peer, self.path = peer, path
        self.size = 0
        self.cosigned_s: int | None = None
        if path.exists():
            self.size, self.cosigned_s = _read_note(path, peer)
        self.error = ""
        self.num_failures, self.not_before_s = 0, 0.0


class Witnessing:
    """Keeps a log cosigned. Any number of threads may call."""

    def __init__(
        self,
        log: Reader,
        peers: Sequence[Peer],
        *,
        folder: Path,
        quorum: int,
        interval_s: float,
        clock_s: Callable[[], float] = time.monotonic,
        files: FileSystem | None = None,
    ) -> None:
        """Take up what the witnesses have cosigned before; `start` begins the rounds.

        Args:
            log: The log that is cosigned.
            peers: Its witnesses.
            folder: Where cosigned checkpoints are kept, one file a witness; not the log's folder.
            quorum: How many witnesses must have cosigned an entry for it to count as witnessed.
            interval_s: Time between rounds.
            clock_s: Tells when to ask a witness again that was away.
            files: System calls.

        Raises:
            WitnessQuorumError: There are fewer witnesses than the quorum, or two of one name.
            StaleCheckpointError: A witness has cosigned more than the log holds: it was set back.
            AuditError: A kept note is damaged or by another witness.
            LogFailedError: The folder cannot be made.
        """
        if not 1 <= quorum <= len({peer.name for peer in peers}) == len(peers):
            raise WitnessQuorumError(
                "witnesses", expected=f"{quorum} or more by name", actual=str(len(peers))
            )
        self._log = log
        self._quorum, self._interval_s, self._clock_s = quorum, interval_s, clock_s
        self._files = files or RealFileSystem()
        with storage_errors(folder):
            self._files.make_directory(folder)
        self._folder = folder
        self._states = [_State(peer, folder / _file_name(peer.name)) for peer in peers]
        for state in self._states:
            if state.size > log.size:
                raise StaleCheckpointError(
                    "log size",
                    expected=f"{state.size}, as {state.peer.name} cosigned",
                    actual=str(log.size),
                )
        self._changed = threading.Condition()
        self._is_closing = self._is_wanted = False
        self._thread: threading.Thread | None = None

    @property
    def size(self) -> int:
        """Number of entries that the quorum has cosigned."""
        return sorted((state.size for state in self._states), reverse=True)[self._quorum - 1]

    @property
    def num_behind(self) -> int:
        """Number of published entries that the quorum has not cosigned."""
        return max(self._log.size - self.size, 0)

    def standings(self) -> tuple[Standing, ...]:
        """How far each witness has come."""
        return tuple(
            Standing(
                name=state.peer.name,
                size=state.size,
                cosigned_s=state.cosigned_s,
                error=state.error,
            )
            for state in self._states
        )

    def start(self) -> None:
        """Begin the rounds, in a thread of their own."""
        self._thread = threading.Thread(target=self._run, name="audit-witnessing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the rounds; a second call does nothing."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait_for(self, index: int, *, timeout_s: float) -> None:
        """Wait until the quorum has cosigned an entry; a round is begun at once.

        Raises:
            WitnessQuorumError: It has not within the time.
        """
        with self._changed:
            self._is_wanted = True
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self.size > index, timeout_s):
                raise WitnessQuorumError(
                    f"entry {index}",
                    expected=f"cosignatures of {self._quorum} witnesses within {timeout_s:g} s",
                    actual=", ".join(
                        f"{one.name} {one.error or one.size}" for one in self.standings()
                    ),
                )

    def round(self) -> None:
        """Bring the latest checkpoint to every witness that lags and is not left alone."""
        snapshot, now = self._log.snapshot(), self._clock_s()
        asked = [
            state
            for state in self._states
            if state.size < snapshot.size and now >= state.not_before_s
        ]
        if not asked:
            return
        with ThreadPoolExecutor(len(asked), thread_name_prefix="audit-witness") as pool:
            for done in as_completed([pool.submit(self._ask, one, snapshot) for one in asked]):
                done.result()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closing or self._is_wanted, self._pause_s())
                if self._is_closing:
                    return
                self._is_wanted = False
            self.round()

    def _pause_s(self) -> float:
        """Return the time to the next round: earlier where a witness is to be asked again."""
        again = [one.not_before_s for one in self._states if one.num_failures]
        return max(min([self._interval_s, *(at - self._clock_s() for at in again)]), 0.0)

    def _ask(self, state: _State, snapshot: Snapshot) -> None:
        try:
            note = have_cosigned(
                snapshot, state.peer.ask, old_size=state.size, witnesses=state.peer.keys
            )
            time_s = verify_cosignatures(note, state.peer.keys)[0].time_s
            with storage_errors(self._folder):
                replace_file(self._files, state.path, note.encode())
                self._files.sync_directory(self._folder)
        except AuditError as error:
            self._failed(state, error)
            return
        with self._changed:
            state.size, state.cosigned_s = snapshot.size, time_s
            state.error, state.num_failures, state.not_before_s = "", 0, 0.0
            self._changed.notify_all()

    def _failed(self, state: _State, error: AuditError) -> None:
        pause_s = min(_PAUSE_S_MIN * 2**state.num_failures, _PAUSE_S_MAX)
        _logger.warning(
            "audit_witness_failed",
            extra={
                "witness": state.peer.name,
                "code": error.code,
                "error": str(error),
                "records_behind": self._log.size - state.size,
                "pause_s": pause_s,
            },
        )
        with self._changed:
            state.error = error.code
            state.num_failures = min(state.num_failures + 1, 16)
            state.not_before_s = self._clock_s() + pause_s


def _file_name(name: str) -> str:
    """Return a file name for a witness's name, which is a URL without scheme."""
    return hashlib.sha256(name.encode()).hexdigest()[:16] + NOTE_SUFFIX


def _read_note(path: Path, peer: Peer) -> tuple[int, int]:
    """Return size and time of the note that was kept last."""
    note = decode_note(path.read_bytes())
    time_s = verify_cosignatures(note, peer.keys)[0].time_s
    return Checkpoint.parse_body(note.partition("\n\n")[0] + "\n").size, time_s
