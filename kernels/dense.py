"""Products with bfloat16 weights: the fused query, key and value projection, and the output one.

Features lie along the rows of a tile and tokens along its columns, so that a single token costs one
narrow tile of weights and nothing else. Inputs of `qkv_project` are normed already.

Numerics: operands in bfloat16, one float32 accumulator per element over the whole inner dimension
in ascending steps of 16; bias, rotation and residual are added in float32, then rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.checks import expect
from kernels.dense_pack import VALUES, paired_rows
from kernels.hopper.dense import out_kernel, qkv_kernel
from kernels.launch import Tile, is_hopper, is_portable, tile_for
from kernels.mxfp4_pack import CHUNK, LANES, ROW_GROUP, STEPS

# Dimensions: T tokens, D model width, Q rows of the fused projection, O = H·W, H query heads,
# G kv heads, W head width, P positions, C = W / 2, N pages, B tokens of a page.

HEAD_DIM = 64
PAGE_TOKENS = 64
# Most tokens of each tile; frozen after measurement (benchmarks/kernels).
QKV_TILES = (
    (8, Tile(loop="ring", tokens=8, warps=2, depth=5, held=3)),
    (16, Tile(loop="ring", tokens=16, warps=2, depth=5, held=3)),
    (32, Tile(loop="ring", tokens=32, warps=4, depth=5, held=3)),
    (64, Tile(loop="ring", tokens=64, warps=4, depth=3, held=4)),
    (128, Tile(loop="ring", tokens=128, warps=4, depth=3, held=3)),
    (192, Tile(loop="ring", tokens=64, warps=4, depth=3, held=2)),
    (256, Tile(loop="ring", tokens=128, warps=4, depth=1, held=4)),
    (384, Tile(loop="stream", tokens=64, warps=8, depth=3)),
    (None, Tile(loop="wide", tokens=256, warps=8, depth=5)),
)
OUT_TILES = (
    (8, Tile(loop="ring", tokens=8, warps=2, depth=8, held=4)),
    (16, Tile(loop="ring", tokens=16, warps=2, depth=8, held=4)),
    (32, Tile(loop="ring", tokens=32, warps=2, depth=8, held=3)),
    (64, Tile(loop="ring", tokens=32, warps=4, depth=4, held=4)),
    (128, Tile(loop="ring", tokens=64, warps=4, depth=4, held=3)),
    (256, Tile(loop="ring", tokens=64, warps=4, depth=2, held=3)),
    (512, Tile(loop="wide", tokens=128, warps=8, depth=6)),
    (None, Tile(loop="wide", tokens=256, warps=8, depth=5)),
)
_PORTABLE_FEATURES = 64
_PORTABLE_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class QkvWeights:
    """Fused projection, packed (`kernels.dense_pack`), and bias, rows in `qkv_row_order`."""

    weight_NCMLV: torch.Tensor
    bias_Q: torch.Tensor
    num_heads: int
    num_kv_heads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeTables:
    """Cosine and sine by position, float32 [P, 32] each, times the concentration."""

    cos_PC: torch.Tensor
    sin_PC: torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class KvTarget:
    """Where keys and values go.

    Attributes:
        k_pages_NGBW: Pages of one layer, bfloat16.
        v_pages_NGBW: Likewise.
        slots_T: page * 64 + offset of each token, int32; -1 writes nothing.
    """

    k_pages_NGBW: torch.Tensor
    v_pages_NGBW: torch.Tensor
    slots_T: torch.Tensor


def qkv_row_order(num_heads: int, num_kv_heads: int) -> torch.Tensor:
    """Return the checkpoint row of each packed row of the fused projection, [Q] int64.

    Rows i and i + 32 of a head, which rotate together, end in the same thread.
    """
    num_rows = (num_heads + 2 * num_kv_heads) * HEAD_DIM
    return paired_rows(num_rows, distance=HEAD_DIM // 2, period=HEAD_DIM)


def qkv_project(
    normed_TD: torch.Tensor,
    weights: QkvWeights,
    rope: RopeTables,
    positions_T: torch.Tensor,
    cache: KvTarget,
    *,
    out_q_THW: torch.Tensor,
    tile: Tile | None = None,
) -> None:
    """Project, add the bias, rotate queries and keys; write queries out and the rest to pages.

    Args:
        normed_TD: bfloat16 rows.
        weights: Fused projection.
        rope: Tables that hold every position.
        positions_T: int32.
        cache: Pages and the slot of each token.
        out_q_THW: bfloat16, unscaled.
        tile: Instead of the frozen table's, for measurements.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    bf16 = torch.bfloat16
    sizes = {"W": HEAD_DIM, "B": PAGE_TOKENS, "H": weights.num_heads, "G": weights.num_kv_heads}
    expect("normed", normed_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    num_rows = _expect_packed(weights.weight_NCMLV, sizes["D"])
    expect("bias", weights.bias_Q, "Q", dtype=bf16, sizes={"Q": num_rows})
    expect("positions", positions_T, "T", dtype=torch.int32, sizes=sizes)
    expect("slots", cache.slots_T, "T", dtype=torch.int32, sizes=sizes)
    for name, pages in (("k_pages", cache.k_pages_NGBW), ("v_pages", cache.v_pages_NGBW)):
        expect(name, pages, "N G B W", dtype=bf16, sizes=sizes, contiguous=True)
    expect("out_q", out_q_THW, "T H W", dtype=bf16, sizes=sizes, contiguous=True)
    num_tokens, width = normed_TD.shape
    operands = (
        normed_TD,
        weights.weight_NCMLV,
        weights.bias_Q,
        rope.cos_PC,
        rope.sin_PC,
        positions_T,
        cache.k_pages_NGBW,
        cache.v_pages_NGBW,
        cache.slots_T,
        out_q_THW,
        num_tokens,
    )
    shape = {"COLUMNS": width, "NUM_HEADS": weights.num_heads}
    shape["NUM_KV_HEADS"] = weights.num_kv_heads
    if is_hopper(normed_TD):
        _launch_hopper(
            qkv_kernel, operands, shape, num_rows, tile or tile_for(QKV_TILES, num_tokens)
        )
    else:
        _launch_portable(_qkv_kernel, operands, shape, num_rows)


def out_project(
    attn_TO: torch.Tensor,
    weight_NCMLV: torch.Tensor,
    bias_D: torch.Tensor,
    residual_TD: torch.Tensor,
    *,
    tile: Tile | None = None,
) -> None:
    """Add the projection of the attention's output and its bias to the residual, in place.

    Args:
        attn_TO: bfloat16 rows.
        weight_NCMLV: Packed (`kernels.dense_pack`), rows in checkpoint order.
        bias_D: bfloat16.
        residual_TD: bfloat16.
        tile: Instead of the frozen table's, for measurements.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    bf16 = torch.bfloat16
    sizes: dict[str, int] = {}
    expect("attn", attn_TO, "T O", dtype=bf16, sizes=sizes, contiguous=True)
    sizes["D"] = _expect_packed(weight_NCMLV, sizes["O"])
    expect("bias", bias_D, "D", dtype=bf16, sizes=sizes)
    expect("residual", residual_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    num_tokens, inner = attn_TO.shape
    operands = (attn_TO, weight_NCMLV, bias_D, residual_TD, num_tokens)
    shape = {"ROWS": sizes["D"], "COLUMNS": inner}
    if is_hopper(attn_TO):
        tile = tile or tile_for(OUT_TILES, num_tokens)
        _launch_hopper(out_kernel, operands, shape, sizes["D"], tile)
    else:
        _launch_portable(_out_kernel, operands, shape, sizes["D"])


def _expect_packed(weight_NCMLV: torch.Tensor, num_columns: int) -> int:
    """Check packed weights for an inner dimension and return their number of rows."""
    sizes = {"C": num_columns // CHUNK, "M": STEPS, "L": LANES, "V": VALUES}
    expect("weight", weight_NCMLV, "N C M L V", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    return weight_NCMLV.shape[0] * ROW_GROUP


def _launch_hopper(
    kernel: triton.JITFunction,
    operands: tuple[torch.Tensor | int, ...],
    shape: dict[str, int],
    num_rows: int,
    tile: Tile,
) -> None:
    x, weight, *others, num_tokens = operands
    assert isinstance(weight, torch.Tensor)
    assert isinstance(num_tokens, int)
    num_chunks = shape["COLUMNS"] // CHUNK
    grid = (triton.cdiv(num_rows, 16 * tile.warps), triton.cdiv(num_tokens, tile.tokens))
    kernel[grid](
        x,
        weight.view(torch.int32),
        *others,
        num_tokens,
        **shape,
        LOOP=tile.loop,
        BLOCK_T=tile.tokens,
        DEPTH=tile.depth_of(num_chunks),
        HELD=tile.held_of(num_chunks),
        WARPS=tile.warps,
        num_warps=tile.warps,
        launch_pdl=True,
    )


def _launch_portable(
    kernel: triton.JITFunction,
    operands: tuple[torch.Tensor | int, ...],
    shape: dict[str, int],
    num_rows: int,
) -> None:
    x, num_tokens = operands[0], operands[-1]
    assert isinstance(x, torch.Tensor)
    assert isinstance(num_tokens, int)
    grid = (triton.cdiv(num_rows, _PORTABLE_FEATURES), triton.cdiv(num_tokens, _PORTABLE_TOKENS))
    kernel[grid](
        *operands,
        **shape,
        BLOCK_F=_PORTABLE_FEATURES,
        BLOCK_T=_PORTABLE_TOKENS,
        PORTABLE=is_portable(x),
    )


@triton.jit
def dense_chunk(weight_ptr, group_N, CHUNKS: tl.constexpr, GROUPS: tl.constexpr):
    """Return a chunk of packed weights, [GROUPS * 16, 64] bfloat16.

    Args:
        weight_ptr: First value of the chunk in group 0.
        group_N: Row groups, int64.
        CHUNKS: Chunks of a group.
        GROUPS: Length of `group_N`.
    """
    lane = tl.arange(0, 8)[:, None, None, None] * 4 + tl.arange(0, 4)[None, :, None, None]
    step = tl.arange(0, 4)[None, None, :, None]
    offs = step * 256 + lane * 8 + tl.arange(0, 8)[None, None, None, :]
    base = weight_ptr + (group_N * (CHUNKS * 1024))[:, None, None, None, None]
    values = tl.load(base + offs[None, :, :, :, :])
    # [group, g, t, step, half of the step, half of the rows, parity]
    values = tl.reshape(values, (GROUPS, 8, 4, 4, 2, 2, 2))
    values = tl.permute(values, (0, 5, 1, 3, 4, 2, 6))
    return tl.reshape(values, (GROUPS * 16, 64))


@triton.jit
def _product(
    x_ptr,
    weight_ptr,
    num_tokens,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_T: tl.constexpr,
    PORTABLE: tl.constexpr,
):
    """Return the float32 products [BLOCK_F, BLOCK_T] of this program's rows and tokens."""
    CHUNKS: tl.constexpr = COLUMNS // 64
    GROUPS: tl.constexpr = BLOCK_F // 16
    group_N = tl.minimum(tl.program_id(0) * GROUPS + tl.arange(0, GROUPS), ROWS // 16 - 1)
    offs_t = tl.program_id(1) * BLOCK_T + tl.arange(0, BLOCK_T)
    mask_x = (offs_t < num_tokens)[:, None]
    x_ptrs = x_ptr + offs_t.to(tl.int64)[:, None] * COLUMNS + tl.arange(0, 64)[None, :]
    acc = tl.zeros((BLOCK_F, BLOCK_T), tl.float32)
    for chunk in range(CHUNKS):
        weight_FK = dense_chunk(weight_ptr + chunk * 1024, group_N.to(tl.int64), CHUNKS, GROUPS)
        x_TK = tl.load(x_ptrs, mask=mask_x, other=0.0)
        x_ptrs += 64
        if PORTABLE:
            weight_FK = weight_FK.to(tl.float32)
            x_TK = x_TK.to(tl.float32)
        acc = tl.dot(weight_FK, tl.trans(x_TK), acc)
    return acc


@triton.jit
def _qkv_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    cos_ptr,
    sin_ptr,
    positions_ptr,
    k_pages_ptr,
    v_pages_ptr,
    slots_ptr,
    out_q_ptr,
    num_tokens,
    COLUMNS: tl.constexpr,
    NUM_HEADS: tl.constexpr,
    NUM_KV_HEADS: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_T: tl.constexpr,
    PORTABLE: tl.constexpr,
):
    ROWS_Q: tl.constexpr = NUM_HEADS * 64
    ROWS_KV: tl.constexpr = NUM_KV_HEADS * 64
    ROWS: tl.constexpr = ROWS_Q + 2 * ROWS_KV
    GROUPS: tl.constexpr = BLOCK_F // 16
    acc = _product(x_ptr, weight_ptr, num_tokens, ROWS, COLUMNS, BLOCK_F, BLOCK_T, PORTABLE)
    row = tl.program_id(0) * BLOCK_F + tl.arange(0, BLOCK_F)
    acc += tl.load(bias_ptr + row, mask=row < ROWS, other=0.0).to(tl.float32)[:, None]

    # Of each 16 rows the last 8 are the partners of the first 8; the angle of values is zero.
    grouped = tl.permute(tl.reshape(acc, (GROUPS, 2, 8, BLOCK_T)), (0, 2, 3, 1))
    first, second = tl.split(grouped)
    first = tl.reshape(first, (GROUPS * 8, BLOCK_T))
    second = tl.reshape(second, (GROUPS * 8, BLOCK_T))
    place = tl.arange(0, GROUPS * 8)
    row = tl.program_id(0) * BLOCK_F + (place // 8) * 16
    pair = (row % 64) // 2 + place % 8
    offs_t = tl.program_id(1) * BLOCK_T + tl.arange(0, BLOCK_T)
    mask_t = offs_t < num_tokens
    position_T = tl.load(positions_ptr + offs_t, mask=mask_t, other=0)
    is_rotated = (row < ROWS_Q + ROWS_KV)[:, None] & mask_t[None, :]
    table = position_T[None, :] * 32 + pair[:, None]
    cos = tl.load(cos_ptr + table, mask=is_rotated, other=1.0)
    sin = tl.load(sin_ptr + table, mask=is_rotated, other=0.0)
    rotated_first = tl.math.fma(first, cos, -(second * sin)).to(tl.bfloat16)
    rotated_second = tl.math.fma(second, cos, first * sin).to(tl.bfloat16)

    column = (row // 64) * 64 + pair
    out_ptrs = out_q_ptr + offs_t.to(tl.int64)[None, :] * ROWS_Q + column[:, None]
    mask_q = mask_t[None, :] & (row < ROWS_Q)[:, None]
    tl.store(out_ptrs, rotated_first, mask=mask_q)
    tl.store(out_ptrs + 32, rotated_second, mask=mask_q)
    slot_T = tl.load(slots_ptr + offs_t, mask=mask_t, other=-1).to(tl.int64)
    head = (slot_T // 64)[None, :] * NUM_KV_HEADS + (((row - ROWS_Q) % ROWS_KV) // 64)[:, None]
    offs = (head * 64 + (slot_T % 64)[None, :]) * 64 + pair[:, None]
    is_written = (slot_T >= 0)[None, :]
    is_key = ((row >= ROWS_Q) & (row < ROWS_Q + ROWS_KV))[:, None] & is_written
    is_value = ((row >= ROWS_Q + ROWS_KV) & (row < ROWS))[:, None] & is_written
    tl.store(k_pages_ptr + offs, rotated_first, mask=is_key)
    tl.store(k_pages_ptr + offs + 32, rotated_second, mask=is_key)
    tl.store(v_pages_ptr + offs, rotated_first, mask=is_value)
    tl.store(v_pages_ptr + offs + 32, rotated_second, mask=is_value)


@triton.jit
def _out_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    residual_ptr,
    num_tokens,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_T: tl.constexpr,
    PORTABLE: tl.constexpr,
):
    acc = _product(x_ptr, weight_ptr, num_tokens, ROWS, COLUMNS, BLOCK_F, BLOCK_T, PORTABLE)
    offs_f = tl.program_id(0) * BLOCK_F + tl.arange(0, BLOCK_F)
    offs_t = tl.program_id(1) * BLOCK_T + tl.arange(0, BLOCK_T)
    mask_f = offs_f < ROWS
    acc += tl.load(bias_ptr + offs_f, mask=mask_f, other=0.0).to(tl.float32)[:, None]
    residual_ptrs = residual_ptr + offs_t.to(tl.int64)[None, :] * ROWS + offs_f[:, None]
    mask = (offs_t < num_tokens)[None, :] & mask_f[:, None]
    residual = tl.load(residual_ptrs, mask=mask, other=0.0).to(tl.float32)
    tl.store(residual_ptrs, (residual + acc).to(tl.bfloat16), mask=mask)
