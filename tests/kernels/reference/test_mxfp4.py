"""Exhaustive decoding against arithmetic in double precision."""

import math

import pytest
import torch

from kernels.errors import OperandError
from kernels.reference.mxfp4 import decode_mxfp4, e2m1_pairs, overflowing_blocks, scale_powers

# OCP Microscaling Formats (MX) v1.0 table 5: sign, two exponent bits of bias 1, one mantissa bit.
ALL_BYTES = torch.arange(256, dtype=torch.uint8).view(16, 16)


def e2m1(nibble: int) -> float:
    sign = -1.0 if nibble >> 3 else 1.0
    exponent, mantissa = (nibble >> 1) & 3, nibble & 1
    if exponent == 0:
        return sign * mantissa * 0.5
    return sign * (1 + mantissa / 2) * 2.0 ** (exponent - 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_byte_under_every_scale_is_exact(dtype: torch.dtype) -> None:
    pairs = [[e2m1(byte & 15), e2m1(byte >> 4)] for byte in range(256)]
    exact = torch.tensor(pairs, dtype=torch.float64)
    for scale in range(253):
        decoded = decode_mxfp4(ALL_BYTES, torch.full((16,), scale, dtype=torch.uint8), dtype)
        assert decoded.dtype == dtype
        actual = decoded.double().view(256, 2)
        assert torch.equal(actual, exact * 2.0 ** (scale - 127)), scale
        assert torch.equal(actual.signbit(), exact.signbit()), scale


def test_pairs_have_the_low_nibble_first() -> None:
    assert e2m1_pairs()[0x21].tolist() == [0.5, 1.0]
    assert e2m1_pairs()[0xF7].tolist() == [6.0, -6.0]


def test_scale_powers_are_exact_from_subnormal_to_largest() -> None:
    scales = torch.arange(255, dtype=torch.uint8)
    expected = [math.ldexp(1.0, scale - 127) for scale in range(255)]
    assert scale_powers(scales).double().tolist() == expected


def test_leading_dimensions_are_kept() -> None:
    blocks = torch.zeros(2, 3, 4, 16, dtype=torch.uint8)
    blocks[1, 2, 3, 5] = 0x50
    scales = torch.full((2, 3, 4), 128, dtype=torch.uint8)
    decoded = decode_mxfp4(blocks, scales)
    assert decoded.shape == (2, 3, 128)
    assert decoded.nonzero().tolist() == [[1, 2, 3 * 32 + 11]]
    assert float(decoded[1, 2, 107]) == 6.0


def test_overflowing_blocks_are_those_that_decode_to_infinity_in_bfloat16() -> None:
    blocks = ALL_BYTES.reshape(-1, 1).repeat(1, 16)
    for scale in (0, 127, 252, 253, 254):
        scales = torch.full((256,), scale, dtype=torch.uint8)
        infinite = decode_mxfp4(blocks, scales, torch.bfloat16).view(256, 32).isinf().any(dim=1)
        assert torch.equal(overflowing_blocks(blocks, scales), infinite), scale
    assert bool(overflowing_blocks(blocks, torch.full((256,), 255, dtype=torch.uint8)).all())


@pytest.mark.parametrize(
    ("blocks", "scales", "operand"),
    [
        (torch.zeros(4, 15, dtype=torch.uint8), torch.zeros(4, dtype=torch.uint8), "blocks"),
        (torch.zeros(4, 16), torch.zeros(4, dtype=torch.uint8), "blocks"),
        (torch.zeros(4, 16, dtype=torch.uint8), torch.zeros(3, dtype=torch.uint8), "scales"),
        (torch.zeros(4, 16, dtype=torch.uint8), torch.zeros(4), "scales"),
    ],
)
def test_wrong_operand_is_refused_by_name(
    blocks: torch.Tensor, scales: torch.Tensor, operand: str
) -> None:
    with pytest.raises(OperandError) as caught:
        decode_mxfp4(blocks, scales)
    assert caught.value.operand == operand
