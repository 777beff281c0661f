"""The verdict on an answer.

Fail closed: an answer is ``verified`` only when every number in it is bound, confirmed by a second
method, and every argument traces to the caller's words and back. Whatever cannot be checked goes
to a human; whatever is unbound, broken or contradicted is withheld.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finsvc.domain.calls import ToolCall
from finsvc.domain.verdicts import Claim, Reason, SecondCheck, Source, Verdict
from finsvc.validator.comparisons import check_words, compared
from finsvc.validator.direct import is_proposal, mislabelled_arguments
from finsvc.validator.free_text.dates import find_days
from finsvc.validator.free_text.evidence import gather
from finsvc.validator.numerals import unbound_numbers
from finsvc.validator.template import BoundNumber, Part, bind
from finsvc.validator.tracing import (
    EntityIndex,
    crossed_arguments,
    uneven_arguments,
    untraced_arguments,
    unused_inputs,
)

WITHHELD = "The answer was withheld because it could not be checked: {reasons}."

# From the best to the worst; an answer is as good as its worst part.
_SEVERITY = (
    Verdict.VERIFIED,
    Verdict.VERIFIED_ROUNDED,
    Verdict.CORRECTED,
    Verdict.UNVERIFIED,
    Verdict.NEEDS_HUMAN,
    Verdict.ABSTAINED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCheck:
    """The second method's word on one field, in the field's unit."""

    value: Decimal
    difference: Decimal
    tolerance: Decimal
    is_within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What a second method said of a call; ``failure`` is set when it could not run."""

    method: str
    checks: Mapping[str, FieldCheck]
    failure: str | None


