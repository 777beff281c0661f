"""The ensemble: a material question is answered several times, and the answers must claim the same.

Samples are compared by their claims (calculator, inputs, results and which fields the answer
states), never by their words. Their seeds follow from the decision's identifier, so a replay draws
the very same samples. Whatever keeps a sample from answering counts against the answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finsvc.agents.loop import AgentRun, Executor, Outcome, Question
from finsvc.domain.calls import ToolCall
from finsvc.domain.identifiers import CallId
from finsvc.domain.turns import RequestedCall
from finsvc.domain.verdicts import Claim, Reason, Verdict
from finsvc.validator.abstention import Calibration
from finsvc.validator.validate import Finding, Validation, worst

_SEED_BYTES = 8
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One more answer to the question, drawn with ``seed``, and what the validator made of it."""

    seed: int
    run: AgentRun
    validation: Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """The samples of a material question and what they say about its answer.

    ``confidence`` is the least margin of the answer's tokens; None where the model did not tell.
    ``findings`` are empty when the answer may stand.
    """

    samples: tuple[Sample, ...]
    agreeing: int
    confidence: float | None
    calibration: Calibration | None
    findings: tuple[Finding, ...]


def sample_seed(basis: str, number: int) -> int:
    """Seed of a sample: 64 bits of a hash over its number and what it is a sample of."""
    digest = hashlib.sha256(f"finsvc sample {number} of {basis}".encode()).digest()
    return int.from_bytes(digest[:_SEED_BYTES])


