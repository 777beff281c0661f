"""Router ties, the clamp and the order of experts."""

import math

import pytest
import torch

from kernels.reference.moe import experts, route, swiglu


def test_route_takes_the_lowest_expert_of_equal_logits() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    weights, ids = route(logits, 2)
    assert ids.tolist() == [[1, 2], [0, 1]]
    assert weights.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_route_weights_are_a_softmax_over_the_selected_alone() -> None:
    weights, ids = route(torch.tensor([[0.0, 2.0, -1.0, 1.0]]), 2)
    assert ids.tolist() == [[1, 3]]
    expected = math.e / (1 + math.e)
    assert weights[0].tolist() == pytest.approx([expected, 1 - expected], rel=1e-6)


@pytest.mark.parametrize(
    ("gate", "up", "clamped_gate", "clamped_up"),
    [(3.0, 2.0, 3.0, 2.0), (9.0, 9.0, 7.0, 7.0), (-9.0, -9.0, -9.0, -7.0), (8.0, -8.0, 7.0, -7.0)],
)
def test_swiglu_clamps_the_gate_above_and_up_on_both_sides(
    gate: float, up: float, clamped_gate: float, clamped_up: float
) -> None:
    actual = swiglu(torch.tensor([[gate, up]], dtype=torch.float64), 7.0)
    expected = clamped_gate / (1 + math.exp(-1.702 * clamped_gate)) * (clamped_up + 1)
    assert actual.tolist() == [[pytest.approx(expected, rel=1e-12)]]


def test_experts_weigh_outputs_with_their_bias() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    up = torch.randn(5, 12, 4, generator=generator, dtype=torch.float64)
    up_bias = torch.randn(5, 12, generator=generator, dtype=torch.float64)
    down = torch.randn(5, 4, 6, generator=generator, dtype=torch.float64)
    down_bias = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    weights = torch.tensor([[0.7, 0.3], [0.5, 0.5], [1.0, 0.0]], dtype=torch.float64)
    ids = torch.tensor([[4, 0], [1, 2], [3, 3]])
    actual = experts(x, (weights, ids), (up, up_bias), (down, down_bias), limit=7.0)
    hidden = swiglu(torch.einsum("td,efd->tef", x, up) + up_bias, 7.0)
    every = torch.einsum("tef,edf->ted", hidden, down) + down_bias
    expected = (every.gather(1, ids[..., None].expand(-1, -1, 4)) * weights[..., None]).sum(1)
    assert torch.allclose(actual, expected, rtol=1e-12, atol=1e-12)
