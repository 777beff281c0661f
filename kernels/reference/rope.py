"""Rotary position embedding with YaRN's frequency interpolation.

Pairs are (i, i + W/2), the half-split form. Interpolation is on for every length of context.
Source: Peng et al., YaRN (arXiv 2309.00071) §3.2; openai/gpt-oss gpt_oss/torch/model.py
`RotaryEmbedding`. The correction range is not rounded to whole dimensions (truncate = false).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from kernels.checks import expect

# Dimensions: T tokens, H heads, W head width, C = W / 2.

# A position's row has the same bits whatever the table's length: tables are made in such pieces.
TABLE_ROWS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Yarn:
    """Parameters of the frequency interpolation.

    Attributes:
        theta: Base of the frequencies.
        factor: How much longer than the original context the model reads.
        original_context: Tokens of context before the extension.
        beta_slow: Rotations over the original context below which a frequency is divided by factor.
        beta_fast: Rotations above which a frequency is kept.
    """

    theta: float = 150_000.0
    factor: float = 32.0
    original_context: int = 4096
    beta_slow: float = 1.0
    beta_fast: float = 32.0

    @property
    def concentration(self) -> float:
        """Factor on cosine and sine, 0.1 ln(factor) + 1."""
        return 0.1 * math.log(self.factor) + 1.0 if self.factor > 1 else 1.0


def yarn_correction_range(head_dim: int, yarn: Yarn) -> tuple[float, float]:
    """Return the pair indices between which the interpolation ramps from none to full."""

    def dimension(rotations: float) -> float:
        turns = yarn.original_context / (rotations * 2 * math.pi)
        return head_dim / 2 * math.log(turns) / math.log(yarn.theta)

    return dimension(yarn.beta_fast), dimension(yarn.beta_slow)


def yarn_frequencies(head_dim: int, yarn: Yarn) -> torch.Tensor:
    """Return the angle per position of each pair, [C] float32, computed in double precision."""
    pairs_C = torch.arange(head_dim // 2, dtype=torch.float64)
    freq_C = torch.pow(torch.tensor(yarn.theta, dtype=torch.float64), pairs_C * 2 / head_dim)
    if yarn.factor <= 1:
        return (1 / freq_C).float()
    low, high = yarn_correction_range(head_dim, yarn)
    ramp_C = ((pairs_C - low) / (high - low)).clamp(0, 1)
    return (ramp_C / (yarn.factor * freq_C) + (1 - ramp_C) / freq_C).float()


def rope_tables(head_dim: int, yarn: Yarn, num_positions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosine and sine, each [positions, C] float32, times the concentration.

    Angles are the float32 product of position and frequency, as in the reference; a row's bits do
    not depend on `num_positions`.
    """
    freq_C = yarn_frequencies(head_dim, yarn)
    cos_parts, sin_parts = [], []
    for start in range(0, num_positions, TABLE_ROWS):
        positions = torch.arange(start, start + TABLE_ROWS, dtype=torch.float32)
        angles = (positions[:, None] * freq_C).double()
        cos_parts.append((angles.cos() * yarn.concentration).float())
        sin_parts.append((angles.sin() * yarn.concentration).float())
    cos, sin = torch.cat(cos_parts), torch.cat(sin_parts)
    return cos[:num_positions], sin[:num_positions]


def apply_rope(x_THW: torch.Tensor, cos_TC: torch.Tensor, sin_TC: torch.Tensor) -> torch.Tensor:
    """Rotate each head of each token by its position's angles."""
    sizes: dict[str, int] = {}
    expect("x", x_THW, "T H W", sizes=sizes)
    expect("cos", cos_TC, "T C", sizes=sizes)
    expect("sin", sin_TC, "T C", sizes=sizes)
    first, second = x_THW.float().chunk(2, dim=-1)
    cos, sin = cos_TC[:, None], sin_TC[:, None]
    rotated = torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
    return rotated.to(x_THW.dtype)
