"""The best candidates of each row, by a sort."""

from __future__ import annotations

import torch

from kernels.checks import expect

# Dimensions: S rows, V vocabulary, K candidates.

CANDIDATES = 32


def find_candidates(logits_SV: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids [S, 32] and values [S, 32]: value descending, lowest id first among equals."""
    expect("logits", logits_SV, "S V", dtype=torch.float32)
    values_SV, ids_SV = torch.sort(logits_SV, dim=-1, descending=True, stable=True)
    return ids_SV[:, :CANDIDATES], values_SV[:, :CANDIDATES]


def tile_maxima(logits_SV: torch.Tensor, tile: int) -> torch.Tensor:
    """Return the largest logit of each tile, infinite when one of the tile is not finite."""
    expect("logits", logits_SV, "S V", dtype=torch.float32)
    shown_SV = torch.where(logits_SV.isfinite(), logits_SV, torch.inf)
    parts = [part.amax(dim=-1) for part in shown_SV.split(tile, dim=-1)]
    return torch.stack(parts, dim=-1)
