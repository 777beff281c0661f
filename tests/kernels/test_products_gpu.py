"""On a GPU: every loop and tile gives the bits of the portable kernels, and these are right."""

from collections.abc import Callable
from unittest.mock import patch

import pytest
import torch

from kernels import dense, experts
from kernels.combine import combine_and_norm
from kernels.dense_pack import pack_dense, unpack_dense
from kernels.launch import Tile
from kernels.mxfp4_pack import PackedMxfp4
from kernels.reference.moe import route as route_twin
from kernels.reference.rope import Yarn, rope_tables
from kernels.router import Routing, new_routing, route
from tests.kernels.products import (
    EPS,
    NUM_SELECTED,
    bf16,
    expected_lists,
    expert_layer,
    router_weights,
)

pytestmark = pytest.mark.gpu
DEVICE = "cuda"
WIDTH, HEADS, KV_HEADS, NUM_EXPERTS = 2880, 64, 8, 32
# One number of tokens for each entry of the tables, and odd ones.
TOKENS = (1, 7, 16, 29, 64, 100, 190, 256, 370, 500, 1100, 2100)
# A float32 sum of 2880 products rounded to bfloat16: 2**-9 / sqrt(3) relative, in the mean square.
RELATIVE_RMS = 2.2e-3


def relative_rms(got: torch.Tensor, expected: torch.Tensor) -> float:
    return float((got.double() - expected).norm() / expected.norm())


def on_gpu(packed: PackedMxfp4) -> PackedMxfp4:
    return PackedMxfp4(
        words_ENCLM=packed.words_ENCLM.to(DEVICE), scales_ENCG=packed.scales_ENCG.to(DEVICE)
    )


@pytest.fixture(scope="module")
def qkv() -> dense.QkvWeights:
    generator = torch.Generator().manual_seed(1)
    rows = (HEADS + 2 * KV_HEADS) * 64
    return dense.QkvWeights(
        weight_NCMLV=pack_dense(bf16(generator, rows, WIDTH, scale=0.02)).to(DEVICE),
        bias_Q=bf16(generator, rows).to(DEVICE),
        num_heads=HEADS,
        num_kv_heads=KV_HEADS,
    )


