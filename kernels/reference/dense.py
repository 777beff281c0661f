"""The fused query, key and value projection, the output projection and the sum over experts."""

from __future__ import annotations

import torch

from kernels.checks import expect
from kernels.reference.rope import apply_rope

# Dimensions: T tokens, D model width, Q rows of the fused projection, O = H·W, H query heads, G kv
# heads, W head width, C = W / 2, K experts per token.


def qkv_project(
    normed_TD: torch.Tensor,
    weight_QD: torch.Tensor,
    bias_Q: torch.Tensor,
    cos_TC: torch.Tensor,
    sin_TC: torch.Tensor,
    *,
    num_heads: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return rotated queries [T, H, W], rotated keys [T, G, W] and values [T, G, W], float32.

    Rows of the weight are queries, then keys, then values, in checkpoint order.
    """
    sizes: dict[str, int] = {}
    expect("normed", normed_TD, "T D", sizes=sizes)
    expect("weight", weight_QD, "Q D", sizes=sizes)
    expect("cos", cos_TC, "T C", sizes=sizes)
    rows_TQ = normed_TD.float() @ weight_QD.float().T + bias_Q.float()
    heads_TNW = rows_TQ.view(sizes["T"], -1, 2 * sizes["C"])
    num_kv_heads = (heads_TNW.shape[1] - num_heads) // 2
    rotated = apply_rope(heads_TNW[:, : num_heads + num_kv_heads], cos_TC, sin_TC)
    return rotated[:, :num_heads], rotated[:, num_heads:], heads_TNW[:, num_heads + num_kv_heads :]


def out_project(
    attn_TO: torch.Tensor, weight_DO: torch.Tensor, bias_D: torch.Tensor, residual_TD: torch.Tensor
) -> torch.Tensor:
    """Return the residual plus projection and bias, float32."""
    return residual_TD.float() + attn_TO.float() @ weight_DO.float().T + bias_D.float()


def combine(
    expert_out_TKD: torch.Tensor, weights_TK: torch.Tensor, residual_TD: torch.Tensor
) -> torch.Tensor:
    """Return the residual plus each token's experts, weighted, in the order of the routing."""
    total_TD = torch.zeros_like(residual_TD, dtype=torch.float32)
    for rank in range(weights_TK.shape[1]):
        total_TD = total_TD + weights_TK[:, rank, None] * expert_out_TKD[:, rank].float()
    return residual_TD.float() + total_TD
