"""Launches of the dense, expert, router and residual kernels in the real shapes, to be compiled."""

from collections.abc import Callable
from unittest.mock import patch

import torch

from kernels import dense, experts, router
from kernels.combine import combine_and_norm, embed_and_norm
from kernels.dense_pack import packed_shape
from kernels.launch import Tile
from kernels.mxfp4_pack import empty_packed

WIDTH, HEADS, KV_HEADS, SELECTED = 2880, 64, 8, 4


def bf16(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")


def f32(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.float32, device="meta")


def i32(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.int32, device="meta")


def routing(num_tokens: int, num_experts: int, tile: Tile) -> router.Routing:
    return router.new_routing(
        num_tokens,
        WIDTH,
        num_experts,
        SELECTED,
        block_rows=tile.tokens,
        device=torch.device("meta"),
    )


def dense_case(num_tokens: int, *, on_hopper: bool) -> Callable[[], None]:
    def case() -> None:
        rows = (HEADS + 2 * KV_HEADS) * 64
        weights = dense.QkvWeights(
            weight_NCMLV=bf16(*packed_shape(rows, WIDTH)),
            bias_Q=bf16(rows),
            num_heads=HEADS,
            num_kv_heads=KV_HEADS,
        )
        pages = [bf16(9, KV_HEADS, 64, 64) for _ in range(2)]
        with patch.object(dense, "is_hopper", lambda _: on_hopper):
            dense.qkv_project(
                bf16(num_tokens, WIDTH),
                weights,
                dense.RopeTables(cos_PC=f32(4096, 32), sin_PC=f32(4096, 32)),
                i32(num_tokens),
                dense.KvTarget(
                    k_pages_NGBW=pages[0], v_pages_NGBW=pages[1], slots_T=i32(num_tokens)
                ),
                out_q_THW=bf16(num_tokens, HEADS, 64),
            )
            dense.out_project(
                bf16(num_tokens, HEADS * 64),
                bf16(*packed_shape(WIDTH, HEADS * 64)),
                bf16(WIDTH),
                bf16(num_tokens, WIDTH),
            )

    return case


def experts_case(num_tokens: int, num_experts: int, *, on_hopper: bool) -> Callable[[], None]:
    def case() -> None:
        tile = experts.expert_tile(num_tokens, num_experts, SELECTED)
        lists = routing(num_tokens, num_experts, tile)
        up = empty_packed(num_experts, 2 * WIDTH, WIDTH, "meta")
        down = empty_packed(num_experts, WIDTH, WIDTH, "meta")
        act, out = bf16(num_tokens * SELECTED, WIDTH), bf16(num_tokens * SELECTED, WIDTH)
        with patch.object(experts, "is_hopper", lambda _: on_hopper):
            experts.expert_up(
                lists, up, f32(num_experts, 2 * WIDTH), limit=7.0, out_act_RF=act, tile=tile
            )
            experts.expert_down(lists, down, f32(num_experts, WIDTH), act, out_RD=out, tile=tile)

    return case


def router_case(num_tokens: int, num_experts: int) -> Callable[[], None]:
    def case() -> None:
        tile = experts.expert_tile(num_tokens, num_experts, SELECTED)
        weights = router.RouterWeights(
            norm_D=bf16(WIDTH),
            weight_ED=bf16(num_experts, WIDTH),
            bias_E=bf16(num_experts),
            eps=1e-5,
        )
        lists = routing(num_tokens, num_experts, tile)
        router.route(bf16(num_tokens, WIDTH), weights, i32(1), lists)

    return case


def residual() -> None:
    out = {"out_normed_TD": bf16(3, WIDTH), "eps": 1e-5}
    embed_and_norm(i32(3), bf16(201088, WIDTH), bf16(WIDTH), out_residual_TD=bf16(3, WIDTH), **out)
    combine_and_norm(bf16(12, WIDTH), f32(3, SELECTED), bf16(WIDTH), bf16(3, WIDTH), **out)


# One number of tokens for each tile of the tables; the portable kernels have one tile each.
CASES: dict[str, Callable[[], None]] = {
    "residual": residual,
    "portable dense": dense_case(16, on_hopper=False),
    "portable experts": experts_case(64, 32, on_hopper=False),
}
CASES |= {
    f"dense {n}": dense_case(n, on_hopper=True) for n in (1, 16, 32, 64, 128, 192, 256, 384, 8192)
}
CASES |= {
    f"experts {n}": experts_case(n, 32, on_hopper=True) for n in (1, 8, 64, 128, 512, 2048, 8192)
}
CASES |= {f"router {n} of {e}": router_case(n, e) for n, e in ((1, 32), (64, 128), (8192, 32))}
