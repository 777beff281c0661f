"""Whether two methods agree, by declared tolerances.

A tolerance is declared for a field or for a whole table (``exposure`` covers ``exposure.USD``);
``es@monte_carlo`` is the tolerance of ``es`` in results of that method and goes before ``es``.
A relative tolerance is a fraction of the larger magnitude. Money gets at least a ten-thousandth of
a hundredth of its unit and other units 1e-12, because amounts that should cancel to zero keep the
rounding noise of the large amounts they came from. What the second method does not state is not
confirmed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from finsvc.domain.errors import UndeclaredToleranceError
from finsvc.domain.results import (
    CalculatorResult,
    Quantity,
    SecondOpinion,
    Tolerance,
    ToleranceKind,
)

_MONEY = re.compile(r"[A-Z]{3}")
_NOISE_MONEY = Decimal("1e-6")
_NOISE_OTHER = Decimal("1e-12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Outcome for one field, in the field's unit.

    ``second`` and ``difference`` (second minus first) are None when the second method states no
    finite value; ``within`` is then False. ``tolerance`` is the allowed absolute difference.
    """

    second: Decimal | None
    difference: Decimal | None
    tolerance: Decimal
    within: bool


def tolerance_of(field: str, method: str, tolerances: Mapping[str, Tolerance]) -> Tolerance:
    """Return the tolerance declared for a field, or its table, under a method.

    Raises:
        UndeclaredToleranceError: none is declared.
    """
    name = field.split(".", 1)[0]
    for key in (f"{name}@{method}", name):
        if key in tolerances:
            return tolerances[key]
    raise UndeclaredToleranceError(field=field)


def _allowed(
    tolerance: Tolerance, first: Quantity, second: Decimal, standard_error: Decimal | None
) -> Decimal:
    noise = _NOISE_MONEY if _MONEY.fullmatch(first.unit) else _NOISE_OTHER
    if tolerance.kind is ToleranceKind.RELATIVE:
        return max(tolerance.amount * max(abs(first.value), abs(second)), noise)
    if tolerance.kind is ToleranceKind.STANDARD_ERRORS:
        if standard_error is None or not standard_error.is_finite():
            return Decimal(0)
        return max(tolerance.amount * standard_error, noise)
    return tolerance.amount


def compare(
    result: CalculatorResult, second: SecondOpinion, tolerances: Mapping[str, Tolerance]
) -> dict[str, Comparison]:
    """Compare every field of a result with the second opinion.

    Raises:
        UndeclaredToleranceError: a field has no declared tolerance.
    """
    outcome = {}
    for field, quantity in result.fields.items():
        declared = tolerance_of(field, result.method, tolerances)
        value = second.values.get(field)
        if value is None or not value.is_finite():
            outcome[field] = Comparison(
                second=None, difference=None, tolerance=Decimal(0), within=False
            )
            continue
        error = second.standard_errors.get(field)
        allowed = _allowed(declared, quantity, value, error)
        difference = value - quantity.value
        outcome[field] = Comparison(
            second=value,
            difference=difference,
            tolerance=allowed,
            within=abs(difference) <= allowed,
        )
    return outcome
