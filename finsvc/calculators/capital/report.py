"""Figures and provenance that all capital results share."""

from collections.abc import Mapping

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.capital.rulebook import CapitalInput, ParametersT, RuleSet

_MONEY_DECIMALS = 2


def money(value: float, inputs: CapitalInput) -> Figure:
    """Return an amount in the reporting currency."""
    return Figure(value=value, unit=inputs.currency, decimals=_MONEY_DECIMALS)


def percent(fraction: float) -> Figure:
    """Return a fraction as a percentage."""
    return Figure(value=100.0 * fraction, unit="%", decimals=2)


def number(value: float) -> Figure:
    """Return a pure number."""
    return Figure(value=value, unit="1", decimals=6)


def capital_result(
    inputs: CapitalInput,
    rules: RuleSet[ParametersT],
    *,
    headline: str,
    fields: Mapping[str, Figure],
    labels: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
) -> Computation:
    """Return a computation that names its rule set, jurisdiction and dates."""
    ends = rules.effective_to
    return Computation(
        headline=headline,
        fields=fields,
        labels={
            "rule_set": rules.id,
            "jurisdiction": rules.jurisdiction.value,
            **(labels or {}),
        },
        as_of=inputs.as_of,
        method="standardised",
        parameters={
            "rule_set": rules.id,
            "jurisdiction": rules.jurisdiction.value,
            "effective_from": rules.effective_from.isoformat(),
            "effective_to": "open" if ends is None else ends.isoformat(),
        },
        notes=(f"Rules: {rules.source}.", *notes),
    )
