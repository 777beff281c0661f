"""Attention of one sequence's new tokens over its cache, with bits that depend on positions alone.

Keys come in blocks at absolute positions. Scores are made block by block in products of one shape;
the row maximum is exact in any order; the weighted values are added block after block in ascending
order into an accumulator that starts at zero. A block in which a query sees nothing adds zeros and
leaves the accumulator's bits, so the number of blocks that neighbours in the tile need is without
effect. The sink joins the maximum and the denominator.

`exp` is the only function used that is approximated; `engine.determinism` checks that its bits do
not depend on the place of an element in its vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from engine.cpu_products import ROWS_MIN, RowProducts
from engine.kv_cache import BLOCK_TOKENS, SequenceKv

# Dimensions: T tokens of a tile, H query heads, G kv heads, W head width, N blocks, B tokens of a
# block, J = H / G query heads of a kv head, R = T·J rows, X = W + pad.

# Queries that share one product: scores of 32 tokens by 16 blocks fit the second-level cache.
TILE_TOKENS = 32


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The key blocks that a tile of queries reads in layers of one kind.

    Attributes:
        first: Index of the first block.
        last: One past the last block.
        masked: Offset in the range of the first block that hides a key from some query.
        hidden: Which keys of the remaining blocks each query must not see, [N, T, 1, B].
    """

    first: int
    last: int
    masked: int
    hidden: torch.Tensor


@dataclass(frozen=True, slots=True)
class QueryTile:
    """Consecutive queries of one sequence: rows `low` to `high` of the step's packed tokens."""

    low: int
    high: int
    full: KeyRange
    sliding: KeyRange


def plan_tiles(
    row: int, start: int, num_tokens: int, window: int, products: RowProducts
) -> list[QueryTile]:
    """Split new tokens of a sequence into tiles and work out what each sees.

    Args:
        row: Packed row of the first token.
        start: Position of the first token.
        num_tokens: Number of new tokens.
        window: Keys that a sliding layer sees, including the query's own.
        products: Whether tiles may have more than one token.
    """
    step = TILE_TOKENS if products.any_height else 1
    tiles = []
    for low in range(0, num_tokens, step):
        high = min(low + step, num_tokens)
        positions = (start + low, start + high)
        full = _key_range(*positions, window=None)
        sliding = _key_range(*positions, window=window)
        tiles.append(QueryTile(row + low, row + high, full, sliding))
    return tiles


def _key_range(begin: int, end: int, *, window: int | None) -> KeyRange:
    first = 0 if window is None else max(0, begin - window + 1) // BLOCK_TOKENS
    last = (end - 1) // BLOCK_TOKENS + 1
    # Without a window only the blocks that hold the tile's own positions hide anything.
    clear = begin // BLOCK_TOKENS - first if window is None else 0
    keys_NB = torch.arange((first + clear) * BLOCK_TOKENS, last * BLOCK_TOKENS)
    keys_N11B = keys_NB.view(-1, 1, 1, BLOCK_TOKENS)
    queries_T11 = torch.arange(begin, end).view(-1, 1, 1)
    hidden = keys_N11B > queries_T11
    if window is not None:
        hidden |= keys_N11B <= queries_T11 - window
    return KeyRange(first, last, clear, hidden)


def attend(
    q_THW: torch.Tensor,
    cache: SequenceKv,
    layer_idx: int,
    keys: KeyRange,
    sinks_H: torch.Tensor,
) -> torch.Tensor:
    """Return the attention output [T, H·W] of one tile of queries, which carry the scale already.

    The tile's own keys and values are in the cache.
    """
    num_tokens, num_heads, head_dim = q_THW.shape
    num_kv_heads = cache.num_kv_heads
    group = num_heads // num_kv_heads
    outputs = []
    for kv_head_idx in range(num_kv_heads):
        heads = slice(kv_head_idx * group, (kv_head_idx + 1) * group)
        q_RW = q_THW[:, heads].reshape(-1, head_dim)
        sinks_R = sinks_H[heads].expand(num_tokens, group).reshape(-1, 1)
        blocks = cache.blocks(layer_idx, kv_head_idx, keys.first, keys.last)
        out_RW = _attend_head(q_RW, *blocks, sinks_R, keys)
        outputs.append(out_RW.view(num_tokens, group * head_dim))
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)


def _attend_head(
    q_RW: torch.Tensor,
    keys_NWB: torch.Tensor,
    values_NBX: torch.Tensor,
    sinks_R1: torch.Tensor,
    keys: KeyRange,
) -> torch.Tensor:
    num_rows, head_dim = q_RW.shape
    num_blocks = keys_NWB.shape[0]
    if num_rows < ROWS_MIN:
        q_RW, sinks_R1 = q_RW.expand(ROWS_MIN, -1), sinks_R1.expand(ROWS_MIN, -1)
    height = q_RW.shape[0]
    scores_NRB = torch.bmm(q_RW.expand(num_blocks, -1, -1), keys_NWB)
    num_tokens = keys.hidden.shape[1]
    group = max(num_rows // num_tokens, height if num_tokens == 1 else 1)
    scores_NRB[keys.masked :].view(-1, num_tokens, group, BLOCK_TOKENS).masked_fill_(
        keys.hidden, -math.inf
    )
    max_R1 = torch.maximum(scores_NRB.amax(dim=(0, 2)).unsqueeze(1), sinks_R1)
    weights_NRB = scores_NRB.sub_(max_R1).exp_()
    total_RX = values_NBX.new_zeros(height, values_NBX.shape[2])
    for part_RX in torch.bmm(weights_NRB, values_NBX).unbind():
        total_RX.add_(part_RX)
    denominator_R1 = total_RX[:, head_dim : head_dim + 1] + (sinks_R1 - max_R1).exp_()
    return (total_RX[:, :head_dim] / denominator_R1)[:num_rows]
