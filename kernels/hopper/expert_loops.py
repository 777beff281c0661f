"""The experts' loop for few and some rows: weights and activations through rings in shared memory.

A chunk's weights are copied by the threads that read them, so they need no registers until their
turn, and many are on their way at any time. (Loads into registers do not stay where they are
written: the assembler moves those of a round to its end, and memory idles while a round computes.)
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

from kernels.hopper.fragments import MXFP4_WORDS, SCALE_WORDS, to_fragment
from kernels.hopper.loops import accumulator_layout, barrier


@gluon.jit
def scale_pointers(
    scales_ptr, first_group, last_group, NUM_CHUNKS: gl.constexpr, WARPS: gl.constexpr
):
    """Return pointers [WARPS, 8] to the scales of chunk 0 of each warp's row group."""
    layout: gl.constexpr = gl.BlockedLayout([1, 4], [16, 2], [WARPS, 1], [1, 0])
    warp = gl.arange(0, WARPS, layout=gl.SliceLayout(1, layout))
    word = gl.arange(0, SCALE_WORDS, layout=gl.SliceLayout(0, layout))
    group = gl.minimum(first_group + warp, last_group) * (NUM_CHUNKS * SCALE_WORDS)
    return scales_ptr + gl.expand_dims(group, 1) + gl.expand_dims(word, 0)


@gluon.constexpr_function
def _lane_layout(warps):
    return gl.BlockedLayout([1, 1, 1], [1, 8, 4], [warps, 1, 1], [2, 1, 0])


@gluon.constexpr_function
def _scale_layout(warps):
    words = gl.BlockedLayout([1, 2, 2], [32, 1, 1], [warps, 1, 1], [2, 1, 0])
    return gl.SliceLayout(1, gl.SliceLayout(2, words))


@gluon.jit
def _load_scales(scales, WARPS: gl.constexpr):
    """Return each lane's scale word, [WARPS * 32]."""
    layout: gl.constexpr = _lane_layout(WARPS)
    words = gl.expand_dims(scales.load(gl.SliceLayout(2, layout)), 2)
    zeros = gl.zeros((WARPS, 8, 4), gl.int32, layout=layout)
    words, _ = gl.broadcast(words, zeros)
    words = gl.reshape(words, (WARPS * 32,))
    return gl.convert_layout(words, _scale_layout(WARPS), assert_trivial=True)


@gluon.jit
def _new_rings(
    DEPTH: gl.constexpr,
    SLOTS: gl.constexpr,
    X_ROWS: gl.constexpr,
    WARPS: gl.constexpr,
    x_shared: gl.constexpr,
):
    """Return rings of words, scales and activations, one of each for each chunk of a round.

    Copies into one allocation would wait for each other.
    """
    plain: gl.constexpr = gl.SwizzledSharedLayout(1, 1, 1, [1, 0])
    words_rings = ()
    scales_rings = ()
    x_rings = ()
    for _ in gl.static_range(DEPTH):
        words_ring = gl.allocate_shared_memory(gl.int32, [SLOTS, WARPS * 32, 4], plain)
        scales_ring = gl.allocate_shared_memory(gl.int32, [SLOTS, WARPS, 8], plain)
        x_ring = gl.allocate_shared_memory(gl.bfloat16, [SLOTS, X_ROWS, 64], x_shared)
        words_rings = words_rings + (words_ring,)
        scales_rings = scales_rings + (scales_ring,)
        x_rings = x_rings + (x_ring,)
    return words_rings, scales_rings, x_rings


@gluon.jit
def _copy_weights(
    words_rings, scales_rings, slot, weight_ptrs, scales_ptrs, is_real, DEPTH: gl.constexpr
):
    for chunk in gl.static_range(DEPTH):
        words = words_rings[chunk].index(slot)
        scales = scales_rings[chunk].index(slot)
        from_ptrs = weight_ptrs + chunk * MXFP4_WORDS
        async_copy.async_copy_global_to_shared(words, from_ptrs, mask=is_real)
        from_ptrs = scales_ptrs + chunk * SCALE_WORDS
        async_copy.async_copy_global_to_shared(scales, from_ptrs, mask=is_real)


@gluon.jit
def _copy_rows(x_rings, slot, x_ptrs, mask_x, DEPTH: gl.constexpr):
    for chunk in gl.static_range(DEPTH):
        to = x_rings[chunk].index(slot)
        async_copy.async_copy_global_to_shared(to, x_ptrs + chunk * 64, mask=mask_x)


@gluon.constexpr_function
def _shared_layout(is_wide):
    if is_wide:
        return gl.NVMMASharedLayout(128, 16, 2)
    return gl.SwizzledSharedLayout(8, 1, 8, [1, 0])


@gluon.jit
def _load_rows(x, operand: gl.constexpr, X_ROWS: gl.constexpr, BLOCK_T: gl.constexpr):
    """Return activations as the second operand [64, BLOCK_T]; a single row as all columns."""
    rows = x.load(operand)
    if X_ROWS == 1:
        rows, _ = gl.broadcast(rows, gl.zeros((64, BLOCK_T), gl.bfloat16, layout=operand))
    return rows


