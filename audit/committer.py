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

CommitBatch = Callable[[Sequence[Draft]], Sequence[Receipt]]


class Pending:
    """A record on its way into a batch."""

    __slots__ = ("_done", "draft", "error", "receipt")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.receipt: Receipt | None = None
        self.error: BaseException | None = None
        # A bare lock costs a tenth of an event.
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self) -> None:
        """Let the waiting thread go on."""
        self._done.release()

    def wait(self) -> None:
        """Wait for receipt or error."""
        self._done.acquire()


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
        self._queue: deque[Pending] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="audit-commit", daemon=True)
        self._thread.start()

    @property
    def num_waiting(self) -> int:
        """Records that are not yet in a batch."""
        return len(self._queue)

    def submit(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Have records written in this order, and wait for their receipts.

        Raises:
            LogBusyError: Too many wait already; nothing of these was written.
            LogFailedError: The log was closed, or a batch failed; records at the front may be in
                the log without a receipt.
        """
        mine = [Pending(draft) for draft in drafts]
        with self._changed:
            if self._is_closed:
                raise LogFailedError(self._directory, "the log was closed")
            if len(self._queue) + len(mine) > WAITING_RECORDS_MAX:
                raise LogBusyError(len(self._queue), limit=WAITING_RECORDS_MAX)
            self._queue.extend(mine)
            self._changed.notify()
        for pending in mine:
            pending.wait()
        receipts = [pending.receipt for pending in mine if pending.receipt is not None]
        if len(receipts) < len(mine):
            cause = next(pending.error for pending in mine if pending.error is not None)
            # A full disk stays a full disk to whoever waits.
            kind = type(cause) if isinstance(cause, LogFailedError) else LogFailedError
            raise kind(self._directory, f"the batch failed: {cause}") from cause
        return receipts

    def close(self) -> None:
        """Write what waits, and end the thread. A second call does nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._is_closed:
                    self._changed.wait()
                if not self._queue:
                    return
                count = min(len(self._queue), BATCH_RECORDS_MAX)
                batch = [self._queue.popleft() for _ in range(count)]
            self._write(batch)

    def _write(self, batch: list[Pending]) -> None:
        try:
            receipts = self._commit([pending.draft for pending in batch])
        except BaseException as error:  # noqa: BLE001 - handed to each of the waiting threads
            for pending in batch:
                pending.error = error
        else:
            for pending, receipt in zip(batch, receipts, strict=True):
                pending.receipt = receipt
        for pending in batch:
            pending.finish()
