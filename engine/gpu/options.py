"""Sizes that a runner is built for."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from engine.gpu.errors import BatchLimitError

# Positions of a page of keys and values; the kernels' blocks.
PAGE_TOKENS = 64
# Rows of the decode steps that are captured as graphs; a step is padded to the next one.
BUCKETS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256)
SEQUENCES_MAX = BUCKETS[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuOptions:
    """How much a runner can hold.

    Attributes:
        sequences_max: Sequences that may decode in one step, at most 256.
        chunk_tokens: Prompt tokens of one step.
        num_pages: Pages of keys and values; by default as many as fit `memory_share`.
        memory_share: Share of the GPU's memory that the runner may fill.
        sliding_share: Pages of the sliding layers for each page of the full ones. What lies
            behind every window is reclaimed; the rest keeps shared beginnings findable.
        use_graphs: Whether decode steps are captured; the same kernels run either way.
    """

    sequences_max: int = SEQUENCES_MAX
    chunk_tokens: int = 8192
    num_pages: int | None = None
    memory_share: float = 0.92
    sliding_share: float = 0.125
    use_graphs: bool = True

    @property
    def buckets(self) -> tuple[int, ...]:
        """Rows of decode steps, ascending, up to the first that holds `sequences_max`."""
        return BUCKETS[: bisect.bisect_left(BUCKETS, self.sequences_max) + 1]


def bucket_of(num_rows: int, buckets: tuple[int, ...]) -> int:
    """Return the smallest bucket that holds `num_rows`.

    Raises:
        BatchLimitError: None does.
    """
    place = bisect.bisect_left(buckets, num_rows)
    if place == len(buckets):
        raise BatchLimitError("sequences", limit=buckets[-1], actual=num_rows)
    return buckets[place]
