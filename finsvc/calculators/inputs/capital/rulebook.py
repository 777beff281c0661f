"""Dated rule sets by jurisdiction: parameters as data, refused outside their dates.

One JSON file in ``rules/`` holds the rule sets of a family. A rule set may be based on another and
state only what differs. ``effective_to`` is the last day on which a rule set applies. Parameter
models of a family are pydantic models, so that a file with a missing or misspelt parameter never
computes anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from finsvc.calculators.inputs.base import CalculatorInput, Currency, DateText
from finsvc.domain.errors import DateOutOfRangeError, UnknownNameError

_FOLDER = Path(__file__).parent / "rules"
_LAST_DATE = date(2199, 12, 31)


class Jurisdiction(StrEnum):
    """Whose rules apply."""

    BASEL = "basel"
    EU = "eu"
    UK = "uk"


class Parameters(BaseModel):
    """Root of the parameter models: immutable, unknown parameters refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


ParametersT = TypeVar("ParametersT", bound=Parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet(Generic[ParametersT]):
    """Parameters in force in a jurisdiction from ``effective_from`` to ``effective_to``.

    ``source`` cites the legal text; ``effective_to`` is None while no end is known.
    """

    id: str
    jurisdiction: Jurisdiction
    effective_from: date
    effective_to: date | None
    source: str
    parameters: ParametersT


class CapitalInput(CalculatorInput):
    """What every capital calculator needs: the date, whose rules, the currency of amounts."""

    as_of: DateText
    jurisdiction: Jurisdiction
    currency: Currency


class _RuleSetDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    jurisdiction: Jurisdiction
    effective_from: date
    effective_to: date | None = None
    source: str
    based_on: str | None = None
    parameters: dict[str, JsonValue]


class _FamilyDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    family: str
    rule_sets: list[_RuleSetDocument]


def _merged(
    base: Mapping[str, JsonValue], changes: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    result = dict(base)
    for key, value in changes.items():
        under = result.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            result[key] = _merged(under, value)
        else:
            result[key] = value
    return result


@cache
def _documents(family: str) -> tuple[_RuleSetDocument, ...]:
    text = (_FOLDER / f"{family}.json").read_text(encoding="utf-8")
    documents = _FamilyDocument.model_validate(json.loads(text)).rule_sets
    known: dict[str, _RuleSetDocument] = {}
    for document in documents:
        if document.based_on is not None:
            merged = _merged(known[document.based_on].parameters, document.parameters)
            document = document.model_copy(update={"parameters": merged})
        known[document.id] = document
    return tuple(known.values())


@cache
def rule_sets(family: str, model: type[ParametersT]) -> tuple[RuleSet[ParametersT], ...]:
    """Return every rule set of a family, in order of the file."""
    return tuple(
        RuleSet(
            id=document.id,
            jurisdiction=document.jurisdiction,
            effective_from=document.effective_from,
            effective_to=document.effective_to,
            source=document.source,
            parameters=model.model_validate(document.parameters),
        )
        for document in _documents(family)
    )


def rule_set(
    family: str, model: type[ParametersT], jurisdiction: Jurisdiction, as_of: date
) -> RuleSet[ParametersT]:
    """Return the rule set in force on a day.

    Raises:
        UnknownNameError: the family has no rules of this jurisdiction.
        DateOutOfRangeError: the day lies outside the dates of the rules.
    """
    own = [entry for entry in rule_sets(family, model) if entry.jurisdiction is jurisdiction]
    if not own:
        raise UnknownNameError(
            field="jurisdiction",
            kind=f"jurisdiction with rules of {family}",
            actual=jurisdiction.value,
            known=sorted({entry.jurisdiction.value for entry in rule_sets(family, model)}),
        )
    for entry in own:
        if entry.effective_from <= as_of <= (entry.effective_to or _LAST_DATE):
            return entry
    raise DateOutOfRangeError(
        field="as_of",
        actual=as_of,
        first=min(entry.effective_from for entry in own),
        last=max(entry.effective_to or _LAST_DATE for entry in own),
    )


def named_rule_sets(family: str, model: type[ParametersT]) -> str:
    """List the rule sets of a family with their dates, for the list of calculators."""
    parts = []
    for entry in rule_sets(family, model):
        start = entry.effective_from.isoformat()
        end = "" if entry.effective_to is None else f" to {entry.effective_to.isoformat()}"
        parts.append(f"{entry.id} from {start}{end}")
    return "; ".join(parts)
