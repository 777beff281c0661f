"""Judges the names, dates and methods of a clause against one result."""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from finsvc.domain.verdicts import Reason
from finsvc.validator.comparisons import breach_reason
from finsvc.validator.free_text.clauses import Clause
from finsvc.validator.free_text.dates import Day
from finsvc.validator.free_text.evidence import Evidence
from finsvc.validator.free_text.vocabulary import stem

_METHOD = re.compile(r"\b(historical|parametric|monte[- ]carlo|simulated)\b", re.IGNORECASE)
_METHODS = frozenset({"historical", "parametric", "monte"})
_AS_OF = re.compile(r"\bas (?:of|at)\s*$", re.IGNORECASE)
_EXPIRY = re.compile(r"\bexpir\w+(?: on| in)?\s*$", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|between|since)\s*$", re.IGNORECASE)
_TO = re.compile(r"\b(?:to|until|till|through)\s*$", re.IGNORECASE)
_AGAINST = re.compile(r"\b(?:to|against|versus|vs\.?)\s+(?:the\s+)?$", re.IGNORECASE)
_STATUS = re.compile(r"\b(no breach|breach)\)")
_PAIR = re.compile(r"\b[A-Z]{3}/[A-Z]{3}\b")

Complaint = tuple[Reason, str]


def row_named(clause: Clause, evidence: Evidence, table: str, before: int) -> frozenset[str]:
    """Rows of a table that the words nearest to a figure name, those before it first."""
    text = clause.named.casefold()
    limit = before - clause.span[0]
    found: dict[str, tuple[int, int]] = {}
    for name in evidence.result.fields:
        if stem(name) != table or "." not in name:
            continue
        label = evidence.labels.get(name, "")
        row = name.split(".", 1)[1]
        for word in {label, row, row.replace("_", " "), label.split(" (")[0]} - {""}:
            pattern = rf"(?<![\w:-]){re.escape(word.casefold())}(?![\w:-])"
            ends = [m.end() for m in re.finditer(pattern, text)]
            nearest = max((end for end in ends if end <= limit), default=0)
            late = min((end for end in ends if end > limit), default=0)
            rank = (nearest, len(word)) if nearest else (-late, len(word)) if late else (0, 0)
            if rank != (0, 0):
                found[name] = max(found.get(name, rank), rank)
    is_early = {name: rank for name, rank in found.items() if rank[0] > 0}
    ranks = is_early or found
    best = max(ranks.values(), default=None)
    return frozenset(name for name, rank in ranks.items() if rank == best)


def _label_day(evidence: Evidence, name: str) -> date | None:
    text = evidence.labels.get(name) or evidence.result.parameters.get(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _day_fits(day: Day, before: str, evidence: Evidence) -> bool:
    """A day whose preposition says what it is must be that date; any other one of the result's."""
    for pattern, name in ((_EXPIRY, "expiry"), (_FROM, "start"), (_TO, "end")):
        wanted = _label_day(evidence, name)
        if wanted is not None and pattern.search(before):
            return day.fits(wanted)
    if _AS_OF.search(before):
        return day.fits(evidence.result.as_of)
    return any(day.fits(on) for on in evidence.dates)


def _entity_complaints(
    clause: Clause, evidence: Evidence, fields: Sequence[str]
) -> Iterator[Complaint]:
    known = evidence.entities | evidence.units
    for field in fields:
        known |= evidence.row_entities.get(field, frozenset())
    benchmark = evidence.result.parameters.get("benchmark")
    for entity in clause.entities:
        start = entity.span[0] - clause.span[0]
        is_second = bool(_AGAINST.search(clause.text[:start]))
        is_first = clause.text[:start].casefold().endswith(("beta of ", "beta of the "))
        is_benchmark = entity.code == benchmark
        is_swapped = benchmark is not None and (is_first if is_benchmark else is_second)
        if entity.code not in known or is_swapped:
            name = clause.text[start : entity.span[1] - clause.span[0]]
            yield Reason.ENTITY_MISMATCH, f"{evidence.id} is not about {name}"
    codes = [e.code for e in clause.entities if e.code in evidence.subjects]
    if len(set(codes)) < len(codes) and not evidence.subjects <= set(codes):
        yield Reason.ENTITY_MISMATCH, f"one name stands twice, another of {evidence.id} is missing"
    labels = set(evidence.labels.values())
    for pair in _PAIR.findall(clause.words):
        if pair not in labels:
            yield Reason.ENTITY_MISMATCH, f"{evidence.id} is not about {pair}"
    if any(evidence.id not in owners for owners in clause.quoted):
        yield Reason.ENTITY_MISMATCH, f"{evidence.id} is about another subject"


def context_flaws(clause: Clause, evidence: Evidence, fields: Sequence[str]) -> Iterator[Complaint]:
    """What names, dates and methods of a clause say against one result.

    Args:
        clause: The clause.
        evidence: The result.
        fields: Fields that the clause's figures stand for, whose rows bring names of their own.
    """
    yield from _entity_complaints(clause, evidence, fields)
    for day in clause.days:
        start = day.span[0] - clause.span[0]
        if not _day_fits(day, clause.text[:start], evidence):
            shown = clause.text[start : day.span[1] - clause.span[0]]
            yield Reason.PERIOD_MISMATCH, f"{shown} is no date of {evidence.id}"
    if evidence.methods & _METHODS:
        for match in _METHOD.finditer(clause.words):
            first = re.split(r"[- ]", match.group().casefold())[0]
            name = "monte" if first == "simulated" else first
            if name not in evidence.methods:
                yield Reason.BASIS_MISMATCH, f"{evidence.id} is not {match.group()}"


def stray_flaws(clause: Clause, evidence: Sequence[Evidence]) -> Iterator[Complaint]:
    """Names and dates of a clause without figures that belong to no result at all."""
    known = frozenset[str]().union(
        *(item.entities | item.units for item in evidence),
        *(codes for item in evidence for codes in item.row_entities.values()),
    )
    own = frozenset[str]().union(*(item.entities | item.units for item in evidence))
    for entity in clause.entities:
        if entity.code not in known:
            yield Reason.ENTITY_MISMATCH, f"no result is about {entity.code}"
        elif entity.code not in own and breach_reason(
            clause.text, _row_statuses(entity.code, evidence)
        ):
            yield Reason.ENTITY_MISMATCH, f"no limit of {entity.code} stands like that"
    for day in clause.days:
        start, end = (at - clause.span[0] for at in day.span)
        if not any(_day_fits(day, clause.text[:start], item) for item in evidence):
            yield Reason.PERIOD_MISMATCH, f"{clause.text[start:end]} is no date of any result"


def _row_statuses(code: str, evidence: Sequence[Evidence]) -> list[str]:
    """What the labels of an entity's rows say of breach."""
    labels = [
        item.labels.get(field, "")
        for item in evidence
        for field, codes in item.row_entities.items()
        if code in codes
    ]
    return [found[1] for label in labels if (found := _STATUS.search(label))]
