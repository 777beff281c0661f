"""Errors of the kernels.

    KernelError
    └── OperandError     a tensor has a wrong rank, size, dtype, device or layout

Kernels check shapes and dtypes of their operands, never values: bad weights are refused when a
checkpoint is loaded.
"""

from __future__ import annotations

from typing import ClassVar


class KernelError(Exception):
    """Root of all errors raised by the kernels package."""

    code: ClassVar[str] = "kernel_error"


class OperandError(KernelError):
    """An operand of a kernel is not what the kernel works on.

    Attributes:
        operand: Name of the parameter.
        expected: What the kernel takes.
        actual: What it was given.
    """

    code: ClassVar[str] = "operand"

    def __init__(self, operand: str, *, expected: str, actual: str) -> None:
        super().__init__(f"operand {operand}: expected {expected}, got {actual}")
        self.operand = operand
        self.expected = expected
        self.actual = actual
