"""Grouping of tokens by expert, and the layer against the plain twin."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint import Checkpoint
from engine.cpu_experts import dispatch, mix_experts
from engine.cpu_products import RowProducts
from engine.model import ModelWeights
from kernels.reference.moe import experts, route
from kernels.reference.mxfp4 import decode_mxfp4

CHOICES = st.lists(
    st.lists(st.integers(0, 7), min_size=2, max_size=2, unique=True), min_size=1, max_size=30
)


@given(choices=CHOICES, any_height=st.booleans())
def test_dispatch_gives_every_choice_a_row_of_its_expert(
    choices: list[list[int]], any_height: bool
) -> None:
    products = RowProducts(() if any_height else (24, 4))
    plan = dispatch(choices, products)
    expert_of_row = {
        row: expert for expert, first, last in plan.groups for row in range(first, last)
    }
    assert sorted(expert_of_row) == list(range(len(plan.token_of_row)))
    flat = [(token, expert) for token, chosen in enumerate(choices) for expert in chosen]
    assert len(set(plan.row_of_choice)) == len(flat)
    for (token, expert), row in zip(flat, plan.row_of_choice, strict=True):
        assert plan.token_of_row[row] == token
        assert expert_of_row[row] == expert
    for expert, first, last in plan.groups:
        used = sum(expert in chosen for chosen in choices)
        assert last - first == products.padded(used)


@pytest.mark.parametrize("any_height", [True, False])
@pytest.mark.parametrize("num_tokens", [1, 5, 60])
def test_mix_experts_equals_the_twin(
    small_weights: ModelWeights, small_checkpoint: Checkpoint, num_tokens: int, any_height: bool
) -> None:
    config = small_weights.config
    generator = torch.Generator().manual_seed(num_tokens)
    x, residual = torch.randn(2, num_tokens, config.hidden_size, generator=generator)
    logits = torch.randn(num_tokens, config.num_experts, generator=generator)
    actual = mix_experts(
        x,
        residual,
        small_weights.layers[1],
        RowProducts(() if any_height else (24, 4)),
        logits_TE=logits,
        num_selected=config.experts_per_token,
        limit=config.swiglu_limit,
    )
    block = "block.1.mlp"
    up, down = (
        (
            decode_mxfp4(*small_checkpoint.mxfp4(f"{block}.mlp{i}_weight")),
            small_checkpoint.tensor(f"{block}.mlp{i}_bias").float(),
        )
        for i in (1, 2)
    )
    routing = route(logits, config.experts_per_token)
    expected = residual + experts(x, routing, up, down, limit=config.swiglu_limit)
    assert float((actual - expected).norm() / expected.norm()) < 1e-6
