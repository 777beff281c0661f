"""Decoding of MXFP4 weights.

A block is 32 values along the last (input) dimension in 16 bytes, the low nibble first. A nibble is
an e2m1 number, a block's scale byte s is the power of two 2**(s - 127).
Source: OCP Microscaling Formats (MX) v1.0 §5.2, §6.3; openai/gpt-oss gpt_oss/torch/weights.py.
"""

from __future__ import annotations

import torch

from kernels.checks import expect

# Dimensions: S scales (one for each 32 values), B the 16 bytes of a block.

E2M1_VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
BLOCK_VALUES = 32
BLOCK_BYTES = 16
# The scale byte that stands for NaN; a checkpoint that holds it is refused by the loader.
SCALE_NAN = 255


def e2m1_pairs(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return the two values of each byte, [256, 2], the low nibble first."""
    nibbles = torch.tensor([*E2M1_VALUES, *(-v for v in E2M1_VALUES)], dtype=dtype)
    codes = torch.arange(256)
    return torch.stack([nibbles[codes & 15], nibbles[codes >> 4]], dim=1)


def scale_powers(scales_u8: torch.Tensor) -> torch.Tensor:
    """Return 2**(s - 127) in float32, exactly, also for s = 0, which is subnormal."""
    expect("scales", scales_u8, "...", dtype=torch.uint8)
    bits = scales_u8.to(torch.int32) << 23
    # 2**-127 has no normal form in float32: its bits are one half of the smallest normal number's.
    return torch.where(bits == 0, torch.full_like(bits, 1 << 22), bits).view(torch.float32)


def decode_mxfp4(
    blocks_u8: torch.Tensor, scales_u8: torch.Tensor, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Decode MXFP4 blocks.

    Args:
        blocks_u8: [..., S, 16] uint8.
        scales_u8: [..., S] uint8, the same leading dimensions.
        dtype: float32 or bfloat16; both hold every value of scales 0 to 252 exactly.

    Returns:
        [..., S * 32] values.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = {"B": BLOCK_BYTES}
    expect("blocks", blocks_u8, "... S B", dtype=torch.uint8, sizes=sizes)
    expect("scales", scales_u8, "... S", dtype=torch.uint8, sizes=sizes)
    pairs = e2m1_pairs().to(blocks_u8.device)
    values = pairs.index_select(0, blocks_u8.reshape(-1).to(torch.int32))
    scaled = values.view(*blocks_u8.shape[:-1], BLOCK_VALUES) * scale_powers(scales_u8)[..., None]
    return scaled.flatten(-2).to(dtype)


def overflowing_blocks(blocks_u8: torch.Tensor, scales_u8: torch.Tensor) -> torch.Tensor:
    """Return which blocks, [..., S] bool, hold a value that bfloat16 cannot.

    A scale byte of 255 is NaN and always counts; 254 overflows with a magnitude of 2 or more,
    253 with one of 4 or more.
    """
    low = (blocks_u8 & 7).amax(dim=-1)
    high = ((blocks_u8 >> 4) & 7).amax(dim=-1)
    magnitude_code = torch.maximum(low, high)
    return (
        (scales_u8 == SCALE_NAN)
        | ((scales_u8 == 254) & (magnitude_code >= E2M1_VALUES.index(2.0)))
        | ((scales_u8 == 253) & (magnitude_code >= E2M1_VALUES.index(4.0)))
    )
