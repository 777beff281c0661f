"""YaRN frequencies against the closed form, rotation against complex numbers."""

import math

import pytest
import torch

from kernels.reference.rope import (
    TABLE_ROWS,
    Yarn,
    apply_rope,
    rope_tables,
    yarn_correction_range,
    yarn_frequencies,
)


def test_concentration_and_correction_range_of_gpt_oss_have_the_published_figures() -> None:
    low, high = yarn_correction_range(64, Yarn())
    assert Yarn().concentration == pytest.approx(1.3465735902799727, abs=1e-15)
    assert low == pytest.approx(8.092779115512402, abs=1e-12)
    assert high == pytest.approx(17.39802450158856, abs=1e-12)


def test_frequencies_of_gpt_oss_follow_the_closed_form() -> None:
    actual = yarn_frequencies(64, Yarn()).double()
    low, high = 8.092779115512402, 17.39802450158856
    for i in range(32):
        frequency = 150000 ** (2 * i / 64)
        ramp = min(max((i - low) / (high - low), 0.0), 1.0)
        expected = ramp / (32 * frequency) + (1 - ramp) / frequency
        assert float(actual[i]) == pytest.approx(expected, rel=1e-7), i
    # Not rounded to whole pairs: pair 8 is just below the range, pair 9 just inside.
    assert float(actual[8]) == pytest.approx(150000 ** (-16 / 64), rel=1e-7)
    assert float(actual[9]) < 0.95 * 150000 ** (-18 / 64)
    assert float(actual[18]) == pytest.approx(150000 ** (-36 / 64) / 32, rel=1e-7)


def test_factor_of_one_leaves_plain_rope() -> None:
    yarn = Yarn(factor=1.0)
    assert yarn.concentration == 1.0
    expected = [150000 ** (-2 * i / 16) for i in range(8)]
    assert yarn_frequencies(16, yarn).tolist() == pytest.approx(expected, rel=1e-7)


def test_table_rows_have_the_same_bits_for_every_length() -> None:
    cos, sin = rope_tables(16, Yarn(), TABLE_ROWS + 7)
    short_cos, short_sin = rope_tables(16, Yarn(), 5)
    assert torch.equal(cos[:5], short_cos)
    assert torch.equal(sin[:5], short_sin)
    assert cos.shape == (TABLE_ROWS + 7, 8)


def test_rotation_is_a_complex_product_of_the_halves() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 3, 16, generator=generator)
    cos, sin = rope_tables(16, Yarn(), 6)
    actual = apply_rope(x, cos, sin).double()
    pairs = torch.complex(x[..., :8].double(), x[..., 8:].double())
    angles = torch.arange(6, dtype=torch.float64)[:, None] * yarn_frequencies(16, Yarn()).double()
    expected = pairs * torch.polar(torch.full_like(angles, Yarn().concentration), angles)[:, None]
    assert torch.allclose(actual[..., :8], expected.real, atol=1e-5)
    assert torch.allclose(actual[..., 8:], expected.imag, atol=1e-5)


def test_scores_depend_on_the_distance_of_positions_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    q, k = torch.randn(2, 1, 1, 64, generator=generator)
    cos, sin = rope_tables(64, Yarn(), 120)

    def score(query: int, key: int) -> float:
        rotated_q = apply_rope(q[None, 0], cos[query : query + 1], sin[query : query + 1])
        rotated_k = apply_rope(k[None, 0], cos[key : key + 1], sin[key : key + 1])
        return float((rotated_q * rotated_k).sum())

    assert score(20, 5) == pytest.approx(score(110, 95), abs=1e-4)
    assert not math.isclose(score(20, 5), score(20, 6), abs_tol=1e-3)
