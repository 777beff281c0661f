"""Calculators and reports by name: schemas need no market data."""

from finsvc.calculators import registry
from finsvc.commands.backend import Json
from finsvc.services.documents import calculator_document, calculator_summary, report_definitions


def calculators() -> list[Json]:
    """Summaries of all calculators."""
    return [calculator_summary(entry) for entry in registry.CALCULATORS.values()]


def calculator(name: str) -> Json:
    """One calculator with its schemas.

    Raises:
        UnknownNameError: There is none of that name.
    """
    return calculator_document(registry.calculator(name))


def reports() -> list[Json]:
    """All reports."""
    return list(report_definitions())