class RememberedCalls:
    """An executor that answers a repeated call from memory: calculators and policies are pure.

    Remembered by place and text, so the facts that policy saw are the same too.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._known: dict[tuple[CallId, str, str], ToolCall] = {}

    def execute(self, call_id: CallId, request: RequestedCall, question: Question) -> ToolCall:
        """Run a call once."""
        key = (call_id, request.name, request.arguments)
        if key not in self._known:
            self._known[key] = self._executor.execute(call_id, request, question)
        return self._known[key]


def judge(
    run: AgentRun,
    validation: Validation,
    samples: Sequence[Sample],
    calibration: Calibration | None,
) -> Ensemble:
    """Hold an answer against its samples and the calibrated threshold; deny by default.

    Args:
        run: How the answer came about.
        validation: Its verdict and claims.
        samples: Further answers to the same question.
        calibration: Of the model that answers; None where there is none, which no answer survives.
    """
    differences = [
        (number, found)
        for number, sample in enumerate(samples, start=1)
        if (found := _difference(run, validation, sample))
    ]
    findings = [
        Finding(reason=Reason.SAMPLES_DISAGREE, detail=f"sample {number}: {found}")
        for number, found in differences
    ]
    confidence = _confidence(run)
    if calibration is None:
        detail = "the model has no calibration, so no material answer of its leaves alone"
        findings.append(Finding(reason=Reason.NOT_CALIBRATED, detail=detail))
    elif confidence is None or confidence < calibration.threshold:
        shown = "unknown" if confidence is None else f"{confidence:.2f}"
        detail = f"confidence {shown}, expected at least {calibration.threshold:g}"
        findings.append(Finding(reason=Reason.LOW_CONFIDENCE, detail=detail))
    return Ensemble(
        samples=tuple(samples),
        agreeing=len(samples) - len(differences),
        confidence=confidence,
        calibration=calibration,
        findings=tuple(findings),
    )


def with_findings(validation: Validation, findings: Sequence[Finding]) -> Validation:
    """Send an answer against which something was found to a human."""
    if not findings:
        return validation
    return Validation(
        verdict=worst((validation.verdict, Verdict.NEEDS_HUMAN)),
        answer=validation.answer,
        claims=validation.claims,
        findings=(*validation.findings, *findings),
    )


def ensemble_document(
    ensemble: Ensemble, *, turns_before: int, calls: Sequence[ToolCall]
) -> dict[str, object]:
    """What the record keeps of an ensemble beside its turns and calls.

    Each sample gives the range of its turns in the record's ``turns``, where they stand behind the
    answer's, and the places of its calls in ``calls`` followed by ``sample_calls``.

    Args:
        ensemble: The samples and what came of them.
        turns_before: Turns of the answer.
        calls: Those of the answer and then those that only samples made.
    """
    items: list[Mapping[str, object]] = []
    position = turns_before
    for sample in ensemble.samples:
        end = position + len(sample.run.turns)
        items.append(
            {
                "seed": str(sample.seed),
                "turns": [position, end],
                "calls": [calls.index(call) for call in sample.run.calls],
                "outcome": sample.run.outcome.value,
                "template": sample.run.template,
                "verdict": sample.validation.verdict.value,
            }
        )
        position = end
    calibration = ensemble.calibration
    return {
        "samples": items,
        "agreeing": ensemble.agreeing,
        "confidence": None if ensemble.confidence is None else f"{ensemble.confidence:.6f}",
        "calibration": calibration
        and {
            "digest": calibration.digest,
            "threshold": repr(calibration.threshold),
            "alpha": repr(calibration.terms.alpha),
            "delta": repr(calibration.terms.delta),
        },
    }


def sample_calls(run: AgentRun, ensemble: Ensemble | None) -> list[ToolCall]:
    """Calls that only samples made, each once."""
    found: list[ToolCall] = []
    for sample in ensemble.samples if ensemble else ():
        found += [call for call in sample.run.calls if call not in (*run.calls, *found)]
    return found


def _confidence(run: AgentRun) -> float | None:
    margins = [turn.margin for turn in run.turns]
    known = [margin for margin in margins if margin is not None]
    return min(known) if known and len(known) == len(margins) else None


def _difference(run: AgentRun, validation: Validation, sample: Sample) -> str:
    """How a sample's claims differ from the answer's, naming what differs; empty if they agree."""
    if sample.run.outcome is not Outcome.ANSWERED:
        return f"{sample.run.outcome.value.replace('_', ' ')} instead of an answer"
    own, other = _ordered(run.calls), _ordered(sample.run.calls)
    names = [_calculator(call) for call in own], [_calculator(call) for call in other]
    if names[0] != names[1]:
        return f"calls {', '.join(names[1])}; the answer calls {', '.join(names[0])}"
    for mine, theirs in zip(own, other, strict=True):
        left, right = dict(_leaves(mine.inputs)), dict(_leaves(theirs.inputs))
        for path in sorted(left.keys() | right.keys()):
            if left.get(path) != right.get(path):
                shown = f"{_shown(right.get(path))}; the answer has {_shown(left.get(path))}"
                return f"{mine.id}.{path} is {shown}"
        if (mine.result, mine.error) != (theirs.result, theirs.error):
            return f"{mine.id} has another result"
    return _other_claims(validation.claims, sample.validation.claims)


def _other_claims(own: Sequence[Claim], other: Sequence[Claim]) -> str:
    stated = [
        {(claim.quantity, claim.value, claim.unit) for claim in found} for found in (own, other)
    ]
    if stated[0] == stated[1]:
        return ""
    fields = sorted({quantity for quantity, _, _ in stated[0] ^ stated[1]})
    return f"states other figures: {', '.join(fields)}"


def _calculator(call: ToolCall) -> str:
    return call.calculator or call.name


def _ordered(calls: Sequence[ToolCall]) -> list[ToolCall]:
    """Calls in an order that does not depend on which was made first."""
    return sorted(calls, key=lambda call: (_calculator(call), sorted(_leaves(call.inputs))))


def _leaves(value: object, path: str = "") -> list[tuple[str, str]]:
    """Values of a JSON document with their dotted paths, as text."""
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(str(number), part) for number, part in enumerate(value)]
    else:
        return [(path, repr(value))]
    return [leaf for key, part in parts for leaf in _leaves(part, f"{path}.{key}" if path else key)]


def _shown(value: str | None) -> str:
    return "not given" if value is None else value[:_SHOWN_CHARACTERS]
