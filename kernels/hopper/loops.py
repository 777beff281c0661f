"""The loops over the inner dimension: few rows, some rows, many rows.

Each returns the float32 accumulator [WARPS * 16, BLOCK_T] of one chain of 16-wide steps in
ascending order, so all give the same bits. They differ in what they wait for: `narrow_loop` holds
all activations in shared memory and lets every warp run by itself; `stream_loop` brings activations
in a ring, with weights several chunks ahead in registers; `wide_loop` keeps the matrix units busy.
With `WAITS` a loop asks for its first weights, then waits for the previous kernel. The next kernel
may start when a loop ends: earlier, its programs take more from this one than they gain.
"""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
from triton.experimental.gluon.language.nvidia.ampere import mma_v2
from triton.experimental.gluon.language.nvidia.hopper import (
    async_copy,
    fence_async_shared,
    warpgroup_mma,
    warpgroup_mma_wait,
)
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from kernels.hopper.fragments import load_chunk, to_fragment

# Triton 3.7 renamed it.
barrier = getattr(gl, "barrier", None) or gl.thread_barrier


@gluon.constexpr_function
def accumulator_layout(loop, warps, block_t):
    """Layout of a loop's result: narrow ones use warp instructions, others those of warp groups."""
    if loop == "narrow":
        return gl.NVMMADistributedLayout([2, 0], [warps, 1], [16, 8])
    return gl.NVMMADistributedLayout([3, 0], [warps, 1], [16, block_t, 16])


@gluon.constexpr_function
def activation_layout(warps):
    """Layout in which activations [BLOCK_T, 64] are copied to shared memory."""
    return gl.BlockedLayout([1, 8], [4, 8], [warps, 1], [1, 0])


@gluon.jit
def narrow_loop(
    x_ptrs,
    mask_x,
    weight_ptrs,
    scales_ptrs,
    NUM_CHUNKS: gl.constexpr,
    BLOCK_T: gl.constexpr,
    DEPTH: gl.constexpr,
    IS_MXFP4: gl.constexpr,
    WARPS: gl.constexpr,
    WAITS: gl.constexpr,
):
    """Multiply with warp instructions; `DEPTH` chunks of weights are in flight."""
    layout: gl.constexpr = accumulator_layout("narrow", WARPS, BLOCK_T)
    operand_0: gl.constexpr = gl.DotOperandLayout(0, layout, 2)
    operand_1: gl.constexpr = gl.DotOperandLayout(1, layout, 2)
    shared: gl.constexpr = gl.SwizzledSharedLayout(8, 1, 8, [1, 0])
    ROUNDS: gl.constexpr = NUM_CHUNKS // DEPTH
    weights = ()
    for ahead in gl.static_range(DEPTH):
        weights = weights + (load_chunk(weight_ptrs, scales_ptrs, ahead, True, IS_MXFP4),)
    if WAITS:
        gdc_wait()
    # One allocation for each chunk of a round: copies into one would wait for each other.
    x_chunks = ()
    for _ in gl.static_range(DEPTH):
        ring = gl.allocate_shared_memory(gl.bfloat16, [ROUNDS, BLOCK_T, 64], shared)
        x_chunks = x_chunks + (ring,)
    for round_idx in gl.static_range(ROUNDS):
        for chunk in gl.static_range(DEPTH):
            from_ptrs = x_ptrs + (round_idx * DEPTH + chunk) * 64
            to = x_chunks[chunk].index(round_idx)
            async_copy.async_copy_global_to_shared(to, from_ptrs, mask=mask_x)
    async_copy.commit_group()
    async_copy.wait_group(0)
    barrier()
    acc = gl.zeros((WARPS * 16, BLOCK_T), gl.float32, layout=layout)
    for round_idx in range(ROUNDS):
        is_real = round_idx + 1 < ROUNDS
        following = ()
        for chunk in gl.static_range(DEPTH):
            weight, scales = weights[chunk]
            fragment = to_fragment(weight, scales, operand_0, IS_MXFP4, WARPS)
            next_chunk = (round_idx + 1) * DEPTH + chunk
            loaded = load_chunk(weight_ptrs, scales_ptrs, next_chunk, is_real, IS_MXFP4)
            following = following + (loaded,)
            x = x_chunks[chunk].index(round_idx).permute((1, 0)).load(operand_1)
            acc = mma_v2(fragment, x, acc)
        weights = following
    gdc_launch_dependents()
    return acc


