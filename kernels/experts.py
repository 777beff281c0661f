"""The experts' products with packed MXFP4 weights.

A program makes a tile of one expert's output features for a block of the rows routed to it, so
that each weight is read and decoded once for all rows of a block. `expert_up` applies the clamped
SwiGLU, `expert_down` the bias; the sum over a token's experts is `kernels.combine`.

Numerics: weights are exact in bfloat16, activations bfloat16; one float32 accumulator per element
over the whole inner dimension in ascending steps of 16; bias and activation in float32, rounded
once.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from kernels.checks import expect
from kernels.dense_pack import paired_rows
from kernels.hopper.experts import expert_kernel
from kernels.launch import Tile, is_hopper, is_portable, tile_for
from kernels.mxfp4_decode import decode_chunk
from kernels.mxfp4_pack import CHUNK, PackedMxfp4
from kernels.router import Routing

# Dimensions: T tokens, D model width, F expert width, E experts, R routed rows (T·K), X = 2F, I
# inner columns.

SWIGLU_ALPHA = 1.702
# Mean routed rows of an expert up to which each tile is used; frozen after measurement.
EXPERT_TILES = (
    (4, Tile(loop="ring", tokens=8, warps=4, depth=5, held=2)),
    (8, Tile(loop="ring", tokens=16, warps=4, depth=5, held=2)),
    (32, Tile(loop="ring", tokens=32, warps=4, depth=3, held=2)),
    (128, Tile(loop="stream", tokens=64, warps=8, depth=5)),
    (256, Tile(loop="stream", tokens=128, warps=8, depth=5)),
    (None, Tile(loop="wide", tokens=256, warps=8, depth=4)),
)
# With fewer blocks the down projection's programs, if they start while the up projection runs, end
# up on a part of the card: 39 microseconds a layer instead of 32 for one token.
_BLOCKS_TO_OVERLAP = 32
_PORTABLE_FEATURES = 64


def gate_row_order(num_rows: int) -> torch.Tensor:
    """Return the checkpoint row of each packed row of the up projection, [X] int64.

    A gate and its up, interleaved in the checkpoint, end in the same thread.
    """
    return paired_rows(num_rows, distance=1, period=2)


def expert_tile(num_tokens: int, num_experts: int, num_selected: int) -> Tile:
    """Return the tile for a number of tokens; its tokens are the block of the routing."""
    return tile_for(EXPERT_TILES, num_tokens * num_selected / num_experts)


def expert_up(
    routing: Routing,
    weights: PackedMxfp4,
    bias_EX: torch.Tensor,
    *,
    limit: float,
    out_act_RF: torch.Tensor,
    tile: Tile,
) -> None:
    """Project each routed row up with its expert and apply the clamped SwiGLU.

    Args:
        routing: Filled by `route`; its normed rows are read.
        weights: Rows in the order of `gate_row_order`.
        bias_EX: float32, in that order too.
        limit: Clamp of the SwiGLU.
        out_act_RF: bfloat16, row t * K + k is expert k of token t.
        tile: From `expert_tile`; its tokens are the routing's block.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = {"E": weights.num_experts, "X": weights.num_rows, "F": weights.num_rows // 2}
    sizes |= {"D": weights.num_columns, "R": routing.order_R.shape[0]}
    bf16 = torch.bfloat16
    expect("normed", routing.normed_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("bias", bias_EX, "E X", dtype=torch.float32, sizes=sizes, contiguous=True)
    expect("out_act", out_act_RF, "R F", dtype=bf16, sizes=sizes, contiguous=True)
    _launch(
        routing,
        weights,
        (routing.normed_TD, bias_EX, out_act_RF),
        rows_of_input=routing.ids_TK.shape[1],
        limit=limit,
        tile=tile,
    )


def expert_down(
    routing: Routing,
    weights: PackedMxfp4,
    bias_ED: torch.Tensor,
    act_RF: torch.Tensor,
    *,
    out_RD: torch.Tensor,
    tile: Tile,
) -> None:
    """Project each routed row down with its expert and add the bias.

    To be launched right after `expert_up` of the same routing: it may read the lists before that
    one has ended.

    Args:
        routing: Filled by `route`.
        weights: Rows in checkpoint order.
        bias_ED: float32.
        act_RF: bfloat16, from `expert_up`.
        out_RD: bfloat16, in the same order; rows of padding are not written.
        tile: From `expert_tile`; its tokens are the routing's block.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = {"E": weights.num_experts, "D": weights.num_rows, "F": weights.num_columns}
    sizes["R"] = routing.order_R.shape[0]
    bf16 = torch.bfloat16
    expect("act", act_RF, "R F", dtype=bf16, sizes=sizes, contiguous=True)
    expect("bias", bias_ED, "E D", dtype=torch.float32, sizes=sizes, contiguous=True)
    expect("out", out_RD, "R D", dtype=bf16, sizes=sizes, contiguous=True)
    operands = (act_RF, bias_ED, out_RD)
    _launch(routing, weights, operands, rows_of_input=1, limit=None, tile=tile)


def _launch(
    routing: Routing,
    weights: PackedMxfp4,
    operands: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    *,
    rows_of_input: int,
    limit: float | None,
    tile: Tile,
) -> None:
    assert tile.tokens == routing.block_rows, (tile, routing.block_rows)
    x, bias, out = operands
    arguments = (
        x,
        weights.words_ENCLM,
        weights.scales_ENCG,
        bias,
        routing.order_R,
        routing.blocks_N3,
        out,
        0.0 if limit is None else limit,
    )
    shape = {"ROWS": weights.num_rows, "COLUMNS": weights.num_columns}
    shape |= {"ROWS_OF_INPUT": rows_of_input, "IS_UP": limit is not None}
    if is_hopper(x):
        grid = (triton.cdiv(weights.num_rows, 16 * tile.warps), routing.num_blocks)
        num_tokens = routing.ids_TK.shape[0]
        expert_kernel[grid](
            *arguments,
            **shape,
            LOOP=tile.loop,
            BLOCK_T=tile.tokens,
            X_ROWS=1 if tile.loop == "ring" and num_tokens == 1 else tile.tokens,
            DEPTH=tile.depth_of(weights.num_columns // CHUNK),
            HELD=tile.held,
            WARPS=tile.warps,
            SIGNALS_FIRST=limit is not None and routing.num_blocks >= _BLOCKS_TO_OVERLAP,
            num_warps=tile.warps,
            launch_pdl=True,
        )
    else:
        grid = (triton.cdiv(weights.num_rows, _PORTABLE_FEATURES), routing.num_blocks)
        _expert_kernel[grid](
            *arguments,
            **shape,
            BLOCK_F=_PORTABLE_FEATURES,
            BLOCK_T=max(tile.tokens, 16),
            PORTABLE=is_portable(x),
        )


@triton.jit
def _expert_kernel(
    x_ptr,
    words_ptr,
    scales_ptr,
    bias_ptr,
    order_ptr,
    blocks_ptr,
    out_ptr,
    limit,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    ROWS_OF_INPUT: tl.constexpr,
    IS_UP: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_T: tl.constexpr,
    PORTABLE: tl.constexpr,
):
    CHUNKS: tl.constexpr = COLUMNS // 64
    GROUPS: tl.constexpr = BLOCK_F // 16
    offs_n = tl.minimum(tl.program_id(0) * GROUPS + tl.arange(0, GROUPS), ROWS // 16 - 1)
    offs_k = tl.arange(0, 64)
    entry_ptr = blocks_ptr + tl.program_id(1) * 3
    expert = tl.load(entry_ptr).to(tl.int64)
    if expert >= 0:
        place_T = tl.load(entry_ptr + 1) + tl.arange(0, BLOCK_T)
        mask_t = place_T < tl.load(entry_ptr + 2)
        row_T = tl.load(order_ptr + place_T, mask=mask_t, other=0)
        x_ptrs = x_ptr + (row_T // ROWS_OF_INPUT).to(tl.int64)[:, None] * COLUMNS + offs_k[None, :]
        group_N = expert * (ROWS // 16) + offs_n
        acc = tl.zeros((BLOCK_F, BLOCK_T), tl.float32)
        for chunk in range(CHUNKS):
            weight_FK = decode_chunk(
                words_ptr + chunk * 128, scales_ptr + chunk * 8, group_N, CHUNKS * 128, GROUPS
            )
            x_TK = tl.load(x_ptrs, mask=mask_t[:, None], other=0.0)
            x_ptrs += 64
            if PORTABLE:
                weight_FK = weight_FK.to(tl.float32)
                x_TK = x_TK.to(tl.float32)
            acc = tl.dot(weight_FK, tl.trans(x_TK), acc)

        offs_f = tl.program_id(0) * BLOCK_F + tl.arange(0, BLOCK_F)
        offs_f = tl.minimum(offs_f, ROWS - 1)
        acc += tl.load(bias_ptr + expert * ROWS + offs_f)[:, None]
        out_row_T = row_T.to(tl.int64)
        if IS_UP:
            grouped = tl.reshape(acc, (BLOCK_F // 16, 2, 8, BLOCK_T))
            gate, up = tl.split(tl.permute(grouped, (0, 2, 3, 1)))
            gate = tl.minimum(gate, limit)
            up = tl.minimum(tl.maximum(up, -limit), limit)
            act = gate / (1.0 + tl.exp(-1.702 * gate))
            act = tl.math.fma(act, up, act)
            act_TF = tl.trans(tl.reshape(act, (BLOCK_F // 2, BLOCK_T))).to(tl.bfloat16)
            column_F = tl.program_id(0) * (BLOCK_F // 2) + tl.arange(0, BLOCK_F // 2)
            out_ptrs = out_ptr + out_row_T[:, None] * (ROWS // 2) + column_F[None, :]
            tl.store(out_ptrs, act_TF, mask=mask_t[:, None] & (column_F < ROWS // 2)[None, :])
        else:
            column_F = tl.program_id(0) * BLOCK_F + tl.arange(0, BLOCK_F)
            out_ptrs = out_ptr + out_row_T[:, None] * ROWS + column_F[None, :]
            out_TF = tl.trans(acc).to(tl.bfloat16)
            tl.store(out_ptrs, out_TF, mask=mask_t[:, None] & (column_F < ROWS)[None, :])
