"""The experts' kernel for sm_90; `kernels.experts` says what it computes."""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from kernels.hopper.expert_loops import ring_loop, scale_pointers
from kernels.hopper.fragments import chunk_pointers
from kernels.hopper.loops import (
    accumulator_layout,
    activation_layout,
    stream_loop,
    wide_loop,
)


@gluon.constexpr_function
def _layout_of(loop, warps, block_t):
    # The experts' rings use warp instructions for few tokens, whatever the number of warps.
    if loop == "ring":
        loop = "stream" if block_t > 16 else "narrow"
    return accumulator_layout(loop, warps, block_t)


@gluon.jit
def _product(
    x_ptrs,
    mask_x,
    words_ptr,
    scales_ptr,
    group,
    last_group,
    CHUNKS: gl.constexpr,
    LOOP: gl.constexpr,
    BLOCK_T: gl.constexpr,
    X_ROWS: gl.constexpr,
    DEPTH: gl.constexpr,
    HELD: gl.constexpr,
    WARPS: gl.constexpr,
    WAITS: gl.constexpr,
    SIGNALS_FIRST: gl.constexpr,
):
    """Return the product of row groups from `group` on and the rows at `x_ptrs`."""
    weight_ptrs, scales_ptrs = chunk_pointers(
        words_ptr, scales_ptr, group, last_group, CHUNKS, True, WARPS
    )
    if LOOP == "ring":
        warp_scales = scale_pointers(scales_ptr, group, last_group, CHUNKS, WARPS)
        IS_WIDE: gl.constexpr = BLOCK_T > 16
        acc = ring_loop(
            *(x_ptrs, mask_x, weight_ptrs, warp_scales),
            *(CHUNKS, BLOCK_T, X_ROWS, DEPTH, HELD, WARPS, IS_WIDE, WAITS, SIGNALS_FIRST),
        )
    elif LOOP == "stream":
        acc = stream_loop(
            x_ptrs, mask_x, weight_ptrs, scales_ptrs, CHUNKS, BLOCK_T, DEPTH, True, WARPS, WAITS
        )
    else:
        acc = wide_loop(
            x_ptrs, mask_x, weight_ptrs, scales_ptrs, CHUNKS, BLOCK_T, DEPTH, True, WARPS, WAITS
        )
    return acc


@gluon.jit
def expert_kernel(
    x_ptr,
    words_ptr,
    scales_ptr,
    bias_ptr,
    order_ptr,
    blocks_ptr,
    out_ptr,
    limit,
    ROWS: gl.constexpr,
    COLUMNS: gl.constexpr,
    ROWS_OF_INPUT: gl.constexpr,
    IS_UP: gl.constexpr,
    LOOP: gl.constexpr,
    BLOCK_T: gl.constexpr,
    X_ROWS: gl.constexpr,
    DEPTH: gl.constexpr,
    HELD: gl.constexpr,
    WARPS: gl.constexpr,
    SIGNALS_FIRST: gl.constexpr,
):
    """Make WARPS * 16 packed features of an expert for a block of its rows.

    The lists of rows were complete before the up projection passed its wait, so the down projection
    reads them, and asks for its first weights, before its own. It has not waited for anything then,
    so the lists come past the multiprocessor's cache, which may hold another layer's.
    """
    BLOCK_F: gl.constexpr = WARPS * 16
    acc_layout: gl.constexpr = _layout_of(LOOP, WARPS, BLOCK_T)
    x_layout: gl.constexpr = activation_layout(WARPS)
    if IS_UP:
        gdc_wait()
        if SIGNALS_FIRST:
            gdc_launch_dependents()
    entry_ptr = blocks_ptr + gl.program_id(1) * 3
    expert = gl.load(entry_ptr, cache_modifier=".cg").to(gl.int64)
    if expert >= 0:
        first = gl.load(entry_ptr + 1, cache_modifier=".cg")
        end = gl.load(entry_ptr + 2, cache_modifier=".cg")
        group = expert * (ROWS // 16) + gl.program_id(0) * WARPS
        last_group = expert * (ROWS // 16) + (ROWS // 16 - 1)
        place = first + gl.arange(0, X_ROWS, layout=gl.SliceLayout(1, x_layout))
        mask_t = place < end
        row = gl.load(order_ptr + place, mask=mask_t, other=0, cache_modifier=".cg")
        row = row // ROWS_OF_INPUT
        column = gl.arange(0, 64, layout=gl.SliceLayout(0, x_layout))
        x_ptrs = x_ptr + gl.expand_dims(row.to(gl.int64) * COLUMNS, 1) + gl.expand_dims(column, 0)
        offs_f = gl.program_id(0) * BLOCK_F
        offs_f += gl.arange(0, BLOCK_F, layout=gl.SliceLayout(1, acc_layout))
        bias = gl.load(bias_ptr + expert * ROWS + gl.minimum(offs_f, ROWS - 1))
        acc = _product(
            *(x_ptrs, gl.expand_dims(mask_t, 1), words_ptr, scales_ptr, group, last_group),
            *(COLUMNS // 64, LOOP, BLOCK_T, X_ROWS, DEPTH, HELD, WARPS, not IS_UP, SIGNALS_FIRST),
        )
        if not SIGNALS_FIRST:
            gdc_launch_dependents()
        acc += gl.expand_dims(bias, 1)
        if IS_UP:
            acc = _swiglu(acc, limit, BLOCK_F, BLOCK_T)
        WIDTH: gl.constexpr = ROWS // 2 if IS_UP else ROWS
        FEATURES: gl.constexpr = BLOCK_F // 2 if IS_UP else BLOCK_F
        lanes_f: gl.constexpr = min(FEATURES // 8, 32)
        layout: gl.constexpr = gl.BlockedLayout(
            [8, 1], [lanes_f, 32 // lanes_f], [1, WARPS], [0, 1]
        )
        out = gl.convert_layout(acc.to(gl.bfloat16), layout)
        feature = gl.program_id(0) * FEATURES
        feature += gl.arange(0, FEATURES, layout=gl.SliceLayout(1, layout))
        place = first + gl.arange(0, BLOCK_T, layout=gl.SliceLayout(0, layout))
        out_row = gl.load(order_ptr + place, mask=place < end, other=0, cache_modifier=".cg")
        out_ptrs = (
            out_ptr + gl.expand_dims(out_row.to(gl.int64) * WIDTH, 0) + gl.expand_dims(feature, 1)
        )
        mask = gl.expand_dims(place < end, 0) & gl.expand_dims(feature < WIDTH, 1)
        gl.store(out_ptrs, out, mask=mask)
    elif not IS_UP:
        gdc_wait()


@gluon.jit
def _swiglu(acc, limit, BLOCK_F: gl.constexpr, BLOCK_T: gl.constexpr):
    grouped = gl.reshape(acc, (BLOCK_F // 16, 2, 8, BLOCK_T))
    gate, up = gl.split(gl.permute(grouped, (0, 2, 3, 1)))
    gate = gl.minimum(gate, limit)
    up = gl.minimum(gl.maximum(up, -limit), limit)
    act = gate / (1.0 + gl.exp(-1.702 * gate))
    return gl.reshape(gl.fma(act, up, act), (BLOCK_F // 2, BLOCK_T))
