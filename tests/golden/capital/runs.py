"""Runs of a capital calculator and its second method, as golden tests need them."""

from collections.abc import Mapping
from decimal import Decimal

from finsvc.calculators.comparison import compare
from finsvc.calculators.registry import calculator
from finsvc.domain.results import CalculatorResult
from tests.finsvc.marketdata.factories import real_market


def confirmed(name: str, document: Mapping[str, object]) -> CalculatorResult:
    """Run both methods, hold them to each other and return the first."""
    entry = calculator(name)
    inputs = entry.parse(document)
    result = entry.run(inputs, real_market())
    comparisons = compare(result, entry.confirm(inputs, real_market()), entry.tolerances)
    assert [field for field, item in comparisons.items() if not item.within] == []
    return result


def value(result: CalculatorResult, field: str) -> Decimal:
    """Return a field of a result."""
    return result.fields[field].value
