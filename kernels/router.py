"""Choice of each token's experts, and the lists that the expert kernels work from.

`_logits_kernel` norms the residual and multiplies slices of it with the router's weights;
`_select_kernel` adds the slices and takes the best experts. The routed rows are then sorted by
expert and cut into blocks (`kernels.grouping`), for a few tokens by `_select_kernel` itself.

Numerics: the product is one chain of 16-wide steps within each slice of the inner dimension, the
slices are added in ascending order in float32; logits are not rounded. Ties go to the lowest expert
id. A logit that is NaN counts as minus infinity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.checks import expect
from kernels.grouping import RowLists, group_few, group_rows, max_blocks
from kernels.launch import (
    has_dependent_launch,
    is_portable,
    let_next_start,
    wait_for_previous,
)

# Dimensions: T tokens, D model width, E experts, K experts per token, R routed rows (T·K), L slices
# of the inner dimension, N blocks of routed rows.

# A slice is this many columns, so that several programs share a token's product; part of the
# reduction tree, the same for every number of tokens.
SLICE_COLUMNS = 320
_BLOCK_T = 16
# Up to so many tokens one program selects and groups; from so many on a program makes all slices.
_GROUPED_TOKENS = _BLOCK_T
_WHOLE_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterWeights:
    """Norm before the experts, router weights and bias, all bfloat16."""

    norm_D: torch.Tensor
    weight_ED: torch.Tensor
    bias_E: torch.Tensor
    eps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """What `route` fills; all buffers are for a fixed number of tokens.

    Attributes:
        block_rows: Most routed rows of a block.
        normed_TD: bfloat16, what the experts read.
        partial_LTE: Workspace, float32.
        ids_TK: Expert ids, best first, int32; -1 in rows beyond the real ones.
        weights_TK: Softmax over the selected logits, float32.
        order_R: Routed rows (token * K + rank) sorted by expert, then by row, int32.
        blocks_N3: Expert (-1: none), first and end place in `order_R` of each block, int32.
    """

    block_rows: int
    normed_TD: torch.Tensor
    partial_LTE: torch.Tensor
    ids_TK: torch.Tensor
    weights_TK: torch.Tensor
    order_R: torch.Tensor
    blocks_N3: torch.Tensor

    @property
    def num_blocks(self) -> int:
        """Most blocks that any routing of these tokens needs."""
        return self.blocks_N3.shape[0]


def new_routing(
    num_tokens: int,
    width: int,
    num_experts: int,
    num_selected: int,
    *,
    block_rows: int,
    device: torch.device,
) -> Routing:
    """Allocate buffers for up to `num_tokens` tokens, blocks of at most `block_rows` rows."""
    num_rows = num_tokens * num_selected
    num_slices = triton.cdiv(width, SLICE_COLUMNS)
    num_blocks = max_blocks(num_rows, num_experts, block_rows)
    shape = (num_tokens, num_selected)

    def empty(*sizes: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(sizes, dtype=dtype, device=device)

    return Routing(
        block_rows=block_rows,
        normed_TD=empty(num_tokens, width, dtype=torch.bfloat16),
        partial_LTE=empty(num_slices, num_tokens, num_experts, dtype=torch.float32),
        ids_TK=empty(*shape, dtype=torch.int32),
        weights_TK=empty(*shape, dtype=torch.float32),
        order_R=empty(num_rows, dtype=torch.int32),
        blocks_N3=empty(num_blocks, 3, dtype=torch.int32),
    )


def route(
    residual_TD: torch.Tensor,
    weights: RouterWeights,
    num_rows_1: torch.Tensor,
    routing: Routing,
) -> None:
    """Norm the residual, select experts for each token and group the routed rows.

    Args:
        residual_TD: bfloat16.
        weights: Of the layer.
        num_rows_1: int32 on the device; tokens from this one on are padding and get no experts.
        routing: Filled.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = {"L": triton.cdiv(residual_TD.shape[-1], SLICE_COLUMNS)}
    bf16 = torch.bfloat16
    expect("residual", residual_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("weight", weights.weight_ED, "E D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("num_rows", num_rows_1, "one", dtype=torch.int32, sizes={"one": 1})
    expect("partial", routing.partial_LTE, "L T E", sizes=sizes, contiguous=True)
    expect("ids", routing.ids_TK, "T K", sizes=sizes, contiguous=True)
    use_pdl = has_dependent_launch(residual_TD)
    options = {"USE_PDL": use_pdl, "num_warps": 4, "launch_pdl": use_pdl}
    _make_logits(residual_TD, weights, routing, options)
    _select(weights, num_rows_1, routing, options)
    if residual_TD.shape[0] > _GROUPED_TOKENS:
        lists = RowLists(
            order_R=routing.order_R,
            blocks_N3=routing.blocks_N3,
            # The partial logits are used up.
            counts=routing.partial_LTE.view(torch.int32),
            num_experts=sizes["E"],
            block_rows=routing.block_rows,
        )
        group_rows(routing.ids_TK, lists, options)


def _make_logits(
    residual_TD: torch.Tensor,
    weights: RouterWeights,
    routing: Routing,
    options: dict[str, int | bool],
) -> None:
    num_tokens, width = residual_TD.shape
    num_slices, _, num_experts = routing.partial_LTE.shape
    slices_of_program = num_slices if num_tokens >= _WHOLE_TOKENS else 1
    _logits_kernel[(num_slices // slices_of_program, triton.cdiv(num_tokens, _BLOCK_T))](
        residual_TD,
        weights.norm_D,
        weights.weight_ED,
        routing.partial_LTE,
        routing.normed_TD,
        num_tokens,
        weights.eps,
        WIDTH=width,
        NUM_EXPERTS=num_experts,
        SLICE=SLICE_COLUMNS,
        NUM_SLICES=slices_of_program,
        BLOCK_T=_BLOCK_T,
        PORTABLE=is_portable(residual_TD),
        # A pipeline would hold several slices of 128 experts: more shared memory than there is.
        num_stages=1,
        **options,
    )


def _select(
    weights: RouterWeights,
    num_rows_1: torch.Tensor,
    routing: Routing,
    options: dict[str, int | bool],
) -> None:
    num_slices, num_tokens, num_experts = routing.partial_LTE.shape
    num_selected = routing.ids_TK.shape[1]
    # Each token is selected by itself: few tokens take few lanes.
    block_t = min(_BLOCK_T, triton.next_power_of_2(num_tokens))
    _select_kernel[(triton.cdiv(num_tokens, block_t),)](
        routing.partial_LTE,
        weights.bias_E,
        num_rows_1,
        routing.ids_TK,
        routing.weights_TK,
        routing.order_R,
        routing.blocks_N3,
        num_tokens,
        routing.num_blocks,
        NUM_SLICES=num_slices,
        NUM_EXPERTS=num_experts,
        NUM_SELECTED=num_selected,
        BLOCK_T=block_t,
        BLOCK_K=triton.next_power_of_2(num_selected),
        BLOCK_ROWS=routing.block_rows,
        IS_GROUPING=num_tokens <= _GROUPED_TOKENS,
        **options,
    )


@triton.jit
def _logits_kernel(
    residual_ptr,
    norm_ptr,
    weight_ptr,
    partial_ptr,
    normed_ptr,
    num_tokens,
    eps,
    WIDTH: tl.constexpr,
    NUM_EXPERTS: tl.constexpr,
    SLICE: tl.constexpr,
    NUM_SLICES: tl.constexpr,
    BLOCK_T: tl.constexpr,
    PORTABLE: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    STEP: tl.constexpr = 512
    BLOCK_K: tl.constexpr = 64
    let_next_start(USE_PDL)
    offs_t = tl.program_id(1) * BLOCK_T + tl.arange(0, BLOCK_T)
    mask_t = offs_t < num_tokens
    offs_e = tl.arange(0, NUM_EXPERTS)
    offs_k = tl.arange(0, BLOCK_K)
    row_ptrs = residual_ptr + offs_t.to(tl.int64)[:, None] * WIDTH
    wait_for_previous(USE_PDL)

    square_TS = tl.zeros((BLOCK_T, STEP), tl.float32)
    for start in tl.static_range(0, WIDTH, STEP):
        offs_s = start + tl.arange(0, STEP)
        mask = mask_t[:, None] & (offs_s < WIDTH)[None, :]
        x_TS = tl.load(row_ptrs + offs_s[None, :], mask=mask, other=0.0).to(tl.float32)
        square_TS = tl.math.fma(x_TS, x_TS, square_TS)
    scale_T = tl.math.rsqrt(tl.sum(square_TS, axis=1) / WIDTH + eps)

    for part in range(tl.program_id(0) * NUM_SLICES, (tl.program_id(0) + 1) * NUM_SLICES):
        acc = tl.zeros((NUM_EXPERTS, BLOCK_T), tl.float32)
        for start in tl.static_range(0, SLICE, BLOCK_K):
            column = part * SLICE + start + offs_k
            mask_k = column < WIDTH
            mask_x = mask_t[:, None] & mask_k[None, :]
            norm_K = tl.load(norm_ptr + column, mask=mask_k, other=0.0).to(tl.float32)
            x_TK = tl.load(row_ptrs + column[None, :], mask=mask_x, other=0.0).to(tl.float32)
            normed_TK = (x_TK * scale_T[:, None] * norm_K[None, :]).to(tl.bfloat16)
            normed_ptrs = normed_ptr + offs_t.to(tl.int64)[:, None] * WIDTH + column[None, :]
            tl.store(normed_ptrs, normed_TK, mask=mask_x)
            weight_ptrs = weight_ptr + offs_e[:, None] * WIDTH + column[None, :]
            weight_EK = tl.load(weight_ptrs, mask=mask_k[None, :], other=0.0)
            if PORTABLE:
                weight_EK = weight_EK.to(tl.float32)
                normed_TK = normed_TK.to(tl.float32)
            acc = tl.dot(weight_EK, tl.trans(normed_TK), acc)
        row = (part * num_tokens + offs_t) * NUM_EXPERTS
        partial_ptrs = partial_ptr + row[None, :] + offs_e[:, None]
        tl.store(partial_ptrs, acc, mask=mask_t[None, :])


@triton.jit
def _select_kernel(
    partial_ptr,
    bias_ptr,
    num_rows_ptr,
    ids_ptr,
    weights_ptr,
    order_ptr,
    blocks_ptr,
    num_tokens,
    num_blocks,
    NUM_SLICES: tl.constexpr,
    NUM_EXPERTS: tl.constexpr,
    NUM_SELECTED: tl.constexpr,
    BLOCK_T: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    IS_GROUPING: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    let_next_start(USE_PDL)
    offs_t = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    offs_e = tl.arange(0, NUM_EXPERTS)
    mask_t = offs_t < num_tokens
    bias_E = tl.load(bias_ptr + offs_e).to(tl.float32)
    wait_for_previous(USE_PDL)
    is_real = offs_t < tl.load(num_rows_ptr)
    logits_TE = tl.zeros((BLOCK_T, NUM_EXPERTS), tl.float32)
    for part in tl.static_range(NUM_SLICES):
        row = part * num_tokens + offs_t
        partial_ptrs = partial_ptr + row[:, None] * NUM_EXPERTS + offs_e[None, :]
        logits_TE += tl.load(partial_ptrs, mask=mask_t[:, None], other=0.0)
    logits_TE += bias_E[None, :]
    logits_TE = tl.where(logits_TE == logits_TE, logits_TE, float("-inf"))

    largest_T = tl.max(logits_TE, axis=1)
    total_T = tl.zeros((BLOCK_T,), tl.float32)
    offs_k = tl.arange(0, BLOCK_K)
    id_TK = tl.zeros((BLOCK_T, BLOCK_K), tl.int32)
    weight_TK = tl.zeros((BLOCK_T, BLOCK_K), tl.float32)
    is_taken = tl.zeros((BLOCK_T, NUM_EXPERTS), tl.int1)
    for rank in tl.static_range(NUM_SELECTED):
        value_T = tl.max(tl.where(is_taken, float("-inf"), logits_TE), axis=1)
        is_best = (logits_TE == value_T[:, None]) & (is_taken == 0)
        expert_T = tl.min(tl.where(is_best, offs_e[None, :], NUM_EXPERTS), axis=1)
        is_taken = is_taken | (offs_e[None, :] == expert_T[:, None])
        weight_T = tl.exp(value_T - largest_T)
        total_T += weight_T
        id_TK = tl.where(offs_k[None, :] == rank, expert_T[:, None], id_TK)
        weight_TK = tl.where(offs_k[None, :] == rank, weight_T[:, None], weight_TK)
    place = offs_t[:, None] * NUM_SELECTED + offs_k[None, :]
    mask = mask_t[:, None] & (offs_k < NUM_SELECTED)[None, :]
    id_TK = tl.where(is_real[:, None], id_TK, -1)
    weight_TK = tl.where(is_real[:, None], weight_TK / total_T[:, None], 0.0)
    tl.store(ids_ptr + place, id_TK, mask=mask)
    tl.store(weights_ptr + place, weight_TK, mask=mask)
    if IS_GROUPING:
        is_row = is_real[:, None] & (offs_k < NUM_SELECTED)[None, :]
        id_TK = tl.where(is_row, id_TK, NUM_EXPERTS)
        group_few(
            tl.reshape(id_TK, (BLOCK_T * BLOCK_K,)),
            tl.reshape(place, (BLOCK_T * BLOCK_K,)),
            order_ptr,
            blocks_ptr,
            num_blocks,
            NUM_EXPERTS,
            BLOCK_ROWS,
            BLOCK_T * BLOCK_K,
        )
