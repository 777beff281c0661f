"""The loop whose bfloat16 weights come through a deep ring in shared memory, for up to 256 rows.

Memory answers after about a microsecond, so that a multiprocessor must have some 30 KB on the way;
registers hold half of that. Here weights and activations are copied many chunks ahead. The first
fill of the weights starts before the wait for the previous kernel: while that one runs, they
arrive. Same chain as `kernels.hopper.loops`, so the same bits.
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
from triton.language.extra.cuda import gdc_launch_dependents

from kernels.hopper.fragments import DENSE_WORDS, to_fragment
from kernels.hopper.loops import accumulator_layout, barrier


@gluon.constexpr_function
def _copy_layout(warps):
    return gl.BlockedLayout([1, 4], [32, 1], [warps, 1], [1, 0])


@gluon.constexpr_function
def _lane_layout(warps):
    return gl.BlockedLayout([1, 4, 4], [32, 1, 1], [warps, 1, 1], [2, 1, 0])


@gluon.constexpr_function
def _x_shared_layout(warps):
    if warps % 4 == 0:
        return gl.NVMMASharedLayout(128, 16, 2)
    return gl.SwizzledSharedLayout(8, 1, 8, [1, 0])


@gluon.jit
def ring_pointers(
    weight_ptr,
    first_group,
    last_group,
    NUM_CHUNKS: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Return pointers [4 * WARPS * 32, 4] to chunk 0, a row for each step, group and lane.

    Args:
        weight_ptr: Packed weights as 32-bit words.
        first_group: Row group of the program's first warp, int64.
        last_group: Groups beyond it are read as this one.
        NUM_CHUNKS: Chunks of a group.
        WARPS: Warps of the program, a row group each.
    """
    layout: gl.constexpr = _copy_layout(WARPS)
    LANES: gl.constexpr = WARPS * 32
    row = gl.arange(0, 4 * LANES, layout=gl.SliceLayout(1, layout))
    lane = row % LANES
    group = gl.minimum(first_group + lane // 32, last_group)
    offs = group * (NUM_CHUNKS * DENSE_WORDS) + (row // LANES) * 128 + (lane % 32) * 4
    word = gl.arange(0, 4, layout=gl.SliceLayout(0, layout))
    return weight_ptr + gl.expand_dims(offs, 1) + gl.expand_dims(word, 0)


@gluon.jit
def _copy_weights(rings, slot, weight_ptrs, round_idx, DEPTH: gl.constexpr):
    for chunk in gl.static_range(DEPTH):
        from_ptrs = weight_ptrs + (round_idx * DEPTH + chunk) * DENSE_WORDS
        async_copy.async_copy_global_to_shared(rings[chunk].index(slot), from_ptrs)


@gluon.jit
def _copy_activations(rings, slot, x_ptrs, mask_x, round_idx, DEPTH: gl.constexpr):
    for chunk in gl.static_range(DEPTH):
        from_ptrs = x_ptrs + (round_idx * DEPTH + chunk) * 64
        async_copy.async_copy_global_to_shared(rings[chunk].index(slot), from_ptrs, mask=mask_x)


@gluon.jit
def _read_fragment(ring, operand: gl.constexpr, WARPS: gl.constexpr):
    """Return a chunk as the first operand; each thread reads what it has copied."""
    words = ring.load(_copy_layout(WARPS))
    words = gl.permute(gl.reshape(words, (4, WARPS * 32, 4)), (1, 0, 2))
    words = gl.convert_layout(words, _lane_layout(WARPS), assert_trivial=True)
    return to_fragment(words, words, operand, False, WARPS)


@gluon.jit
def fill_ring(weight_ptrs, DEPTH: gl.constexpr, HELD: gl.constexpr, WARPS: gl.constexpr):
    """Ask for the weights of all rounds of the ring but one; return it.

    Args:
        weight_ptrs: From `ring_pointers`.
        DEPTH: Chunks of a round; each has an allocation, since copies into one would wait.
        HELD: Rounds of the ring.
        WARPS: Warps of the program.
    """
    shared: gl.constexpr = gl.SwizzledSharedLayout(1, 1, 1, [1, 0])
    rings = ()
    for _ in gl.static_range(DEPTH):
        ring = gl.allocate_shared_memory(gl.int32, [HELD, WARPS * 128, 4], shared)
        rings = rings + (ring,)
    for round_idx in gl.static_range(HELD - 1):
        _copy_weights(rings, round_idx, weight_ptrs, round_idx, DEPTH)
    return rings


@gluon.jit
def ring_loop(
    x_ptrs,
    mask_x,
    weight_ptrs,
    rings,
    NUM_CHUNKS: gl.constexpr,
    BLOCK_T: gl.constexpr,
    DEPTH: gl.constexpr,
    HELD: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Return the accumulator [WARPS * 16, BLOCK_T] of the ring that `fill_ring` began.

    The round before the one at work is refilled: all warps have passed its end at the barrier.
    """
    IS_GROUP: gl.constexpr = WARPS % 4 == 0
    layout: gl.constexpr = accumulator_layout("ring", WARPS, BLOCK_T)
    operand_0: gl.constexpr = gl.DotOperandLayout(0, layout, 2)
    operand_1: gl.constexpr = gl.DotOperandLayout(1, layout, 2)
    x_shared: gl.constexpr = _x_shared_layout(WARPS)
    ROUNDS: gl.constexpr = NUM_CHUNKS // DEPTH
    AHEAD: gl.constexpr = HELD - 1
    x_rings = ()
    for _chunk in gl.static_range(DEPTH):
        x_rings = x_rings + (gl.allocate_shared_memory(gl.bfloat16, [HELD, BLOCK_T, 64], x_shared),)
    for first_round in gl.static_range(AHEAD):
        _copy_activations(x_rings, first_round, x_ptrs, mask_x, first_round, DEPTH)
        async_copy.commit_group()
    acc = gl.zeros((WARPS * 16, BLOCK_T), gl.float32, layout=layout)
    slot = 0
    free_slot = AHEAD
    for round_idx in range(ROUNDS):
        async_copy.wait_group(AHEAD - 1)
        if IS_GROUP:
            fence_async_shared()
        barrier()
        if round_idx + AHEAD < ROUNDS:
            _copy_weights(rings, free_slot, weight_ptrs, round_idx + AHEAD, DEPTH)
            _copy_activations(x_rings, free_slot, x_ptrs, mask_x, round_idx + AHEAD, DEPTH)
        async_copy.commit_group()
        if IS_GROUP:
            fragments = ()
            pending = acc
            for chunk in gl.static_range(DEPTH):
                fragment = _read_fragment(rings[chunk].index(slot), operand_0, WARPS)
                x = x_rings[chunk].index(slot).permute((1, 0))
                pending = warpgroup_mma(fragment, x, pending, is_async=True)
                if chunk > 0:
                    pending, _ = warpgroup_mma_wait(1, deps=(pending, fragments[chunk - 1]))
                fragments = fragments + (fragment,)
            acc = warpgroup_mma_wait(0, deps=(pending, fragments[DEPTH - 1]))[0]
        else:
            for chunk in gl.static_range(DEPTH):
                fragment = _read_fragment(rings[chunk].index(slot), operand_0, WARPS)
                x = x_rings[chunk].index(slot).permute((1, 0)).load(operand_1)
                acc = mma_v2(fragment, x, acc)
        free_slot = slot
        slot = gl.where(slot + 1 == HELD, 0, slot + 1)
    async_copy.wait_group(0)
    # Whatever shares this memory next must not overtake a warp that still reads it.
    barrier()
    gdc_launch_dependents()
    return acc
