"""Group commit: whoever wants to log waits here while one thread writes for all.

Records that arrive while a batch is being synced make up the next one. Memory is bounded: beyond a
number of waiting records, callers are told to come back.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from audit.draft import Draft
from audit.errors import LogBusyError, LogFailedError
from audit.receipt import Receipt

# More would make one answer wait for the work of too many others.
BATCH_RECORDS_MAX = 256
# As many as Tessera lets wait; at 2,000 records a second that is two seconds.
WAITING_RECORDS_MAX = 4_096

# Writes one batch; may ask whether another follows at once.
CommitBatch = Callable[[Sequence[Draft], Callable[[], bool]], Sequence[Receipt]]


class _Group:
    """Records that become one batch, and those who wait for it.

    One lock is the gate of all: whoever passes lets the next one pass. So the writing thread wakes
    one thread a batch and not each, and those woken do not all ask for the interpreter at once.
    """

    __slots__ = ("_gate", "drafts", "error", "receipts")

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.receipts: Sequence[Receipt] = ()
        self.error: BaseException | None = None
        self._gate = threading.Lock()
        self._gate.acquire()

    def finish(self) -> None:
        """Let those who wait go on."""
        self._gate.release()

    def wait(self) -> None:
        """Wait for receipts or error."""
        with self._gate:
            return


class Committer:
    """The thread that writes, and the queue before it."""

    def __init__(self, directory: Path, commit: CommitBatch) -> None:
        """Start the thread.

        Args:
            directory: The log's directory, for errors.
            commit: Writes one batch.
        """
        self._directory = directory
        self._commit = commit
        self._groups: deque[_Group] = deque()
        self._num_waiting = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="audit-commit", daemon=True)
        self._thread.start()

    @property
    def num_waiting(self) -> int:
        """Records that are not yet in a batch."""
        return self._num_waiting

    def submit(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Have records written in this order, and wait for their receipts.

        Raises:
            LogBusyError: Too many wait already; nothing of these was written.
            LogFailedError: The log was closed, or a batch failed; records at the front may be in
                the log without a receipt.
        """
        with self._changed:
            if self._is_closed:
                raise LogFailedError(self._directory, "the log was closed")
            if self._num_waiting + len(drafts) > WAITING_RECORDS_MAX:
                raise LogBusyError(self._num_waiting, limit=WAITING_RECORDS_MAX)
            places = [self._place(draft) for draft in drafts]
            self._num_waiting += len(drafts)
            self._changed.notify()
        for group in dict.fromkeys(group for group, _ in places):
            group.wait()
            if group.error is not None:
                cause = group.error
                # A full disk stays a full disk to whoever waits.
                kind = type(cause) if isinstance(cause, LogFailedError) else LogFailedError
                raise kind(self._directory, f"the batch failed: {cause}") from cause
        return [group.receipts[position] for group, position in places]

    def close(self) -> None:
        """Write what waits, and end the thread. A second call does nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _place(self, draft: Draft) -> tuple[_Group, int]:
        if not self._groups or len(self._groups[-1].drafts) >= BATCH_RECORDS_MAX:
            self._groups.append(_Group())
        group = self._groups[-1]
        group.drafts.append(draft)
        return group, len(group.drafts) - 1

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._groups and not self._is_closed:
                    self._changed.wait()
                if not self._groups:
                    return
                group = self._groups.popleft()
                self._num_waiting -= len(group.drafts)
            self._write(group)

    def _write(self, group: _Group) -> None:
        try:
            group.receipts = self._commit(group.drafts, lambda: bool(self._groups))
        except BaseException as error:  # noqa: BLE001 - handed to each of the waiting threads
            group.error = error
        group.finish()
