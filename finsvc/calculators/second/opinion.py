"""How a second method states its values."""

import math
from collections.abc import Mapping
from decimal import Context, Decimal
from enum import StrEnum

from finsvc.domain.results import SecondOpinion

_DIGITS = 12
# More digits than any input has, fewer than the noise of decimal divisions.
_EXACT = Context(prec=24)


class SecondKind(StrEnum):
    """What makes a second method independent."""

    LIBRARY = "library"
    OTHER_ALGORITHM = "other_algorithm"
    REIMPLEMENTATION = "reimplementation"


Number = float | int | Decimal


def decimal_value(value: Number) -> Decimal:
    """Round to 12 significant digits; a value that is not finite stays so and confirms nothing."""
    if isinstance(value, Decimal | int):
        return _EXACT.create_decimal(value)
    value = float(value)
    if not math.isfinite(value):
        return Decimal("NaN")
    return Decimal(format(value, f".{_DIGITS}g"))


def opinion(
    method: str,
    values: Mapping[str, Number],
    standard_errors: Mapping[str, Number] | None = None,
) -> SecondOpinion:
    """Build the opinion of a method described in a few words."""
    errors = standard_errors or {}
    return SecondOpinion(
        method=method,
        values={name: decimal_value(value) for name, value in values.items()},
        standard_errors={name: decimal_value(value) for name, value in errors.items()},
    )
