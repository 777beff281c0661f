"""The loops over the inner dimension for some rows and for many.

Each returns the float32 accumulator [WARPS * 16, BLOCK_T] of one chain of 16-wide steps in
ascending order, so all give the same bits. They differ in what they wait for: `stream_loop` brings
activations in a ring, with weights several chunks ahead in registers; `wide_loop` keeps the matrix
units busy. Few rows go through rings (`kernels.hopper.ring_loops`, `kernels.hopper.expert_loops`).
With `WAITS` a loop asks for its first weights, then waits for the previous kernel. The next kernel
may start when a loop ends: earlier, its programs take more from this one than they gain.
"""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl
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
    """Layout of a loop's result, of warp instructions (`narrow`) or of warp groups'."""
    if loop == "narrow" or (loop == "ring" and warps % 4):
        return gl.NVMMADistributedLayout([2, 0], [warps, 1], [16, 8])
    return gl.NVMMADistributedLayout([3, 0], [warps, 1], [16, block_t, 16])


@gluon.constexpr_function
def activation_layout(warps):
    """Layout in which activations [BLOCK_T, 64] are copied to shared memory."""
    return gl.BlockedLayout([1, 8], [4, 8], [warps, 1], [1, 0])


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


@gluon.constexpr_function
def _chunks_of_turn(num_chunks):
    return next(n for n in (5, 4, 3, 2, 1) if num_chunks % n == 0)


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
    """Multiply with warp-group instructions, one chunk running while the next is prepared.

    Activations go through a ring of `DEPTH` chunks. A chunk's place is filled again two chunks
    later, when every warp group is known to have finished with it. All has run at the end of a
    turn of some chunks: across the end of a loop the assembler would keep none in flight.
    """
    layout: gl.constexpr = accumulator_layout("wide", WARPS, BLOCK_T)
    operand_0: gl.constexpr = gl.DotOperandLayout(0, layout, 2)
    shared: gl.constexpr = gl.NVMMASharedLayout(128, 16, 2)
    TURN: gl.constexpr = _chunks_of_turn(NUM_CHUNKS)
    weight, scales = load_chunk(weight_ptrs, scales_ptrs, 0, True, IS_MXFP4)
    weight_1, scales_1 = load_chunk(weight_ptrs, scales_ptrs, 1, NUM_CHUNKS > 1, IS_MXFP4)
    if WAITS:
        gdc_wait()
    x_ring = gl.allocate_shared_memory(gl.bfloat16, [DEPTH, BLOCK_T, 64], shared)
    for first in gl.static_range(DEPTH - 2):
        to = x_ring.index(first)
        async_copy.async_copy_global_to_shared(to, x_ptrs + first * 64, mask=mask_x)
        async_copy.commit_group()
    x_ptrs += (DEPTH - 2) * 64
    fragment = to_fragment(weight, scales, operand_0, IS_MXFP4, WARPS)
    acc = gl.zeros((WARPS * 16, BLOCK_T), gl.float32, layout=layout)
    for turn in range(NUM_CHUNKS // TURN):
        fragments = (fragment,)
        pending = acc
        for step in gl.static_range(TURN):
            chunk = turn * TURN + step
            async_copy.wait_group(DEPTH - 3)
            fence_async_shared()
            barrier()
            x = x_ring.index(chunk % DEPTH).permute((1, 0))
            pending = warpgroup_mma(fragments[step], x, pending, is_async=True)
            weight, scales = weight_1, scales_1
            is_real = chunk + 2 < NUM_CHUNKS
            weight_1, scales_1 = load_chunk(weight_ptrs, scales_ptrs, chunk + 2, is_real, IS_MXFP4)
            if step > 0:
                # The next fragment takes the last one's place: its words pass the wait for that.
                deps = (pending, fragments[step - 1], weight)
                pending, _, weight = warpgroup_mma_wait(1, deps=deps)
            to = x_ring.index((chunk + DEPTH - 2) % DEPTH)
            is_real = chunk + DEPTH - 2 < NUM_CHUNKS
            async_copy.async_copy_global_to_shared(to, x_ptrs, mask=mask_x & is_real)
            async_copy.commit_group()
            x_ptrs += 64
            fragments = fragments + (to_fragment(weight, scales, operand_0, IS_MXFP4, WARPS),)
        acc, _ = warpgroup_mma_wait(0, deps=(pending, fragments[TURN - 1]))
        fragment = fragments[TURN]
    async_copy.wait_group(0)
    # Whatever shares this memory next must not overtake a warp group that still reads it.
    barrier()
    gdc_launch_dependents()
    return acc
