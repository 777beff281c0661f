"""The router in the interpreter: against its twin, ties, padding, lists of every size."""

import pytest
import torch

from kernels.reference.moe import route as twin
from kernels.reference.norm import rms_norm
from kernels.router import RouterWeights, Routing, new_routing, route
from tests.kernels.products import EPS, NUM_SELECTED, bf16, expected_lists, router_weights


def run(
    residual: torch.Tensor, weights: RouterWeights, num_rows: int, block_rows: int = 8
) -> Routing:
    num_tokens, width = residual.shape
    num_experts = weights.weight_ED.shape[0]
    routing = new_routing(
        num_tokens,
        width,
        num_experts,
        NUM_SELECTED,
        block_rows=block_rows,
        device=torch.device("cpu"),
    )
    for buffer in (routing.partial_LTE, routing.normed_TD, routing.weights_TK):
        buffer.fill_(torch.nan)
    for buffer in (routing.ids_TK, routing.order_R, routing.blocks_N3):
        buffer.fill_(-9)
    route(residual, weights, torch.tensor([num_rows], dtype=torch.int32), routing)
    return routing


def assert_lists_are_right(routing: Routing) -> None:
    # Whoever selected left the count of programs as the next launch needs it.
    assert not routing.arrivals_B.any()
    order, blocks = expected_lists(routing)
    assert routing.order_R.tolist()[: len(order)] == order
    assert routing.blocks_N3.tolist()[: len(blocks)] == blocks
    assert all(entry[0] == -1 for entry in routing.blocks_N3.tolist()[len(blocks) :])


# One program selects and groups; one step of the grouping; several; whole slices in one program.
@pytest.mark.parametrize(
    ("num_tokens", "num_rows", "num_experts", "width", "block_rows"),
    [
        (1, 1, 32, 320, 8),
        (8, 6, 16, 640, 8),
        (16, 13, 16, 640, 8),
        (7, 0, 8, 128, 16),
        (40, 33, 128, 384, 16),
        (300, 299, 32, 64, 64),
        (513, 513, 4, 704, 128),
    ],
)
def test_router_equals_the_twin(
    num_tokens: int, num_rows: int, num_experts: int, width: int, block_rows: int
) -> None:
    generator = torch.Generator().manual_seed(num_tokens)
    residual = bf16(generator, num_tokens, width, scale=3.0)
    weights = router_weights(generator, num_experts, width)
    routing = run(residual, weights, num_rows, block_rows)
    normed = rms_norm(residual, weights.norm_D, EPS)
    torch.testing.assert_close(routing.normed_TD.float(), normed.float(), rtol=2**-7, atol=0)
    logits = routing.normed_TD.float() @ weights.weight_ED.float().T + weights.bias_E.float()
    expected_weights, expected_ids = twin(logits, NUM_SELECTED)
    # Near ties may fall either way: compare the logits that were chosen.
    real = slice(num_rows)
    chosen = logits[real].gather(1, routing.ids_TK[real].long())
    torch.testing.assert_close(chosen, logits[real].gather(1, expected_ids[real]))
    torch.testing.assert_close(
        routing.weights_TK[real], expected_weights[real], rtol=1e-4, atol=1e-6
    )
    assert (routing.ids_TK[num_rows:] == -1).all()
    assert (routing.weights_TK[num_rows:] == 0).all()
    assert_lists_are_right(routing)


@pytest.mark.parametrize("num_tokens", [3, 40])
def test_equal_logits_go_to_the_lowest_expert_ids(num_tokens: int) -> None:
    weights = RouterWeights(
        norm_D=torch.ones(64).bfloat16(),
        weight_ED=torch.zeros(8, 64).bfloat16(),
        bias_E=torch.tensor([0.0, 2, 1, 2, 1, 2, 1, 1]).bfloat16(),
        eps=EPS,
    )
    routing = run(torch.ones(num_tokens, 64).bfloat16(), weights, num_tokens)
    assert routing.ids_TK.tolist() == [[1, 3, 5, 2]] * num_tokens
    assert_lists_are_right(routing)


# Numpy warns of what the kernel is meant to do.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_row_of_nan_selects_experts_and_stays_nan() -> None:
    generator = torch.Generator().manual_seed(2)
    residual = bf16(generator, 3, 64)
    residual[1, 5] = torch.nan
    routing = run(residual, router_weights(generator, 8, 64), 3)
    assert routing.ids_TK[1].tolist() == [0, 1, 2, 3]
    assert routing.weights_TK[1].isnan().all()
    assert routing.weights_TK[[0, 2]].isfinite().all()
    assert_lists_are_right(routing)


def test_a_routing_can_be_filled_again() -> None:
    generator = torch.Generator().manual_seed(3)
    weights = router_weights(generator, 8, 704)
    first, second = (bf16(generator, 20, 704) for _ in range(2))
    routing = run(first, weights, 20)
    route(second, weights, torch.tensor([17], dtype=torch.int32), routing)
    alone = run(second, weights, 17)
    assert torch.equal(routing.ids_TK, alone.ids_TK)
    assert torch.equal(routing.weights_TK, alone.weights_TK)
    assert_lists_are_right(routing)


@pytest.mark.parametrize("width", [64, 704])
def test_a_token_routes_alike_alone_and_among_others(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    residual = bf16(generator, 520, width)
    weights = router_weights(generator, 8, width)
    many = run(residual, weights, 520)
    few = run(residual[500:520], weights, 20)
    alone = run(residual[519:], weights, 1)
    for other, first in ((few, 500), (alone, 519)):
        assert torch.equal(many.normed_TD[first:], other.normed_TD)
        assert torch.equal(many.ids_TK[first:], other.ids_TK)
        assert torch.equal(many.weights_TK[first:], other.weights_TK)
