"""Launches of the dense, expert, router and residual kernels in models' shapes, to be compiled."""

from collections.abc import Callable
from dataclasses import dataclass
from unittest.mock import patch

import torch

from kernels import dense, experts, router
from kernels.combine import combine_and_norm, embed_and_norm
from kernels.dense_pack import packed_shape
from kernels.launch import Tile
from kernels.mxfp4_pack import empty_packed

SELECTED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A network's widths."""

    width: int
    heads: int
    kv_heads: int


GPT_OSS = Shape(width=2880, heads=64, kv_heads=8)
# Its inner dimensions are so short that a ring would hold all of them.
EMBEDDED = Shape(width=320, heads=8, kv_heads=1)


def bf16(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")


def f32(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.float32, device="meta")


def i32(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.int32, device="meta")


def routing(num_tokens: int, num_experts: int, tile: Tile, shape: Shape) -> router.Routing:
    return router.new_routing(
        num_tokens,
        shape.width,
        num_experts,
        SELECTED,
        block_rows=tile.tokens,
        device=torch.device("meta"),
    )


def dense_case(
    num_tokens: int, shape: Shape = GPT_OSS, *, on_hopper: bool = True
) -> Callable[[], None]:
    width, heads, kv_heads = shape.width, shape.heads, shape.kv_heads

    def case() -> None:
        rows = (heads + 2 * kv_heads) * 64
        weights = dense.QkvWeights(
            weight_NCMLV=bf16(*packed_shape(rows, width)),
            bias_Q=bf16(rows),
            num_heads=heads,
            num_kv_heads=kv_heads,
        )
        pages = [bf16(9, kv_heads, 64, 64) for _ in range(2)]
        with patch.object(dense, "is_hopper", lambda _: on_hopper):
            dense.qkv_project(
                bf16(num_tokens, width),
                weights,
                dense.RopeTables(cos_PC=f32(4096, 32), sin_PC=f32(4096, 32)),
                i32(num_tokens),
                dense.KvTarget(
                    k_pages_NGBW=pages[0], v_pages_NGBW=pages[1], slots_T=i32(num_tokens)
                ),
                out_q_THW=bf16(num_tokens, heads, 64),
            )
            dense.out_project(
                bf16(num_tokens, heads * 64),
                bf16(*packed_shape(width, heads * 64)),
                bf16(width),
                bf16(num_tokens, width),
            )

    return case


def experts_case(
    num_tokens: int, num_experts: int, shape: Shape = GPT_OSS, *, on_hopper: bool = True
) -> Callable[[], None]:
    width = shape.width

    def case() -> None:
        tile = experts.expert_tile(num_tokens, num_experts, SELECTED)
        lists = routing(num_tokens, num_experts, tile, shape)
        up = empty_packed(num_experts, 2 * width, width, "meta")
        down = empty_packed(num_experts, width, width, "meta")
        act, out = bf16(num_tokens * SELECTED, width), bf16(num_tokens * SELECTED, width)
        with patch.object(experts, "is_hopper", lambda _: on_hopper):
            experts.expert_up(
                lists, up, f32(num_experts, 2 * width), limit=7.0, out_act_RF=act, tile=tile
            )
            experts.expert_down(lists, down, f32(num_experts, width), act, out_RD=out, tile=tile)

    return case


def router_case(num_tokens: int, num_experts: int, shape: Shape = GPT_OSS) -> Callable[[], None]:
    width = shape.width

    def case() -> None:
        tile = experts.expert_tile(num_tokens, num_experts, SELECTED)
        weights = router.RouterWeights(
            norm_D=bf16(width),
            weight_ED=bf16(num_experts, width),
            bias_E=bf16(num_experts),
            eps=1e-5,
        )
        lists = routing(num_tokens, num_experts, tile, shape)
        router.route(bf16(num_tokens, width), weights, i32(1), lists)

    return case


def residual() -> None:
    width = GPT_OSS.width
    out = {"out_normed_TD": bf16(3, width), "eps": 1e-5}
    embed_and_norm(i32(3), bf16(201088, width), bf16(width), out_residual_TD=bf16(3, width), **out)
    combine_and_norm(bf16(12, width), f32(3, SELECTED), bf16(width), bf16(3, width), **out)


# One number of tokens for each tile of the tables; the portable kernels have one tile each.
CASES: dict[str, Callable[[], None]] = {
    "residual": residual,
    "portable dense": dense_case(16, on_hopper=False),
    "portable experts": experts_case(64, 32, on_hopper=False),
}
CASES |= {f"dense {n}": dense_case(n) for n in (1, 16, 32, 64, 128, 192, 256, 384, 8192)}
CASES |= {f"experts {n}": experts_case(n, 32) for n in (1, 8, 64, 128, 512, 2048, 8192)}
CASES |= {f"router {n} of {e}": router_case(n, e) for n, e in ((1, 32), (64, 128), (8192, 32))}
CASES |= {f"embedded dense {n}": dense_case(n, EMBEDDED) for n in (1, 32, 64, 256, 1024)}
CASES |= {f"embedded experts {n}": experts_case(n, 16, EMBEDDED) for n in (1, 17, 100, 1024)}
CASES |= {f"embedded router {n}": router_case(n, 16, EMBEDDED) for n in (1, 1024)}
