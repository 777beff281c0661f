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
from kernels.launch import (
    Tile,
    has_dependent_launch,
    is_portable,
    let_next_start,
    wait_for_previous,
)

# Dimensions: T tokens, D model width, Q rows of the fused projection, O = H·W, H query heads,
# G kv heads, W head width, P positions, C = W / 2, N pages, B tokens of a page.

HEAD_DIM = 64
PAGE_TOKENS = 64
# Rows up to which each tile is used; frozen after measurement (benchmarks/kernels).
QKV_TILES = (
    (16, Tile(features=32, tokens=16, warps=2, stages=6)),
    (64, Tile(features=64, tokens=32, warps=4, stages=5)),
    (256, Tile(features=64, tokens=64, warps=4, stages=4)),
    (None, Tile(features=128, tokens=128, warps=8, stages=4)),
)
OUT_TILES = (
    (16, Tile(features=16, tokens=16, warps=1, stages=6)),
    (64, Tile(features=32, tokens=32, warps=2, stages=5)),
    (256, Tile(features=64, tokens=64, warps=4, stages=4)),
    (None, Tile(features=128, tokens=128, warps=8, stages=4)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QkvWeights:
    """Fused projection, rows of queries and keys in rotated pairs (`rotary_row_order`)."""

    weight_QD: torch.Tensor
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


def rotary_row_order(num_heads: int, num_kv_heads: int) -> torch.Tensor:
    """Return the checkpoint row of each packed row of the fused projection, [Q] int64.

    Within each head of queries and keys the rows i and i + 32, which rotate together, become 2i and
    2i + 1. Products of queries and keys do not depend on the order. Values stay as they are.
    """
    head = torch.arange(HEAD_DIM).view(2, HEAD_DIM // 2).T.reshape(-1)
    rotated = (torch.arange(num_heads + num_kv_heads)[:, None] * HEAD_DIM + head).reshape(-1)
    values = torch.arange(num_kv_heads * HEAD_DIM) + rotated.numel()
    return torch.cat([rotated, values])


def tile_for(tiles: tuple[tuple[int | None, Tile], ...], num_tokens: int) -> Tile:
    """Return the tile of the first entry that covers `num_tokens`."""
    return next(tile for most, tile in tiles if most is None or num_tokens <= most)


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
        out_q_THW: bfloat16, in rotated pairs, unscaled.
        tile: Instead of the frozen table's, for measurements.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = {"W": HEAD_DIM, "B": PAGE_TOKENS, "H": weights.num_heads, "G": weights.num_kv_heads}
    expect("normed", normed_TD, "T D", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    expect("weight", weights.weight_QD, "Q D", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    expect("positions", positions_T, "T", dtype=torch.int32, sizes=sizes)
    expect("slots", cache.slots_T, "T", dtype=torch.int32, sizes=sizes)
    for name, pages in (("k_pages", cache.k_pages_NGBW), ("v_pages", cache.v_pages_NGBW)):
        expect(name, pages, "N G B W", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    expect("out_q", out_q_THW, "T H W", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    num_tokens, width = normed_TD.shape
    tile = tile or tile_for(QKV_TILES, num_tokens)
    grid = (triton.cdiv(sizes["Q"], tile.features), triton.cdiv(num_tokens, tile.tokens))
    use_pdl = has_dependent_launch(normed_TD)
    _qkv_kernel[grid](
        normed_TD,
        weights.weight_QD,
        weights.bias_Q,
        rope.cos_PC,
        rope.sin_PC,
        positions_T,
        cache.k_pages_NGBW,
        cache.v_pages_NGBW,
        cache.slots_T,
        out_q_THW,
        num_tokens,
        WIDTH=width,
        NUM_HEADS=weights.num_heads,
        NUM_KV_HEADS=weights.num_kv_heads,
        BLOCK_F=tile.features,
        BLOCK_T=tile.tokens,
        USE_PDL=use_pdl,
        PORTABLE=is_portable(normed_TD),
        num_warps=tile.warps,
        num_stages=tile.stages,
        launch_pdl=use_pdl,
    )


def out_project(
    attn_TO: torch.Tensor,
    weight_DO: torch.Tensor,
    bias_D: torch.Tensor,
    residual_TD: torch.Tensor,
    *,
    tile: Tile | None = None,
) -> None:
    """Add the projection of the attention's output and its bias to the residual, in place.

    Args:
        attn_TO: bfloat16 rows.
        weight_DO: bfloat16.
        bias_D: bfloat16.
        residual_TD: bfloat16.
        tile: Instead of the frozen table's, for measurements.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes: dict[str, int] = {}
    expect("attn", attn_TO, "T O", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    expect("weight", weight_DO, "D O", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    expect("bias", bias_D, "D", dtype=torch.bfloat16, sizes=sizes)
    expect("residual", residual_TD, "T D", dtype=torch.bfloat16, sizes=sizes, contiguous=True)
    num_tokens, inner = attn_TO.shape
    tile = tile or tile_for(OUT_TILES, num_tokens)
    grid = (triton.cdiv(sizes["D"], tile.features), triton.cdiv(num_tokens, tile.tokens))
    use_pdl = has_dependent_launch(attn_TO)
    _out_kernel[grid](
        attn_TO,
        weight_DO,
        bias_D,
        residual_TD,
        num_tokens,
        WIDTH=sizes["D"],
        INNER=inner,
        BLOCK_F=tile.features,
        BLOCK_T=tile.tokens,
        USE_PDL=use_pdl,
        PORTABLE=is_portable(attn_TO),
        num_warps=tile.warps,
        num_stages=tile.stages,
        launch_pdl=use_pdl,
    )


@triton.jit
def product_tile(
    x_ptr,
    weight_ptr,
    offs_f,
    mask_f,
    offs_t,
    mask_t,
    INNER: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_T: tl.constexpr,
    PORTABLE: tl.constexpr,
):
    """Return the float32 products [BLOCK_F, BLOCK_T] of weight rows and token rows."""
    BLOCK_K: tl.constexpr = 64
    offs_k = tl.arange(0, BLOCK_K)
    weight_ptrs = weight_ptr + offs_f.to(tl.int64)[:, None] * INNER + offs_k[None, :]
    x_ptrs = x_ptr + offs_t.to(tl.int64)[:, None] * INNER + offs_k[None, :]
    acc = tl.zeros((BLOCK_F, BLOCK_T), tl.float32)
    for _ in range(INNER // BLOCK_K):
        weight_FK = tl.load(weight_ptrs, mask=mask_f[:, None], other=0.0)
        x_TK = tl.load(x_ptrs, mask=mask_t[:, None], other=0.0)
        if PORTABLE:
            weight_FK = weight_FK.to(tl.float32)
            x_TK = x_TK.to(tl.float32)
        acc = tl.dot(weight_FK, tl.trans(x_TK), acc)
        weight_ptrs += BLOCK_K
        x_ptrs += BLOCK_K
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
    WIDTH: tl.constexpr,
    NUM_HEADS: tl.constexpr,
    NUM_KV_HEADS: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_T: tl.constexpr,
    USE_PDL: tl.constexpr,
    PORTABLE: tl.constexpr,
):
    HEAD: tl.constexpr = 64
    ROWS_Q: tl.constexpr = NUM_HEADS * HEAD
    ROWS_KV: tl.constexpr = NUM_KV_HEADS * HEAD
    let_next_start(USE_PDL)
    offs_f = tl.program_id(0) * BLOCK_F + tl.arange(0, BLOCK_F)
    offs_t = tl.program_id(1) * BLOCK_T + tl.arange(0, BLOCK_T)
    mask_f = offs_f < ROWS_Q + 2 * ROWS_KV
    mask_t = offs_t < num_tokens
    wait_for_previous(USE_PDL)
    acc = product_tile(
        x_ptr, weight_ptr, offs_f, mask_f, offs_t, mask_t, WIDTH, BLOCK_F, BLOCK_T, PORTABLE
    )
    acc += tl.load(bias_ptr + offs_f, mask=mask_f, other=0.0).to(tl.float32)[:, None]

    # Rows 2i and 2i + 1 of a head rotate together; the angle of values is zero.
    position_T = tl.load(positions_ptr + offs_t, mask=mask_t, other=0)
    first_f = tl.program_id(0) * BLOCK_F + 2 * tl.arange(0, BLOCK_F // 2)
    is_rotated = first_f < ROWS_Q + ROWS_KV
    table = position_T[None, :] * (HEAD // 2) + ((first_f % HEAD) // 2)[:, None]
    mask_table = is_rotated[:, None] & mask_t[None, :]
    cos = tl.load(cos_ptr + table, mask=mask_table, other=1.0)
    sin = tl.load(sin_ptr + table, mask=mask_table, other=0.0)
    pairs = tl.permute(tl.reshape(acc, (BLOCK_F // 2, 2, BLOCK_T)), (0, 2, 1))
    first, second = tl.split(pairs)
    rotated_first = tl.math.fma(first, cos, -(second * sin))
    rotated_second = tl.math.fma(second, cos, first * sin)
    pairs = tl.join(rotated_first, rotated_second)
    out = tl.reshape(tl.permute(pairs, (0, 2, 1)), (BLOCK_F, BLOCK_T)).to(tl.bfloat16)

    out_TF = tl.trans(out)
    row_f = offs_f[None, :]
    if tl.program_id(0) * BLOCK_F < ROWS_Q:
        out_q_ptrs = out_q_ptr + offs_t.to(tl.int64)[:, None] * ROWS_Q + row_f
        tl.store(out_q_ptrs, out_TF, mask=mask_t[:, None] & (row_f < ROWS_Q))
    if (tl.program_id(0) + 1) * BLOCK_F > ROWS_Q:
        slot_T = tl.load(slots_ptr + offs_t, mask=mask_t, other=-1).to(tl.int64)
        row_kv = (offs_f - ROWS_Q) % ROWS_KV
        head = (slot_T // HEAD)[:, None] * NUM_KV_HEADS + (row_kv // HEAD)[None, :]
        place = (head * HEAD + (slot_T % HEAD)[:, None]) * HEAD + (row_kv % HEAD)[None, :]
        is_written = (slot_T >= 0)[:, None]
        is_key = (row_f >= ROWS_Q) & (row_f < ROWS_Q + ROWS_KV)
        is_value = (row_f >= ROWS_Q + ROWS_KV) & mask_f[None, :]
        tl.store(k_pages_ptr + place, out_TF, mask=is_written & is_key)
        tl.store(v_pages_ptr + place, out_TF, mask=is_written & is_value)


@triton.jit
def _out_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    residual_ptr,
    num_tokens,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_T: tl.constexpr,
    USE_PDL: tl.constexpr,
    PORTABLE: tl.constexpr,
):
    let_next_start(USE_PDL)
    offs_f = tl.program_id(0) * BLOCK_F + tl.arange(0, BLOCK_F)
    offs_t = tl.program_id(1) * BLOCK_T + tl.arange(0, BLOCK_T)
    mask_f = offs_f < WIDTH
    mask_t = offs_t < num_tokens
    wait_for_previous(USE_PDL)
    acc = product_tile(
        x_ptr, weight_ptr, offs_f, mask_f, offs_t, mask_t, INNER, BLOCK_F, BLOCK_T, PORTABLE
    )
    acc += tl.load(bias_ptr + offs_f, mask=mask_f, other=0.0).to(tl.float32)[:, None]
    residual_ptrs = residual_ptr + offs_t.to(tl.int64)[:, None] * WIDTH + offs_f[None, :]
    mask = mask_t[:, None] & mask_f[None, :]
    residual = tl.load(residual_ptrs, mask=mask, other=0.0).to(tl.float32)
    tl.store(residual_ptrs, (residual + tl.trans(acc)).to(tl.bfloat16), mask=mask)
