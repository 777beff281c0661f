"""Choice of each token's experts, and the lists that the expert kernels work from.

`_logits_kernel` norms the residual and multiplies slices of it with the router's weights, a program
for each slice and block of tokens. The one that finishes last adds a block's slices and takes the
best experts (`kernels.selection`); for many tokens a kernel of its own does. The routed rows are
then sorted by expert and cut into blocks (`kernels.grouping`), for a few tokens by the program that
selects.

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
from kernels.grouping import RowLists, group_rows, max_blocks
from kernels.launch import (
    has_dependent_launch,
    is_portable,
    let_next_start,
    wait_for_previous,
)
from kernels.selection import select_experts, select_kernel

# Dimensions: T tokens, D model width, E experts, K experts per token, R routed rows (T·K), L slices
# of the inner dimension, N blocks of routed rows.

# A slice is this many columns, so that several programs share a token's product; part of the
# reduction tree, the same for every number of tokens.
SLICE_COLUMNS = 320
_BLOCK_T = 16
# Up to so many tokens one program selects and groups; from so many on a program makes all slices.
_GROUPED_TOKENS = 8
_WHOLE_TOKENS = 1024
# Of up to so many experts a program holds its slice of the weights in registers.
_HELD_EXPERTS = 32


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
        arrivals_B: Workspace, int32: programs that have finished with a block of tokens; zeros.
        ids_TK: Expert ids, best first, int32; -1 in rows beyond the real ones.
        weights_TK: Softmax over the selected logits, float32.
        order_R: Routed rows (token * K + rank) sorted by expert, then by row, int32.
        blocks_N3: Expert (-1: none), first and end place in `order_R` of each block, int32.
    """

    block_rows: int
    normed_TD: torch.Tensor
    partial_LTE: torch.Tensor
    arrivals_B: torch.Tensor
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
        arrivals_B=torch.zeros(triton.cdiv(num_tokens, _BLOCK_T), dtype=torch.int32, device=device),
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
    _choose(residual_TD, weights, num_rows_1, routing, options)
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


def _choose(
    residual_TD: torch.Tensor,
    weights: RouterWeights,
    num_rows_1: torch.Tensor,
    routing: Routing,
    options: dict[str, int | bool],
) -> None:
    num_tokens, width = residual_TD.shape
    num_slices, _, num_experts = routing.partial_LTE.shape
    num_selected = routing.ids_TK.shape[1]
    is_whole = num_tokens >= _WHOLE_TOKENS
    chosen = (
        routing.partial_LTE,
        weights.bias_E,
        num_rows_1,
        routing.ids_TK,
        routing.weights_TK,
        routing.order_R,
        routing.blocks_N3,
        num_tokens,
        routing.num_blocks,
    )
    shape = {
        "NUM_EXPERTS": num_experts,
        "NUM_SELECTED": num_selected,
        # Each token is selected by itself: few tokens take few lanes.
        "SELECT_T": min(_BLOCK_T, triton.next_power_of_2(num_tokens)),
        "BLOCK_K": triton.next_power_of_2(num_selected),
        "BLOCK_ROWS": routing.block_rows,
        "IS_GROUPING": num_tokens <= _GROUPED_TOKENS,
    }
    num_blocks = triton.cdiv(num_tokens, _BLOCK_T)
    _logits_kernel[(1 if is_whole else num_slices, num_blocks)](
        residual_TD,
        weights.norm_D,
        weights.weight_ED,
        routing.normed_TD,
        routing.arrivals_B,
        weights.eps,
        *chosen,
        WIDTH=width,
        SLICE=SLICE_COLUMNS,
        NUM_SLICES=num_slices,
        IS_WHOLE=is_whole,
        BLOCK_T=_BLOCK_T,
        IS_HELD=not is_whole and num_experts <= _HELD_EXPERTS,
        PORTABLE=is_portable(residual_TD),
        # A pipeline would hold several slices of 128 experts: more shared memory than there is.
        num_stages=1,
        **shape,
        **options,
    )
    if is_whole:
        select_kernel[(num_blocks,)](*chosen, NUM_SLICES=num_slices, **shape, **options)


@triton.jit
def _norm_scales(row_ptrs, mask_t, eps, WIDTH: tl.constexpr, BLOCK_T: tl.constexpr):
    """Return what the norm multiplies rows with, [BLOCK_T]."""
    STEP: tl.constexpr = 512
    square_TS = tl.zeros((BLOCK_T, STEP), tl.float32)
    for start in tl.static_range(0, WIDTH, STEP):
        offs_s = start + tl.arange(0, STEP)
        mask = mask_t[:, None] & (offs_s < WIDTH)[None, :]
        x_TS = tl.load(row_ptrs + offs_s[None, :], mask=mask, other=0.0).to(tl.float32)
        square_TS = tl.math.fma(x_TS, x_TS, square_TS)
    return tl.math.rsqrt(tl.sum(square_TS, axis=1) / WIDTH + eps)


