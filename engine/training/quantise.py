"""MXFP4 quantisation of expert weights: blocks of 32 along the input dimension.

Each block of 32 values shares a power-of-two scale; a value is one of the 16 numbers of E2M1. Of
the two scales next to the block's largest magnitude the one with the smaller squared error is
taken. The same function serves training (as a straight-through correction) and export, so the
released numbers are those the network was trained with, bit for bit.

Source: OCP Microscaling Formats 1.0, MXFP4; layout of `openai/gpt-oss` checkpoints (low nibble
first).
"""

from __future__ import annotations

import torch

BLOCK_VALUES = 32
SCALE_BIAS = 127

# Midpoints between neighbouring magnitudes of E2M1 (0, .5, 1, 1.5, 2, 3, 4, 6).
_MIDPOINTS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)
_MAGNITUDES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
# A block of zeros gets the scale 1, so that no scale byte is an extreme value.
_EXPONENT_MIN = -100
_MAGNITUDE_MIN = 2.0**_EXPONENT_MIN
_MANTISSA_BITS = 23


def _codes(scaled: torch.Tensor) -> torch.Tensor:
    """Index 0…7 of the nearest E2M1 magnitude; ties go to the even code, as in IEEE rounding."""
    magnitude = scaled.abs()
    code = torch.zeros_like(scaled, dtype=torch.uint8)
    for idx, midpoint in enumerate(_MIDPOINTS):
        # Going from code idx to idx + 1: a tie moves up only when idx + 1 is even.
        is_above = magnitude >= midpoint if idx % 2 else magnitude > midpoint
        code = code + is_above
    return code


def _magnitudes(code: torch.Tensor) -> torch.Tensor:
    """Float32 magnitude of each code, computed without a table so that it fuses."""
    value = code.float()
    return torch.where(code < 5, value * 0.5, torch.where(code < 7, value - 2.0, value - 1.0))


def _exponents(block: torch.Tensor) -> torch.Tensor:
    """The lower of the two candidate exponents of each block, `[…, 1]` int32.

    The largest magnitude is m · 2^e with m in [0.5, 1); with scale 2^(e-3) it lies in [4, 8) and
    with the next scale in [2, 4), while the largest E2M1 magnitude is 6.
    """
    largest = block.abs().amax(dim=-1, keepdim=True).clamp_min(_MAGNITUDE_MIN)
    return (largest.view(torch.int32) >> _MANTISSA_BITS) - 126 - 3


def _power_of_two(exponent: torch.Tensor) -> torch.Tensor:
    """2^exponent built from its bits: exact on every device, unlike a device's own exp2."""
    return ((exponent + SCALE_BIAS) << _MANTISSA_BITS).view(torch.float32)


def _rounded(block: torch.Tensor, exponent: torch.Tensor) -> torch.Tensor:
    """The block rounded with scale 2^exponent; every product here is exact in float32."""
    magnitude = _magnitudes(_codes(block * _power_of_two(-exponent)))
    return torch.copysign(magnitude, block) * _power_of_two(exponent)


def _best_exponent(block: torch.Tensor) -> torch.Tensor:
    low = _exponents(block)
    error_low = (_rounded(block, low) - block).square().sum(-1, keepdim=True)
    error_high = (_rounded(block, low + 1) - block).square().sum(-1, keepdim=True)
    return torch.where(error_high < error_low, low + 1, low)


def round_to_mxfp4(weight: torch.Tensor) -> torch.Tensor:
    """The nearest MXFP4 tensor, dequantised.

    Args:
        weight: `[…, K]` float32 with K a multiple of 32.

    Returns:
        Same shape, float32; each value exactly representable in bfloat16.
    """
    block = weight.view(*weight.shape[:-1], -1, BLOCK_VALUES)
    return _rounded(block, _best_exponent(block)).flatten(-2)


def pack_mxfp4(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The checkpoint form of a weight.

    Args:
        weight: `[…, K]` float32 with K a multiple of 32.

    Returns:
        Blocks `[…, K/32, 16]` uint8 (low nibble = even element) and scales `[…, K/32]` uint8
        (value times 2^(scale-127)).
    """
    block = weight.view(*weight.shape[:-1], -1, BLOCK_VALUES)
    exponent = _best_exponent(block)
    scaled = block * _power_of_two(-exponent)
    nibble = _codes(scaled) + torch.signbit(scaled).to(torch.uint8) * 8
    packed = nibble[..., 0::2] + nibble[..., 1::2] * 16
    return packed, (exponent.squeeze(-1) + SCALE_BIAS).to(torch.uint8)


def unpack_mxfp4(blocks: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """The inverse of `pack_mxfp4`, float32 `[…, K]`; checks an export before it is written."""
    table = torch.tensor([*_MAGNITUDES, *(-value for value in _MAGNITUDES)])
    nibble = torch.stack((blocks & 15, blocks >> 4), dim=-1).flatten(-2)
    scale = torch.exp2(scales.float() - SCALE_BIAS).unsqueeze(-1)
    return (table[nibble.long()] * scale).flatten(-2)
