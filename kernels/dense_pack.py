"""Bfloat16 weights in the layout that the product kernels read.

Rows go in groups of 16, inner columns in chunks of 64, as for MXFP4 (`kernels.mxfp4_pack`): a
group's chunk is one operand fragment of four 16-wide matrix instructions. For each step 32 lanes
hold 8 values each, 512 bytes in a piece. Lane 4g + t of step s holds, with c = 16s + 2t, row g at
c, c + 1, row g + 8 there, row g at c + 8, c + 9 and row g + 8 there.
"""

from __future__ import annotations

import torch

from kernels.checks import expect
from kernels.errors import OperandError
from kernels.mxfp4_pack import CHUNK, LANES, ROW_GROUP, STEPS

# Dimensions: R rows, K columns, N row groups of 16, C chunks of 64 columns, M steps of a chunk, L
# lanes, V values of a lane.

VALUES = 8


def packed_shape(num_rows: int, num_columns: int) -> tuple[int, int, int, int, int]:
    """Return the shape of packed weights.

    Raises:
        OperandError: The size does not divide into groups and chunks.
    """
    if num_rows % ROW_GROUP:
        raise OperandError("rows", expected=f"a multiple of {ROW_GROUP}", actual=str(num_rows))
    if num_columns % CHUNK:
        raise OperandError("columns", expected=f"a multiple of {CHUNK}", actual=str(num_columns))
    return num_rows // ROW_GROUP, num_columns // CHUNK, STEPS, LANES, VALUES


def pack_dense(weight_RK: torch.Tensor, row_order: torch.Tensor | None = None) -> torch.Tensor:
    """Return packed weights [N, C, M, L, V], bfloat16.

    Args:
        weight_RK: bfloat16.
        row_order: Checkpoint row of each packed row, when they are permuted.

    Raises:
        OperandError: The dtype is wrong or the size does not divide.
    """
    expect("weight", weight_RK, "R K", dtype=torch.bfloat16)
    groups, chunks = packed_shape(*weight_RK.shape)[:2]
    if row_order is not None:
        weight_RK = weight_RK[row_order.to(weight_RK.device)]
    # Rows split into group, half, g; columns into chunk, step, half of the step, t, parity.
    parts = weight_RK.reshape(groups, 2, 8, chunks, STEPS, 2, 4, 2)
    lanes = parts.permute(0, 3, 4, 2, 6, 5, 1, 7)
    return lanes.reshape(groups, chunks, STEPS, LANES, VALUES).contiguous()


def unpack_dense(packed_NCMLV: torch.Tensor) -> torch.Tensor:
    """Return the weights [R, K] of `pack_dense`, rows in packed order."""
    groups, chunks = packed_NCMLV.shape[:2]
    parts = packed_NCMLV.view(groups, chunks, STEPS, 8, 4, 2, 2, 2)
    rows = parts.permute(0, 6, 3, 1, 2, 5, 4, 7)
    return rows.reshape(groups * ROW_GROUP, chunks * CHUNK)


def paired_rows(num_rows: int, *, distance: int, period: int) -> torch.Tensor:
    """Return a row order in which rows that belong together share a thread, [R] int64.

    Within each `period` rows the pairs (i, i + distance) come to places g and g + 8 of a group of
    16, the pairs in ascending order: interleaved gates and ups have distance 1 and period 2, the
    halves of a rotated head distance 32 and period 64.

    Raises:
        OperandError: The rows do not divide into periods of pairs or into groups.
    """
    if num_rows % ROW_GROUP or num_rows % period or period != 2 * distance:
        expected = f"a multiple of {ROW_GROUP} and of twice the distance {distance}"
        raise OperandError("rows", expected=expected, actual=str(num_rows))
    pairs = torch.arange(num_rows).view(-1, 2, distance).transpose(1, 2).reshape(-1, 2)
    return pairs.view(-1, ROW_GROUP // 2, 2).transpose(1, 2).reshape(-1)
