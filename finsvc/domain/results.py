"""What a calculator returns: named values with unit, provenance and assumptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from finsvc.domain.identifiers import SnapshotDigest


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its unit.

    ``unit`` is an ISO 4217 code for money, ``%`` for percent (the value is already in percent),
    ``1`` for a pure number, ``USD/EUR`` for a rate (units of the first per one of the second),
    ``shares``, ``contracts`` or ``days``. ``decimals`` is how many places answers print.
    """

    value: Decimal
    unit: str
    decimals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculatorResult:
    """Result of one calculator run.

    ``fields`` maps field names to quantities; a dotted name such as ``exposure.USD`` is a row of
    the table ``exposure``. ``labels`` maps names to text (``subject``, ``scenario``, ``status``).
    ``headline`` names the field that answers the question, or the table. ``parameters`` are the
    effective parameters as text. ``notes`` are conventions and assumptions, as full sentences.
    """

    calculator: str
    version: str
    headline: str
    fields: Mapping[str, Quantity]
    labels: Mapping[str, str]
    as_of: date
    method: str
    parameters: Mapping[str, str]
    notes: tuple[str, ...]
    inputs_digest: str
    data_snapshot: SnapshotDigest


class ToleranceKind(StrEnum):
    """How far the second method may lie from the first."""

    EXACT = "exact"
    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    STANDARD_ERRORS = "standard_errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Allowed difference of a field between the two methods.

    ``amount`` is in the field's unit for ABSOLUTE, a fraction for RELATIVE, a multiple of the
    standard error reported by the second method for STANDARD_ERRORS, and 0 for EXACT.
    """

    kind: ToleranceKind
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """What the second method computed for the same inputs.

    ``values`` holds a value for every field of the first result it can confirm;
    ``standard_errors`` those of simulated fields, in the field's unit.
    """

    method: str
    values: Mapping[str, Decimal]
    standard_errors: Mapping[str, Decimal]