@gluon.jit
def _multiply_round(
    acc,
    words_rings,
    scales_rings,
    x_rings,
    place,
    X_ROWS: gl.constexpr,
    WARPS: gl.constexpr,
    IS_WIDE: gl.constexpr,
):
    """Add the products of the chunks at one place of the rings to the accumulator."""
    BLOCK_T: gl.constexpr = acc.shape[1]
    operand_0: gl.constexpr = gl.DotOperandLayout(0, acc.type.layout, 2)
    operand_1: gl.constexpr = gl.DotOperandLayout(1, acc.type.layout, 2)
    word_layout: gl.constexpr = gl.BlockedLayout([1, 4], [32, 1], [WARPS, 1], [1, 0])
    DEPTH: gl.constexpr = len(x_rings)
    fragments = ()
    for chunk in gl.static_range(DEPTH):
        words = words_rings[chunk].index(place).load(word_layout)
        scales = _load_scales(scales_rings[chunk].index(place), WARPS)
        fragment = to_fragment(words, scales, operand_0, True, WARPS)
        x = x_rings[chunk].index(place).permute((1, 0))
        if IS_WIDE:
            acc = warpgroup_mma(fragment, x, acc, is_async=True)
            if chunk > 0:
                acc, _ = warpgroup_mma_wait(1, deps=(acc, fragments[chunk - 1]))
            fragments = fragments + (fragment,)
        else:
            acc = mma_v2(fragment, _load_rows(x, operand_1, X_ROWS, BLOCK_T), acc)
    if IS_WIDE:
        acc, _ = warpgroup_mma_wait(0, deps=(acc, fragments[DEPTH - 1]))
    return acc


@gluon.jit
def ring_loop(
    x_ptrs,
    mask_x,
    weight_ptrs,
    scales_ptrs,
    NUM_CHUNKS: gl.constexpr,
    BLOCK_T: gl.constexpr,
    X_ROWS: gl.constexpr,
    DEPTH: gl.constexpr,
    HELD: gl.constexpr,
    WARPS: gl.constexpr,
    IS_WIDE: gl.constexpr,
    WAITS: gl.constexpr,
    SIGNALS_FIRST: gl.constexpr,
):
    """Multiply rounds of `DEPTH` chunks, of which `HELD` - 1 are on their way.

    Args:
        x_ptrs: Activations of chunk 0, [X_ROWS, 64].
        mask_x: Which rows are real, [X_ROWS, 1]; the others' columns hold anything.
        weight_ptrs: From `chunk_pointers`.
        scales_ptrs: From `scale_pointers`.
        NUM_CHUNKS: A multiple of `DEPTH`.
        BLOCK_T: Columns of the product.
        X_ROWS: `BLOCK_T`, or 1 where all columns are of the same row.
        DEPTH: Chunks from barrier to barrier.
        HELD: Rounds in shared memory, at least 2.
        WARPS: Row groups.
        IS_WIDE: With warp-group instructions.
        WAITS: Wait for the previous kernel between the first weights and activations.
        SIGNALS_FIRST: Let the next kernel start after that wait.
    """
    loop: gl.constexpr = "stream" if IS_WIDE else "narrow"
    layout: gl.constexpr = accumulator_layout(loop, WARPS, BLOCK_T)
    ROUNDS: gl.constexpr = NUM_CHUNKS // DEPTH
    AHEAD: gl.constexpr = min(HELD - 1, ROUNDS)
    SLOTS: gl.constexpr = min(HELD, ROUNDS)
    words_rings, scales_rings, x_rings = _new_rings(
        DEPTH, SLOTS, X_ROWS, WARPS, _shared_layout(IS_WIDE)
    )
    next_weights = weight_ptrs
    next_scales = scales_ptrs
    if WAITS:
        for slot in gl.static_range(AHEAD):
            _copy_weights(words_rings, scales_rings, slot, next_weights, next_scales, None, DEPTH)
            next_weights += DEPTH * MXFP4_WORDS
            next_scales += DEPTH * SCALE_WORDS
        gdc_wait()
        if SIGNALS_FIRST:
            gdc_launch_dependents()
    for slot in gl.static_range(AHEAD):
        if not WAITS:
            _copy_weights(words_rings, scales_rings, slot, next_weights, next_scales, None, DEPTH)
            next_weights += DEPTH * MXFP4_WORDS
            next_scales += DEPTH * SCALE_WORDS
        _copy_rows(x_rings, slot, x_ptrs, mask_x, DEPTH)
        x_ptrs += DEPTH * 64
        async_copy.commit_group()
    acc = gl.zeros((WARPS * 16, BLOCK_T), gl.float32, layout=layout)
    for round_idx in range(ROUNDS):
        async_copy.wait_group(AHEAD - 1)
        if IS_WIDE:
            fence_async_shared()
        barrier()
        if AHEAD < ROUNDS:
            real = round_idx + AHEAD < ROUNDS
            to = (round_idx + AHEAD) % SLOTS
            _copy_weights(words_rings, scales_rings, to, next_weights, next_scales, real, DEPTH)
            _copy_rows(x_rings, to, x_ptrs, mask_x & real, DEPTH)
            x_ptrs += DEPTH * 64
            next_weights += DEPTH * MXFP4_WORDS
            next_scales += DEPTH * SCALE_WORDS
        async_copy.commit_group()
        place = round_idx % SLOTS
        acc = _multiply_round(
            acc, words_rings, scales_rings, x_rings, place, X_ROWS, WARPS, IS_WIDE
        )
    async_copy.wait_group(0)
    # Whatever shares this memory next must not overtake a warp that still reads it.
    barrier()
    return acc
