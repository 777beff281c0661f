"""Decoding of packed MXFP4 inside kernels; the layout is in `kernels.mxfp4_pack`."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def decode_chunk(words_ptr, scales_ptr, group_N, stride_words, NUM_GROUPS: tl.constexpr):
    """Return the weights of a chunk, [NUM_GROUPS * 16, 64] bfloat16.

    Args:
        words_ptr: First word of the chunk in group 0, int32.
        scales_ptr: First scale word of the chunk in group 0, int32.
        group_N: Row groups, int64.
        stride_words: Words between groups; a group has a sixteenth of it as scale words.
        NUM_GROUPS: Length of `group_N`.
    """
    lane = tl.arange(0, 8)[:, None, None] * 4 + tl.arange(0, 4)[None, :, None]
    offs = lane * 4 + tl.arange(0, 4)[None, None, :]
    words_ptrs = words_ptr + (group_N * stride_words)[:, None, None, None] + offs[None, :, :, :]
    words = tl.load(words_ptrs).to(tl.uint32, bitcast=True)
    offs_g = tl.arange(0, 8)
    scales_ptrs = scales_ptr + (group_N * (stride_words // 16))[:, None] + offs_g[None, :]
    scales = tl.load(scales_ptrs).to(tl.uint32, bitcast=True)
    last = ((words << 1) & 0x80008000) | ((words >> 5) & 0x01000100) | ((words >> 4) & 0x00C000C0)
    top = tl.join(_columns(words, scales, 0), _columns(words << 3, scales, 8))
    bottom = tl.join(_columns(words << 6, scales, 0), _columns(last, scales, 8))
    # [N, g, t, step, parity, half of the rows, half of the step]
    weights = tl.join(top, bottom)
    weights = tl.permute(weights, (0, 5, 1, 3, 6, 2, 4))
    return tl.reshape(weights, (NUM_GROUPS * 16, 64))


@triton.jit
def _columns(words, scales, SHIFT: tl.constexpr):
    """Return [N, g, t, step, parity] weights of one row half; the scale bytes are at `SHIFT`."""
    even = ((words & 0x81C0) << 16).to(tl.float32, bitcast=True)
    odd = (words & 0x81C00000).to(tl.float32, bitcast=True)
    values = tl.join(even, odd)
    first = ((scales >> SHIFT) & 0xFF) << 23
    second = ((scales >> (SHIFT + 16)) & 0xFF) << 23
    is_second = tl.arange(0, 4)[None, None, None, :] >= 2
    factor = tl.where(is_second, second[:, :, None, None], first[:, :, None, None])
    factor = tl.expand_dims(factor.to(tl.float32, bitcast=True), 4)
    return (values * factor).to(tl.bfloat16)
