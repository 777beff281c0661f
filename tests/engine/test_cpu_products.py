"""How rows are split into calls."""

import pytest
import torch

from engine.cpu_products import RowProducts


@pytest.mark.parametrize(
    ("heights", "num_rows", "padded"),
    [
        ((), 1, 2),
        ((), 2, 2),
        ((), 7, 7),
        ((8,), 1, 8),
        ((8,), 9, 16),
        ((24, 4), 30, 32),
        ((1,), 1, 1),
    ],
)
def test_rows_are_padded_to_what_calls_take(
    heights: tuple[int, ...], num_rows: int, padded: int
) -> None:
    assert RowProducts(heights).padded(num_rows) == padded


@pytest.mark.parametrize("heights", [(), (4,), (24, 12, 4), (48, 1)])
@pytest.mark.parametrize("num_rows", [4, 28, 72, 100])
def test_products_in_calls_equal_one_product(heights: tuple[int, ...], num_rows: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(num_rows, 32, generator=generator)
    weight, bias = torch.randn(32, 8, generator=generator), torch.randn(8, generator=generator)
    products = RowProducts(heights)
    out = torch.full((num_rows, 8), torch.nan)
    assert products.affine(x, weight, bias, out) is out
    assert torch.allclose(out, x @ weight + bias, atol=1e-5)
    assert torch.allclose(products.affine(x, weight, bias), x @ weight + bias, atol=1e-5)
    assert torch.allclose(products.linear(x, weight), x @ weight, atol=1e-5)
