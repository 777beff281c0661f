"""Keys and values of all sequences of a model, in pages of one block each.

A page holds the `BLOCK_TOKENS` positions of one block in all layers, laid out as `engine.kv_cache`
lays out a sequence's blocks. Memory is taken from the operating system when a page is first used,
lowest index first, and kept. What lies beyond a sequence's length is finite and never read with a
weight other than zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.config import ModelConfig
from engine.kv_cache import BLOCK_TOKENS, VALUE_PAD

# Dimensions: P pages, L layers, G kv heads, N blocks of a sequence, W head width, B tokens of a
# block, X = W + VALUE_PAD, T tokens.

# Keys and values of all sequences; the service's whole budget is 2 GB.
BYTES_MAX = 768 << 20


class KvPool:
    """Pages of keys and values.

    Attributes:
        num_pages: How many there are.
        num_kv_heads: Key and value heads of each layer.
    """

    def __init__(self, config: ModelConfig, *, num_pages: int | None = None) -> None:
        """Make a pool; by default for one whole context or what `BYTES_MAX` holds."""
        self._config = config
        width = config.head_dim
        if num_pages is None:
            whole = -(-config.context_length // BLOCK_TOKENS)
            num_pages = max(1, min(whole, BYTES_MAX // page_bytes(config)))
        self.num_pages = num_pages
        self.num_kv_heads = config.num_kv_heads
        lead = (num_pages, config.num_layers, config.num_kv_heads)
        # numpy leaves zeroed memory to the operating system until it is written.
        self._keys_PLGWB = torch.from_numpy(np.zeros((*lead, width, BLOCK_TOKENS), np.float32))
        self._values_PLGBX = torch.from_numpy(
            np.zeros((*lead, BLOCK_TOKENS, width + VALUE_PAD), np.float32)
        )
        self._is_ready = [False] * num_pages

    def copy_page(self, source: int, target: int) -> None:
        """Copy a whole page."""
        self._keys_PLGWB[target] = self._keys_PLGWB[source]
        self._values_PLGBX[target] = self._values_PLGBX[source]
        self._is_ready[target] = True

    def sequence(self, pages: Sequence[int], length: int) -> PagedSequence:
        """Return a sequence of `length` positions that lies on `pages` and grows onto them."""
        for page in pages:
            if not self._is_ready[page]:
                self._values_PLGBX[page, ..., self._config.head_dim] = 1.0
                self._is_ready[page] = True
        return PagedSequence(self, pages, length)

    def gather(
        self, layer_idx: int, kv_head_idx: int, index_N: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return keys [N, W, B] and values [N, B, X] of a head in the pages of an index."""
        return (
            self._keys_PLGWB[:, layer_idx, kv_head_idx].index_select(0, index_N),
            self._values_PLGBX[:, layer_idx, kv_head_idx].index_select(0, index_N),
        )

    def write(
        self, layer_idx: int, page: int, columns: slice, k_TGW: torch.Tensor, v_TGW: torch.Tensor
    ) -> None:
        """Store keys and values of consecutive positions of a page in one layer."""
        head_dim = k_TGW.shape[2]
        self._keys_PLGWB[page, layer_idx, :, :, columns] = k_TGW.permute(1, 2, 0)
        self._values_PLGBX[page, layer_idx, :, columns, :head_dim] = v_TGW.transpose(0, 1)

    def write_rows(
        self,
        layer_idx: int,
        pages_S: torch.Tensor,
        columns_S: torch.Tensor,
        k_SGW: torch.Tensor,
        v_SGW: torch.Tensor,
    ) -> None:
        """Store keys and values of one position of each of several sequences in one layer."""
        self._keys_PLGWB[pages_S, layer_idx, :, :, columns_S] = k_SGW
        self._values_PLGBX[pages_S, layer_idx, :, columns_S, : k_SGW.shape[2]] = v_SGW


class PagedSequence:
    """One sequence's view of a pool, for one step.

    Attributes:
        pool: Where it lies.
        pages: On which pages.
        length: Positions that are filled.
        num_kv_heads: Key and value heads of each layer.
    """

    def __init__(self, pool: KvPool, pages: Sequence[int], length: int) -> None:
        """View `pages` of a pool."""
        self.pool = pool
        self.pages = pages
        self._index_N = torch.tensor(pages, dtype=torch.int64)
        # First block, keys and values by head of the layer that is being read: the tiles of a step
        # share what was gathered for the first of them.
        self._gathered: dict[int, tuple[int, torch.Tensor, torch.Tensor]] = {}
        self._gathered_layer_idx = -1
        self.length = length
        self.num_kv_heads = pool.num_kv_heads

    def extend(self, token_ids: Sequence[int]) -> None:
        """Count the positions of tokens whose keys and values were written."""
        self.length += len(token_ids)

    def reserve(self, num_tokens: int) -> None:
        """Check that `num_tokens` positions fit the pages."""
        assert num_tokens <= len(self.pages) * BLOCK_TOKENS, (num_tokens, len(self.pages))

    def write(self, layer_idx: int, start: int, k_TGW: torch.Tensor, v_TGW: torch.Tensor) -> None:
        """Store the keys and values of positions `start` and after in one layer."""
        end = start + k_TGW.shape[0]
        for first in range(start - start % BLOCK_TOKENS, end, BLOCK_TOKENS):
            low, high = max(start, first), min(end, first + BLOCK_TOKENS)
            page = self.pages[first // BLOCK_TOKENS]
            columns, rows = slice(low - first, high - first), slice(low - start, high - start)
            self.pool.write(layer_idx, page, columns, k_TGW[rows], v_TGW[rows])

    def blocks(
        self, layer_idx: int, kv_head_idx: int, first: int, last: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return keys [N, W, B] and values [N, B, X] of blocks `first` to `last` - 1 of a head."""
        if self._gathered_layer_idx != layer_idx:
            self._gathered_layer_idx = layer_idx
            self._gathered.clear()
        if kv_head_idx not in self._gathered:
            # Later tiles never begin earlier.
            found = self.pool.gather(layer_idx, kv_head_idx, self._index_N[first:])
            self._gathered[kv_head_idx] = (first, *found)
        begin, keys_NWB, values_NBX = self._gathered[kv_head_idx]
        return keys_NWB[first - begin : last - begin], values_NBX[first - begin : last - begin]


def page_bytes(config: ModelConfig) -> int:
    """Return the bytes of one page."""
    width = 2 * config.head_dim + VALUE_PAD
    return 4 * config.num_layers * config.num_kv_heads * BLOCK_TOKENS * width
