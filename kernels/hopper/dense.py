"""The dense products' kernel for sm_90; `kernels.dense` says what it computes."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

from kernels.hopper.fragments import chunk_pointers
from kernels.hopper.loops import (
    accumulator_layout,
    activation_layout,
    narrow_loop,
    stream_loop,
    wide_loop,
)


@gluon.jit
def _product(
    x_ptr,
    weight_ptr,
    num_tokens,
    ROWS: gl.constexpr,
    COLUMNS: gl.constexpr,
    LOOP: gl.constexpr,
    BLOCK_T: gl.constexpr,
    DEPTH: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Return the product of this program's rows of weights and its tokens."""
    CHUNKS: gl.constexpr = COLUMNS // 64
    layout: gl.constexpr = activation_layout(WARPS)
    group = (gl.program_id(0) * WARPS).to(gl.int64)
    last_group = gl.full([], ROWS // 16 - 1, gl.int64)
    weight_ptrs, scales_ptrs = chunk_pointers(
        weight_ptr, weight_ptr, group, last_group, CHUNKS, False, WARPS
    )
    token = gl.program_id(1) * BLOCK_T + gl.arange(0, BLOCK_T, layout=gl.SliceLayout(1, layout))
    column = gl.arange(0, 64, layout=gl.SliceLayout(0, layout))
    x_ptrs = x_ptr + gl.expand_dims(token.to(gl.int64) * COLUMNS, 1) + gl.expand_dims(column, 0)
    mask_x = gl.expand_dims(token < num_tokens, 1)
    if LOOP == "narrow":
        acc = narrow_loop(
            x_ptrs, mask_x, weight_ptrs, scales_ptrs, CHUNKS, BLOCK_T, DEPTH, False, WARPS, True
        )
    elif LOOP == "stream":
        acc = stream_loop(
            x_ptrs, mask_x, weight_ptrs, scales_ptrs, CHUNKS, BLOCK_T, DEPTH, False, WARPS, True
        )
    else:
        acc = wide_loop(
            x_ptrs, mask_x, weight_ptrs, scales_ptrs, CHUNKS, BLOCK_T, DEPTH, False, WARPS, True
        )
    return acc


@gluon.constexpr_function
def _store_layout(warps):
    lanes_f = min(2 * warps, 32)
    return gl.BlockedLayout([8, 1], [lanes_f, 32 // lanes_f], [1, warps], [0, 1])


@gluon.jit
def out_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    residual_ptr,
    num_tokens,
    ROWS: gl.constexpr,
    COLUMNS: gl.constexpr,
    LOOP: gl.constexpr,
    BLOCK_T: gl.constexpr,
    DEPTH: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Add WARPS * 16 output features and their bias to the residual of a block of tokens."""
    BLOCK_F: gl.constexpr = WARPS * 16
    layout: gl.constexpr = _store_layout(WARPS)
    feature = gl.program_id(0) * BLOCK_F + gl.arange(0, BLOCK_F, layout=gl.SliceLayout(1, layout))
    token = gl.program_id(1) * BLOCK_T + gl.arange(0, BLOCK_T, layout=gl.SliceLayout(0, layout))
    bias = gl.load(bias_ptr + feature, mask=feature < ROWS, other=0.0).to(gl.float32)
    residual_ptrs = residual_ptr + gl.expand_dims(token.to(gl.int64) * ROWS, 0)
    residual_ptrs += gl.expand_dims(feature, 1)
    mask = gl.expand_dims(token < num_tokens, 0) & gl.expand_dims(feature < ROWS, 1)
    acc = _product(x_ptr, weight_ptr, num_tokens, ROWS, COLUMNS, LOOP, BLOCK_T, DEPTH, WARPS)
    acc = gl.convert_layout(acc, layout) + gl.expand_dims(bias, 1)
    residual = gl.load(residual_ptrs, mask=mask, other=0.0).to(gl.float32)
    gl.store(residual_ptrs, (residual + acc).to(gl.bfloat16), mask=mask)


@gluon.jit
def qkv_kernel(
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
    COLUMNS: gl.constexpr,
    NUM_HEADS: gl.constexpr,
    NUM_KV_HEADS: gl.constexpr,
    LOOP: gl.constexpr,
    BLOCK_T: gl.constexpr,
    DEPTH: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Make WARPS * 16 features of queries, keys and values for a block of tokens."""
    BLOCK_F: gl.constexpr = WARPS * 16
    ROWS_Q: gl.constexpr = NUM_HEADS * 64
    ROWS_KV: gl.constexpr = NUM_KV_HEADS * 64
    ROWS: gl.constexpr = ROWS_Q + 2 * ROWS_KV
    acc_layout: gl.constexpr = accumulator_layout(LOOP, WARPS, BLOCK_T)
    first_row = gl.program_id(0) * BLOCK_F
    first_token = gl.program_id(1) * BLOCK_T
    row = first_row + gl.arange(0, BLOCK_F, layout=gl.SliceLayout(1, acc_layout))
    bias = gl.load(bias_ptr + row, mask=row < ROWS, other=0.0).to(gl.float32)
    acc = _product(x_ptr, weight_ptr, num_tokens, ROWS, COLUMNS, LOOP, BLOCK_T, DEPTH, WARPS)
    acc += gl.expand_dims(bias, 1)

    # Of each 16 rows the last 8 are the partners of the first 8; the angle of values is zero.
    grouped = gl.reshape(acc, (WARPS, 2, 8, BLOCK_T))
    first, second = gl.split(gl.permute(grouped, (0, 2, 3, 1)))
    first = gl.reshape(first, (WARPS * 8, BLOCK_T))
    second = gl.reshape(second, (WARPS * 8, BLOCK_T))
    layout: gl.constexpr = gl.BlockedLayout([8, 1], [WARPS, 32 // WARPS], [1, WARPS], [0, 1])
    first = gl.convert_layout(first, layout)
    second = gl.convert_layout(second, layout)
    place = gl.arange(0, WARPS * 8, layout=gl.SliceLayout(1, layout))
    row = first_row + (place // 8) * 16
    pair = (row % 64) // 2 + place % 8
    token = first_token + gl.arange(0, BLOCK_T, layout=gl.SliceLayout(0, layout))
    mask_t = token < num_tokens
    position = gl.load(positions_ptr + token, mask=mask_t, other=0)
    is_rotated = gl.expand_dims(row < ROWS_Q + ROWS_KV, 1) & gl.expand_dims(mask_t, 0)
    table = gl.expand_dims(position * 32, 0) + gl.expand_dims(pair, 1)
    cos = gl.load(cos_ptr + table, mask=is_rotated, other=1.0)
    sin = gl.load(sin_ptr + table, mask=is_rotated, other=0.0)
    rotated_first = gl.fma(first, cos, -(second * sin)).to(gl.bfloat16)
    rotated_second = gl.fma(second, cos, first * sin).to(gl.bfloat16)

    column = (row // 64) * 64 + pair
    if first_row < ROWS_Q:
        out_ptrs = out_q_ptr + gl.expand_dims(token.to(gl.int64) * ROWS_Q, 0)
        out_ptrs += gl.expand_dims(column, 1)
        mask = gl.expand_dims(mask_t, 0) & gl.expand_dims(row < ROWS_Q, 1)
        gl.store(out_ptrs, rotated_first, mask=mask)
        gl.store(out_ptrs + 32, rotated_second, mask=mask)
    if first_row + BLOCK_F > ROWS_Q:
        slot = gl.load(slots_ptr + token, mask=mask_t, other=-1).to(gl.int64)
        head = gl.expand_dims((slot // 64) * NUM_KV_HEADS, 0)
        head += gl.expand_dims(((row - ROWS_Q) % ROWS_KV) // 64, 1)
        offs = (head * 64 + gl.expand_dims(slot % 64, 0)) * 64 + gl.expand_dims(pair, 1)
        is_written = gl.expand_dims(slot >= 0, 0)
        is_key = gl.expand_dims((row >= ROWS_Q) & (row < ROWS_Q + ROWS_KV), 1) & is_written
        is_value = gl.expand_dims((row >= ROWS_Q + ROWS_KV) & (row < ROWS), 1) & is_written
        gl.store(k_pages_ptr + offs, rotated_first, mask=is_key)
        gl.store(k_pages_ptr + offs + 32, rotated_second, mask=is_key)
        gl.store(v_pages_ptr + offs, rotated_first, mask=is_value)
        gl.store(v_pages_ptr + offs + 32, rotated_second, mask=is_value)
