"""Attention of chunks of new tokens, whose keys and values lie in the pages already.

A program owns 16 consecutive tokens of one sequence and the 8 query heads of a kv head: 128 rows,
in the order token, head. Every row goes through the reduction tree of `kernels.attention_parts`, so
its bits are those that decode gives it, whatever the chunks.
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

# Dimensions: T packed tokens, S sequences, B pages of a sequence, N pages, M tiles, X fields of a
# tile, G kv heads, W head width, H query heads, P positions of a page, R rows of a tile, O = H·W.

TILE_TOKENS = 16
ROWS: tl.constexpr = tl.constexpr(TILE_TOKENS * 8)
TOKENS: tl.constexpr = tl.constexpr(TILE_TOKENS)
TILE_FIELDS: tl.constexpr = tl.constexpr(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefillLaunch:
    """How prefill attention is launched; no bit of the result depends on it.

    Attributes:
        warps: Warps of a program.
        stages: Blocks of keys and values on their way at once.
        registers: Most registers of a thread, so that two programs share a multiprocessor.
    """

    warps: int
    stages: int
    registers: int


LAUNCH = PrefillLaunch(warps=8, stages=3, registers=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """New tokens of one sequence in a step.

    Attributes:
        row: First packed row.
        start: Position of the first token.
        num_tokens: At least 1.
        sequence: Row of the sequence in the table of pages.
    """

    row: int
    start: int
    num_tokens: int
    sequence: int


def plan_prefill(chunks: Sequence[Chunk]) -> torch.Tensor:
    """Cut chunks into tiles, longest context first so that the last programs are short.

    Returns:
        [M, 4] int32 on the host: packed row, position, tokens, sequence; what the kernel takes once
        it is on the device.
    """
    tiles = [
        (
            chunk.row + low,
            chunk.start + low,
            min(TILE_TOKENS, chunk.num_tokens - low),
            chunk.sequence,
        )
        for chunk in chunks
        for low in range(0, chunk.num_tokens, TILE_TOKENS)
    ]
    tiles.sort(key=lambda tile: -tile[1])
    return torch.tensor(tiles, dtype=torch.int32).view(-1, TILE_FIELDS.value)


def attention_prefill(
    q_THW: torch.Tensor,
    pages: KvPages,
    table_SB: torch.Tensor,
    sinks_H: torch.Tensor,
    *,
    tiles_MX: torch.Tensor,
    window: int | None,
    out_TO: torch.Tensor,
    launch: PrefillLaunch = LAUNCH,
) -> None:
    """Write the attention output of every row that a tile covers.

    Twin: `kernels.reference.paged_attention.attention_prefill`. Numerics: as decode, to the bit.

    Args:
        q_THW: Rotated queries, bfloat16, packed.
        pages: Keys and values, those of the chunks included.
        table_SB: int32, the page of each 64 positions of a sequence; entries beyond a chunk or
            behind a window are not read.
        sinks_H: bfloat16.
        tiles_MX: From `plan_prefill`, on the device; a tile of no tokens does nothing.
        window: Keys seen, with the query's own; None for all.
        out_TO: bfloat16; rows that no tile covers are left alone.
        launch: Instead of the frozen one, for measurements.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = check_attention(q_THW, pages, sinks_H, window)
    expect("table", table_SB, "S B", dtype=torch.int32, sizes=sizes)
    if table_SB.stride(1) != 1:
        raise OperandError("table", expected="adjacent entries", actual=str(table_SB.stride()))
    sizes.update(X=TILE_FIELDS.value, O=sizes["H"] * HEAD_DIM)
    expect("tiles", tiles_MX, "M X", dtype=torch.int32, sizes=sizes, contiguous=True)
    expect("out", out_TO, "T O", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    use_pdl = has_dependent_launch(q_THW)
    _prefill_kernel[(sizes["M"], sizes["G"])](
        *(q_THW, pages.k, pages.v, table_SB, tiles_MX, sinks_H, out_TO),
        *(table_SB.stride(0), SCORE_SCALE),
        NUM_KV_HEADS=sizes["G"],
        WINDOW=0 if window is None else window,
        STAGES=launch.stages,
        PORTABLE=is_portable(q_THW),
        USE_PDL=use_pdl,
        num_warps=launch.warps,
        num_stages=launch.stages,
        maxnreg=launch.registers,
        enable_fp_fusion=False,
        launch_pdl=use_pdl,
    )


@triton.jit
def _attend_pages(
    q_RW, k_ptr, v_ptr, row_ptr, position_R, first, num_tokens, scale,
    PAGE_STRIDE: tl.constexpr, WINDOW: tl.constexpr, STAGES: tl.constexpr, PORTABLE: tl.constexpr,
):  # fmt: skip
    """Return the folded state of all keys that each row sees."""
    offs_p = tl.arange(0, PAGE)
    tile_PW = offs_p[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    end = first + num_tokens
    num_blocks = tl.cdiv(end, PAGE)
    oldest = tl.maximum(first - WINDOW + 1, 0) if WINDOW else 0
    largest_R, total_RC, value_RW = empty_state(ROWS)
    all_largest_R, all_total_R, all_value_RW = largest_R, tl.max(total_RC, 1), value_RW
    num_clear = oldest // PAGE
    if not WINDOW:
        # Blocks that every row sees whole need no mask; the last one ends the second loop.
        num_clear = tl.minimum((first + 1) // PAGE, num_blocks - 1)
        for block in tl.range(0, num_clear, num_stages=2 * STAGES - 1):
            base = tl.load(row_ptr + block).to(tl.int64) * PAGE_STRIDE
            k_PW = tl.load(k_ptr + base + tile_PW)
            v_PW = tl.load(v_ptr + base + tile_PW)
            state = (largest_R, total_RC, value_RW)
            largest_R, total_RC, value_RW = attend_block(
                q_RW, tl.trans(k_PW), v_PW, offs_p[None, :] >= 0, state, scale, False, PORTABLE
            )
            if (block + 1) // SPLIT_BLOCKS * SPLIT_BLOCKS == block + 1:
                folded = (all_largest_R, all_total_R, all_value_RW)
                all_largest_R, all_total_R, all_value_RW = fold_split(
                    folded, largest_R, tl.max(total_RC, 1), value_RW
                )
                largest_R, total_RC, value_RW = empty_state(ROWS)
    for block in tl.range(num_clear, num_blocks, num_stages=2 * STAGES - 1 if WINDOW else 1):
        base = tl.load(row_ptr + block).to(tl.int64) * PAGE_STRIDE
        key_P = block * PAGE + offs_p
        is_key_P = (key_P >= oldest) & (key_P < end)
        k_PW = tl.load(k_ptr + base + tile_PW)
        v_PW = tl.load(v_ptr + base + tile_PW, mask=is_key_P[:, None], other=0.0)
        behind_RP = position_R[:, None] - key_P[None, :]
        seen_RP = behind_RP >= 0
        is_end = block == num_blocks - 1
        if WINDOW:
            seen_RP = seen_RP & (behind_RP < WINDOW)
        else:
            is_end = is_end | ((block + 1) // SPLIT_BLOCKS * SPLIT_BLOCKS == block + 1)
        state = (largest_R, total_RC, value_RW)
        largest_R, total_RC, value_RW = attend_block(
            q_RW, tl.trans(k_PW), v_PW, seen_RP, state, scale, True, PORTABLE
        )
        if is_end:
            folded = (all_largest_R, all_total_R, all_value_RW)
            all_largest_R, all_total_R, all_value_RW = fold_split(
                folded, largest_R, tl.max(total_RC, 1), value_RW
            )
            largest_R, total_RC, value_RW = empty_state(ROWS)
    return all_largest_R, all_total_R, all_value_RW


@triton.jit
def _prefill_kernel(
    q_ptr, k_ptr, v_ptr, table_ptr, tiles_ptr, sinks_ptr, out_ptr, stride_table_s, scale,
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
    if num_tokens > 0:
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
        folded = _attend_pages(
            q_RW, k_ptr + head_offset, v_ptr + head_offset, table_ptr + sequence * stride_table_s,
            position_R, first, num_tokens, scale, PAGE_STRIDE, WINDOW, STAGES, PORTABLE,
        )  # fmt: skip
        sink_R = tl.load(sinks_ptr + head_R).to(tl.float32) * LOG2_E
        out_RW = finish(folded, sink_R)
        tl.store(out_ptr + row_RW, out_RW.to(tl.bfloat16), mask=mask_RW)
