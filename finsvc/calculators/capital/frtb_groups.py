"""Quadratic forms over risk factors that share names, kinds and tenors, in linear time.

A factor has a name, a kind and a cell (its tenor). The correlation of two factors depends on
whether their names are the same, whether their kinds are, and on the two cells. The sum over all
pairs is then a sum over four groupings: both same, same name, same kind, all; each grouping needs
one small quadratic form over its cell sums. Nothing grows with the square of the factors, and no
sum goes through BLAS, whose order depends on threads.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NOISE = 1e-13
"""Share of the squared gross amount below which a quadratic form counts as zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Weighted factors of one bucket, as codes from zero, shape (N,) each."""

    names: Integers
    kinds: Integers
    cells: Integers
    amounts: Floats
    num_cells: int


Correlation = Callable[[bool, bool], Floats]
"""Correlations by cells, shape (C, C), given whether names and kinds are the same."""


def quadratic(factors: Factors, correlation: Correlation) -> float:
    """Sum correlation times amount times amount over all ordered pairs, zero if it is noise."""
    both, name_only = correlation(True, True), correlation(True, False)
    kind_only, neither = correlation(False, True), correlation(False, False)
    num_kinds = int(factors.kinds.max(initial=0)) + 1
    pairs = factors.names * num_kinds + factors.kinds
    total = _form(pairs, factors, both - name_only - kind_only + neither)
    total += _form(factors.names, factors, name_only - neither)
    total += _form(factors.kinds, factors, kind_only - neither)
    total += _form(np.zeros_like(pairs), factors, neither)
    gross = float(np.abs(factors.amounts).sum())
    return total if total > NOISE * gross * gross else 0.0


def _form(groups: Integers, factors: Factors, matrix: Floats) -> float:
    """Sum of quadratic forms of the cell sums of each group."""
    if not matrix.any():
        return 0.0
    _, codes = np.unique(groups, return_inverse=True)
    width = factors.num_cells
    num_groups = int(codes.max(initial=-1)) + 1
    sums = np.bincount(
        codes * width + factors.cells, weights=factors.amounts, minlength=num_groups * width
    ).reshape(num_groups, width)
    products = (sums[:, :, None] * matrix[None, :, :]).sum(axis=1)
    return float((products * sums).sum())


def across(charges: Floats, sums: Floats, gamma: Floats) -> float:
    """Aggregate buckets: the root of squared charges and cross terms of their sums.

    Where the sums make the total negative, each is held between minus and plus the charge of its
    bucket (MAR21.4(5)).
    """
    squares = float((charges**2).sum())
    total = squares + _cross(sums, gamma)
    if total < 0.0:
        held = np.clip(sums, -charges, charges)
        total = squares + _cross(held, gamma)
    gross = float(np.maximum(charges, np.abs(sums)).sum())
    return float(np.sqrt(total)) if total > NOISE * gross * gross else 0.0


def across_curvature(charges: Floats, sums: Floats, gamma: Floats) -> float:
    """Aggregate curvature: pairs of negative sums do not count (MAR21.5)."""
    negative = np.minimum(sums, 0.0)
    total = float((charges**2).sum()) + _cross(sums, gamma) - _cross(negative, gamma)
    gross = float(np.maximum(charges, np.abs(sums)).sum())
    return float(np.sqrt(total)) if total > NOISE * gross * gross else 0.0


def _cross(sums: Floats, gamma: Floats) -> float:
    off = gamma * (1.0 - np.eye(len(sums)))
    return float(((off * sums[None, :]).sum(axis=1) * sums).sum())
