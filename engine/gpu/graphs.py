"""CUDA graphs of decode steps, one for each bucket of rows.

A graph is the same kernels with the same arguments as the eager step; it saves their launches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

# Runs before capture: kernels are compiled and loaded by the first.
_WARM_UPS = 2


class StepGraphs:
    """Runs a step by its number of rows, captured where that is enabled."""

    def __init__(self, step: Callable[[int], None], *, enabled: bool) -> None:
        """Prepare to run `step`, which takes a bucket and must neither allocate nor wait."""
        self._step = step
        self._enabled = enabled
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self._first: torch.cuda.CUDAGraph | None = None

    @property
    def can_capture(self) -> bool:
        """Whether steps may be captured."""
        return self._enabled

    @contextmanager
    def captured(self, wanted: bool) -> Iterator[None]:
        """Launch steps captured, or kernel by kernel, inside the context."""
        before, self._enabled = self._enabled, wanted
        try:
            yield
        finally:
            self._enabled = before

    def run(self, bucket: int) -> None:
        """Launch the step of a bucket."""
        if not self._enabled:
            self._step(bucket)
            return
        self.prepare(bucket)
        self._graphs[bucket].replay()

    def prepare(self, bucket: int) -> None:
        """Capture the step of a bucket, if that was not done yet."""
        if not self._enabled or bucket in self._graphs:
            return
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own gap
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._step(bucket)
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        pool = None if self._first is None else self._first.pool()
        with torch.cuda.graph(graph, pool=pool, stream=side):
            self._step(bucket)
        self._first = self._first or graph
        self._graphs[bucket] = graph
