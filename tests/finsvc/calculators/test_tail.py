from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.calculators.tail import tail_of


def test_quantile_is_the_ceiling_rank_of_the_losses() -> None:
    losses = np.arange(1.0, 11.0)
    assert tail_of(losses, Decimal("0.9")).var == 9.0
    assert tail_of(losses, Decimal("0.91")).var == 10.0
    assert tail_of(losses, Decimal("0.05")).var == 1.0
    assert tail_of(losses, Decimal("0.9")).es == 9.5


def test_rank_is_exact_where_binary_floats_are_not() -> None:
    # 0.07 * 100 is 7.000000000000001 in binary floats, whose ceiling is 8.
    assert tail_of(np.arange(1.0, 101.0), Decimal("0.07")).var == 7.0


def test_quantile_equals_inverted_cdf_of_numpy() -> None:
    losses = np.random.Generator(np.random.PCG64(5)).standard_normal(997)
    for confidence in ("0.9", "0.95", "0.975", "0.99"):
        expected = np.quantile(losses, float(confidence), method="inverted_cdf")
        assert tail_of(losses, Decimal(confidence)).var == expected


def test_losses_at_the_quantile_all_belong_to_the_tail() -> None:
    tail = tail_of(np.array([0.0, 5.0, 5.0, 5.0]), Decimal("0.5"))
    assert (tail.var, tail.es) == (5.0, 5.0)


def test_standard_error_of_a_normal_quantile_has_the_textbook_size() -> None:
    losses = np.random.Generator(np.random.PCG64(6)).standard_normal(100_000)
    tail = tail_of(losses, Decimal("0.95"))
    # sqrt(p (1 - p) / n) / density at 1.645; and, with the tail's variance 0.138 and mean 2.063,
    # sqrt((0.138 + 0.95 * 0.418 ** 2) / (n (1 - p))).
    assert tail.var_standard_error == pytest.approx(0.00668, rel=0.1)
    assert tail.es_standard_error == pytest.approx(0.0078, rel=0.1)


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50),
    st.decimals("0.001", "0.999", places=3),
)
def test_shortfall_is_never_below_the_quantile(losses: list[float], confidence: Decimal) -> None:
    tail = tail_of(np.array(losses), confidence)
    assert tail.es >= tail.var
    assert min(losses) <= tail.var <= max(losses)
    assert tail.var_standard_error >= 0.0


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50),
    st.decimals("0.01", "0.98", places=2),
)
def test_quantile_grows_with_confidence_and_ignores_order(
    losses: list[float], confidence: Decimal
) -> None:
    values = np.array(losses)
    tail = tail_of(values, confidence)
    assert tail_of(values, confidence + Decimal("0.01")).var >= tail.var
    assert tail_of(values[::-1], confidence) == tail
