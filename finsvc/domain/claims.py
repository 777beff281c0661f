"""Typed claims of free text: what was said, about what, and what given results say of it."""

from dataclasses import dataclass
from decimal import Decimal

from finsvc.domain.verdicts import Reason, Source, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedClaim:
    """One figure of a text.

    ``span`` is where it stands, in characters. ``value`` is in ``unit`` with scale words applied
    and the sign as written; ``scale`` is the factor of the scale word. ``quantity`` is the field
    the words name, ``entity`` and ``period`` what they say it is of and when, ``basis`` the
    parameters stated with it ("99%, 10-day, historical"); each is "" where nothing is stated.
    ``source`` is the result's field that agrees, None where none does. ``details`` say for people
    what ``reasons`` say for programs.
    """

    text: str
    span: tuple[int, int]
    value: Decimal
    half_place: Decimal
    unit: str
    currency: str
    scale: Decimal
    quantity: str
    entity: str
    period: str
    basis: str
    source: Source | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
    details: tuple[str, ...]
