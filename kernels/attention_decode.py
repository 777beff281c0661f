"""Attention of one new token of each sequence over its pages.

A program owns a kv head of a sequence and some of its splits; its 8 query heads fill half of the
16 rows of a matrix instruction. Splits that several programs share go through a workspace in
float32, and the program that finishes last folds them in ascending order: who that is changes no
bit. How many programs there are depends on the number of sequences, never on their lengths, so
that one captured graph serves every context.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.attention_parts import (
    GROUP,
    GROUP_HEADS,
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
from kernels.launch import (
    has_dependent_launch,
    is_portable,
    let_next_start,
    wait_for_previous,
)

# Dimensions: S sequences, B pages of a sequence, N pages, G kv heads, W head width, H query heads,
# J query heads of a kv head, R rows of a tile, O = H·W, U splits that the workspace holds.

ROWS: tl.constexpr = tl.constexpr(16)
# Loads of partial results that are under way at once while they are folded.
FOLD_UNROLL: tl.constexpr = tl.constexpr(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLaunch:
    """How decode attention is launched; no bit of the result depends on it.

    Attributes:
        programs: Programs that share the splits of one kv head of one sequence.
        warps: Warps of a program.
        stages: Blocks of keys and values on their way at once.
    """

    programs: int
    warps: int
    stages: int


# The first entry whose sequences are at least those of the step holds.
FULL_LAUNCHES = (
    (2, DecodeLaunch(programs=64, warps=4, stages=3)),
    (4, DecodeLaunch(programs=32, warps=4, stages=3)),
    (8, DecodeLaunch(programs=16, warps=1, stages=3)),
    (16, DecodeLaunch(programs=8, warps=4, stages=3)),
    (32, DecodeLaunch(programs=4, warps=1, stages=2)),
    (1 << 30, DecodeLaunch(programs=1, warps=1, stages=2)),
)
WINDOW_LAUNCH = DecodeLaunch(programs=1, warps=4, stages=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeWorkspace:
    """Room for partial results of splits, shared by all layers of a step.

    Sequences whose splits do not fit are each done by one program, slower and with the same bits.

    Attributes:
        values: [U, G, 8, 64] float32.
        sums: [U, G, 2, 8] float32: maximum and denominator.
        arrivals: [S * G] int32, zero between launches.
    """

    values: torch.Tensor
    sums: torch.Tensor
    arrivals: torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSequences:
    """Where the keys of each sequence lie and how many there are.

    Attributes:
        table_SB: int32, the page of each 64 positions; entries beyond a length or behind a window
            are not read.
        lengths_S: int32, keys of each sequence with the new one; 0 for a row of padding, whose
            output is zero.
    """

    table_SB: torch.Tensor
    lengths_S: torch.Tensor


def decode_workspace(
    *, num_splits: int, num_sequences: int, num_kv_heads: int, device: torch.device | str
) -> DecodeWorkspace:
    """Allocate a workspace.

    Args:
        num_splits: Splits of 256 positions of all sequences of a step together.
        num_sequences: Most sequences of a step.
        num_kv_heads: Kv heads.
        device: Where the kernels run.
    """
    shape = (num_splits, num_kv_heads, GROUP_HEADS, HEAD_DIM)
    return DecodeWorkspace(
        values=torch.empty(shape, dtype=torch.float32, device=device),
        sums=torch.empty((*shape[:2], 2, GROUP_HEADS), dtype=torch.float32, device=device),
        arrivals=torch.zeros(num_sequences * num_kv_heads, dtype=torch.int32, device=device),
    )


def full_launch(num_sequences: int) -> DecodeLaunch:
    """Return how a step of so many sequences is launched in layers without a window."""
    return next(launch for limit, launch in FULL_LAUNCHES if num_sequences <= limit)


def attention_decode(
    q_SHW: torch.Tensor,
    pages: KvPages,
    sequences: DecodeSequences,
    sinks_H: torch.Tensor,
    *,
    window: int | None,
    workspace: DecodeWorkspace,
    out_SO: torch.Tensor,
    launch: DecodeLaunch | None = None,
) -> None:
    """Write the attention output of each sequence's last position.

    Twin: `kernels.reference.paged_attention.attention_decode`.
    Numerics: float32 accumulation, softmax weights rounded to bfloat16, output rounded once; within
    2e-2 of the twin for unit-variance operands.

    Args:
        q_SHW: Rotated queries, bfloat16.
        pages: Keys and values, the new position's included.
        sequences: Tables and lengths.
        sinks_H: bfloat16.
        window: Keys seen, with the query's own; None for all.
        workspace: From `decode_workspace`.
        out_SO: bfloat16, [S, H * 64].
        launch: Overrides the frozen table, for benchmarks.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = check_attention(q_SHW, pages, sinks_H, window)
    num_sequences = _check_sequences(sequences, sizes)
    expect("out", out_SO, "S O", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    if launch is None:
        launch = full_launch(num_sequences) if window is None else WINDOW_LAUNCH
    table_SB, lengths_S = sequences.table_SB, sequences.lengths_S
    use_pdl = has_dependent_launch(q_SHW)
    _decode_kernel[(num_sequences, sizes["G"], launch.programs)](
        *(q_SHW, pages.k, pages.v, table_SB, lengths_S, sinks_H),
        *(workspace.values, workspace.sums, workspace.arrivals, out_SO),
        *(table_SB.stride(0), workspace.values.shape[0], SCORE_SCALE),
        NUM_KV_HEADS=sizes["G"],
        BLOCK_S=triton.next_power_of_2(num_sequences),
        WINDOW=0 if window is None else window,
        PROGRAMS=launch.programs,
        STAGES=launch.stages,
        PORTABLE=is_portable(q_SHW),
        USE_PDL=use_pdl,
        num_warps=launch.warps,
        num_stages=launch.stages,
        enable_fp_fusion=False,
        launch_pdl=use_pdl,
    )


def _check_sequences(sequences: DecodeSequences, sizes: dict[str, int]) -> int:
    """Check tables and lengths and return the number of sequences."""
    sizes.update(S=sizes["T"], O=sizes["H"] * HEAD_DIM)
    table_SB = sequences.table_SB
    expect("table", table_SB, "S B", dtype=torch.int32, sizes=sizes)
    if table_SB.stride(1) != 1:
        raise OperandError("table", expected="adjacent entries", actual=str(table_SB.stride()))
    expect("lengths", sequences.lengths_S, "S", dtype=torch.int32, sizes=sizes)
    return sizes["S"]


@triton.jit
def _part_ptrs(values_ptr, sums_ptr, row, g, offs_r, NUM_KV_HEADS: tl.constexpr):
    """Return where a split's values [R, W] and its maxima [R] lie; denominators follow by 8."""
    offs_w = tl.arange(0, WIDTH)
    index = row.to(tl.int64) * NUM_KV_HEADS + g
    values_RW = values_ptr + index * (GROUP * WIDTH) + offs_r[:, None] * WIDTH + offs_w[None, :]
    return values_RW, sums_ptr + index * (2 * GROUP) + offs_r


@triton.jit
def _share_of_splits(
    lengths_ptr, s, num_splits, num_rows, PROGRAMS: tl.constexpr, BLOCK_S: tl.constexpr
):
    """Return the sequence's first row of the workspace and how many programs share its splits."""
    offs_s = tl.arange(0, BLOCK_S)
    before_S = tl.load(lengths_ptr + offs_s, mask=offs_s < s, other=0)
    first_row = tl.sum(tl.cdiv(before_S, PAGE * SPLIT_BLOCKS), 0)
    is_shared = (num_splits > 1) & (first_row + num_splits <= num_rows)
    return first_row, tl.where(is_shared, tl.minimum(PROGRAMS, num_splits), 1)


@triton.jit
def _attend_splits(
    q_RW, k_ptr, v_ptr, row_ptr, length, scale, share, workspace, g,
    PAGE_STRIDE: tl.constexpr, NUM_KV_HEADS: tl.constexpr, WINDOW: tl.constexpr,
    STAGES: tl.constexpr, PORTABLE: tl.constexpr,
):  # fmt: skip
    """Return the folded state of this program's splits, or store each of them when shared.

    With a window there is one split, from the block of its oldest key on.
    """
    program, programs, first_row = share
    values_ptr, sums_ptr = workspace
    offs_p = tl.arange(0, PAGE)
    is_head_R = tl.arange(0, ROWS) < GROUP
    tile_PW = offs_p[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    num_blocks = tl.cdiv(length, PAGE)
    oldest = tl.maximum(length - WINDOW, 0) if WINDOW else 0
    if WINDOW:
        steps = num_blocks - oldest // PAGE
    else:
        num_splits = tl.cdiv(num_blocks, SPLIT_BLOCKS)
        steps = tl.cdiv(num_splits - program, programs) * SPLIT_BLOCKS
        has_last = (num_splits - 1) % programs == program
        steps -= tl.where(has_last, num_splits * SPLIT_BLOCKS - num_blocks, 0)
    largest_R, total_RC, value_RW = empty_state(ROWS)
    all_largest_R, all_total_R, all_value_RW = largest_R, tl.max(total_RC, 1), value_RW
    for step in tl.range(0, steps, num_stages=2 * STAGES - 1):
        turn = step // SPLIT_BLOCKS
        place = step - turn * SPLIT_BLOCKS
        split = program + turn * programs
        is_end = step == steps - 1
        if WINDOW:
            block = oldest // PAGE + step
        else:
            block = split * SPLIT_BLOCKS + place
            is_end = is_end | (place == SPLIT_BLOCKS - 1)
        base = tl.load(row_ptr + block).to(tl.int64) * PAGE_STRIDE
        key_P = block * PAGE + offs_p
        seen_P = (key_P >= oldest) & (key_P < length)
        k_PW = tl.load(k_ptr + base + tile_PW)
        v_PW = tl.load(v_ptr + base + tile_PW, mask=seen_P[:, None], other=0.0)
        largest_R, total_RC, value_RW = attend_block(
            q_RW, tl.trans(k_PW), v_PW, seen_P[None, :], (largest_R, total_RC, value_RW), scale,
            True, PORTABLE,
        )  # fmt: skip
        if is_end:
            total_R = tl.max(total_RC, 1)
            if programs == 1:
                folded = (all_largest_R, all_total_R, all_value_RW)
                all_largest_R, all_total_R, all_value_RW = fold_split(
                    folded, largest_R, total_R, value_RW
                )
            else:
                values_RW, sums_R = _part_ptrs(
                    values_ptr, sums_ptr, first_row + split, g, tl.arange(0, ROWS), NUM_KV_HEADS
                )
                tl.store(sums_R, largest_R, mask=is_head_R)
                tl.store(sums_R + GROUP, total_R, mask=is_head_R)
                tl.store(values_RW, value_RW, mask=is_head_R[:, None])
            largest_R, total_RC, value_RW = empty_state(ROWS)
    return all_largest_R, all_total_R, all_value_RW


@triton.jit
def _fold_workspace(workspace, first_row, num_splits, g, NUM_KV_HEADS: tl.constexpr):
    """Return the folded state [J] of `num_splits` rows of the workspace, in ascending order."""
    values_ptr, sums_ptr = workspace
    offs_j = tl.arange(0, GROUP)
    largest_J = tl.full((GROUP,), float("-inf"), tl.float32)
    total_J = tl.zeros((GROUP,), tl.float32)
    value_JW = tl.zeros((GROUP, WIDTH), tl.float32)
    for base in tl.range(0, num_splits, FOLD_UNROLL):
        for step in tl.static_range(FOLD_UNROLL):
            split = base + step
            values_JW, sums_J = _part_ptrs(
                values_ptr, sums_ptr, first_row + split, g, offs_j, NUM_KV_HEADS
            )
            is_split = split < num_splits
            # Other programs wrote these: the first-level cache must not answer.
            part_largest_J = tl.load(
                sums_J, mask=is_split, other=float("-inf"), cache_modifier=".cg"
            )
            part_total_J = tl.load(sums_J + GROUP, mask=is_split, other=0.0, cache_modifier=".cg")
            part_JW = tl.load(values_JW, mask=is_split, other=0.0, cache_modifier=".cg")
            largest_J, total_J, value_JW = fold_split(
                (largest_J, total_J, value_JW), part_largest_J, part_total_J, part_JW
            )
    return largest_J, total_J, value_JW


@triton.jit
def _store_output(folded, sinks_ptr, out_ptr, s, head_R, is_head_R, NUM_KV_HEADS: tl.constexpr):
    """Join the sinks and write the heads' output."""
    sink_R = tl.load(sinks_ptr + head_R, mask=is_head_R, other=0.0).to(tl.float32) * LOG2_E
    out_RW = finish(folded, sink_R)
    row_R = s * NUM_KV_HEADS * GROUP + head_R
    ptrs_RW = out_ptr + row_R[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    tl.store(ptrs_RW, out_RW.to(tl.bfloat16), mask=is_head_R[:, None])


@triton.jit
def _decode_kernel(
    q_ptr, k_ptr, v_ptr, table_ptr, lengths_ptr, sinks_ptr, values_ptr, sums_ptr, arrivals_ptr,
    out_ptr, stride_table_s, num_rows, scale,
    NUM_KV_HEADS: tl.constexpr, BLOCK_S: tl.constexpr, WINDOW: tl.constexpr,
    PROGRAMS: tl.constexpr, STAGES: tl.constexpr, PORTABLE: tl.constexpr, USE_PDL: tl.constexpr,
):  # fmt: skip
    """See `attention_decode`."""
    s = tl.program_id(0)
    g = tl.program_id(1)
    program = tl.program_id(2)
    PAGE_STRIDE: tl.constexpr = NUM_KV_HEADS * PAGE * WIDTH
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    length = tl.load(lengths_ptr + s)
    row_ptr = table_ptr + s.to(tl.int64) * stride_table_s
    k_ptr += g * (PAGE * WIDTH)
    v_ptr += g * (PAGE * WIDTH)
    head_R = g * GROUP + tl.arange(0, ROWS)
    is_head_R = tl.arange(0, ROWS) < GROUP
    row_RW = (s * NUM_KV_HEADS * GROUP + head_R)[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    num_splits = tl.cdiv(length, PAGE * SPLIT_BLOCKS)
    first_row = 0
    programs = 1
    if not WINDOW:
        first_row, programs = _share_of_splits(
            lengths_ptr, s, num_splits, num_rows, PROGRAMS, BLOCK_S
        )
    if program < programs:
        q_RW = tl.load(q_ptr + row_RW, mask=is_head_R[:, None], other=0.0)
        share = (program, programs, first_row)
        folded = _attend_splits(
            q_RW, k_ptr, v_ptr, row_ptr, length, scale, share, (values_ptr, sums_ptr), g,
            PAGE_STRIDE, NUM_KV_HEADS, WINDOW, STAGES, PORTABLE,
        )  # fmt: skip
        if programs == 1:
            _store_output(folded, sinks_ptr, out_ptr, s, head_R, is_head_R, NUM_KV_HEADS)
        else:
            # All threads' partial results precede the arrival, which publishes them.
            tl.debug_barrier()
            arrival_ptr = arrivals_ptr + s * NUM_KV_HEADS + g
            if tl.atomic_add(arrival_ptr, 1, sem="acq_rel") == programs - 1:
                tl.store(arrival_ptr, 0)
                folded_J = _fold_workspace(
                    (values_ptr, sums_ptr), first_row, num_splits, g, NUM_KV_HEADS
                )
                head_J = g * GROUP + tl.arange(0, GROUP)
                is_head_J = head_J >= 0
                _store_output(folded_J, sinks_ptr, out_ptr, s, head_J, is_head_J, NUM_KV_HEADS)
