"""Attention of many sequences that each have one new token, in shared products.

Gives each row the bits that `engine.cpu_attention` gives it alone: products are batched per block,
and an item of a batched product has the bits it has by itself (`engine.determinism` checks that).
Sequences with about as many blocks are padded to the same number; a padding block is hidden from
its query, has weights of exactly zero and adds zeros, which leaves the accumulator's bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.cpu_products import ROWS_MIN
from engine.kv_cache import BLOCK_TOKENS
from engine.kv_pool import KvPool, PagedSequence

# Dimensions: S sequences, H query heads, G kv heads, W head width, N blocks, B tokens of a block,
# J = H / G query heads of a kv head, X = W + pad.


@dataclass(frozen=True, slots=True)
class BlockTable:
    """The blocks that each sequence of a group reads in layers of one kind.

    Attributes:
        index: Pages, sequence by sequence, [S·N].
        hidden: Which keys each query must not see, [S, N, 1, B].
    """

    index: torch.Tensor
    hidden: torch.Tensor


@dataclass(frozen=True, slots=True)
class DecodeGroup:
    """Sequences with one new token each and about as many blocks.

    Attributes:
        pool: Where their keys and values lie.
        rows: Row of each among the step's packed tokens, [S].
        pages: Page of each new token, [S].
        columns: Its place in the page, [S].
        full: Blocks of layers that see everything.
        sliding: Blocks of layers with a window.
    """

    pool: KvPool
    rows: torch.Tensor
    pages: torch.Tensor
    columns: torch.Tensor
    full: BlockTable
    sliding: BlockTable

    def attend(
        self,
        q_SHW: torch.Tensor,
        layer_idx: int,
        sinks_H: torch.Tensor,
        *,
        is_sliding: bool,
    ) -> torch.Tensor:
        """Return the attention output [S, H·W] of queries that carry the scale already.

        The new tokens' own keys and values are in the pool.
        """
        table = self.sliding if is_sliding else self.full
        num_kv_heads = self.pool.num_kv_heads
        group = q_SHW.shape[1] // num_kv_heads
        outputs = []
        for kv_head_idx in range(num_kv_heads):
            heads = slice(kv_head_idx * group, (kv_head_idx + 1) * group)
            keys_MWB, values_MBX = self.pool.gather(layer_idx, kv_head_idx, table.index)
            outputs.append(
                _attend_head(q_SHW[:, heads], keys_MWB, values_MBX, sinks_H[heads], table.hidden)
            )
        return outputs[0] if num_kv_heads == 1 else torch.cat(outputs, dim=1)


def plan_groups(
    sequences: Sequence[tuple[PagedSequence, int]], *, window: int
) -> list[DecodeGroup]:
    """Put sequences with one new token each into groups.

    Args:
        sequences: Each with its row among the step's packed tokens, on pages of one pool.
        window: Keys that a sliding layer sees, including the query's own.
    """
    by_size: dict[int, list[tuple[PagedSequence, int]]] = {}
    for sequence, row in sequences:
        by_size.setdefault((sequence.length // BLOCK_TOKENS).bit_length(), []).append(
            (sequence, row)
        )
    return [_group(members, window) for members in by_size.values()]


def _group(members: Sequence[tuple[PagedSequence, int]], window: int) -> DecodeGroup:
    positions = [sequence.length for sequence, _ in members]
    tables = [sequence.pages for sequence, _ in members]
    places = [divmod(position, BLOCK_TOKENS) for position in positions]
    return DecodeGroup(
        pool=members[0][0].pool,
        rows=torch.tensor([row for _, row in members]),
        pages=torch.tensor(
            [pages[block] for pages, (block, _) in zip(tables, places, strict=True)]
        ),
        columns=torch.tensor([column for _, column in places]),
        full=_table(tables, positions, None),
        sliding=_table(tables, positions, window),
    )


def _table(
    tables: Sequence[Sequence[int]], positions: Sequence[int], window: int | None
) -> BlockTable:
    firsts = [
        0 if window is None else max(0, position - window + 1) // BLOCK_TOKENS
        for position in positions
    ]
    lasts = [position // BLOCK_TOKENS for position in positions]
    num_blocks = max(last - first for first, last in zip(firsts, lasts, strict=True)) + 1
    index = [
        pages[min(first + offset, last)]
        for pages, first, last in zip(tables, firsts, lasts, strict=True)
        for offset in range(num_blocks)
    ]
    starts_S1 = torch.tensor(firsts).unsqueeze(1) * BLOCK_TOKENS
    keys_SM = starts_S1 + torch.arange(num_blocks * BLOCK_TOKENS)
    queries_S1 = torch.tensor(positions).unsqueeze(1)
    hidden_SM = keys_SM > queries_S1
    if window is not None:
        hidden_SM |= keys_SM <= queries_S1 - window
    return BlockTable(
        index=torch.tensor(index),
        hidden=hidden_SM.view(len(positions), num_blocks, 1, BLOCK_TOKENS),
    )


def _attend_head(
    q_SJW: torch.Tensor,
    keys_MWB: torch.Tensor,
    values_MBX: torch.Tensor,
    sinks_J: torch.Tensor,
    hidden_SN1B: torch.Tensor,
) -> torch.Tensor:
    num_sequences, num_rows, head_dim = q_SJW.shape
    num_blocks = hidden_SN1B.shape[1]
    height = max(num_rows, ROWS_MIN)
    if num_rows < height:
        q_SJW, sinks_J = q_SJW.expand(-1, height, -1), sinks_J.expand(height)
    q_SNJW = q_SJW.unsqueeze(1).expand(-1, num_blocks, -1, -1)
    scores_MJB = torch.bmm(q_SNJW.reshape(-1, height, head_dim), keys_MWB)
    scores_SNJB = scores_MJB.view(num_sequences, num_blocks, height, BLOCK_TOKENS)
    scores_SNJB.masked_fill_(hidden_SN1B, -math.inf)
    max_SJ = torch.maximum(scores_SNJB.amax(dim=(1, 3)), sinks_J)
    scores_SNJB.sub_(max_SJ.view(num_sequences, 1, height, 1)).exp_()
    parts_MJX = torch.bmm(scores_MJB, values_MBX)
    parts_SNJX = parts_MJX.view(num_sequences, num_blocks, height, -1)
    total_SJX = torch.zeros_like(parts_SNJX[:, 0])
    for block_idx in range(num_blocks):
        total_SJX.add_(parts_SNJX[:, block_idx])
    sink_SJ1 = (sinks_J - max_SJ).exp_().unsqueeze(2)
    denominator_SJ1 = total_SJX[:, :, head_dim : head_dim + 1] + sink_SJ1
    out_SJW = (total_SJX[:, :, :head_dim] / denominator_SJ1)[:, :num_rows]
    return out_SJW.reshape(num_sequences, -1)
