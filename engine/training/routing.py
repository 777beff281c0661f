"""Mixture-of-experts dispatch for training: rows sorted by expert, gathers only.

Forward and backward of a permutation are both gathers here: `dispatch` copies each token to the
rows of its experts and sums the copies' gradients, `collect` puts rows back in token order.
Scatter-adds would be slower and, on a GPU, not deterministic.

Dimensions: T tokens, K experts per token, R = T·K rows sorted by expert, E experts, D width.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.autograd.function import FunctionCtx


class Routing(NamedTuple):
    """Where each token's K rows lie in expert order."""

    # Token of each sorted row, [R].
    tokens: torch.Tensor
    # Flat (token, slot) index of each sorted row, [R]: a permutation.
    slots: torch.Tensor
    # Sorted row of each (token, slot), [T, K]: the inverse permutation.
    rows: torch.Tensor
    # Expert of each sorted row, [R].
    experts: torch.Tensor
    # End of each expert's rows, int32 [E].
    ends: torch.Tensor


def route(expert_TK: torch.Tensor, num_experts: int) -> Routing:
    """Sorts (token, slot) pairs by expert, stably.

    Args:
        expert_TK: Chosen experts, int64 `[T, K]`.
        num_experts: E.
    """
    expert_R, slot_R = torch.sort(expert_TK.flatten(), stable=True)
    row_R = torch.empty_like(slot_R)
    row_R[slot_R] = torch.arange(slot_R.shape[0], device=slot_R.device)
    experts = torch.arange(num_experts, device=expert_TK.device)
    ends_E = torch.searchsorted(expert_R, experts, right=True, out_int32=True)
    return Routing(
        tokens=slot_R // expert_TK.shape[1],
        slots=slot_R,
        rows=row_R.view(expert_TK.shape),
        experts=expert_R,
        ends=ends_E,
    )


class _Dispatch(torch.autograd.Function):
    """x[token_R]; the gradient of a token is the sum over its K rows, taken by a gather."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, hidden_TD: torch.Tensor, token_R: torch.Tensor, row_TK: torch.Tensor
    ) -> torch.Tensor:
        """Copies each token to the rows of its experts."""
        ctx.save_for_backward(row_TK)
        return hidden_TD[token_R]

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Sums the gradients of each token's rows."""
        (row_TK,) = ctx.saved_tensors  # type: ignore[attr-defined]  # set by save_for_backward
        return grads[0][row_TK].sum(1), None, None


class _Collect(torch.autograd.Function):
    """y[row_TK]; the rows are permuted back, so the gradient is the opposite gather."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, out_RD: torch.Tensor, slot_R: torch.Tensor, row_TK: torch.Tensor
    ) -> torch.Tensor:
        """Reorders rows to `[T, K, D]`."""
        ctx.save_for_backward(slot_R)
        return out_RD[row_TK]

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Gathers each sorted row's gradient."""
        (slot_R,) = ctx.saved_tensors  # type: ignore[attr-defined]  # set by save_for_backward
        return grads[0].flatten(0, 1)[slot_R], None, None


class _RowBias(torch.autograd.Function):
    """x + bias[expert_R]; the bias gradient is a product with the one-hot matrix of experts."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, out_RN: torch.Tensor, bias_EN: torch.Tensor, expert_R: torch.Tensor
    ) -> torch.Tensor:
        """Adds each row's expert bias."""
        ctx.save_for_backward(expert_R)
        ctx.num_experts = bias_EN.shape[0]  # type: ignore[attr-defined]  # the documented way
        return out_RN + bias_EN[expert_R]

    @staticmethod
    def backward(ctx: FunctionCtx, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Sums gradients by expert."""
        (expert_R,) = ctx.saved_tensors  # type: ignore[attr-defined]  # set by save_for_backward
        num_experts: int = ctx.num_experts  # type: ignore[attr-defined]  # set in forward
        experts = torch.arange(num_experts, device=expert_R.device)
        is_expert_ER = (expert_R[None, :] == experts[:, None]).to(grads[0].dtype)
        return grads[0], is_expert_ER @ grads[0], None


def dispatch(hidden_TD: torch.Tensor, routing: Routing) -> torch.Tensor:
    """Tokens `[T, D]` copied into expert order `[R, D]`."""
    out: torch.Tensor = _Dispatch.apply(hidden_TD, routing.tokens, routing.rows)  # type: ignore[no-untyped-call]  # torch
    return out


def collect(out_RD: torch.Tensor, routing: Routing) -> torch.Tensor:
    """Expert rows `[R, D]` put back in token order `[T, K, D]`."""
    out: torch.Tensor = _Collect.apply(out_RD, routing.slots, routing.rows)  # type: ignore[no-untyped-call]  # torch
    return out


def add_row_bias(out_RN: torch.Tensor, bias_EN: torch.Tensor, routing: Routing) -> torch.Tensor:
    """Adds to each row `[R, N]` the bias of its expert `[E, N]`."""
    out: torch.Tensor = _RowBias.apply(out_RN, bias_EN, routing.experts)  # type: ignore[no-untyped-call]  # torch
    return out


def expert_matmul(
    in_RK: torch.Tensor, weight_ENK: torch.Tensor, routing: Routing, *, is_grouped: bool
) -> torch.Tensor:
    """Multiplies each row by the weight of its expert.

    Args:
        in_RK: Rows in expert order.
        weight_ENK: One `[N, K]` matrix per expert, same dtype.
        routing: Where each expert's rows end.
        is_grouped: Use the grouped matrix product (bfloat16 on a GPU); otherwise a loop over
            experts, which any device and dtype can run.

    Returns:
        `[R, N]`.
    """
    if is_grouped:
        out: torch.Tensor = torch._grouped_mm(
            in_RK, weight_ENK.transpose(-2, -1), offs=routing.ends
        )
        return out
    ends = routing.ends.tolist()
    starts = [0, *ends[:-1]]
    parts = [
        in_RK[start:end] @ weight_ENK[idx].T
        for idx, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    return torch.cat(parts)
