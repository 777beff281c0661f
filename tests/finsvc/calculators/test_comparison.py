from datetime import date
from decimal import Decimal

import pytest

from finsvc.calculators.comparison import Comparison, compare
from finsvc.domain.errors import UndeclaredToleranceError
from finsvc.domain.identifiers import SnapshotDigest
from finsvc.domain.results import (
    CalculatorResult,
    Quantity,
    SecondOpinion,
    Tolerance,
    ToleranceKind,
)


def result(method: str = "m", **values: str) -> CalculatorResult:
    return CalculatorResult(
        calculator="test",
        version="1",
        headline="x",
        fields={
            name.replace("__", "."): Quantity(value=Decimal(text), unit="USD", decimals=0)
            for name, text in values.items()
        },
        labels={},
        as_of=date(2022, 1, 3),
        method=method,
        parameters={},
        notes=(),
        inputs_digest="",
        data_snapshot=SnapshotDigest(""),
    )


def second(errors: dict[str, Decimal] | None = None, **values: str) -> SecondOpinion:
    return SecondOpinion(
        method="other",
        values={name.replace("__", "."): Decimal(text) for name, text in values.items()},
        standard_errors=errors or {},
    )


def tolerance(kind: ToleranceKind, amount: str) -> Tolerance:
    return Tolerance(kind=kind, amount=Decimal(amount))


EXACT = tolerance(ToleranceKind.EXACT, "0")


def test_exact_tolerance_accepts_equal_values_only() -> None:
    assert compare(result(x="1.0"), second(x="1"), {"x": EXACT})["x"].within
    assert not compare(result(x="1"), second(x="1.000000000001"), {"x": EXACT})["x"].within


def test_absolute_tolerance_includes_its_edge() -> None:
    half = {"x": tolerance(ToleranceKind.ABSOLUTE, "0.5")}
    assert compare(result(x="1"), second(x="1.5"), half)["x"].within
    assert not compare(result(x="1"), second(x="1.51"), half)["x"].within


def test_relative_tolerance_scales_with_the_larger_value() -> None:
    percent = {"x": tolerance(ToleranceKind.RELATIVE, "0.01")}
    found = compare(result(x="100"), second(x="101"), percent)["x"]
    assert found == Comparison(
        second=Decimal(101), difference=Decimal(1), tolerance=Decimal("1.01"), within=True
    )
    assert not compare(result(x="100"), second(x="102"), percent)["x"].within
    assert compare(result(x="0"), second(x="1e-7"), percent)["x"].within


def test_relative_noise_is_smaller_for_units_other_than_money() -> None:
    percent = {"x": tolerance(ToleranceKind.RELATIVE, "0.01")}
    first = result(x="0")
    pure = CalculatorResult(
        **{
            **{name: getattr(first, name) for name in first.__slots__},
            "fields": {"x": Quantity(value=Decimal(0), unit="1", decimals=2)},
        }
    )
    assert not compare(pure, second(x="1e-7"), percent)["x"].within


def test_standard_errors_need_a_stated_error() -> None:
    two = {"x": tolerance(ToleranceKind.STANDARD_ERRORS, "2")}
    assert compare(result(x="10"), second({"x": Decimal(1)}, x="12"), two)["x"].within
    assert not compare(result(x="10"), second({"x": Decimal(1)}, x="12.1"), two)["x"].within
    assert not compare(result(x="10"), second(x="10.1"), two)["x"].within
    assert not compare(result(x="10"), second({"x": Decimal("NaN")}, x="10.1"), two)["x"].within


def test_field_without_a_finite_second_value_is_not_confirmed() -> None:
    for opinion in (second(), second(x="NaN"), second(x="Infinity")):
        found = compare(result(x="1"), opinion, {"x": EXACT})["x"]
        assert found == Comparison(second=None, difference=None, tolerance=Decimal(0), within=False)


def test_table_tolerance_covers_its_rows() -> None:
    found = compare(result(rows__A="1"), second(rows__A="1"), {"rows": EXACT})
    assert found["rows.A"].within


def test_tolerance_of_a_method_goes_before_the_general_one() -> None:
    tolerances = {"x": EXACT, "x@rough": tolerance(ToleranceKind.ABSOLUTE, "1")}
    assert compare(result("rough", x="1"), second(x="2"), tolerances)["x"].within
    assert not compare(result("fine", x="1"), second(x="2"), tolerances)["x"].within


def test_field_without_a_declared_tolerance_is_an_error() -> None:
    with pytest.raises(UndeclaredToleranceError, match="x"):
        compare(result(x="1"), second(x="1"), {"y": EXACT})
