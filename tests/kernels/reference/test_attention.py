"""Attention against a loop over queries, heads and keys."""

import math

import pytest
import torch

from kernels.errors import OperandError
from kernels.reference.attention import attention, attention_mask


def looped(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, sinks: torch.Tensor, window: int | None
) -> torch.Tensor:
    num_queries, num_heads, width = q.shape
    num_keys, num_kv_heads, _ = k.shape
    out = torch.zeros_like(q)
    for t in range(num_queries):
        position = num_keys - num_queries + t
        first = 0 if window is None else max(0, position - window + 1)
        for h in range(num_heads):
            g = h // (num_heads // num_kv_heads)
            seen = range(first, position + 1)
            exponentials = [math.exp(float(q[t, h] @ k[n, g]) / math.sqrt(width)) for n in seen]
            total = sum(exponentials) + math.exp(float(sinks[h]))
            for n, weight in zip(seen, exponentials, strict=True):
                out[t, h] += weight / total * v[n, g]
    return out


@pytest.mark.parametrize("window", [None, 1, 4])
@pytest.mark.parametrize("num_queries", [1, 9])
def test_attention_equals_a_loop(window: int | None, num_queries: int) -> None:
    generator = torch.Generator().manual_seed(2)
    q = torch.randn(num_queries, 6, 8, generator=generator, dtype=torch.float64)
    k, v = torch.randn(2, 9, 2, 8, generator=generator, dtype=torch.float64)
    sinks = torch.randn(6, generator=generator, dtype=torch.float64)
    actual = attention(q, k, v, sinks, window=window)
    # The softmax is in float32.
    assert torch.allclose(actual, looped(q, k, v, sinks, window), atol=1e-6)


def test_window_of_128_sees_128_keys_with_its_own() -> None:
    mask = attention_mask(3, 300, 128)
    assert mask.sum(dim=1).tolist() == [128, 128, 128]
    assert mask[2].nonzero().flatten().tolist() == list(range(172, 300))


def test_operands_that_do_not_fit_are_refused() -> None:
    q, k = torch.zeros(1, 2, 8), torch.zeros(4, 1, 8)
    with pytest.raises(OperandError, match="operand v: expected N=4, got N=3"):
        attention(q, k, torch.zeros(3, 1, 8), torch.zeros(2), window=None)
    with pytest.raises(OperandError, match="operand sinks: expected H=2, got H=3"):
        attention(q, k, k, torch.zeros(3), window=None)
