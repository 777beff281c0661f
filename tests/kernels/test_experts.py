"""Expert products in the interpreter against float32, for every kind of routing."""

import pytest
import torch

from kernels.combine import combine_and_norm, embed_and_norm
from kernels.experts import expert_down, expert_up
from kernels.launch import Tile
from kernels.reference import dense as dense_twin
from kernels.reference.moe import swiglu
from kernels.reference.norm import rms_norm
from tests.kernels.products import EPS, bf16, expert_layer, routing_of

LIMIT = 7.0
# The interpreter rounds to bfloat16 by cutting off; a row's error is that of its activations.
RELATIVE_RMS = 2**-7
SMALL = Tile(loop="stream", tokens=16, warps=4, depth=5)

ROUTINGS = {
    "one token": [[2, 0, 3, 1]],
    "one expert for all first places": [[1, 0, 2, 3]] * 19,
    "every token its own": [[0, 1, 2, 3], [4, 5, 6, 7], [3, 2, 1, 0]],
    "padding at the end": [[5, 6, 7, 0], [0, 5, 2, 1], [-1, -1, -1, -1]],
    "nothing but padding": [[-1, -1, -1, -1]] * 2,
}


def relative_rms(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float((got.double() - expected.double()).norm() / expected.double().norm())


SIZES = [(name, size) for name in ROUTINGS for size in ((64, 64), (192, 320))]
# Interpreting a row of 2880 takes seconds: one routing shows that its 45 chunks are met.
SIZES += [("one token", size) for size in ((2880, 64), (64, 2880))]


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_experts_equal_float32(name: str, size: tuple[int, int]) -> None:
    width, inner = size
    if 2880 in (width, inner) and len(ROUTINGS[name]) > 3:
        pytest.xfail("too slow for the interpreter; the other routings cover these widths")
    generator = torch.Generator().manual_seed(width)
    layer = expert_layer(generator, 8, width, inner)
    routing, tile = routing_of(ROUTINGS[name], width, 8, SMALL)
    num_tokens, num_selected = routing.ids_TK.shape
    routing.normed_TD.copy_(bf16(generator, num_tokens, width, scale=2.0))
    act = torch.full((num_tokens * num_selected, inner), torch.nan).bfloat16()
    out = torch.full((num_tokens * num_selected, width), torch.nan).bfloat16()
    expert_up(routing, layer.up, layer.up_bias, limit=LIMIT, out_act_RF=act, tile=tile)
    expert_down(routing, layer.down, layer.down_bias, act, out_RD=out, tile=tile)
    for row, expert in enumerate(routing.ids_TK.flatten().tolist()):
        if expert < 0:
            assert act[row].isnan().all()
            assert out[row].isnan().all()
            continue
        x = routing.normed_TD[row // num_selected].float()
        hidden = layer.up_decoded[expert] @ x + layer.up_bias_plain[expert]
        expected_act = swiglu(hidden, LIMIT)
        assert relative_rms(act[row].float(), expected_act) < RELATIVE_RMS
        expected = layer.down_decoded[expert] @ act[row].float() + layer.down_bias[expert]
        assert relative_rms(out[row].float(), expected) < RELATIVE_RMS


# Numpy warns of what the kernel is meant to do.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_clamps_fire_on_both_sides() -> None:
    generator = torch.Generator().manual_seed(1)
    layer = expert_layer(generator, 4, 64, 64)
    routing, tile = routing_of([[0, 1, 2, 3]], 64, 4, SMALL)
    routing.normed_TD.copy_(bf16(generator, 1, 64, scale=1000.0))
    act = torch.empty(4, 64).bfloat16()
    expert_up(routing, layer.up, layer.up_bias, limit=LIMIT, out_act_RF=act, tile=tile)
    hidden = layer.up_decoded @ routing.normed_TD[0].float() + layer.up_bias_plain
    assert (hidden.abs() > LIMIT).float().mean() > 0.9
    torch.testing.assert_close(act.float(), swiglu(hidden, LIMIT), rtol=2**-6, atol=1e-6)


def test_a_row_has_the_same_bits_alone_and_among_others() -> None:
    generator = torch.Generator().manual_seed(3)
    layer = expert_layer(generator, 8, 128, 64)
    x = bf16(generator, 20, 128)
    alone, tile = routing_of([[1, 3, 5, 7]], 128, 8, SMALL)
    among, _ = routing_of([[1, 3, 5, 7]] * 20, 128, 8, SMALL)
    results = []
    for routing, rows in ((alone, x[13:14]), (among, x)):
        routing.normed_TD.copy_(rows)
        act = torch.empty(len(rows) * 4, 64).bfloat16()
        expert_up(routing, layer.up, layer.up_bias, limit=LIMIT, out_act_RF=act, tile=tile)
        results.append(act.view(-1, 4, 64))
    assert torch.equal(results[0][0], results[1][13])


@pytest.mark.parametrize("width", [64, 320, 2880])
def test_sum_over_experts_and_norm(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    residual, norm = bf16(generator, 3, width), bf16(generator, width)
    out = bf16(generator, 12, width)
    weights = torch.rand(3, 4, generator=generator)
    expected = dense_twin.combine(out.view(3, 4, width), weights, residual)
    normed = torch.full((3, width), torch.nan).bfloat16()
    combine_and_norm(out, weights, norm, residual, eps=EPS, out_normed_TD=normed)
    torch.testing.assert_close(residual.float(), expected, rtol=2**-7, atol=2**-7)
    expected_normed = rms_norm(residual, norm, EPS).float()
    torch.testing.assert_close(normed.float(), expected_normed, rtol=2**-7, atol=1e-6)


def test_embedding_rows_and_their_norm() -> None:
    generator = torch.Generator().manual_seed(0)
    embedding, norm = bf16(generator, 50, 320), bf16(generator, 320)
    residual, normed = (torch.full((3, 320), torch.nan).bfloat16() for _ in range(2))
    ids = torch.tensor([49, 0, 7], dtype=torch.int32)
    embed_and_norm(ids, embedding, norm, eps=EPS, out_residual_TD=residual, out_normed_TD=normed)
    assert torch.equal(residual, embedding[ids.long()])
    expected = rms_norm(residual, norm, EPS).float()
    torch.testing.assert_close(normed.float(), expected, rtol=2**-7, atol=1e-6)
