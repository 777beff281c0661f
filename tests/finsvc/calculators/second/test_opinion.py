from decimal import Decimal

from finsvc.calculators.second.opinion import decimal_value, opinion


def test_values_are_rounded_and_exact_amounts_kept() -> None:
    found = opinion("m", {"a": 0.1 + 0.2, "b": Decimal("123456789012345.67890123"), "c": 3})
    assert found.values == {
        "a": Decimal("0.3"),
        "b": Decimal("123456789012345.67890123"),
        "c": Decimal(3),
    }
    assert found.standard_errors == {}


def test_value_that_is_not_finite_becomes_nan_and_confirms_nothing() -> None:
    for value in (float("inf"), float("-inf"), float("nan")):
        assert decimal_value(value).is_nan()
