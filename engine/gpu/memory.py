"""Device memory of keys and values, and how much of it there can be.

A page is 64 positions of one sequence. In full layers every page has memory; sliding layers have
fewer pages (`engine.gpu.sliding`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.config import ModelConfig
from engine.gpu.errors import GpuMemoryError
from engine.gpu.options import PAGE_TOKENS, GpuOptions

# Dimensions: L layers of a kind, N pages, G kv heads, P positions of a page, W head width.

BF16_BYTES = 2
# Pages of the sliding layers that each sequence of a step may look at.
WINDOW_PAGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCounts:
    """Pages of the full and of the sliding layers."""

    full: int
    sliding: int


def page_bytes(config: ModelConfig, *, sliding: bool) -> int:
    """Return the bytes of one page in all layers of a kind, keys and values together."""
    layers = sum(is_sliding == sliding for is_sliding in config.layer_is_sliding)
    return 2 * BF16_BYTES * layers * config.num_kv_heads * PAGE_TOKENS * config.head_dim


def sliding_pages_min(options: GpuOptions) -> int:
    """Return the pages that the largest step may look at in sliding layers."""
    chunk = -(-options.chunk_tokens // PAGE_TOKENS)
    return WINDOW_PAGES * options.sequences_max + chunk


def count_pages(config: ModelConfig, options: GpuOptions, free_bytes: int) -> PageCounts:
    """Return how many pages there are to be, from the options or from what is free.

    Raises:
        GpuMemoryError: Not even one whole context or the pages asked for fit.
    """
    full_bytes = page_bytes(config, sliding=False)
    sliding_bytes = page_bytes(config, sliding=True)
    needed_sliding = sliding_pages_min(options)
    wanted = options.num_pages
    if wanted is None:
        rest = free_bytes - needed_sliding * sliding_bytes
        wanted = max(1, int(rest / (full_bytes + options.sliding_share * sliding_bytes)))
        # More pages than all sequences can fill are of no use.
        blocks = -(-config.context_length // PAGE_TOKENS)
        wanted = min(wanted, options.sequences_max * blocks)
    sliding = min(wanted, needed_sliding + int(options.sliding_share * wanted))
    needed = wanted * full_bytes + sliding * sliding_bytes
    if needed > free_bytes:
        what = f"{wanted * PAGE_TOKENS} tokens of keys and values"
        raise GpuMemoryError(what, needed=needed, present=free_bytes)
    return PageCounts(full=wanted, sliding=sliding)


class KvMemory:
    """Keys and values of all layers.

    Attributes:
        k: For each layer [N, G, 64, 64] bfloat16; N differs between the kinds of layers.
        v: The same for values.
    """

    def __init__(self, config: ModelConfig, counts: PageCounts, device: torch.device) -> None:
        """Allocate the pages of every layer."""
        self._is_sliding = config.layer_is_sliding
        self.counts = counts
        self.k, self.v = list[torch.Tensor](), list[torch.Tensor]()
        for is_sliding in config.layer_is_sliding:
            num_pages = counts.sliding if is_sliding else counts.full
            shape = (num_pages, config.num_kv_heads, PAGE_TOKENS, config.head_dim)
            self.k.append(torch.zeros(shape, dtype=torch.bfloat16, device=device))
            self.v.append(torch.zeros(shape, dtype=torch.bfloat16, device=device))

    def copy(self, source: int, target: int, *, sliding: bool) -> None:
        """Copy a page in all layers of a kind."""
        for k, v, is_sliding in zip(self.k, self.v, self._is_sliding, strict=True):
            if is_sliding == sliding:
                k[target].copy_(k[source])
                v[target].copy_(v[source])
