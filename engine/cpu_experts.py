"""The expert layer on a CPU: tokens grouped by expert, one pair of products for each expert used.

A token's result depends on its own row and experts alone: rows of a group share a product whose
rows do not notice each other (`engine.cpu_products`), and a token's experts are added in the order
of its routing, value descending.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.cpu_products import RowProducts
from engine.model import LayerWeights
from kernels.reference.moe import SWIGLU_ALPHA, route

# Dimensions: T tokens, D model width, E experts, K experts per token, F expert width, R routed
# rows with padding.


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Which rows each expert works on.

    Attributes:
        groups: Expert id, first row and one past the last row of each group.
        token_of_row: The token that each row holds; padding repeats the group's first token.
        row_of_choice: The row of each token's choices, token by token in routing order.
    """

    groups: list[tuple[int, int, int]]
    token_of_row: list[int]
    row_of_choice: list[int]


def dispatch(choices: list[list[int]], products: RowProducts) -> Dispatch:
    """Group the choices of tokens by expert, each group padded to a height that products take."""
    tokens_of_expert: dict[int, list[int]] = {}
    for token_idx, experts in enumerate(choices):
        for expert in experts:
            tokens_of_expert.setdefault(expert, []).append(token_idx)
    groups: list[tuple[int, int, int]] = []
    token_of_row: list[int] = []
    next_row: dict[int, int] = {}
    for expert, tokens in tokens_of_expert.items():
        first = len(token_of_row)
        next_row[expert] = first
        token_of_row += tokens
        token_of_row += tokens[:1] * (products.padded(len(tokens)) - len(tokens))
        groups.append((expert, first, len(token_of_row)))
    row_of_choice = []
    for experts in choices:
        for expert in experts:
            row_of_choice.append(next_row[expert])
            next_row[expert] += 1
    return Dispatch(groups, token_of_row, row_of_choice)


def swiglu_split(h_R2F: torch.Tensor, limit: float) -> torch.Tensor:
    """Return the clamped SwiGLU of rows whose first half is the gate; overwrites its input.

    The sigmoid is written with `exp`, whose bits do not depend on an element's place; torch's
    sigmoid differs between whole vectors and the remainder.
    """
    gate_RF, up_RF = h_R2F.chunk(2, dim=1)
    gate_RF.clamp_(max=limit)
    up_RF.clamp_(min=-limit, max=limit).add_(1)
    denominator_RF = (gate_RF * -SWIGLU_ALPHA).exp_().add_(1)
    return gate_RF.div_(denominator_RF).mul_(up_RF)


def mix_experts(
    x_TD: torch.Tensor,
    residual_TD: torch.Tensor,
    layer: LayerWeights,
    products: RowProducts,
    *,
    logits_TE: torch.Tensor,
    num_selected: int,
    limit: float,
) -> torch.Tensor:
    """Return residual plus the weighted expert outputs of each token.

    Args:
        x_TD: Normed rows, without padding.
        residual_TD: Rows to add to.
        layer: Weights.
        products: How products are made.
        logits_TE: Router logits.
        num_selected: Experts per token.
        limit: Clamp of the SwiGLU.
    """
    weights_TK, ids_TK = route(logits_TE, num_selected)
    plan = dispatch(ids_TK.tolist(), products)
    x_RD = x_TD.index_select(0, torch.tensor(plan.token_of_row))
    h_R2F = x_RD.new_empty(x_RD.shape[0], layer.up_bias.shape[1])
    for expert, first, last in plan.groups:
        products.affine(
            x_RD[first:last],
            layer.up_weight[expert],
            layer.up_bias[expert],
            h_R2F[first:last],
        )
    hidden_RF = swiglu_split(h_R2F, limit)
    y_RD = torch.empty_like(x_RD)
    for expert, first, last in plan.groups:
        products.affine(
            hidden_RF[first:last],
            layer.down_weight[expert],
            layer.down_bias[expert],
            y_RD[first:last],
        )
    y_TKD = y_RD.index_select(0, torch.tensor(plan.row_of_choice)).view(*ids_TK.shape, -1)
    # Added one after the other: a reduction's order could depend on the number of tokens.
    y_TKD *= weights_TK.unsqueeze(2)
    total_TD = residual_TD
    for rank in range(num_selected):
        total_TD = total_TD + y_TKD[:, rank]
    return total_TD
