"""Matrix products whose rows do not notice each other.

A BLAS chooses its code path by the shape of a product, so the bits of a row can depend on how many
rows share the call. Here a product of [rows, K] and [K, N] is made either

* in one call of any height of at least two, on machines where `engine.determinism` has checked that
  every height gives the same bits (one row alone takes another path and is padded to two); or
* in a loop over tiles of a fixed height, which is the same call whatever the number of rows.

The mode is decided once per loaded model. The tile is 8 rows: with a weight laid out [K, N], MKL
needs little more time for 8 rows than for 2, and the loop is a fallback.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Dimensions: R rows, K and N as usual for a product.

TILE_ROWS = 8
ROWS_MIN = 2


@dataclass(frozen=True, slots=True)
class RowProducts:
    """How products are split into calls.

    Attributes:
        any_height: Whether one call may have any height of at least `ROWS_MIN`.
    """

    any_height: bool

    def padded(self, num_rows: int) -> int:
        """Return the height to which a caller pads its rows."""
        if self.any_height:
            return max(num_rows, ROWS_MIN)
        return -(-num_rows // TILE_ROWS) * TILE_ROWS

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
        if self.any_height:
            return torch.addmm(bias_N, x_RK, weight_KN, out=out_RN)
        for start in range(0, x_RK.shape[0], TILE_ROWS):
            rows = slice(start, start + TILE_ROWS)
            torch.addmm(bias_N, x_RK[rows], weight_KN, out=out_RN[rows])
        return out_RN

    def linear(self, x_RK: torch.Tensor, weight_KN: torch.Tensor) -> torch.Tensor:
        """Return x @ weight for a padded number of rows."""
        out_RN = x_RK.new_empty(x_RK.shape[0], weight_KN.shape[1])
        if self.any_height:
            return torch.mm(x_RK, weight_KN, out=out_RN)
        for start in range(0, x_RK.shape[0], TILE_ROWS):
            rows = slice(start, start + TILE_ROWS)
            torch.mm(x_RK[rows], weight_KN, out=out_RN[rows])
        return out_RN