@triton.jit
def _logits_kernel(
    residual_ptr,
    norm_ptr,
    weight_ptr,
    normed_ptr,
    arrivals_ptr,
    eps,
    partial_ptr,
    bias_ptr,
    num_rows_ptr,
    ids_ptr,
    weights_ptr,
    order_ptr,
    blocks_ptr,
    num_tokens,
    num_blocks,
    WIDTH: tl.constexpr,
    SLICE: tl.constexpr,
    NUM_SLICES: tl.constexpr,
    IS_WHOLE: tl.constexpr,
    BLOCK_T: tl.constexpr,
    IS_HELD: tl.constexpr,
    PORTABLE: tl.constexpr,
    NUM_EXPERTS: tl.constexpr,
    NUM_SELECTED: tl.constexpr,
    SELECT_T: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    IS_GROUPING: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    COLUMNS: tl.constexpr = 64
    let_next_start(USE_PDL)
    offs_t = tl.program_id(1) * BLOCK_T + tl.arange(0, BLOCK_T)
    mask_t = offs_t < num_tokens
    offs_e = tl.arange(0, NUM_EXPERTS)
    offs_k = tl.arange(0, COLUMNS)
    row_ptrs = residual_ptr + offs_t.to(tl.int64)[:, None] * WIDTH
    weight_ptrs = weight_ptr + offs_e[:, None] * WIDTH
    # The weights of one slice fit in registers: they come while the kernel before ends.
    held = ()
    if IS_HELD:
        for start in tl.static_range(0, SLICE, COLUMNS):
            column = tl.program_id(0) * SLICE + start + offs_k
            mask_k = column < WIDTH
            norm_K = tl.load(norm_ptr + column, mask=mask_k, other=0.0)
            weight_EK = tl.load(weight_ptrs + column[None, :], mask=mask_k[None, :], other=0.0)
            held = held + (norm_K, weight_EK)  # type: ignore[assignment]  # noqa: RUF005
    wait_for_previous(USE_PDL)

    scale_T = _norm_scales(row_ptrs, mask_t, eps, WIDTH, BLOCK_T)
    SLICES: tl.constexpr = NUM_SLICES if IS_WHOLE else 1
    for part in range(tl.program_id(0) * SLICES, (tl.program_id(0) + 1) * SLICES):
        acc = tl.zeros((NUM_EXPERTS, BLOCK_T), tl.float32)
        for start in tl.static_range(0, SLICE, COLUMNS):
            column = part * SLICE + start + offs_k
            mask_k = column < WIDTH
            mask_x = mask_t[:, None] & mask_k[None, :]
            if IS_HELD:
                norm_K = held[start // COLUMNS * 2]
                weight_EK = held[start // COLUMNS * 2 + 1]
            else:
                norm_K = tl.load(norm_ptr + column, mask=mask_k, other=0.0)
                weight_EK = tl.load(weight_ptrs + column[None, :], mask=mask_k[None, :], other=0.0)
            x_TK = tl.load(row_ptrs + column[None, :], mask=mask_x, other=0.0).to(tl.float32)
            normed_TK = x_TK * scale_T[:, None] * norm_K.to(tl.float32)[None, :]
            normed_TK = normed_TK.to(tl.bfloat16)
            normed_ptrs = normed_ptr + offs_t.to(tl.int64)[:, None] * WIDTH + column[None, :]
            tl.store(normed_ptrs, normed_TK, mask=mask_x)
            if PORTABLE:
                weight_EK = weight_EK.to(tl.float32)
                normed_TK = normed_TK.to(tl.float32)
            acc = tl.dot(weight_EK, tl.trans(normed_TK), acc)
        row = (part * num_tokens + offs_t) * NUM_EXPERTS
        partial_ptrs = partial_ptr + row[None, :] + offs_e[:, None]
        tl.store(partial_ptrs, acc, mask=mask_t[None, :])

    if not IS_WHOLE:
        # The program that finishes a block's last slice selects for the block.
        tl.debug_barrier()
        arrivals_ptr += tl.program_id(1)
        if tl.atomic_add(arrivals_ptr, 1, sem="acq_rel") == NUM_SLICES - 1:
            tl.store(arrivals_ptr, 0)
            select_experts(
                tl.program_id(1) * BLOCK_T,
                partial_ptr,
                bias_ptr,
                num_rows_ptr,
                ids_ptr,
                weights_ptr,
                order_ptr,
                blocks_ptr,
                num_tokens,
                num_blocks,
                NUM_SLICES,
                NUM_EXPERTS,
                NUM_SELECTED,
                SELECT_T,
                BLOCK_K,
                BLOCK_ROWS,
                IS_GROUPING,
            )
