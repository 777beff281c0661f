from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.calculators.computation import to_decimal
from finsvc.domain.errors import NonFiniteResultError


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_value_that_is_not_finite_never_leaves(value: float) -> None:
    with pytest.raises(NonFiniteResultError, match="var: expected a finite number"):
        to_decimal(value, field="var")


def test_value_that_is_not_finite_as_decimal_never_leaves() -> None:
    with pytest.raises(NonFiniteResultError):
        to_decimal(Decimal("NaN"), field="var")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (123456.7891234567, "123456.789123"),
        (1e20, "100000000000000000000"),
        (1e-20, "0"),
        (-1.5, "-1.5"),
        (Decimal("12.3400"), "12.34"),
    ],
)
def test_value_is_rounded_to_twelve_digits_and_fifteen_places(
    value: float | Decimal, text: str
) -> None:
    assert str(to_decimal(value, field="x")) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_rounding_moves_a_value_by_less_than_any_tolerance(value: float) -> None:
    assert float(to_decimal(value, field="x")) == pytest.approx(value, rel=1e-11, abs=1e-15)
