"""The dense products' kernel for sm_90; `kernels.dense` says what it computes."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.language.extra.cuda import gdc_wait

from kernels.hopper.fragments import chunk_pointers
from kernels.hopper.loops import (
    accumulator_layout,
    activation_layout,
    stream_loop,
    wide_loop,
)
from kernels.hopper.ring_loops import fill_ring, ring_loop, ring_pointers


@gluon.jit
def _activation_pointers(
    x_ptr, num_tokens, COLUMNS: gl.constexpr, BLOCK_T: gl.constexpr, WARPS: gl.constexpr
):
    """Return pointers to the first chunk of this program's tokens, and which are real."""
    layout: gl.constexpr = activation_layout(WARPS)
    token = gl.program_id(1) * BLOCK_T + gl.arange(0, BLOCK_T, layout=gl.SliceLayout(1, layout))
    column = gl.arange(0, 64, layout=gl.SliceLayout(0, layout))
    x_ptrs = x_ptr + gl.expand_dims(token.to(gl.int64) * COLUMNS, 1) + gl.expand_dims(column, 0)
    return x_ptrs, gl.expand_dims(token < num_tokens, 1)


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
    group = (gl.program_id(0) * WARPS).to(gl.int64)
    last_group = gl.full([], ROWS // 16 - 1, gl.int64)
    weight_ptrs, scales_ptrs = chunk_pointers(
        weight_ptr, weight_ptr, group, last_group, CHUNKS, False, WARPS
    )
    x_ptrs, mask_x = _activation_pointers(x_ptr, num_tokens, COLUMNS, BLOCK_T, WARPS)
    if LOOP == "stream":
        acc = stream_loop(
            x_ptrs, mask_x, weight_ptrs, scales_ptrs, CHUNKS, BLOCK_T, DEPTH, False, WARPS, True
        )
    else:
        acc = wide_loop(
            x_ptrs, mask_x, weight_ptrs, scales_ptrs, CHUNKS, BLOCK_T, DEPTH, False, WARPS, True
        )
    return acc


@gluon.jit
def _begin_ring(
    weight_ptr,
    ROWS: gl.constexpr,
    COLUMNS: gl.constexpr,
    DEPTH: gl.constexpr,
    HELD: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Ask for this program's first weights, then wait for the previous kernel."""
    group = (gl.program_id(0) * WARPS).to(gl.int64)
    last_group = gl.full([], ROWS // 16 - 1, gl.int64)
    weight_ptrs = ring_pointers(weight_ptr, group, last_group, COLUMNS // 64, WARPS)
    rings = fill_ring(weight_ptrs, DEPTH, HELD, WARPS)
    gdc_wait()
    return weight_ptrs, rings


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
    HELD: gl.constexpr,
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
    if LOOP == "ring":
        weight_ptrs, rings = _begin_ring(weight_ptr, ROWS, COLUMNS, DEPTH, HELD, WARPS)
        residual = gl.load(residual_ptrs, mask=mask, other=0.0)
        x_ptrs, mask_x = _activation_pointers(x_ptr, num_tokens, COLUMNS, BLOCK_T, WARPS)
        acc = ring_loop(
            *(x_ptrs, mask_x, weight_ptrs, rings),
            *(COLUMNS // 64, BLOCK_T, DEPTH, HELD, WARPS),
        )
    else:
        acc = _product(x_ptr, weight_ptr, num_tokens, ROWS, COLUMNS, LOOP, BLOCK_T, DEPTH, WARPS)
    acc = gl.convert_layout(acc, layout) + gl.expand_dims(bias, 1)
    if LOOP != "ring":
        residual = gl.load(residual_ptrs, mask=mask, other=0.0)
    gl.store(residual_ptrs, (residual.to(gl.float32) + acc).to(gl.bfloat16), mask=mask)


@gluon.constexpr_function
def _rotated_layout(warps):
    return gl.BlockedLayout([8, 1], [warps, 32 // warps], [1, warps], [0, 1])


@gluon.jit
def _rotated_places(first_row, num_tokens, BLOCK_T: gl.constexpr, WARPS: gl.constexpr):
    """Return first rows of groups, pairs in their heads, tokens, and which tokens are real."""
    layout: gl.constexpr = _rotated_layout(WARPS)
    place = gl.arange(0, WARPS * 8, layout=gl.SliceLayout(1, layout))
    row = first_row + (place // 8) * 16
    pair = (row % 64) // 2 + place % 8
    token = gl.program_id(1) * BLOCK_T + gl.arange(0, BLOCK_T, layout=gl.SliceLayout(0, layout))
    return row, pair, token, token < num_tokens


@gluon.jit
def _load_angles(positions_ptr, cos_ptr, sin_ptr, places, FIRST_VALUE: gl.constexpr):
    """Return the cosine and sine of pairs of rows and tokens; the angle of values is zero."""
    row, pair, token, mask_t = places
    position = gl.load(positions_ptr + token, mask=mask_t, other=0)
    is_rotated = gl.expand_dims(row < FIRST_VALUE, 1) & gl.expand_dims(mask_t, 0)
    table = gl.expand_dims(position * 32, 0) + gl.expand_dims(pair, 1)
    cos = gl.load(cos_ptr + table, mask=is_rotated, other=1.0)
    sin = gl.load(sin_ptr + table, mask=is_rotated, other=0.0)
    return cos, sin


@gluon.jit
def _page_offsets(row, pair, slot, ROWS_Q: gl.constexpr, NUM_KV_HEADS: gl.constexpr):
    """Return where rows of keys or values and tokens lie in the pages."""
    head = gl.expand_dims((slot // 64) * NUM_KV_HEADS, 0)
    head += gl.expand_dims(((row - ROWS_Q) % (NUM_KV_HEADS * 64)) // 64, 1)
    return (head * 64 + gl.expand_dims(slot % 64, 0)) * 64 + gl.expand_dims(pair, 1)


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
    HELD: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Make WARPS * 16 features of queries, keys and values for a block of tokens."""
    BLOCK_F: gl.constexpr = WARPS * 16
    ROWS_Q: gl.constexpr = NUM_HEADS * 64
    ROWS_KV: gl.constexpr = NUM_KV_HEADS * 64
    ROWS: gl.constexpr = ROWS_Q + 2 * ROWS_KV
    acc_layout: gl.constexpr = accumulator_layout(LOOP, WARPS, BLOCK_T)
    first_row = gl.program_id(0) * BLOCK_F
    row = first_row + gl.arange(0, BLOCK_F, layout=gl.SliceLayout(1, acc_layout))
    bias = gl.load(bias_ptr + row, mask=row < ROWS, other=0.0).to(gl.float32)

    if LOOP == "ring":
        weight_ptrs, rings = _begin_ring(weight_ptr, ROWS, COLUMNS, DEPTH, HELD, WARPS)
        x_ptrs, mask_x = _activation_pointers(x_ptr, num_tokens, COLUMNS, BLOCK_T, WARPS)
        places = _rotated_places(first_row, num_tokens, BLOCK_T, WARPS)
        cos, sin = _load_angles(positions_ptr, cos_ptr, sin_ptr, places, ROWS_Q + ROWS_KV)
        acc = ring_loop(
            *(x_ptrs, mask_x, weight_ptrs, rings),
            *(COLUMNS // 64, BLOCK_T, DEPTH, HELD, WARPS),
        )
    else:
        acc = _product(x_ptr, weight_ptr, num_tokens, ROWS, COLUMNS, LOOP, BLOCK_T, DEPTH, WARPS)
    acc += gl.expand_dims(bias, 1)

    # Of each 16 rows the last 8 are the partners of the first 8.
    layout: gl.constexpr = _rotated_layout(WARPS)
    grouped = gl.reshape(acc, (WARPS, 2, 8, BLOCK_T))
    first, second = gl.split(gl.permute(grouped, (0, 2, 3, 1)))
    first = gl.convert_layout(gl.reshape(first, (WARPS * 8, BLOCK_T)), layout)
    second = gl.convert_layout(gl.reshape(second, (WARPS * 8, BLOCK_T)), layout)
    if LOOP != "ring":
        places = _rotated_places(first_row, num_tokens, BLOCK_T, WARPS)
        cos, sin = _load_angles(positions_ptr, cos_ptr, sin_ptr, places, ROWS_Q + ROWS_KV)
    row, pair, token, mask_t = places
    rotated_first = gl.fma(first, cos, -(second * sin)).to(gl.bfloat16)
    rotated_second = gl.fma(second, cos, first * sin).to(gl.bfloat16)

    if first_row < ROWS_Q:
        out_ptrs = out_q_ptr + gl.expand_dims(token.to(gl.int64) * ROWS_Q, 0)
        out_ptrs += gl.expand_dims((row // 64) * 64 + pair, 1)
        mask = gl.expand_dims(mask_t, 0) & gl.expand_dims(row < ROWS_Q, 1)
        gl.store(out_ptrs, rotated_first, mask=mask)
        gl.store(out_ptrs + 32, rotated_second, mask=mask)
    if first_row + BLOCK_F > ROWS_Q:
        slot = gl.load(slots_ptr + token, mask=mask_t, other=-1).to(gl.int64)
        offs = _page_offsets(row, pair, slot, ROWS_Q, NUM_KV_HEADS)
        is_written = gl.expand_dims(slot >= 0, 0)
        is_key = gl.expand_dims((row >= ROWS_Q) & (row < ROWS_Q + ROWS_KV), 1) & is_written
        is_value = gl.expand_dims((row >= ROWS_Q + ROWS_KV) & (row < ROWS), 1) & is_written
        gl.store(k_pages_ptr + offs, rotated_first, mask=is_key)
        gl.store(k_pages_ptr + offs + 32, rotated_second, mask=is_key)
        gl.store(v_pages_ptr + offs, rotated_first, mask=is_value)
        gl.store(v_pages_ptr + offs + 32, rotated_second, mask=is_value)
