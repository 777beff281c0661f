"""RMSNorm and the final projection."""

import torch

from kernels.reference.norm import lm_head, rms_norm


def test_rms_norm_scales_rows_to_unit_mean_square_times_weight() -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(5, 96, generator=generator), torch.randn(96, generator=generator)
    rows = x.double()
    expected = rows / (rows.square().mean(1, keepdim=True) + 1e-5).sqrt() * weight.double()
    assert torch.allclose(rms_norm(x, weight, 1e-5).double(), expected, atol=1e-6)


def test_rms_norm_of_zeros_is_zero_and_weight_multiplies_before_the_cast() -> None:
    assert float(rms_norm(torch.zeros(1, 32), torch.ones(32), 1e-5).abs().max()) == 0
    # One rounding to bfloat16, not two: 257/256 would be lost by a cast in between.
    x = torch.full((1, 32), 1.0, dtype=torch.bfloat16)
    x[0, 0] = 3.0
    weight = torch.linspace(0.9, 1.1, 32)
    exact = rms_norm(x.float(), weight, 1e-5).to(torch.bfloat16)
    assert torch.equal(rms_norm(x, weight, 1e-5), exact)


def test_lm_head_normalises_and_projects_without_bias() -> None:
    generator = torch.Generator().manual_seed(1)
    x, norm = torch.randn(2, 32, generator=generator), torch.ones(32)
    unembedding = torch.randn(7, 32, generator=generator)
    logits = lm_head(x, norm, unembedding, 1e-5)
    assert torch.allclose(logits, rms_norm(x, norm, 1e-5) @ unembedding.T)
    assert logits.dtype == torch.float32
