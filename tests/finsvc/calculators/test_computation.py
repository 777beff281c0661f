from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from finsvc.calculators.computation import canonical_bytes, to_decimal
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


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.text()
        | st.floats(-9, 9),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_canonical_bytes_are_those_of_the_standard(document: object) -> None:
    assert canonical_bytes(document) == rfc8785.dumps(document)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [2**53, -(2**60)])
def test_integer_that_json_numbers_cannot_hold_is_refused(value: int) -> None:
    # RFC 8785, section 3.2.2.3: numbers are doubles.
    with pytest.raises(rfc8785.IntegerDomainError):
        canonical_bytes({"rows": [1, value]})


def test_largest_exact_integers_are_written_as_the_standard_does() -> None:
    document = {"rows": [2**53 - 1, -(2**53) + 1]}
    assert canonical_bytes(document) == rfc8785.dumps(document)
