"""Attention of chunks of new tokens, and the move of their last keys into rings.

A program owns 16 consecutive tokens of one sequence and the 8 query heads of a kv head: 128 rows,
in the order token, head. Every row goes through the reduction tree of `kernels.attention_parts`, so
its bits are those that decode gives it, whatever the chunks.

Layers without a window write the chunk's keys to pages first and read everything from there. Layers
with one keep two pages per sequence, too few for a chunk: its keys go to scratch pages, packed row
r of the step at page r // 64 and offset r % 64; positions before the chunk come from the ring, the
others from scratch; `ring_write` then copies the chunk's last 128 positions into the ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.attention_parts import (
    GROUP,
    HEAD_DIM,
    LOG2_E,
    PAGE,
    PAGE_TOKENS,
    RING,
    RING_PAGES,
    SCORE_SCALE,
    SPLIT_BLOCKS,
    WIDTH,
    KvPages,
    attend_block,
    check_attention,
    empty_state,
    finish,
    fold_split,
)
from kernels.checks import expect
from kernels.errors import OperandError
from kernels.launch import has_dependent_launch, is_portable, let_next_start, wait_for_previous

# Dimensions: T packed tokens, S sequences, B pages of a sequence, N pages, M tiles, C chunks,
# X fields of a tile or a chunk, G kv heads, W head width, H query heads, P positions of a page,
# R rows of a tile, O = H·W.

TILE_TOKENS = 16
ROWS: tl.constexpr = tl.constexpr(TILE_TOKENS * 8)
TOKENS: tl.constexpr = tl.constexpr(TILE_TOKENS)
TILE_FIELDS: tl.constexpr = tl.constexpr(5)
CHUNK_FIELDS: tl.constexpr = tl.constexpr(4)
_WARPS = 8
_STAGES = 3
_RING_WARPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """New tokens of one sequence in a step.

    Attributes:
        row: First packed row.
        start: Position of the first token.
        num_tokens: At least 1.
        sequence: Row of the sequence in the tables of pages and rings.
    """

    row: int
    start: int
    num_tokens: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefillPlan:
    """What each program does; made on the host, moved to the device as it is.

    Attributes:
        tiles_MX: int32: packed row, position, tokens, sequence, start of the chunk.
        chunks_CX: int32: packed row, start, tokens, sequence.
    """

    tiles_MX: torch.Tensor
    chunks_CX: torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowKeys:
    """What layers with a window add.

    Attributes:
        window: Keys seen, with the query's own, at most 128.
        scratch: Pages of the chunks' own keys, at least T / 64 of them.
    """

    window: int
    scratch: KvPages


def plan_prefill(chunks: Sequence[Chunk]) -> PrefillPlan:
    """Cut chunks into tiles, longest context first so that the last programs are short."""
    tiles = [
        (
            chunk.row + low,
            chunk.start + low,
            min(TILE_TOKENS, chunk.num_tokens - low),
            chunk.sequence,
            chunk.start,
        )
        for chunk in chunks
        for low in range(0, chunk.num_tokens, TILE_TOKENS)
    ]
    tiles.sort(key=lambda tile: -tile[1])
    fields = [(chunk.row, chunk.start, chunk.num_tokens, chunk.sequence) for chunk in chunks]
    return PrefillPlan(
        tiles_MX=torch.tensor(tiles, dtype=torch.int32),
        chunks_CX=torch.tensor(fields, dtype=torch.int32),
    )


def attention_prefill(
    q_THW: torch.Tensor,
    pages: KvPages,
    table_SB: torch.Tensor,
    sinks_H: torch.Tensor,
    *,
    plan: PrefillPlan,
    windowed: WindowKeys | None,
    out_TO: torch.Tensor,
    warps: int = _WARPS,
    stages: int = _STAGES,
) -> None:
    """Write the attention output of every row that a tile covers.

    Twin: `kernels.reference.paged_attention.attention_prefill`. Numerics: as decode, to the bit.

    Args:
        q_THW: Rotated queries, bfloat16, packed.
        pages: Without a window the pages with the chunks' keys in them; with one those of the
            rings, which hold the positions before each chunk.
        table_SB: int32, pages of each sequence; with a window [S, 2], the rings.
        sinks_H: bfloat16.
        plan: From `plan_prefill`, on the same device.
        windowed: Of layers with a window.
        out_TO: bfloat16; rows that no tile covers are left alone.
        warps: Of a program.
        stages: Blocks on their way at once.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    window = None if windowed is None else windowed.window
    sizes = check_attention(q_THW, pages, sinks_H, window)
    scratch = pages if windowed is None else windowed.scratch
    _check_scratch(scratch, sizes, windowed is not None)
    if windowed is not None:
        sizes["B"] = RING_PAGES
    expect("table", table_SB, "S B", dtype=torch.int32, sizes=sizes)
    sizes.update(X=TILE_FIELDS.value, O=sizes["H"] * HEAD_DIM)
    expect("tiles", plan.tiles_MX, "M X", dtype=torch.int32, sizes=sizes, contiguous=True)
    expect("out", out_TO, "T O", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    use_pdl = has_dependent_launch(q_THW)
    _prefill_kernel[(sizes["M"], sizes["G"])](
        *(q_THW, pages.k, pages.v, scratch.k, scratch.v, table_SB, plan.tiles_MX, sinks_H, out_TO),
        *(table_SB.stride(0), SCORE_SCALE),
        NUM_KV_HEADS=sizes["G"],
        WINDOW=0 if window is None else window,
        STAGES=stages,
        PORTABLE=is_portable(q_THW),
        USE_PDL=use_pdl,
        num_warps=warps,
        num_stages=stages,
        enable_fp_fusion=False,
        launch_pdl=use_pdl,
    )


def ring_write(
    scratch: KvPages, rings: KvPages, ring_S2: torch.Tensor, *, plan: PrefillPlan
) -> None:
    """Copy the last positions of each chunk, at most 128, from scratch into its ring.

    Twin: `kernels.reference.paged_attention.ring_write`, equal to the bit.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = {"W": HEAD_DIM, "P": PAGE_TOKENS, "X": CHUNK_FIELDS.value, "B": RING_PAGES}
    bf16 = torch.bfloat16
    expect("ring_k", rings.k, "N G P W", dtype=bf16, sizes=sizes, contiguous=True)
    expect("ring_v", rings.v, "N G P W", dtype=bf16, sizes=sizes, contiguous=True)
    del sizes["N"]
    expect("scratch_k", scratch.k, "N G P W", dtype=bf16, sizes=sizes, contiguous=True)
    expect("scratch_v", scratch.v, "N G P W", dtype=bf16, sizes=sizes, contiguous=True)
    expect("ring", ring_S2, "S B", dtype=torch.int32, sizes=sizes, contiguous=True)
    expect("chunks", plan.chunks_CX, "C X", dtype=torch.int32, sizes=sizes, contiguous=True)
    use_pdl = has_dependent_launch(rings.k)
    _ring_kernel[(sizes["C"], sizes["G"], RING_PAGES)](
        *(scratch.k, scratch.v, rings.k, rings.v, ring_S2, plan.chunks_CX),
        NUM_KV_HEADS=sizes["G"],
        USE_PDL=use_pdl,
        num_warps=_RING_WARPS,
        launch_pdl=use_pdl,
    )


def _check_scratch(scratch: KvPages, sizes: dict[str, int], is_windowed: bool) -> None:
    own = {name: sizes[name] for name in ("G", "P", "W")}
    bf16 = torch.bfloat16
    expect("scratch_k", scratch.k, "N G P W", dtype=bf16, sizes=own, contiguous=True)
    expect("scratch_v", scratch.v, "N G P W", dtype=bf16, sizes=own, contiguous=True)
    needed = triton.cdiv(sizes["T"], PAGE_TOKENS)
    if is_windowed and own["N"] < needed:
        raise OperandError("scratch", expected=f"at least {needed} pages", actual=str(own["N"]))


@triton.jit
def _attend_pages(
    q_RW, k_ptr, v_ptr, row_ptr, position_R, first, num_tokens, scale,
    PAGE_STRIDE: tl.constexpr, STAGES: tl.constexpr, PORTABLE: tl.constexpr,
):  # fmt: skip
    """Return the folded state of all keys up to each row's position."""
    offs_p = tl.arange(0, PAGE)
    tile_PW = offs_p[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    end = first + num_tokens
    num_blocks = tl.cdiv(end, PAGE)
    # Blocks that every row sees whole need no mask.
    num_clear = (first + 1) // PAGE
    largest_R, total_RC, value_RW = empty_state(ROWS)
    all_largest_R, all_total_R, all_value_RW = largest_R, tl.max(total_RC, 1), value_RW
    for block in tl.range(0, num_clear, num_stages=2 * STAGES - 1):
        base = tl.load(row_ptr + block).to(tl.int64) * PAGE_STRIDE
        k_PW = tl.load(k_ptr + base + tile_PW)
        v_PW = tl.load(v_ptr + base + tile_PW)
        state = (largest_R, total_RC, value_RW)
        largest_R, total_RC, value_RW = attend_block(
            q_RW, tl.trans(k_PW), v_PW, offs_p[None, :] >= 0, state, scale, False, PORTABLE
        )
        turn = block // SPLIT_BLOCKS
        if block - turn * SPLIT_BLOCKS == SPLIT_BLOCKS - 1:
            folded = (all_largest_R, all_total_R, all_value_RW)
            all_largest_R, all_total_R, all_value_RW = fold_split(
                folded, largest_R, tl.max(total_RC, 1), value_RW
            )
            largest_R, total_RC, value_RW = empty_state(ROWS)
    for block in tl.range(num_clear, num_blocks, num_stages=1):
        base = tl.load(row_ptr + block).to(tl.int64) * PAGE_STRIDE
        key_P = block * PAGE + offs_p
        k_PW = tl.load(k_ptr + base + tile_PW)
        v_PW = tl.load(v_ptr + base + tile_PW, mask=(key_P < end)[:, None], other=0.0)
        seen_RP = key_P[None, :] <= position_R[:, None]
        state = (largest_R, total_RC, value_RW)
        largest_R, total_RC, value_RW = attend_block(
            q_RW, tl.trans(k_PW), v_PW, seen_RP, state, scale, True, PORTABLE
        )
        turn = block // SPLIT_BLOCKS
        if (block - turn * SPLIT_BLOCKS == SPLIT_BLOCKS - 1) | (block == num_blocks - 1):
            folded = (all_largest_R, all_total_R, all_value_RW)
            all_largest_R, all_total_R, all_value_RW = fold_split(
                folded, largest_R, tl.max(total_RC, 1), value_RW
            )
            largest_R, total_RC, value_RW = empty_state(ROWS)
    return all_largest_R, all_total_R, all_value_RW


@triton.jit
def _load_window_keys(ring_ptr, scratch_ptr, ring_base, scratch_P, is_old_P, is_new_P):
    """Return a block's keys or values [P, W]: old positions from the ring, new from scratch."""
    offs_p = tl.arange(0, PAGE)
    offs_w = tl.arange(0, WIDTH)
    old_ptrs = ring_ptr + ring_base + offs_p[:, None] * WIDTH + offs_w[None, :]
    old_PW = tl.load(old_ptrs, mask=is_old_P[:, None], other=0.0)
    new_ptrs = scratch_ptr + scratch_P[:, None] + offs_w[None, :]
    new_PW = tl.load(new_ptrs, mask=is_new_P[:, None], other=0.0)
    return tl.where(is_new_P[:, None], new_PW, old_PW)


@triton.jit
def _attend_window(
    q_RW, ring, scratch, row_ptr, position_R, tile, scale,
    PAGE_STRIDE: tl.constexpr, WINDOW: tl.constexpr, PORTABLE: tl.constexpr,
):  # fmt: skip
    """Return the folded state of the `WINDOW` keys up to each row's position."""
    ring_k_ptr, ring_v_ptr = ring
    scratch_k_ptr, scratch_v_ptr = scratch
    row, first, num_tokens, chunk_start = tile
    offs_p = tl.arange(0, PAGE)
    end = first + num_tokens
    oldest = tl.maximum(first - WINDOW + 1, 0)
    largest_R, total_RC, value_RW = empty_state(ROWS)
    folded = (largest_R, tl.max(total_RC, 1), value_RW)
    for block in tl.range(oldest // PAGE, tl.cdiv(end, PAGE), num_stages=1):
        column = block - block // RING * RING
        ring_base = tl.load(row_ptr + column).to(tl.int64) * PAGE_STRIDE
        key_P = block * PAGE + offs_p
        packed_P = row + key_P - first
        packed_page_P = packed_P // PAGE
        scratch_P = (
            packed_page_P.to(tl.int64) * PAGE_STRIDE + (packed_P - packed_page_P * PAGE) * WIDTH
        )
        is_old_P = (key_P >= oldest) & (key_P < chunk_start)
        is_new_P = (key_P >= oldest) & (key_P >= chunk_start) & (key_P < end)
        k_PW = _load_window_keys(
            ring_k_ptr, scratch_k_ptr, ring_base, scratch_P, is_old_P, is_new_P
        )
        v_PW = _load_window_keys(
            ring_v_ptr, scratch_v_ptr, ring_base, scratch_P, is_old_P, is_new_P
        )
        behind_RP = position_R[:, None] - key_P[None, :]
        seen_RP = (behind_RP >= 0) & (behind_RP < WINDOW)
        state = (largest_R, total_RC, value_RW)
        largest_R, total_RC, value_RW = attend_block(
            q_RW, tl.trans(k_PW), v_PW, seen_RP, state, scale, True, PORTABLE
        )
    return fold_split(folded, largest_R, tl.max(total_RC, 1), value_RW)


@triton.jit
def _prefill_kernel(
    q_ptr, k_ptr, v_ptr, scratch_k_ptr, scratch_v_ptr, table_ptr, tiles_ptr, sinks_ptr, out_ptr,
    stride_table_s, scale,
    NUM_KV_HEADS: tl.constexpr, WINDOW: tl.constexpr, STAGES: tl.constexpr,
    PORTABLE: tl.constexpr, USE_PDL: tl.constexpr,
):  # fmt: skip
    """See `attention_prefill`."""
    g = tl.program_id(1)
    PAGE_STRIDE: tl.constexpr = NUM_KV_HEADS * PAGE * WIDTH
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    tile_ptr = tiles_ptr + tl.program_id(0) * TILE_FIELDS
    row = tl.load(tile_ptr)
    first = tl.load(tile_ptr + 1)
    num_tokens = tl.load(tile_ptr + 2)
    sequence = tl.load(tile_ptr + 3).to(tl.int64)
    chunk_start = tl.load(tile_ptr + 4)
    row_ptr = table_ptr + sequence * stride_table_s
    head_offset = g * (PAGE * WIDTH)
    offs_r = tl.arange(0, ROWS)
    token_R = offs_r // GROUP
    head_R = g * GROUP + (offs_r - token_R * GROUP)
    packed_R = (row + token_R).to(tl.int64) * (NUM_KV_HEADS * GROUP) + head_R
    row_RW = packed_R[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    mask_RW = (token_R < num_tokens)[:, None]
    q_RW = tl.load(q_ptr + row_RW, mask=mask_RW, other=0.0)
    # Rows beyond the last token do as it does, and are not stored.
    position_R = first + tl.minimum(token_R, num_tokens - 1)
    if WINDOW:
        ring = (k_ptr + head_offset, v_ptr + head_offset)
        scratch = (scratch_k_ptr + head_offset, scratch_v_ptr + head_offset)
        folded = _attend_window(
            q_RW, ring, scratch, row_ptr, position_R, (row, first, num_tokens, chunk_start), scale,
            PAGE_STRIDE, WINDOW, PORTABLE,
        )  # fmt: skip
    else:
        folded = _attend_pages(
            q_RW, k_ptr + head_offset, v_ptr + head_offset, row_ptr, position_R, first, num_tokens,
            scale, PAGE_STRIDE, STAGES, PORTABLE,
        )  # fmt: skip
    sink_R = tl.load(sinks_ptr + head_R).to(tl.float32) * LOG2_E
    out_RW = finish(folded, sink_R)
    tl.store(out_ptr + row_RW, out_RW.to(tl.bfloat16), mask=mask_RW)


@triton.jit
def _ring_kernel(
    scratch_k_ptr, scratch_v_ptr, ring_k_ptr, ring_v_ptr, ring_ptr, chunks_ptr,
    NUM_KV_HEADS: tl.constexpr, USE_PDL: tl.constexpr,
):  # fmt: skip
    """See `ring_write`."""
    g = tl.program_id(1)
    PAGE_STRIDE: tl.constexpr = NUM_KV_HEADS * PAGE * WIDTH
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    chunk_ptr = chunks_ptr + tl.program_id(0) * CHUNK_FIELDS
    row = tl.load(chunk_ptr)
    start = tl.load(chunk_ptr + 1)
    num_tokens = tl.load(chunk_ptr + 2)
    sequence = tl.load(chunk_ptr + 3).to(tl.int64)
    back_P = tl.program_id(2) * PAGE + tl.arange(0, PAGE)
    token_P = num_tokens - 1 - back_P
    packed_P = row + token_P
    position_P = start + token_P
    mask_P = token_P >= 0
    block_P = position_P // PAGE
    page_P = tl.load(ring_ptr + sequence * RING + block_P % RING, mask=mask_P, other=0)
    to_P = page_P.to(tl.int64) * PAGE_STRIDE + (position_P % PAGE) * WIDTH
    from_P = (packed_P // PAGE).to(tl.int64) * PAGE_STRIDE + (packed_P % PAGE) * WIDTH
    offs_w = g * (PAGE * WIDTH) + tl.arange(0, WIDTH)[None, :]
    to_PW, from_PW = to_P[:, None] + offs_w, from_P[:, None] + offs_w
    mask_PW = mask_P[:, None]
    tl.store(ring_k_ptr + to_PW, tl.load(scratch_k_ptr + from_PW, mask=mask_PW), mask=mask_PW)
    tl.store(ring_v_ptr + to_PW, tl.load(scratch_v_ptr + from_PW, mask=mask_PW), mask=mask_PW)
