"""Lists of the rows that go to each expert, cut into blocks for the expert kernels.

Rows (token * K + rank) are sorted by expert, then by row, and each expert's are cut into blocks of
equal size. A few rows are sorted inside the router's kernel by counting, for each, those before it;
more of them by one program for each expert and step of 1024 rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.launch import let_next_start, wait_for_previous

# Dimensions: T tokens, E experts, K experts per token, R routed rows (T·K), S steps of the
# grouping, N blocks of routed rows.

_STEP_ROWS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLists:
    """Where the lists go.

    Attributes:
        order_R: Routed rows sorted by expert, then by row, int32.
        blocks_N3: Expert (-1: none), first and end place in `order_R` of each block, int32.
        counts: Workspace of at least S * E words, int32.
        num_experts: Number of experts.
        block_rows: Most rows of a block.
    """

    order_R: torch.Tensor
    blocks_N3: torch.Tensor
    counts: torch.Tensor
    num_experts: int
    block_rows: int


def max_blocks(num_rows: int, num_experts: int, block_rows: int) -> int:
    """Return how many blocks any routing of so many rows needs at most."""
    return min(num_rows, min(num_experts, num_rows) + num_rows // block_rows)


def group_rows(ids_TK: torch.Tensor, lists: RowLists, options: dict[str, int | bool]) -> None:
    """Fill the lists from the experts of each token, where -1 is none.

    Args:
        ids_TK: int32.
        lists: Filled.
        options: Launch options shared by the router's kernels.
    """
    num_rows = ids_TK.numel()
    num_steps = triton.cdiv(num_rows, _STEP_ROWS)
    step = min(_STEP_ROWS, triton.next_power_of_2(num_rows))
    if num_steps > 1:
        _count_kernel[(num_steps,)](
            ids_TK, lists.counts, num_rows, NUM_EXPERTS=lists.num_experts, STEP=step, **options
        )
    _group_kernel[(lists.num_experts, num_steps)](
        ids_TK,
        lists.counts,
        lists.order_R,
        lists.blocks_N3,
        num_rows,
        num_steps,
        lists.blocks_N3.shape[0],
        NUM_EXPERTS=lists.num_experts,
        BLOCK_ROWS=lists.block_rows,
        STEP=step,
        BLOCK_S=triton.next_power_of_2(num_steps),
        **options,
    )


@triton.jit
def group_few(
    id_R,
    row_R,
    order_ptr,
    blocks_ptr,
    num_blocks,
    NUM_EXPERTS: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    NUM_ROWS: tl.constexpr,
):
    """Sort rows by counting, for each, those before it; rows of padding have id NUM_EXPERTS."""
    key_R = id_R * NUM_ROWS + tl.arange(0, NUM_ROWS)
    is_before = key_R[None, :] < key_R[:, None]
    is_same = id_R[None, :] == id_R[:, None]
    place_R = tl.sum(is_before.to(tl.int32), axis=1)
    count_R = tl.sum(is_same.to(tl.int32), axis=1)
    in_expert_R = tl.sum((is_same & is_before).to(tl.int32), axis=1)
    is_row = id_R < NUM_EXPERTS
    tl.store(order_ptr + place_R, row_R, mask=is_row)
    is_first = is_row & (in_expert_R % BLOCK_ROWS == 0)
    is_first_before = is_before & is_first[None, :]
    block_R = tl.sum(is_first_before.to(tl.int32), axis=1)
    end_R = tl.minimum(place_R + BLOCK_ROWS, place_R - in_expert_R + count_R)
    entry_ptrs = blocks_ptr + block_R * 3
    tl.store(entry_ptrs, id_R, mask=is_first)
    tl.store(entry_ptrs + 1, place_R, mask=is_first)
    tl.store(entry_ptrs + 2, end_R, mask=is_first)
    # The number of blocks, once for each row: Triton 3.6 counts twice when it reduces a vector
    # whose layout came out of a reshape with copies in it.
    is_first_RR = is_first[None, :] & (key_R[:, None] >= 0)
    block = tl.sum(is_first_RR.to(tl.int32), axis=1) + tl.arange(0, NUM_ROWS)
    none = tl.zeros((NUM_ROWS,), tl.int32) - 1
    tl.store(blocks_ptr + block * 3, none, mask=block < num_blocks)


@triton.jit
def _count_rows(ids_ptr, first, num_rows, NUM_EXPERTS: tl.constexpr, STEP: tl.constexpr):
    """Return how many rows of a step each expert has."""
    offs_s = first + tl.arange(0, STEP)
    id_S = tl.load(ids_ptr + offs_s, mask=offs_s < num_rows, other=-1)
    is_expert = id_S[:, None] == tl.arange(0, NUM_EXPERTS)[None, :]
    return tl.sum(is_expert.to(tl.int32), axis=0)


@triton.jit
def _count_kernel(
    ids_ptr,
    counts_ptr,
    num_rows,
    NUM_EXPERTS: tl.constexpr,
    STEP: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    count_E = _count_rows(ids_ptr, tl.program_id(0) * STEP, num_rows, NUM_EXPERTS, STEP)
    tl.store(counts_ptr + tl.program_id(0) * NUM_EXPERTS + tl.arange(0, NUM_EXPERTS), count_E)


@triton.jit
def _group_kernel(
    ids_ptr,
    counts_ptr,
    order_ptr,
    blocks_ptr,
    num_rows,
    num_steps,
    num_blocks,
    NUM_EXPERTS: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    STEP: tl.constexpr,
    BLOCK_S: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    let_next_start(USE_PDL)
    expert = tl.program_id(0)
    step = tl.program_id(1)
    offs_e = tl.arange(0, NUM_EXPERTS)
    wait_for_previous(USE_PDL)
    if BLOCK_S == 1:
        count_E = _count_rows(ids_ptr, 0, num_rows, NUM_EXPERTS, STEP)
        earlier = 0
    else:
        offs_s = tl.arange(0, BLOCK_S)
        counts_ptrs = counts_ptr + offs_s[:, None] * NUM_EXPERTS + offs_e[None, :]
        count_SE = tl.load(counts_ptrs, mask=(offs_s < num_steps)[:, None], other=0)
        count_E = tl.sum(count_SE, axis=0)
        is_earlier = (offs_s < step)[:, None] & (offs_e == expert)[None, :]
        earlier = tl.sum(tl.sum(tl.where(is_earlier, count_SE, 0), axis=1), axis=0)
    blocks_E = (count_E + BLOCK_ROWS - 1) // BLOCK_ROWS
    first_row = tl.sum(tl.where(offs_e < expert, count_E, 0), axis=0)
    first_block = tl.sum(tl.where(offs_e < expert, blocks_E, 0), axis=0)
    end_row = first_row + tl.sum(tl.where(offs_e == expert, count_E, 0), axis=0)

    row_S = step * STEP + tl.arange(0, STEP)
    id_S = tl.load(ids_ptr + row_S, mask=row_S < num_rows, other=-1)
    is_mine = (id_S == expert).to(tl.int32)
    place_S = first_row + earlier + tl.cumsum(is_mine, axis=0) - 1
    tl.store(order_ptr + place_S, row_S, mask=is_mine != 0)
    if step == 0:
        my_blocks = (end_row - first_row + BLOCK_ROWS - 1) // BLOCK_ROWS
        for start in range(0, my_blocks, STEP):
            block_S = start + tl.arange(0, STEP)
            is_block = block_S < my_blocks
            entry_ptrs = blocks_ptr + (first_block + block_S) * 3
            first_S = first_row + block_S * BLOCK_ROWS
            tl.store(entry_ptrs, tl.zeros((STEP,), tl.int32) + expert, mask=is_block)
            tl.store(entry_ptrs + 1, first_S, mask=is_block)
            tl.store(entry_ptrs + 2, tl.minimum(first_S + BLOCK_ROWS, end_row), mask=is_block)
        if expert == 0:
            for start in range(tl.sum(blocks_E, axis=0), num_blocks, STEP):
                block_S = start + tl.arange(0, STEP)
                none_S = tl.zeros((STEP,), tl.int32) - 1
                tl.store(blocks_ptr + block_S * 3, none_S, mask=block_S < num_blocks)
