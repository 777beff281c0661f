"""MXFP4 weights in the layout that the expert kernels read.

Rows go in groups of 16, inner columns in chunks of 64. A group's chunk is one operand fragment of
four 16-wide matrix instructions: 32 lanes with one 32-bit word for each step, 512 bytes in a piece.
Chunks of a group follow each other, so a program streams contiguous memory and nothing is padded.

Lane 4g + t holds rows g and g + 8 of its group; its word of step s holds the columns c = 16s + 2t,
c + 1, c + 8 and c + 9 of both. The low half of a word is for the even columns, the high half, which
is alike, for the odd ones:

    bit     15  14  13  12  11  10   9   8   7   6   5   4   3   2   1   0
    holds   sA  sD  d1  sB  d0  dm  sC  a1  a0  am  b1  b0  bm  c1  c0  cm

A is row g and column c (or c + 1), B row g + 8, C and D the same rows at c + 8; s is the sign, 1
and 0 the exponent, m the mantissa of e2m1. Shifted by 0, 3 or 6, and for D piece by piece, sign and
number come to bits 15 and 8 to 6, where a bfloat16 has its sign, lowest exponent bits and highest
mantissa bit: the value times 2**-126, right for the subnormal code too. One multiplication by
2**(scale - 1) makes the weight, exactly.

Scales of a chunk are 8 words: word g holds, from the low byte up, rows g and g + 8 for columns 0
to 31 and the same rows for columns 32 to 63. A byte is scale + 126, the exponent of 2**(scale - 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from kernels.checks import expect
from kernels.errors import OperandError

# Dimensions: E experts, R rows, S scales (one for each 32 columns), C chunks of 64 columns, N row
# groups of 16, L lanes of a group, M steps of a chunk, G rows that share a word's place.

ROW_GROUP = 16
CHUNK = 64
LANES = 32
STEPS = 4
# 2**(scale - 1) is a bfloat16 up to this scale; larger ones would mean weights of 4 and more.
SCALE_MAX = 128
SCALE_BIAS = 126


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedMxfp4:
    """Packed weights of all experts of a layer.

    Attributes:
        words_ENCLM: Weights, [E, N, C, 32, 4] int32.
        scales_ENCG: Scales, [E, N, C, 8] int32.
    """

    words_ENCLM: torch.Tensor
    scales_ENCG: torch.Tensor

    @property
    def num_experts(self) -> int:
        """Number of experts."""
        return self.words_ENCLM.shape[0]

    @property
    def num_rows(self) -> int:
        """Output features of an expert."""
        return self.words_ENCLM.shape[1] * ROW_GROUP

    @property
    def num_columns(self) -> int:
        """Input features of an expert."""
        return self.words_ENCLM.shape[2] * CHUNK

    @property
    def num_bytes(self) -> int:
        """Memory of weights and scales, in bytes."""
        return self.words_ENCLM.nbytes + self.scales_ENCG.nbytes


def empty_packed(num_experts: int, num_rows: int, num_columns: int, device: str) -> PackedMxfp4:
    """Allocate packed weights to be filled by `pack_mxfp4`.

    Raises:
        OperandError: The shape does not divide into groups and chunks.
    """
    if num_rows % ROW_GROUP:
        raise OperandError("rows", expected=f"a multiple of {ROW_GROUP}", actual=str(num_rows))
    if num_columns % CHUNK:
        raise OperandError("columns", expected=f"a multiple of {CHUNK}", actual=str(num_columns))
    groups, chunks = num_rows // ROW_GROUP, num_columns // CHUNK
    shape = (num_experts, groups, chunks)
    words = torch.empty(*shape, LANES, STEPS, dtype=torch.int32, device=device)
    scales = torch.empty(*shape, ROW_GROUP // 2, dtype=torch.int32, device=device)
    return PackedMxfp4(words_ENCLM=words, scales_ENCG=scales)


def pack_mxfp4(
    blocks_ERSB: torch.Tensor,
    scales_ERS: torch.Tensor,
    packed: PackedMxfp4,
    *,
    first_expert: int = 0,
    row_order: torch.Tensor | None = None,
) -> None:
    """Pack checkpoint blocks of some experts into `packed`.

    Args:
        blocks_ERSB: [E, R, S, 16] uint8, the low nibble first.
        scales_ERS: [E, R, S] uint8.
        packed: Where to, from `empty_packed`.
        first_expert: Index in `packed` of the first expert given.
        row_order: Checkpoint row of each packed row, when they are permuted.

    Raises:
        OperandError: A shape does not fit, or a scale is above 128.
    """
    sizes = {"R": packed.num_rows, "S": packed.num_columns // 32, "B": 16}
    expect("blocks", blocks_ERSB, "E R S B", dtype=torch.uint8, sizes=sizes)
    expect("scales", scales_ERS, "E R S", dtype=torch.uint8, sizes=sizes)
    largest = int(scales_ERS.max())
    if largest > SCALE_MAX:
        raise OperandError("scales", expected=f"at most {SCALE_MAX}", actual=str(largest))
    if row_order is not None:
        order = row_order.to(blocks_ERSB.device)
        blocks_ERSB, scales_ERS = blocks_ERSB[:, order], scales_ERS[:, order]
    experts = slice(first_expert, first_expert + blocks_ERSB.shape[0])
    packed.words_ENCLM[experts] = _words(blocks_ERSB)
    packed.scales_ENCG[experts] = _scale_words(scales_ERS)


def _words(blocks_ERSB: torch.Tensor) -> torch.Tensor:
    num_experts, num_rows, num_scales, _ = blocks_ERSB.shape
    nibbles = torch.stack([blocks_ERSB & 15, blocks_ERSB >> 4], dim=-1).to(torch.int32)
    # Rows split into group, half, g; columns into chunk, step, half of the step, t, parity.
    shape = (num_experts, num_rows // ROW_GROUP, 2, 8, num_scales // 2, STEPS, 2, 4, 2)
    codes = nibbles.reshape(shape).permute(2, 6, 8, 0, 1, 4, 3, 7, 5)
    halves = [
        _placed(codes[0, 0, parity])
        | _placed(codes[1, 0, parity]) >> 3
        | _placed(codes[0, 1, parity]) >> 6
        | _placed_last(codes[1, 1, parity])
        for parity in (0, 1)
    ]
    return (halves[0] | halves[1] << 16).flatten(3, 4)


def _placed(codes: torch.Tensor) -> torch.Tensor:
    return (codes & 8) << 12 | (codes & 7) << 6


def _placed_last(codes: torch.Tensor) -> torch.Tensor:
    return (codes & 8) << 11 | (codes & 4) << 11 | (codes & 2) << 10 | (codes & 1) << 10


def _scale_words(scales_ERS: torch.Tensor) -> torch.Tensor:
    num_experts, num_rows, num_scales = scales_ERS.shape
    exponents = scales_ERS.to(torch.int32) + SCALE_BIAS
    shape = (num_experts, num_rows // ROW_GROUP, 2, 8, num_scales // 2, 2)
    # [group, chunk, g, half of the columns, half of the rows], the last two within a word.
    parts = exponents.view(shape).permute(0, 1, 4, 3, 5, 2).flatten(4)
    return parts[..., 0] | parts[..., 1] << 8 | parts[..., 2] << 16 | parts[..., 3] << 24
