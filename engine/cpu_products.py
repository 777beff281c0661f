"""Matrix products whose rows do not notice each other.

A BLAS chooses its code path by the shape of a product, so the bits of a row can depend on how many
rows share the call, and on the row's place among them. Here a product of [rows, K] and [K, N] is
made either

* in one call of any height of at least two, on machines where `engine.determinism` has checked that
  every height gives the same bits (one row alone takes another path and is padded to two); or
* in calls of a few fixed heights, checked to give the same bits at every place, the rows padded to
  a multiple of the smallest.

Which of them is decided once per loaded model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Dimensions: R rows, K and N as usual for a product.

ROWS_MIN = 2


@dataclass(frozen=True, slots=True)
class RowProducts:
    """How products are split into calls.

    Attributes:
        heights: Heights that calls may have, descending, all multiples of the last; empty where
            any height of at least `ROWS_MIN` will do.
        shares_blocks: Whether attention of several sequences may share batched products.
    """

    heights: tuple[int, ...] = ()
    shares_blocks: bool = True

    @property
    def any_height(self) -> bool:
        """Whether calls may have any height of at least `ROWS_MIN`."""
        return not self.heights

    def padded(self, num_rows: int) -> int:
        """Return the height to which a caller pads its rows."""
        if not self.heights:
            return max(num_rows, ROWS_MIN)
        return -(-num_rows // self.heights[-1]) * self.heights[-1]

    def affine(
        self,
        x_RK: torch.Tensor,
        weight_KN: torch.Tensor,
        bias_N: torch.Tensor,
        out_RN: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return x @ weight + bias for a padded number of rows."""
        if out_RN is None:
            out_RN = x_RK.new_empty(x_RK.shape[0], weight_KN.shape[1])
        if not self.heights:
            return torch.addmm(bias_N, x_RK, weight_KN, out=out_RN)
        for rows in self._calls(x_RK.shape[0]):
            torch.addmm(bias_N, x_RK[rows], weight_KN, out=out_RN[rows])
        return out_RN

    def linear(self, x_RK: torch.Tensor, weight_KN: torch.Tensor) -> torch.Tensor:
        """Return x @ weight for a padded number of rows."""
        out_RN = x_RK.new_empty(x_RK.shape[0], weight_KN.shape[1])
        if not self.heights:
            return torch.mm(x_RK, weight_KN, out=out_RN)
        for rows in self._calls(x_RK.shape[0]):
            torch.mm(x_RK[rows], weight_KN, out=out_RN[rows])
        return out_RN

    def _calls(self, num_rows: int) -> list[slice]:
        """Split padded rows into calls, the highest first."""
        calls = []
        start = 0
        for height in self.heights:
            while start + height <= num_rows:
                calls.append(slice(start, start + height))
                start += height
        assert start == num_rows, (start, num_rows)
        return calls