def project(
    x: torch.Tensor, weights: dense.QkvWeights, tile: Tile | None
) -> tuple[torch.Tensor, ...]:
    num_tokens = x.shape[0]
    cos, sin = rope_tables(64, Yarn(), 4096)
    positions = (torch.arange(num_tokens) * 7 % 4096).to(torch.int32).to(DEVICE)
    pages = [
        torch.full((num_tokens // 64 + 1, KV_HEADS, 64, 64), torch.nan).bfloat16().to(DEVICE)
        for _ in range(2)
    ]
    out = torch.full((num_tokens, HEADS, 64), torch.nan).bfloat16().to(DEVICE)
    dense.qkv_project(
        x,
        weights,
        dense.RopeTables(cos_PC=cos.to(DEVICE), sin_PC=sin.to(DEVICE)),
        positions,
        dense.KvTarget(
            k_pages_NGBW=pages[0],
            v_pages_NGBW=pages[1],
            slots_T=torch.arange(num_tokens, dtype=torch.int32, device=DEVICE),
        ),
        out_q_THW=out,
        tile=tile,
    )
    return out, *pages


def assert_same_bits(one: torch.Tensor, other: torch.Tensor) -> None:
    assert torch.equal(one.view(torch.int16), other.view(torch.int16))


@pytest.mark.parametrize("num_tokens", TOKENS)
def test_projections_have_the_bits_of_the_portable_kernel(
    qkv: dense.QkvWeights, num_tokens: int
) -> None:
    generator = torch.Generator().manual_seed(num_tokens)
    x = bf16(generator, num_tokens, WIDTH).to(DEVICE)
    fast = project(x, qkv, None)
    with patch.object(dense, "is_hopper", lambda _: False):
        portable = project(x, qkv, None)
    for one, other in zip(fast, portable, strict=True):
        assert_same_bits(one, other)
    weight = pack_dense(bf16(generator, WIDTH, HEADS * 64, scale=0.02)).to(DEVICE)
    bias = bf16(generator, WIDTH).to(DEVICE)
    attn = bf16(generator, num_tokens, HEADS * 64).to(DEVICE)
    residuals = [x.clone(), x.clone()]
    dense.out_project(attn, weight, bias, residuals[0])
    with patch.object(dense, "is_hopper", lambda _: False):
        dense.out_project(attn, weight, bias, residuals[1])
    assert_same_bits(residuals[0], residuals[1])
    expected = x.double() + attn.double() @ unpack_dense(weight).double().T + bias.double()
    assert relative_rms(residuals[0], expected) < RELATIVE_RMS


def routed(x: torch.Tensor, tile: Tile, num_rows: int) -> Routing:
    generator = torch.Generator().manual_seed(9)
    weights = router_weights(generator, NUM_EXPERTS, WIDTH, DEVICE)
    routing = new_routing(
        x.shape[0],
        WIDTH,
        NUM_EXPERTS,
        NUM_SELECTED,
        block_rows=tile.tokens,
        device=torch.device(DEVICE),
    )
    for buffer in (routing.ids_TK, routing.order_R, routing.blocks_N3):
        buffer.fill_(-9)
    routing.normed_TD.fill_(torch.nan)
    route(x, weights, torch.tensor([num_rows], dtype=torch.int32, device=DEVICE), routing)
    logits = routing.normed_TD.double() @ weights.weight_ED.double().T + weights.bias_E.double()
    _, expected = route_twin(logits.float(), NUM_SELECTED)
    chosen = logits[:num_rows].gather(1, routing.ids_TK[:num_rows].long())
    torch.testing.assert_close(
        chosen, logits[:num_rows].gather(1, expected[:num_rows]), atol=1e-4, rtol=0
    )
    return routing


@pytest.mark.parametrize("num_tokens", TOKENS)
def test_router_groups_every_row_once(num_tokens: int) -> None:
    generator = torch.Generator().manual_seed(num_tokens)
    x = bf16(generator, num_tokens, WIDTH).to(DEVICE)
    tile = experts.expert_tile(num_tokens, NUM_EXPERTS, NUM_SELECTED)
    for num_rows in {num_tokens, max(1, num_tokens - 2)}:
        routing = routed(x, tile, num_rows)
        order, blocks = expected_lists(routing)
        assert routing.order_R.tolist()[: len(order)] == order
        entries = routing.blocks_N3.tolist()
        assert entries[: len(blocks)] == blocks
        assert all(entry[0] == -1 for entry in entries[len(blocks) :]), entries


@pytest.fixture(scope="module")
def layer() -> dict[str, object]:
    made = expert_layer(torch.Generator().manual_seed(4), NUM_EXPERTS, WIDTH, WIDTH)
    return {
        "up": on_gpu(made.up),
        "down": on_gpu(made.down),
        "up_bias": made.up_bias.to(DEVICE),
        "down_bias": made.down_bias.to(DEVICE),
        "down_decoded": made.down_decoded,
        "down_bias_cpu": made.down_bias,
    }


def run_experts(routing: Routing, layer: dict[str, object], tile: Tile) -> tuple[torch.Tensor, ...]:
    num_rows = routing.order_R.shape[0]
    act = torch.full((num_rows, WIDTH), torch.nan).bfloat16().to(DEVICE)
    out = torch.full((num_rows, WIDTH), torch.nan).bfloat16().to(DEVICE)
    experts.expert_up(routing, layer["up"], layer["up_bias"], limit=7.0, out_act_RF=act, tile=tile)
    experts.expert_down(routing, layer["down"], layer["down_bias"], act, out_RD=out, tile=tile)
    return act, out


@pytest.mark.parametrize("num_tokens", TOKENS)
def test_experts_have_the_bits_of_the_portable_kernel(
    layer: dict[str, object], num_tokens: int
) -> None:
    x = bf16(torch.Generator().manual_seed(num_tokens), num_tokens, WIDTH).to(DEVICE)
    tile = experts.expert_tile(num_tokens, NUM_EXPERTS, NUM_SELECTED)
    routing = routed(x, tile, num_tokens)
    act, out = run_experts(routing, layer, tile)
    small = Tile(loop="stream", tokens=16, warps=4, depth=5)
    with patch.object(experts, "is_hopper", lambda _: False):
        portable = run_experts(routed(x, small, num_tokens), layer, small)
    assert_same_bits(act, portable[0])
    assert_same_bits(out, portable[1])
    row = 4 * num_tokens - 1
    expert = int(routing.ids_TK.flatten()[row])
    down = layer["down_decoded"][expert].double() @ act[row].double().cpu()
    expected = down + layer["down_bias_cpu"][expert].double()
    assert relative_rms(out[row].cpu(), expected) < RELATIVE_RMS
    residual, normed = x.clone(), torch.empty_like(x)
    norm = torch.ones(WIDTH).bfloat16().to(DEVICE)
    combine_and_norm(out, routing.weights_TK, norm, residual, eps=EPS, out_normed_TD=normed)
    alone, alone_normed = x[-1:].clone(), torch.empty_like(x[-1:])
    combine_and_norm(
        out[-4:].contiguous(),
        routing.weights_TK[-1:].contiguous(),
        norm,
        alone,
        eps=EPS,
        out_normed_TD=alone_normed,
    )
    assert_same_bits(residual[-1:], alone)
    assert_same_bits(normed[-1:], alone_normed)


@pytest.mark.parametrize("num_tokens", [1, 8, 130])
def test_layers_in_a_graph_have_the_bits_of_kernels_run_one_by_one(
    layer: dict[str, object], num_tokens: int
) -> None:
    # Kernels overlap in a graph, and layers route differently: each must read its own lists.
    generator = torch.Generator().manual_seed(num_tokens)
    x = bf16(generator, num_tokens, WIDTH).to(DEVICE)
    routers = [router_weights(generator, NUM_EXPERTS, WIDTH, DEVICE) for _ in range(6)]
    tile = experts.expert_tile(num_tokens, NUM_EXPERTS, NUM_SELECTED)
    routing = new_routing(
        num_tokens,
        WIDTH,
        NUM_EXPERTS,
        NUM_SELECTED,
        block_rows=tile.tokens,
        device=torch.device(DEVICE),
    )
    count = torch.tensor([num_tokens], dtype=torch.int32, device=DEVICE)
    act, out = (torch.zeros(4 * num_tokens, WIDTH).bfloat16().to(DEVICE) for _ in range(2))
    residual, normed = torch.empty_like(x), torch.empty_like(x)
    names = ("up_bias", "down_bias", "up", "down")
    up_bias, down_bias, up, down = (layer[name] for name in names)

    def run(after_each: Callable[[], None]) -> None:
        residual.copy_(x)
        for router in routers:
            after_each()
            route(residual, router, count, routing)
            after_each()
            experts.expert_up(routing, up, up_bias, limit=7.0, out_act_RF=act, tile=tile)
            after_each()
            experts.expert_down(routing, down, down_bias, act, out_RD=out, tile=tile)
            after_each()
            combine_and_norm(
                out, routing.weights_TK, router.norm_D, residual, eps=EPS, out_normed_TD=normed
            )

    run(torch.cuda.synchronize)
    torch.cuda.synchronize()
    expected = residual.clone(), out.clone()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run(lambda: None)
    for _ in range(20):
        graph.replay()
    torch.cuda.synchronize()
    assert expected[0].isfinite().all()
    assert_same_bits(residual, expected[0])
    assert_same_bits(out, expected[1])