Confirm = Callable[[ToolCall], Confirmation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What an answer is judged against: the caller's message, its calls and what is known."""

    message: str
    calls: Sequence[ToolCall]
    entities: EntityIndex
    optional_arguments: Mapping[str, frozenset[str]]
    confirm: Confirm


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A reason with its detail, for people."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The verdict on an answer, the answer as it may leave, and every claim in it."""

    verdict: Verdict
    answer: str
    claims: tuple[Claim, ...]
    findings: tuple[Finding, ...]


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of some verdicts; verified where there are none."""
    return max(verdicts, key=_SEVERITY.index, default=Verdict.VERIFIED)


def _claim(number: BoundNumber, confirmation: Confirmation) -> Claim:
    """Judge one number by what the second method said of its field."""
    check = confirmation.checks.get(number.field)
    verdict = Verdict.VERIFIED
    reasons: tuple[Reason, ...] = ()
    if confirmation.failure is not None:
        verdict, reasons = Verdict.NEEDS_HUMAN, (Reason.SECOND_FAILED,)
    elif check is None:
        verdict, reasons = Verdict.NEEDS_HUMAN, (Reason.SECOND_MISSING,)
    elif not check.is_within:
        verdict, reasons = Verdict.NEEDS_HUMAN, (Reason.SECOND_DISAGREES,)
    elif number.is_cut:
        verdict, reasons = Verdict.CORRECTED, (Reason.DECIMALS_CUT,)
    elif number.is_rounded:
        verdict, reasons = Verdict.VERIFIED_ROUNDED, (Reason.ROUNDED,)
    second = None
    if check is not None:
        second = SecondCheck(
            method=confirmation.method,
            value=check.value,
            difference=check.difference,
            tolerance=check.tolerance,
        )
    return Claim(
        text=number.text,
        quantity=number.field,
        value=number.quantity.value,
        unit=number.quantity.unit,
        source=Source(call=number.call.id, field=number.field),
        second=second,
        verdict=verdict,
        reasons=reasons,
    )


def _sentences(parts: Sequence[Part]) -> list[list[Part]]:
    """Group parts into sentences, split at the ends that the model's own words set."""
    sentences: list[list[Part]] = [[]]
    for part in parts:
        if not part.is_literal:
            sentences[-1].append(part)
            continue
        for index, piece in enumerate(re.split(r"(?<=[.!?;])\s+", part.text)):
            if index:
                sentences.append([])
            sentences[-1].append(Part(text=piece, numbers=(), calls=(), is_literal=True))
    return sentences


def _with_values(sentence: Sequence[Part]) -> list[str | tuple[Decimal, str]]:
    """A sentence's own words and, in their places, its numbers with their units."""
    pieces: list[str | tuple[Decimal, str]] = []
    for part in sentence:
        if part.is_literal:
            pieces.append(part.text)
        pieces += [(number.quantity.value, number.quantity.unit) for number in part.numbers]
    return pieces


def _name_findings(parts: Sequence[Part], entities: EntityIndex) -> list[Finding]:
    """Names and dates that the model wrote itself must be those of the calls beside them."""
    findings = []
    for sentence in _sentences(parts):
        cited = {call.id: call for part in sentence for call in part.calls}
        evidence = [
            gather(call.id, call.result, inputs=call.inputs, labels=call.labels, index=entities)
            for call in cited.values()
            if call.result is not None
        ]
        if not evidence:
            continue
        rows = {(n.call.id, n.field) for part in sentence for n in part.numbers}
        known = frozenset[str]().union(
            *(item.entities | item.units for item in evidence),
            *(
                codes
                for item in evidence
                for field, codes in item.row_entities.items()
                if (item.id, field) in rows
            ),
        )
        dates = frozenset[date]().union(*(item.dates for item in evidence))
        for part in sentence:
            if not part.is_literal:
                continue
            names = [e for e in entities.find(part.text) if e.code not in known]
            days = [d for d in find_days(part.text) if not any(d.fits(on) for on in dates)]
            findings += [
                Finding(reason=reason, detail=part.text[slice(*span)])
                for reason, spans in (
                    (Reason.ENTITY_MISMATCH, [entity.span for entity in names]),
                    (Reason.PERIOD_MISMATCH, [day.span for day in days]),
                )
                for span in spans
            ]
    return findings


def _word_findings(parts: Sequence[Part]) -> list[Finding]:
    """Check the words of every sentence against the numbers and statuses it cites."""
    findings = []
    for sentence in _sentences(parts):
        words = " ".join(part.text for part in sentence if part.is_literal)
        values = [n.quantity.value for part in sentence for n in part.numbers]
        cited = {call.id: call for part in sentence for call in part.calls}
        statuses = [c.labels["status"] for c in cited.values() if "status" in c.labels]
        reason = check_words(words, values, statuses)
        if reason is Reason.UNCHECKED_COMPARISON:
            reason = compared(_with_values(sentence))
        if reason is not None:
            findings.append(Finding(reason=reason, detail=words.strip()))
    return findings


def _trace_findings(grounds: Grounds) -> list[Finding]:
    """Findings about arguments that trace to nothing and words that no call used."""
    untraced = untraced_arguments(grounds.calls, grounds.message)
    crossed = crossed_arguments(grounds.calls, grounds.message)
    uneven = uneven_arguments(grounds.calls)
    mislabelled = mislabelled_arguments(grounds.calls, grounds.message)
    unused = unused_inputs(
        grounds.calls,
        grounds.message,
        entities=grounds.entities,
        optional_arguments=grounds.optional_arguments,
    )
    return [
        *(Finding(reason=Reason.UNTRACED_ARGUMENT, detail=name) for name in untraced),
        *(Finding(reason=Reason.UNTRACED_ARGUMENT, detail=name) for name in crossed),
        *(Finding(reason=Reason.UNTRACED_ARGUMENT, detail=name) for name in mislabelled),
        *(Finding(reason=Reason.UNUSED_INPUT, detail=text) for text in (*unused, *uneven)),
    ]


_WITHHOLDING = frozenset(
    {
        Reason.UNKNOWN_REFERENCE,
        Reason.UNIT_MISMATCH,
        Reason.UNBOUND_NUMBER,
        Reason.COMPARISON_WRONG,
        Reason.TOOL_ERROR,
    }
)


def _verdict(findings: Sequence[Finding], claims: Sequence[Claim]) -> Verdict:
    judged = [claim.verdict for claim in claims]
    for finding in findings:
        withholds = finding.reason in _WITHHOLDING
        judged.append(Verdict.ABSTAINED if withholds else Verdict.NEEDS_HUMAN)
    return worst(judged)


def _read(
    template: str, calls: Sequence[ToolCall], message: str
) -> tuple[list[Part], list[Finding]]:
    """Bind a text and find what is wrong with its references, numbers and words."""
    parts, flaws = bind(template, {call.id: call for call in calls})
    findings = [Finding(reason=flaw.reason, detail=flaw.detail) for flaw in flaws]
    literal = " ".join(part.text for part in parts if part.is_literal)
    unbound = unbound_numbers(literal, message)
    findings += [Finding(reason=Reason.UNBOUND_NUMBER, detail=number) for number in unbound]
    return parts, findings + _word_findings(parts)


def _withheld(findings: Sequence[Finding]) -> Validation:
    """Replace the answer, naming only codes: details may hold the very number withheld."""
    reasons = ", ".join(sorted({finding.reason.value for finding in findings}))
    return Validation(
        verdict=Verdict.ABSTAINED,
        answer=WITHHELD.format(reasons=reasons),
        claims=(),
        findings=tuple(findings),
    )


def validate_abstention(text: str, finding: Finding, message: str) -> Validation:
    """Check a text that rests on no call: a model asking back or declining.

    Args:
        text: What the model wrote.
        finding: Why there is no answer.
        message: What the caller wrote, whose numbers may be quoted.

    Returns:
        The text as it is; withheld when it states anything after all.
    """
    _, findings = _read(text, (), message)
    if findings:
        return _withheld(findings)
    return Validation(verdict=Verdict.ABSTAINED, answer=text, claims=(), findings=(finding,))


def validate(template: str, grounds: Grounds) -> Validation:
    """Check an agent's final text.

    Args:
        template: The model's text with its references.
        grounds: The message, the calls behind the references, and how to confirm them.

    Returns:
        The verdict with reasons. When the text itself is at fault the answer is replaced by a
        sentence that says so and no claim is made; an erring tool's message is shown as it is.
    """
    parts, findings = _read(template, grounds.calls, grounds.message)
    if any(finding.reason in _WITHHOLDING for finding in findings):
        return _withheld(findings)
    findings += _trace_findings(grounds) + _name_findings(parts, grounds.entities)
    if is_proposal(grounds.calls):
        findings.append(Finding(reason=Reason.PROPOSAL, detail="a person decides on proposals"))
    cited = {call.id for part in parts for call in part.calls}
    for call in grounds.calls:
        if call.error is not None:
            findings.append(Finding(reason=Reason.TOOL_ERROR, detail=call.error.message))
        elif call.id not in cited:
            findings.append(Finding(reason=Reason.UNUSED_INPUT, detail=f"{call.id} is not cited"))
    numbers = [number for part in parts for number in part.numbers]
    confirmations = {
        n.call.id: grounds.confirm(n.call) for n in {n.call.id: n for n in numbers}.values()
    }
    claims = tuple(_claim(number, confirmations[number.call.id]) for number in numbers)
    return Validation(
        verdict=_verdict(findings, claims),
        answer="".join(part.text for part in parts),
        claims=claims,
        findings=tuple(findings),
    )
