"""RMSNorm and the final projection onto the vocabulary."""

from __future__ import annotations

import torch

from kernels.checks import expect

# Dimensions: T packed tokens, D model width, V vocabulary.


def rms_norm(x_TD: torch.Tensor, weight_D: torch.Tensor, eps: float) -> torch.Tensor:
    """Scale each row to unit root mean square, then by the weight, both in float32.

    The weight multiplies before the cast back to the dtype of `x` (Llama casts first).
    Source: openai/gpt-oss gpt_oss/torch/model.py `RMSNorm`.
    """
    sizes: dict[str, int] = {}
    expect("x", x_TD, "T D", sizes=sizes)
    expect("weight", weight_D, "D", sizes=sizes)
    x_f32 = x_TD.float()
    rms_T1 = torch.rsqrt(x_f32.square().mean(dim=-1, keepdim=True) + eps)
    return (x_f32 * rms_T1 * weight_D.float()).to(x_TD.dtype)


def lm_head(
    x_TD: torch.Tensor, norm_D: torch.Tensor, unembedding_VD: torch.Tensor, eps: float
) -> torch.Tensor:
    """Return float32 logits [T, V] of residual rows: final norm, projection, no bias."""
    sizes: dict[str, int] = {}
    expect("x", x_TD, "T D", sizes=sizes)
    expect("unembedding", unembedding_VD, "V D", sizes=sizes)
    return (rms_norm(x_TD, norm_D, eps) @ unembedding_VD.T).float()
