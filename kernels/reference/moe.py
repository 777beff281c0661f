"""Router, clamped SwiGLU and the expert layer."""

from __future__ import annotations

import torch

from kernels.checks import expect

# Dimensions: T tokens, D model width, E experts, K experts per token, F expert width.

SWIGLU_ALPHA = 1.702


def route(logits_TE: torch.Tensor, num_selected: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weights [T, K] and expert ids [T, K] of each token.

    The K largest logits are taken, value descending, of equal ones the lowest expert id first;
    the weights are the softmax over these K. Logits are not rounded to bfloat16 first.
    """
    expect("logits", logits_TE, "T E")
    values_TE, ids_TE = torch.sort(logits_TE, dim=-1, descending=True, stable=True)
    return values_TE[:, :num_selected].softmax(dim=-1), ids_TE[:, :num_selected]


def swiglu(h_TF2: torch.Tensor, limit: float) -> torch.Tensor:
    """Return gate * sigmoid(1.702 gate) * (up + 1) of interleaved columns gate, up, gate, up.

    The gate is clamped above at `limit`, up on both sides.
    Source: openai/gpt-oss gpt_oss/torch/model.py `swiglu`.
    """
    gate, up = h_TF2[..., 0::2], h_TF2[..., 1::2]
    gate = gate.clamp(max=limit)
    up = up.clamp(min=-limit, max=limit)
    return gate * torch.sigmoid(SWIGLU_ALPHA * gate) * (up + 1)


def experts(
    x_TD: torch.Tensor,
    routing: tuple[torch.Tensor, torch.Tensor],
    up: tuple[torch.Tensor, torch.Tensor],
    down: tuple[torch.Tensor, torch.Tensor],
    *,
    limit: float,
) -> torch.Tensor:
    """Return the weighted sum over each token's experts, in the order of the routing.

    Args:
        x_TD: Normed residual rows.
        routing: Weights [T, K] and expert ids [T, K].
        up: Weight [E, 2F, D] with gate and up rows interleaved, and bias [E, 2F].
        down: Weight [E, D, F] and bias [E, D]; the bias is inside the weighting.
        limit: Clamp of the SwiGLU.
    """
    weights_TK, ids_TK = routing
    rows = []
    for token_idx in range(x_TD.shape[0]):
        total = torch.zeros_like(x_TD[token_idx])
        for weight, expert in zip(weights_TK[token_idx], ids_TK[token_idx].tolist(), strict=True):
            hidden = swiglu(up[0][expert] @ x_TD[token_idx] + up[1][expert], limit)
            total = total + weight * (down[0][expert] @ hidden + down[1][expert])
        rows.append(total)
    return torch.stack(rows)
