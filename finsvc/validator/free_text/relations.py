"""Checks what a sentence says about several figures: superlatives, comparisons, breaches.

What cannot be decided from the results stays unchecked, and what is unchecked goes to a human.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from finsvc.domain.verdicts import Reason
from finsvc.validator.comparisons import breach_reason
from finsvc.validator.free_text.binding import Binding, Flaw
from finsvc.validator.free_text.clauses import Clause
from finsvc.validator.free_text.context import row_named
from finsvc.validator.free_text.evidence import Evidence
from finsvc.validator.free_text.vocabulary import stem

_SUPERLATIVE = re.compile(
    r"\b(?:(?P<large>largest|biggest|highest|greatest|most|maximum)|"
    r"(?P<small>smallest|lowest|least|minimum))\b(?! than)",
    re.IGNORECASE,
)
_COMPARATIVE = re.compile(
    r"\b(?:(?P<large>higher|greater|larger|bigger|more|above|exceeds?|exceeded|over(?= the limit))|"
    r"(?P<small>lower|smaller|less|below|under(?= the limit)))\b",
    re.IGNORECASE,
)
_UNDECIDED = re.compile(
    r"\b(?:best|worst|better|worse|outperform\w*|underperform\w*|safer?|riskier|risky)\b",
    re.IGNORECASE,
)
_STATUS = re.compile(r"\(?(no breach|breach)\)?$")

Sentence = Sequence[Clause]


def _words(sentence: Sentence) -> str:
    return " ".join(clause.words for clause in sentence)


def _breach(sentence: Sentence, evidence: Sequence[Evidence]) -> Reason | None:
    statuses = []
    for item in evidence:
        rows = [
            item.labels.get(name, "")
            for clause in sentence
            for name in row_named(clause, item, "limits", clause.span[1])
        ]
        ends = [_STATUS.search(label) for label in rows]
        named = [end[1] for end in ends if end is not None]
        statuses += named or [item.labels[n] for n in ("status",) if n in item.labels]
    return breach_reason(_words(sentence), statuses)


def _superlative(
    match: re.Match[str], clause: Clause, bindings: Sequence[Binding], evidence: Sequence[Evidence]
) -> Reason | None:
    """A row that is said to be the largest or smallest must be so, by size."""
    meant = frozenset(name for m in clause.mentions or clause.inherited for name in m.fields)
    named = [(b.evidence, b.field) for b in bindings if "." in b.field]
    if not named:
        named = [
            (item, name)
            for item in evidence
            for table in item.stems & meant
            for name in row_named(clause, item, table, clause.span[1])
        ]
    if len(named) != 1:
        return Reason.UNCHECKED_COMPARISON
    item, field = named[0]
    sizes = [abs(q.value) for name, q in item.result.fields.items() if stem(name) == stem(field)]
    wanted = max(sizes) if match["large"] else min(sizes)
    return None if abs(item.field(field).value) == wanted else Reason.COMPARISON_WRONG


def _side(
    bindings: Sequence[Binding], clauses: Sentence, evidence: Sequence[Evidence], *, span: range
) -> tuple[Decimal, str] | None:
    """The figure, else the named subject's figure, on one side of a comparison; None if unclear."""
    figures = [b for b in bindings if b.figure.amount.span[0] in span and not _is_basis(b)]
    if figures:
        amount = figures[-1 if span.start == clauses[0].span[0] else 0].figure.amount
        return amount.value, amount.unit
    codes = {e.code for c in clauses for e in c.entities if e.span[0] in span}
    meant = {name for c in clauses for mention in c.mentions for name in mention.fields}
    values = {
        (item.field(name).value, item.field(name).unit)
        for item in evidence
        if codes and codes <= item.entities
        for name in item.result.fields
        if name in meant
    }
    return values.pop() if len(values) == 1 else None


def _is_basis(binding: Binding) -> bool:
    return binding.figure.role not in ("", "limit", "threshold")


def _comparative(
    match: re.Match[str],
    at: int,
    sentence: Sentence,
    bindings: Sequence[Binding],
    evidence: Sequence[Evidence],
) -> Reason | None:
    """The first of two figures must be larger or smaller than the second."""
    left = _side(bindings, sentence, evidence, span=range(sentence[0].span[0], at))
    right = _side(bindings, sentence, evidence, span=range(at, sentence[-1].span[1]))
    if left is None or right is None or left[1] != right[1]:
        return Reason.UNCHECKED_COMPARISON
    is_right = left[0] > right[0] if match["large"] else left[0] < right[0]
    return None if is_right else Reason.COMPARISON_WRONG


def relation_flaws(
    sentence: Sentence, bindings: Sequence[Binding], evidence: Sequence[Evidence]
) -> list[Flaw]:
    """Check a sentence's words of comparison.

    Args:
        sentence: The clauses of a sentence.
        bindings: Its figures as they were bound.
        evidence: All results.
    """
    found: list[Reason | None] = [_breach(sentence, evidence)]
    for clause in sentence:
        own = [b for b in bindings if clause.span[0] <= b.figure.amount.span[0] < clause.span[1]]
        for match in _SUPERLATIVE.finditer(clause.words):
            found.append(_superlative(match, clause, own, evidence))
        for match in _COMPARATIVE.finditer(clause.words):
            at = clause.span[0] + match.start()
            found.append(_comparative(match, at, sentence, bindings, evidence))
    if _UNDECIDED.search(_words(sentence)):
        found.append(Reason.UNCHECKED_COMPARISON)
    detail = " ".join(clause.text.strip() for clause in sentence)
    return [Flaw(reason=reason, detail=detail) for reason in found if reason is not None]
