"""Attention over pages: gathers each sequence's keys and calls the plain twin."""

from __future__ import annotations

import torch

from kernels.reference.attention import attention

# Dimensions: S sequences, B pages of a sequence, N keys, G kv heads, W head width, H query heads,
# O = H·W.

PAGE_TOKENS = 64


def gather_positions(
    pages_NGPW: torch.Tensor, table_B: torch.Tensor, positions: torch.Tensor
) -> torch.Tensor:
    """Return the rows [N, G, W] that lie at `positions`."""
    page_of_position = table_B.long()[positions // PAGE_TOKENS]
    return pages_NGPW[page_of_position, :, positions % PAGE_TOKENS]


def attention_decode(
    q_SHW: torch.Tensor,
    pages: tuple[torch.Tensor, torch.Tensor],
    table_SB: torch.Tensor,
    lengths_S: torch.Tensor,
    sinks_H: torch.Tensor,
    *,
    window: int | None,
) -> torch.Tensor:
    """Return float32 attention [S, O] of the last position of each sequence; zero for length 0."""
    out_SO = torch.zeros(q_SHW.shape[0], q_SHW[0].numel())
    for s, length in enumerate(lengths_S.tolist()):
        if length:
            oldest = 0 if window is None else max(0, length - window)
            positions = torch.arange(oldest, length)
            k, v = (gather_positions(part, table_SB[s], positions).float() for part in pages)
            q_1HW = q_SHW[s : s + 1].float()
            out_SO[s] = attention(q_1HW, k, v, sinks_H.float(), window=window).flatten()
    return out_SO


def attention_prefill(
    q_THW: torch.Tensor,
    keys: tuple[torch.Tensor, torch.Tensor],
    sinks_H: torch.Tensor,
    *,
    window: int | None,
) -> torch.Tensor:
    """Return float32 attention [T, O] of the last T positions of one sequence's keys and values."""
    k_NGW, v_NGW = (part.float() for part in keys)
    out_THW = attention(q_THW.float(), k_NGW, v_NGW, sinks_H.float(), window=window)
    return out_THW.flatten(1)
