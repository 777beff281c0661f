"""Random layers for the tests of dense and expert products, on the CPU or a GPU."""

from dataclasses import dataclass

import torch

from kernels.experts import expert_tile, gate_row_order
from kernels.launch import Tile
from kernels.mxfp4_pack import PackedMxfp4, empty_packed, pack_mxfp4
from kernels.reference.mxfp4 import decode_mxfp4
from kernels.router import RouterWeights, Routing, new_routing

EPS = 1e-5
NUM_SELECTED = 4


@dataclass(frozen=True, slots=True)
class ExpertLayer:
    """Packed weights and what they decode to, float32."""

    up: PackedMxfp4
    up_bias: torch.Tensor
    up_decoded: torch.Tensor
    up_bias_plain: torch.Tensor
    down: PackedMxfp4
    down_bias: torch.Tensor
    down_decoded: torch.Tensor


def bf16(generator: torch.Generator, *shape: int, scale: float = 1.0) -> torch.Tensor:
    return (torch.randn(*shape, generator=generator) * scale).bfloat16()


def router_weights(
    generator: torch.Generator, num_experts: int, width: int, device: str = "cpu"
) -> RouterWeights:
    return RouterWeights(
        norm_D=(1 + bf16(generator, width, scale=0.1).float()).bfloat16().to(device),
        weight_ED=bf16(generator, num_experts, width, scale=width**-0.5).to(device),
        bias_E=bf16(generator, num_experts, scale=0.1).to(device),
        eps=EPS,
    )


def packed_experts(
    generator: torch.Generator, num_experts: int, rows: int, columns: int, *, is_up: bool
) -> tuple[PackedMxfp4, torch.Tensor]:
    shape = (num_experts, rows, columns // 32)
    blocks = torch.randint(0, 256, (*shape, 16), generator=generator, dtype=torch.uint8)
    scales = torch.randint(118, 123, shape, generator=generator, dtype=torch.uint8)
    packed = empty_packed(num_experts, rows, columns, "cpu")
    pack_mxfp4(blocks, scales, packed, row_order=gate_row_order(rows) if is_up else None)
    return packed, decode_mxfp4(blocks, scales)


def expert_layer(
    generator: torch.Generator, num_experts: int, width: int, inner: int
) -> ExpertLayer:
    up, up_decoded = packed_experts(generator, num_experts, 2 * inner, width, is_up=True)
    down, down_decoded = packed_experts(generator, num_experts, width, inner, is_up=False)
    up_bias = torch.randn(num_experts, 2 * inner, generator=generator)
    return ExpertLayer(
        up=up,
        up_bias=up_bias[:, gate_row_order(2 * inner)].contiguous(),
        up_decoded=up_decoded,
        up_bias_plain=up_bias,
        down=down,
        down_bias=torch.randn(num_experts, width, generator=generator),
        down_decoded=down_decoded,
    )


def routing_of(
    ids: list[list[int]], width: int, num_experts: int, tile: Tile | None = None
) -> tuple[Routing, Tile]:
    """Return a routing with the given experts (-1: padding) and equal weights, lists filled."""
    num_tokens, num_selected = len(ids), len(ids[0])
    tile = tile or expert_tile(num_tokens, num_experts, num_selected)
    routing = new_routing(
        num_tokens,
        width,
        num_experts,
        num_selected,
        block_rows=tile.tokens,
        device=torch.device("cpu"),
    )
    routing.ids_TK.copy_(torch.tensor(ids))
    routing.weights_TK.fill_(1 / num_selected)
    order, blocks = expected_lists(routing)
    routing.order_R[: len(order)] = torch.tensor(order, dtype=torch.int32)
    routing.blocks_N3.fill_(-1)
    if blocks:
        routing.blocks_N3[: len(blocks)] = torch.tensor(blocks, dtype=torch.int32)
    return routing, tile


def expected_lists(routing: Routing) -> tuple[list[int], list[list[int]]]:
    """Return routed rows sorted by expert and the blocks, made the slow way."""
    ids = routing.ids_TK.flatten().tolist()
    rows = sorted((expert, row) for row, expert in enumerate(ids) if expert >= 0)
    blocks: list[list[int]] = []
    for place, (expert, _) in enumerate(rows):
        is_same = bool(blocks) and blocks[-1][0] == expert
        if is_same and place - blocks[-1][1] < routing.block_rows:
            blocks[-1][2] = place + 1
        else:
            blocks.append([expert, place, place + 1])
    return [row for _, row in rows], blocks
