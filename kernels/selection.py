"""The last part of the router: from the slices' logits to experts, weights and, if few, lists.

It runs in the program of the router's product that finishes last, or in a kernel of its own.
"""

from __future__ import annotations

import triton
import triton.language as tl

from kernels.grouping import group_few
from kernels.launch import let_next_start, wait_for_previous

# Dimensions: T tokens of a block, E experts, K experts per token.


@triton.jit
def select_kernel(
    partial_ptr,
    bias_ptr,
    num_rows_ptr,
    ids_ptr,
    weights_ptr,
    order_ptr,
    blocks_ptr,
    num_tokens,
    num_blocks,
    NUM_SLICES: tl.constexpr,
    NUM_EXPERTS: tl.constexpr,
    NUM_SELECTED: tl.constexpr,
    SELECT_T: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    IS_GROUPING: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    """Choose the experts of a block of tokens whose logits another kernel has made."""
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    select_experts(
        tl.program_id(0) * SELECT_T,
        partial_ptr,
        bias_ptr,
        num_rows_ptr,
        ids_ptr,
        weights_ptr,
        order_ptr,
        blocks_ptr,
        num_tokens,
        num_blocks,
        NUM_SLICES,
        NUM_EXPERTS,
        NUM_SELECTED,
        SELECT_T,
        BLOCK_K,
        BLOCK_ROWS,
        IS_GROUPING,
    )


@triton.jit
def select_experts(
    first_token,
    partial_ptr,
    bias_ptr,
    num_rows_ptr,
    ids_ptr,
    weights_ptr,
    order_ptr,
    blocks_ptr,
    num_tokens,
    num_blocks,
    NUM_SLICES: tl.constexpr,
    NUM_EXPERTS: tl.constexpr,
    NUM_SELECTED: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    IS_GROUPING: tl.constexpr,
):
    """Add the slices of a block of tokens, choose their experts, and group them if they are all."""
    offs_t = first_token + tl.arange(0, BLOCK_T)
    offs_e = tl.arange(0, NUM_EXPERTS)
    mask_t = offs_t < num_tokens
    bias_E = tl.load(bias_ptr + offs_e).to(tl.float32)
    is_real = offs_t < tl.load(num_rows_ptr)
    logits_TE = tl.zeros((BLOCK_T, NUM_EXPERTS), tl.float32)
    for part in tl.static_range(NUM_SLICES):
        row = part * num_tokens + offs_t
        partial_ptrs = partial_ptr + row[:, None] * NUM_EXPERTS + offs_e[None, :]
        # Other programs wrote them: not from this multiprocessor's own cache.
        logits_TE += tl.load(partial_ptrs, mask=mask_t[:, None], other=0.0, cache_modifier=".cg")
    logits_TE += bias_E[None, :]
    logits_TE = tl.where(logits_TE == logits_TE, logits_TE, float("-inf"))

    largest_T = tl.max(logits_TE, axis=1)
    total_T = tl.zeros((BLOCK_T,), tl.float32)
    offs_k = tl.arange(0, BLOCK_K)
    id_TK = tl.zeros((BLOCK_T, BLOCK_K), tl.int32)
    weight_TK = tl.zeros((BLOCK_T, BLOCK_K), tl.float32)
    is_taken = tl.zeros((BLOCK_T, NUM_EXPERTS), tl.int1)
    for rank in tl.static_range(NUM_SELECTED):
        value_T = tl.max(tl.where(is_taken, float("-inf"), logits_TE), axis=1)
        is_best = (logits_TE == value_T[:, None]) & (is_taken == 0)
        expert_T = tl.min(tl.where(is_best, offs_e[None, :], NUM_EXPERTS), axis=1)
        is_taken = is_taken | (offs_e[None, :] == expert_T[:, None])
        weight_T = tl.exp(value_T - largest_T)
        total_T += weight_T
        id_TK = tl.where(offs_k[None, :] == rank, expert_T[:, None], id_TK)
        weight_TK = tl.where(offs_k[None, :] == rank, weight_T[:, None], weight_TK)
    place = offs_t[:, None] * NUM_SELECTED + offs_k[None, :]
    mask = mask_t[:, None] & (offs_k < NUM_SELECTED)[None, :]
    id_TK = tl.where(is_real[:, None], id_TK, -1)
    weight_TK = tl.where(is_real[:, None], weight_TK / total_T[:, None], 0.0)
    tl.store(ids_ptr + place, id_TK, mask=mask)
    tl.store(weights_ptr + place, weight_TK, mask=mask)
    if IS_GROUPING:
        is_row = is_real[:, None] & (offs_k < NUM_SELECTED)[None, :]
        id_TK = tl.where(is_row, id_TK, NUM_EXPERTS)
        group_few(
            tl.reshape(id_TK, (BLOCK_T * BLOCK_K,)),
            tl.reshape(place, (BLOCK_T * BLOCK_K,)),
            order_ptr,
            blocks_ptr,
            num_blocks,
            NUM_EXPERTS,
            BLOCK_ROWS,
            BLOCK_T * BLOCK_K,
        )