@gluon.jit
def stream_loop(
    x_ptrs,
    mask_x,
    weight_ptrs,
    scales_ptrs,
    NUM_CHUNKS: gl.constexpr,
    BLOCK_T: gl.constexpr,
    DEPTH: gl.constexpr,
    IS_MXFP4: gl.constexpr,
    WARPS: gl.constexpr,
    WAITS: gl.constexpr,
):
    """Multiply with warp-group instructions, `DEPTH` chunks from barrier to barrier."""
    layout: gl.constexpr = accumulator_layout("stream", WARPS, BLOCK_T)
    operand_0: gl.constexpr = gl.DotOperandLayout(0, layout, 2)
    shared: gl.constexpr = gl.NVMMASharedLayout(128, 16, 2)
    ROUNDS: gl.constexpr = NUM_CHUNKS // DEPTH
    weights = ()
    x_chunks = ()
    for chunk in gl.static_range(DEPTH):
        weights = weights + (load_chunk(weight_ptrs, scales_ptrs, chunk, True, IS_MXFP4),)
        ring = gl.allocate_shared_memory(gl.bfloat16, [2, BLOCK_T, 64], shared)
        x_chunks = x_chunks + (ring,)
    if WAITS:
        gdc_wait()
    for chunk in gl.static_range(DEPTH):
        to = x_chunks[chunk].index(0)
        async_copy.async_copy_global_to_shared(to, x_ptrs + chunk * 64, mask=mask_x)
    async_copy.commit_group()
    acc = gl.zeros((WARPS * 16, BLOCK_T), gl.float32, layout=layout)
    for round_idx in range(ROUNDS):
        is_real = round_idx + 1 < ROUNDS
        async_copy.wait_group(0)
        fence_async_shared()
        barrier()
        x_ptrs += DEPTH * 64
        for chunk in gl.static_range(DEPTH):
            to = x_chunks[chunk].index((round_idx + 1) % 2)
            async_copy.async_copy_global_to_shared(to, x_ptrs + chunk * 64, mask=mask_x & is_real)
        async_copy.commit_group()
        following = ()
        fragments = ()
        pending = acc
        for chunk in gl.static_range(DEPTH):
            weight, scales = weights[chunk]
            fragment = to_fragment(weight, scales, operand_0, IS_MXFP4, WARPS)
            next_chunk = (round_idx + 1) * DEPTH + chunk
            loaded = load_chunk(weight_ptrs, scales_ptrs, next_chunk, is_real, IS_MXFP4)
            following = following + (loaded,)
            x = x_chunks[chunk].index(round_idx % 2).permute((1, 0))
            pending = warpgroup_mma(fragment, x, pending, is_async=True)
            if chunk > 0:
                pending, _ = warpgroup_mma_wait(1, deps=(pending, fragments[chunk - 1]))
            fragments = fragments + (fragment,)
        acc, _ = warpgroup_mma_wait(0, deps=(pending, fragments[DEPTH - 1]))
        weights = following
    async_copy.wait_group(0)
    # Whatever shares this memory next must not overtake a warp group that still reads it.
    barrier()
    gdc_launch_dependents()
    return acc


@gluon.jit
def wide_loop(
    x_ptrs,
    mask_x,
    weight_ptrs,
    scales_ptrs,
    NUM_CHUNKS: gl.constexpr,
    BLOCK_T: gl.constexpr,
    DEPTH: gl.constexpr,
    IS_MXFP4: gl.constexpr,
    WARPS: gl.constexpr,
    WAITS: gl.constexpr,
):
    """Multiply with warp-group instructions; while one chunk runs the next is decoded.

    Activations go through a ring of `DEPTH` chunks. A chunk's place is filled again as soon as the
    next one runs, when every warp group has finished with it.
    """
    layout: gl.constexpr = accumulator_layout("wide", WARPS, BLOCK_T)
    operand_0: gl.constexpr = gl.DotOperandLayout(0, layout, 2)
    shared: gl.constexpr = gl.NVMMASharedLayout(128, 16, 2)
    weight, scales = load_chunk(weight_ptrs, scales_ptrs, 0, True, IS_MXFP4)
    weight_1, scales_1 = load_chunk(weight_ptrs, scales_ptrs, 1, NUM_CHUNKS > 1, IS_MXFP4)
    if WAITS:
        gdc_wait()
    x_ring = gl.allocate_shared_memory(gl.bfloat16, [DEPTH, BLOCK_T, 64], shared)
    for chunk in gl.static_range(DEPTH - 1):
        to = x_ring.index(chunk)
        async_copy.async_copy_global_to_shared(to, x_ptrs + chunk * 64, mask=mask_x)
        async_copy.commit_group()
    x_ptrs += (DEPTH - 1) * 64
    fragment = to_fragment(weight, scales, operand_0, IS_MXFP4, WARPS)
    acc = gl.zeros((WARPS * 16, BLOCK_T), gl.float32, layout=layout)
    for chunk in range(NUM_CHUNKS):
        async_copy.wait_group(DEPTH - 2)
        fence_async_shared()
        barrier()
        x = x_ring.index(chunk % DEPTH).permute((1, 0))
        pending = warpgroup_mma(fragment, x, acc, is_async=True)
        to = x_ring.index((chunk + DEPTH - 1) % DEPTH)
        is_real = chunk + DEPTH - 1 < NUM_CHUNKS
        async_copy.async_copy_global_to_shared(to, x_ptrs, mask=mask_x & is_real)
        async_copy.commit_group()
        x_ptrs += 64
        weight, scales = weight_1, scales_1
        is_real = chunk + 2 < NUM_CHUNKS
        weight_1, scales_1 = load_chunk(weight_ptrs, scales_ptrs, chunk + 2, is_real, IS_MXFP4)
        following = to_fragment(weight, scales, operand_0, IS_MXFP4, WARPS)
        acc, fragment = warpgroup_mma_wait(0, deps=(pending, fragment))
        fragment = following
    async_copy.wait_group(0)
    # Whatever shares this memory next must not overtake a warp group that still reads it.
    barrier()
    gdc_launch_dependents()
    return acc
