"""Batches of packed rows: worker processes write rows to pipes, a thread turns them into tensors.

Row `i` of a run is a function of (seed, i) alone and batch `n` holds rows `n·B … n·B + B - 1`, so
the data of a step does not depend on the number of workers, on timing, or on where a run was
resumed. Workers are plain processes of `engine.training.feed`; a full pipe holds them back.
"""

from __future__ import annotations

import contextlib
import fcntl
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import IO, Protocol

import numpy as np
import numpy.typing as npt
import torch

from engine.training.packing import POSITION_DTYPE, ROLE_ASSISTANT, ROLE_CONTEXT, shift_targets

_PIPE_BYTES = 1 << 20
_BATCHES_AHEAD = 4
CONTEXT_WEIGHT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tensors of one step, `[B, S]` each."""

    tokens: torch.Tensor
    positions: torch.Tensor
    segments: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    num_assistant: int

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; ids and positions become int64 there."""

        def move(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
            return tensor.to(device, non_blocking=True).to(dtype)

        return Batch(
            tokens=move(self.tokens, torch.int64),
            positions=move(self.positions, torch.int32),
            segments=move(self.segments, torch.int32),
            targets=move(self.targets, torch.int64),
            weights=move(self.weights, torch.float32),
            num_assistant=self.num_assistant,
        )


def make_batch(rows: npt.NDArray[np.void], *, pin: bool = False) -> Batch:
    """Turns packed rows `[B, S]` into the tensors of a step.

    Args:
        rows: Rows of `POSITION_DTYPE`.
        pin: Put the tensors into page-locked memory, for asynchronous copies to a GPU.
    """
    target, role = shift_targets(rows)
    weight = np.zeros(rows.shape, np.float32)
    weight[role == ROLE_CONTEXT] = CONTEXT_WEIGHT
    weight[role == ROLE_ASSISTANT] = 1.0

    def tensor(array: npt.NDArray[np.generic]) -> torch.Tensor:
        out = torch.from_numpy(np.ascontiguousarray(array))
        return out.pin_memory() if pin else out

    return Batch(
        tokens=tensor(rows["token"].astype(np.int32)),
        positions=tensor(rows["position"].astype(np.int32)),
        segments=tensor(rows["segment"].astype(np.int32)),
        targets=tensor(target.astype(np.int32)),
        weights=tensor(weight),
        num_assistant=int((role == ROLE_ASSISTANT).sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """Which rows a stream yields."""

    seed: int
    first_step: int
    batch_rows: int
    num_positions: int
    num_workers: int
    tokenizer: str


class BatchSource(Protocol):
    """Whatever yields the batches of a run, one step after another."""

    def next(self) -> Batch:
        """The next batch."""


class BatchStream:
    """An endless iterator of batches; closes its workers on exit of the `with` block."""

    def __init__(self, plan: StreamPlan, *, pin: bool) -> None:
        self._plan = plan
        self._pin = pin
        self._first_row = plan.first_step * plan.batch_rows
        self._workers = [self._start(idx) for idx in range(plan.num_workers)]
        self._ready: queue.Queue[Batch | None] = queue.Queue(_BATCHES_AHEAD)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, daemon=True)

    def _start(self, worker: int) -> subprocess.Popen[bytes]:
        plan = self._plan
        arguments = {
            "seed": plan.seed,
            "first": self._first_row + worker,
            "stride": plan.num_workers,
            "positions": plan.num_positions,
            "tokenizer": plan.tokenizer,
        }
        options = [f"--{name}={value}" for name, value in arguments.items()]
        command = [sys.executable, "-m", "engine.training.feed", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603  # our own module
        assert process.stdout is not None
        # A small pipe still works, workers only wait more often.
        with contextlib.suppress(OSError):
            fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return process

    def _rows(self) -> Iterator[npt.NDArray[np.void]]:
        num_bytes = self._plan.num_positions * POSITION_DTYPE.itemsize
        outputs: list[IO[bytes]] = [w.stdout for w in self._workers if w.stdout is not None]
        row_idx = 0
        while True:
            data = outputs[row_idx % len(outputs)].read(num_bytes)
            if len(data) != num_bytes:
                return
            yield np.frombuffer(data, POSITION_DTYPE)
            row_idx += 1

    def _fill(self) -> None:
        rows = self._rows()
        while not self._is_closed.is_set():
            stack = list(islice(rows, self._plan.batch_rows))
            is_whole = len(stack) == self._plan.batch_rows
            item = make_batch(np.stack(stack), pin=self._pin) if is_whole else None
            while not self._is_closed.is_set():
                try:
                    self._ready.put(item, timeout=0.5)
                except queue.Full:
                    continue
                break
            if item is None:
                return

    def __enter__(self) -> BatchStream:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closed.set()
        for process in self._workers:
            process.kill()
        self._thread.join()
        for process in self._workers:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def next(self) -> Batch:
        """The next batch.

        Raises:
            RuntimeError: A data worker ended.
        """
        batch = self._ready.get()
        if batch is None:
            codes = [process.poll() for process in self._workers]
            raise RuntimeError(f"a data worker ended; exit codes {codes}")
        return batch
