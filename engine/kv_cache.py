"""Keys and values of one sequence.

Positions are grouped in blocks of `BLOCK_TOKENS` that start at multiples of it, whatever the
sequence's history, because attention reduces block by block and its bits must depend on absolute
positions alone. Keys lie transposed, as the product with the queries reads them. Values carry one
more column that is 1, so that one product yields the weighted values and the sum of the weights.
What lies beyond `length` is finite and never read with a weight other than zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from engine.config import ModelConfig

# Dimensions: L layers, G kv heads, N blocks, W head width, B tokens of a block, X = W + VALUE_PAD,
# T tokens.

BLOCK_TOKENS = 128
# A whole vector of columns keeps the product's width a multiple of the vector length.
VALUE_PAD = 16


class SequenceKv(Protocol):
    """Keys and values of one sequence, wherever they lie; what a step of the network reads."""

    @property
    def length(self) -> int:
        """Number of positions held."""

    @property
    def num_kv_heads(self) -> int:
        """Key and value heads of each layer."""

    def reserve(self, num_tokens: int) -> None:
        """Make sure that there is room for `num_tokens` positions in all."""

    def write(self, layer_idx: int, start: int, k_TGW: torch.Tensor, v_TGW: torch.Tensor) -> None:
        """Store the keys and values of positions `start` and after in one layer."""

    def blocks(
        self, layer_idx: int, kv_head_idx: int, first: int, last: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return keys [N, W, B] and values [N, B, X] of blocks `first` to `last` - 1 of a head."""

    def extend(self, token_ids: Sequence[int]) -> None:
        """Count the positions of tokens whose keys and values were written in every layer."""


class KvCache:
    """Keys, values and token ids of the positions 0 to `length` - 1.

    Attributes:
        token_ids: The tokens whose keys and values are held, in order.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make an empty cache for a network."""
        self._config = config
        self.token_ids: list[int] = []
        self._allocate(0)

    @property
    def length(self) -> int:
        """Number of positions held."""
        return len(self.token_ids)

    @property
    def num_kv_heads(self) -> int:
        """Key and value heads of each layer."""
        return self._config.num_kv_heads

    @property
    def num_bytes(self) -> int:
        """Memory taken, in bytes, including room not yet filled."""
        return self._keys_LGNWB.nbytes + self._values_LGNBX.nbytes

    def reserve(self, num_tokens: int) -> None:
        """Make room for `num_tokens` positions in all."""
        needed = -(-num_tokens // BLOCK_TOKENS)
        held = self._keys_LGNWB.shape[2]
        if needed <= held:
            return
        keys, values = self._keys_LGNWB, self._values_LGNBX
        self._allocate(max(needed, held + held // 2))
        self._keys_LGNWB[:, :, :held] = keys
        self._values_LGNBX[:, :, :held] = values

    def fork(self, num_tokens: int) -> KvCache:
        """Return a new cache that holds a copy of the first `num_tokens` positions."""
        other = KvCache(self._config)
        other.reserve(num_tokens)
        blocks = -(-num_tokens // BLOCK_TOKENS)
        other._keys_LGNWB[:, :, :blocks] = self._keys_LGNWB[:, :, :blocks]
        other._values_LGNBX[:, :, :blocks] = self._values_LGNBX[:, :, :blocks]
        other.token_ids = self.token_ids[:num_tokens]
        return other

    def extend(self, token_ids: Sequence[int]) -> None:
        """Count the positions of tokens whose keys and values were written in every layer."""
        self.token_ids.extend(token_ids)

    def truncate(self, num_tokens: int) -> None:
        """Forget every position from `num_tokens` on."""
        del self.token_ids[num_tokens:]

    def write(self, layer_idx: int, start: int, k_TGW: torch.Tensor, v_TGW: torch.Tensor) -> None:
        """Store the keys and values of positions `start` and after in one layer."""
        keys_GNWB, values_GNBX = self._keys_LGNWB[layer_idx], self._values_LGNBX[layer_idx]
        head_dim = k_TGW.shape[2]
        if k_TGW.shape[0] == 1:
            # The common case of decoding, without the cost of slices.
            block_idx, column = divmod(start, BLOCK_TOKENS)
            keys_GNWB[:, block_idx, :, column] = k_TGW[0]
            values_GNBX[:, block_idx, column, :head_dim] = v_TGW[0]
            return
        end = start + k_TGW.shape[0]
        for first in range(start - start % BLOCK_TOKENS, end, BLOCK_TOKENS):
            low, high = max(start, first), min(end, first + BLOCK_TOKENS)
            block_idx, columns = first // BLOCK_TOKENS, slice(low - first, high - first)
            rows = slice(low - start, high - start)
            keys_GNWB[:, block_idx, :, columns] = k_TGW[rows].permute(1, 2, 0)
            values_GNBX[:, block_idx, columns, :head_dim] = v_TGW[rows].transpose(0, 1)

    def blocks(
        self, layer_idx: int, kv_head_idx: int, first: int, last: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return keys [N, W, B] and values [N, B, X] of blocks `first` to `last` - 1 of a head."""
        return (
            self._keys_LGNWB[layer_idx, kv_head_idx, first:last],
            self._values_LGNBX[layer_idx, kv_head_idx, first:last],
        )

    def _allocate(self, num_blocks: int) -> None:
        config = self._config
        width = config.head_dim
        lead = (config.num_layers, config.num_kv_heads, num_blocks)
        self._keys_LGNWB = torch.zeros(*lead, width, BLOCK_TOKENS)
        self._values_LGNBX = torch.zeros(*lead, BLOCK_TOKENS, width + VALUE_PAD)
        self._values_LGNBX[..., width] = 1.0
