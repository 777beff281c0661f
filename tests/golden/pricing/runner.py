"""Runs a calculator on plain numbers and checks it against a published value."""

from collections.abc import Mapping

from finsvc.calculators.comparison import compare
from finsvc.calculators.registry import calculator
from finsvc.domain.results import CalculatorResult
from tests.finsvc.calculators.factories import synthetic_market

AS_OF = "2022-12-28"


def text(value: object) -> object:
    """Numbers as the decimal strings that inputs take."""
    if isinstance(value, float):
        return f"{value:.15f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def run(name: str, document: Mapping[str, object]) -> CalculatorResult:
    """Run a calculator and require its second method to agree on every field."""
    entry = calculator(name)
    stated = {"as_of": AS_OF} if "as_of" in entry.input_model.model_fields else {}
    inputs = entry.parse({**stated, **document})
    result = entry.run(inputs, synthetic_market())
    comparisons = compare(result, entry.confirm(inputs, synthetic_market()), entry.tolerances)
    apart = {
        field: (str(result.fields[field].value), str(item.second), str(item.tolerance))
        for field, item in comparisons.items()
        if not item.within
    }
    assert not apart, f"{name} {dict(document)}: second method disagrees: {apart}"
    return result


def check(name: str, document: Mapping[str, object], expected: float, tolerance: float) -> None:
    """Check the headline against a published value."""
    plain = {key: text(value) for key, value in document.items()}
    result = run(name, plain)
    calculated = float(result.fields[result.headline].value)
    error = abs(calculated - expected)
    assert error <= tolerance, (
        f"{name} {plain}: expected {expected}, calculated {calculated}, error {error:.3g}, "
        f"tolerance {tolerance}"
    )
