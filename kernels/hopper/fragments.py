"""Weights from memory to the operand registers of matrix instructions.

Packed weights (`kernels.mxfp4_pack`, `kernels.dense_pack`) lie in memory as the registers want
them: each thread loads 16 bytes at a time and no value crosses threads on the way.
"""

from __future__ import annotations

from triton.experimental import gluon
from triton.experimental.gluon import language as gl

# 32-bit words of a group's chunk: of MXFP4, of its scales, of pairs of bfloat16.
MXFP4_WORDS = gl.constexpr(128)
SCALE_WORDS = gl.constexpr(8)
DENSE_WORDS = gl.constexpr(512)


@gluon.jit
def chunk_pointers(
    weight_ptr,
    scales_ptr,
    first_group,
    last_group,
    NUM_CHUNKS: gl.constexpr,
    IS_MXFP4: gl.constexpr,
    WARPS: gl.constexpr,
):
    """Return each thread's pointers to chunk 0, and to its scales.

    Args:
        weight_ptr: Packed weights as 32-bit words.
        scales_ptr: Packed scales; of bfloat16 weights anything.
        first_group: Row group of the program's first warp, int64.
        last_group: Groups beyond it are read as this one.
        NUM_CHUNKS: Chunks of a group.
        IS_MXFP4: Format of the weights.
        WARPS: Warps of the program, a row group each.
    """
    LANES: gl.constexpr = WARPS * 32
    if IS_MXFP4:
        layout: gl.constexpr = gl.BlockedLayout([1, 4], [32, 1], [WARPS, 1], [1, 0])
        lane = gl.arange(0, LANES, layout=gl.SliceLayout(1, layout))
        group = gl.minimum(first_group + lane // 32, last_group)
        word = gl.arange(0, 4, layout=gl.SliceLayout(0, layout))
        offs = group * (NUM_CHUNKS * MXFP4_WORDS) + (lane % 32) * 4
        weight_ptrs = weight_ptr + gl.expand_dims(offs, 1) + gl.expand_dims(word, 0)
        lane_layout: gl.constexpr = gl.SliceLayout(1, gl.SliceLayout(2, _words_layout(WARPS)))
        lane = gl.arange(0, LANES, layout=lane_layout)
        group = gl.minimum(first_group + lane // 32, last_group)
        scales_ptrs = scales_ptr + group * (NUM_CHUNKS * SCALE_WORDS) + (lane % 32) // 4
    else:
        layout: gl.constexpr = gl.BlockedLayout([1, 4, 4], [32, 1, 1], [WARPS, 1, 1], [2, 1, 0])
        lane = gl.arange(0, LANES, layout=gl.SliceLayout(1, gl.SliceLayout(2, layout)))
        step = gl.arange(0, 4, layout=gl.SliceLayout(0, gl.SliceLayout(2, layout)))
        word = gl.arange(0, 4, layout=gl.SliceLayout(0, gl.SliceLayout(1, layout)))
        group = gl.minimum(first_group + lane // 32, last_group)
        offs = group * (NUM_CHUNKS * DENSE_WORDS) + (lane % 32) * 4
        offs = gl.expand_dims(gl.expand_dims(offs, 1), 2)
        offs += gl.expand_dims(gl.expand_dims(step * 128, 0), 2)
        weight_ptrs = weight_ptr + offs + gl.expand_dims(gl.expand_dims(word, 0), 1)
        scales_ptrs = weight_ptrs
    return weight_ptrs, scales_ptrs


@gluon.constexpr_function
def _words_layout(warps):
    return gl.BlockedLayout([1, 2, 2], [32, 1, 1], [warps, 1, 1], [2, 1, 0])


@gluon.jit
def load_chunk(weight_ptrs, scales_ptrs, chunk, is_real, IS_MXFP4: gl.constexpr):
    """Return the registers of a chunk and of its scales, zeros if it is not real."""
    if IS_MXFP4:
        weight = gl.load(weight_ptrs + chunk * MXFP4_WORDS, mask=is_real, other=0)
        scales = gl.load(scales_ptrs + chunk * SCALE_WORDS, mask=is_real, other=0)
    else:
        weight = gl.load(weight_ptrs + chunk * DENSE_WORDS, mask=is_real, other=0)
        scales = weight
    return weight, scales


@gluon.jit
def to_fragment(weight, scales, operand: gl.constexpr, IS_MXFP4: gl.constexpr, WARPS: gl.constexpr):
    """Return a loaded chunk as the first operand [WARPS * 16, 64] of a matrix instruction."""
    if IS_MXFP4:
        words = gl.reshape(weight, (WARPS * 32, 2, 2))
        words = gl.convert_layout(words, _words_layout(WARPS), assert_trivial=True)
        values = _decode(words, scales)
        # [group, g, t, half of the chunk, step in it, parity, half of the rows, half of the step]
        values = gl.reshape(values, (WARPS, 8, 4, 2, 2, 2, 2, 2))
        values = gl.permute(values, (0, 6, 1, 3, 4, 7, 2, 5))
    else:
        even, odd = gl.inline_asm_elementwise(
            "mov.b32 {$0, $1}, $2;",
            "=h,=h,r",
            [weight],
            dtype=(gl.bfloat16, gl.bfloat16),
            is_pure=True,
            pack=1,
        )
        # [group, g, t, step, half of the step, half of the rows, parity]
        values = gl.reshape(gl.join(even, odd), (WARPS, 8, 4, 4, 2, 2, 2))
        values = gl.permute(values, (0, 5, 1, 3, 4, 2, 6))
    fragment = gl.reshape(values, (WARPS * 16, 64))
    return gl.convert_layout(fragment, operand, assert_trivial=True)


@gluon.jit
def _decode(words, scales):
    first_g, first_h, second_g, second_h = gl.inline_asm_elementwise(
        """{
        prmt.b32 $0, $4, 0, 0x4040;
        shl.b32 $0, $0, 7;
        prmt.b32 $1, $4, 0, 0x4141;
        shl.b32 $1, $1, 7;
        prmt.b32 $2, $4, 0, 0x4242;
        shl.b32 $2, $2, 7;
        prmt.b32 $3, $4, 0, 0x4343;
        shl.b32 $3, $3, 7;
        }""",
        "=&r,=&r,=&r,=&r,r",
        [scales],
        dtype=(gl.int32, gl.int32, gl.int32, gl.int32),
        is_pure=True,
        pack=1,
    )
    words, factor_g = gl.broadcast(words, gl.expand_dims(gl.join(first_g, second_g), 2))
    words, factor_h = gl.broadcast(words, gl.expand_dims(gl.join(first_h, second_h), 2))
    a0, a1, b0, b1, c0, c1, d0, d1 = gl.inline_asm_elementwise(
        """{
        .reg .b32 t, u, a, b, c, d;
        and.b32 a, $8, 0x81C081C0;
        shl.b32 t, $8, 3;
        and.b32 b, t, 0x81C081C0;
        shl.b32 t, $8, 6;
        and.b32 c, t, 0x81C081C0;
        shl.b32 t, $8, 1;
        and.b32 d, t, 0x80008000;
        shr.u32 t, $8, 4;
        and.b32 u, t, 0x00C000C0;
        or.b32 d, d, u;
        shr.u32 t, $8, 5;
        and.b32 u, t, 0x01000100;
        or.b32 d, d, u;
        mul.rn.bf16x2 a, a, $9;
        mul.rn.bf16x2 b, b, $10;
        mul.rn.bf16x2 c, c, $9;
        mul.rn.bf16x2 d, d, $10;
        mov.b32 {$0, $1}, a;
        mov.b32 {$2, $3}, b;
        mov.b32 {$4, $5}, c;
        mov.b32 {$6, $7}, d;
        }""",
        "=h,=h,=h,=h,=h,=h,=h,=h,r,r,r",
        [words, factor_g, factor_h],
        dtype=(gl.bfloat16,) * 8,
        is_pure=True,
        pack=1,
    )
    first_step = gl.join(gl.join(a0, a1), gl.join(b0, b1))
    second_step = gl.join(gl.join(c0, c1), gl.join(d0, d1))
    return gl.join(first_step, second_step)
