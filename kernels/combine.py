"""Residual rows: look up the embedding, add up the experts, norm for the next product.

One program a token, the same for every number of tokens. Numerics: float32 inside; the residual is
rounded once after the sum over experts, in the order of the routing; the norm reads the rounded
residual, multiplies by its weight in float32 and rounds once.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from kernels.checks import expect
from kernels.launch import has_dependent_launch, let_next_start, wait_for_previous

# Dimensions: T tokens, D model width, R routed rows (T·K), K experts per token, V vocabulary.

_WARPS = 4


def embed_and_norm(
    token_ids_T: torch.Tensor,
    embedding_VD: torch.Tensor,
    norm_D: torch.Tensor,
    *,
    eps: float,
    out_residual_TD: torch.Tensor,
    out_normed_TD: torch.Tensor,
) -> None:
    """Write the embedding rows of tokens and their norm.

    Args:
        token_ids_T: int32, inside the vocabulary.
        embedding_VD: bfloat16.
        norm_D: bfloat16.
        eps: Added to the mean square.
        out_residual_TD: bfloat16.
        out_normed_TD: bfloat16.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes: dict[str, int] = {}
    bf16 = torch.bfloat16
    expect("token_ids", token_ids_T, "T", dtype=torch.int32, sizes=sizes)
    expect("embedding", embedding_VD, "V D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("norm", norm_D, "D", dtype=bf16, sizes=sizes)
    expect("out_residual", out_residual_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("out_normed", out_normed_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    use_pdl = has_dependent_launch(embedding_VD)
    _embed_kernel[(sizes["T"],)](
        token_ids_T,
        embedding_VD,
        norm_D,
        out_residual_TD,
        out_normed_TD,
        eps,
        WIDTH=sizes["D"],
        BLOCK_D=triton.next_power_of_2(sizes["D"]),
        USE_PDL=use_pdl,
        num_warps=_WARPS,
        launch_pdl=use_pdl,
    )


def combine_and_norm(
    expert_out_RD: torch.Tensor,
    weights_TK: torch.Tensor,
    norm_D: torch.Tensor,
    residual_TD: torch.Tensor,
    *,
    eps: float,
    out_normed_TD: torch.Tensor,
) -> None:
    """Add each token's weighted experts to the residual, in place, and norm the sum.

    Args:
        expert_out_RD: bfloat16, row t * K + k is expert k of token t, its bias included.
        weights_TK: float32.
        norm_D: bfloat16, of the product that comes next.
        residual_TD: bfloat16.
        eps: Added to the mean square.
        out_normed_TD: bfloat16.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes: dict[str, int] = {}
    bf16 = torch.bfloat16
    expect("weights", weights_TK, "T K", dtype=torch.float32, sizes=sizes, contiguous=True)
    sizes["R"] = sizes["T"] * sizes["K"]
    expect("expert_out", expert_out_RD, "R D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("norm", norm_D, "D", dtype=bf16, sizes=sizes)
    expect("residual", residual_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("out_normed", out_normed_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    use_pdl = has_dependent_launch(residual_TD)
    _combine_kernel[(sizes["T"],)](
        expert_out_RD,
        weights_TK,
        norm_D,
        residual_TD,
        out_normed_TD,
        eps,
        WIDTH=sizes["D"],
        NUM_SELECTED=sizes["K"],
        BLOCK_D=triton.next_power_of_2(sizes["D"]),
        USE_PDL=use_pdl,
        num_warps=_WARPS,
        launch_pdl=use_pdl,
    )


@triton.jit
def _store_norm(x_D, norm_D, out_ptrs, mask_d, eps, WIDTH: tl.constexpr):
    mean_square = tl.sum(x_D * x_D, axis=0) / WIDTH
    normed_D = x_D * tl.math.rsqrt(mean_square + eps) * norm_D
    tl.store(out_ptrs, normed_D.to(tl.bfloat16), mask=mask_d)


@triton.jit
def _embed_kernel(
    ids_ptr,
    embedding_ptr,
    norm_ptr,
    residual_ptr,
    normed_ptr,
    eps,
    WIDTH: tl.constexpr,
    BLOCK_D: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    let_next_start(USE_PDL)
    offs_d = tl.arange(0, BLOCK_D)
    mask_d = offs_d < WIDTH
    token = tl.program_id(0).to(tl.int64)
    norm_D = tl.load(norm_ptr + offs_d, mask=mask_d, other=0.0).to(tl.float32)
    wait_for_previous(USE_PDL)
    token_id = tl.load(ids_ptr + token).to(tl.int64)
    x_D = tl.load(embedding_ptr + token_id * WIDTH + offs_d, mask=mask_d, other=0.0)
    tl.store(residual_ptr + token * WIDTH + offs_d, x_D, mask=mask_d)
    out_ptrs = normed_ptr + token * WIDTH + offs_d
    _store_norm(x_D.to(tl.float32), norm_D, out_ptrs, mask_d, eps, WIDTH)


@triton.jit
def _combine_kernel(
    expert_out_ptr,
    weights_ptr,
    norm_ptr,
    residual_ptr,
    normed_ptr,
    eps,
    WIDTH: tl.constexpr,
    NUM_SELECTED: tl.constexpr,
    BLOCK_D: tl.constexpr,
    USE_PDL: tl.constexpr,
):
    let_next_start(USE_PDL)
    offs_d = tl.arange(0, BLOCK_D)
    mask_d = offs_d < WIDTH
    token = tl.program_id(0).to(tl.int64)
    norm_D = tl.load(norm_ptr + offs_d, mask=mask_d, other=0.0).to(tl.float32)
    wait_for_previous(USE_PDL)
    residual_ptrs = residual_ptr + token * WIDTH + offs_d
    total_D = tl.zeros((BLOCK_D,), tl.float32)
    for rank in tl.static_range(NUM_SELECTED):
        row = token * NUM_SELECTED + rank
        y_D = tl.load(expert_out_ptr + row * WIDTH + offs_d, mask=mask_d, other=0.0)
        total_D = tl.math.fma(tl.load(weights_ptr + row), y_D.to(tl.float32), total_D)
    x_D = tl.load(residual_ptrs, mask=mask_d, other=0.0).to(tl.float32) + total_D
    rounded_D = x_D.to(tl.bfloat16)
    tl.store(residual_ptrs, rounded_D, mask=mask_d)
    out_ptrs = normed_ptr + token * WIDTH + offs_d
    _store_norm(rounded_D.to(tl.float32), norm_D, out_ptrs, mask_d, eps, WIDTH)
