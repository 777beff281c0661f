"""The one check that every public operation makes of each operand."""

from __future__ import annotations

import torch

from kernels.errors import OperandError


def expect(
    operand: str,
    x: torch.Tensor,
    dims: str,
    *,
    dtype: torch.dtype | None = None,
    sizes: dict[str, int] | None = None,
    contiguous: bool = False,
) -> None:
    """Check a tensor's rank, sizes, dtype and layout.

    Args:
        operand: Name for the error.
        x: The tensor.
        dims: Space-separated dimension names, such as ``"T D"``; ``...`` first allows any leading.
        dtype: Required dtype, when one is.
        sizes: Dimension name to required size; names that are absent here are free, and a size met
            for the first time is recorded, so that one dict ties several operands together.
        contiguous: Whether the tensor must be contiguous.

    Raises:
        OperandError: The tensor is not as stated.
    """
    names = dims.split()
    shape = tuple(x.shape)
    if names and names[0] == "...":
        names = names[1:]
        shape = shape[len(shape) - len(names) :] if len(shape) >= len(names) else shape
    if len(names) != len(shape):
        raise OperandError(operand, expected=f"dimensions {dims}", actual=f"{list(x.shape)}")
    known = {} if sizes is None else sizes
    for name, size in zip(names, shape, strict=True):
        if known.setdefault(name, size) != size:
            raise OperandError(operand, expected=f"{name}={known[name]}", actual=f"{name}={size}")
    if dtype is not None and x.dtype != dtype:
        raise OperandError(operand, expected=str(dtype), actual=str(x.dtype))
    if contiguous and not x.is_contiguous():
        raise OperandError(operand, expected="contiguous", actual=f"strides {x.stride()}")
