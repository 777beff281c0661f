"""What the log keeps of a decision: everything that replay needs, nothing else.

The layout is stable: ``turns`` holds what the model was given and sampled, ``calls`` what the
calculators were given and returned, ``policy`` every decision with its facts. Of a material answer
that was sampled again the samples' turns follow in ``turns``, calls that only samples made are in
``sample_calls``, and ``ensemble`` says which are whose.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from finsvc.agents.loop import AgentRun
from finsvc.domain.identifiers import DecisionId
from finsvc.domain.policy import PolicyOutcome
from finsvc.domain.turns import ModelIdentity, TurnTrace
from finsvc.domain.verdicts import Verdict
from finsvc.services.decision import (
    AskCommand,
    call_to_json,
    claim_to_json,
    findings_to_json,
    outcome_to_json,
)
from finsvc.services.ensemble import Ensemble, ensemble_document, sample_calls
from finsvc.services.who import who
from finsvc.validator.validate import Validation


def turn_to_json(turn: TurnTrace) -> dict[str, object]:
    """JSON form of a turn; floats as decimal text, so that the record has one spelling."""
    return {
        "prompt_ids": list(turn.prompt_ids),
        "grammar": turn.grammar,
        "stop_ids": list(turn.stop_ids),
        "max_new_tokens": turn.max_new_tokens,
        "sampling": {
            "temperature": repr(turn.temperature),
            "top_p": repr(turn.top_p),
            "seed": str(turn.seed),
        },
        "token_ids": list(turn.token_ids),
        "logit_digest": turn.logit_digest,
        "finish_reason": turn.finish_reason,
    }


def _head(command: AskCommand, decision_id: DecisionId, at: datetime) -> dict[str, object]:
    principal = command.principal
    return {
        "decision_id": decision_id,
        "time": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "request_id": command.request_id,
        "principal": who(principal),
        "client": principal.capacity.client,
        "request": {
            "question": command.question,
            "agent": command.agent.value,
            "book": command.book,
            "as_of": None if command.as_of is None else command.as_of.isoformat(),
            **({"documents": dict(command.documents)} if command.documents else {}),
        },
    }


def refusal_record(
    command: AskCommand, decision_id: DecisionId, outcome: PolicyOutcome, at: datetime
) -> dict[str, object]:
    """The record of a question that policy refused before any model ran."""
    return {
        **_head(command, decision_id, at),
        "policy": [outcome_to_json(outcome)],
        "model": None,
        "turns": [],
        "calls": [],
        "answer": "",
        "claims": [],
        "reasons": [],
        "verdict": Verdict.ABSTAINED.value,
        "held": False,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of a question: how it was answered, judged and sampled again, and what it says.

    ``outcomes`` are the policies' on asking and on releasing; ``is_held`` may be so without them.
    """

    run: AgentRun
    ensemble: Ensemble | None
    validation: Validation
    answer: str
    outcomes: tuple[PolicyOutcome, PolicyOutcome]
    is_held: bool


def decision_record(
    command: AskCommand,
    answered: Answered,
    *,
    decision_id: DecisionId,
    identity: ModelIdentity,
    at: datetime,
) -> dict[str, object]:
    """The record of an answered question."""
    run, ensemble, validation = answered.run, answered.ensemble, answered.validation
    asked, released = answered.outcomes
    sampled = sample_calls(run, ensemble)
    calls = [*run.calls, *sampled]
    policy = [asked, *(call.policy for call in calls if call.policy), released]
    turns = [*run.turns, *(t for s in (ensemble.samples if ensemble else ()) for t in s.run.turns)]
    extra: dict[str, object] = {}
    if ensemble is not None:
        extra["ensemble"] = ensemble_document(ensemble, turns_before=len(run.turns), calls=calls)
        extra["sample_calls"] = [call_to_json(call) for call in sampled]
    return {
        **_head(command, decision_id, at),
        "policy": [outcome_to_json(outcome) for outcome in policy],
        "model": {
            "name": identity.name,
            "fingerprint": identity.fingerprint,
            "manifest": dict(identity.manifest),
        },
        "turns": [turn_to_json(turn) for turn in turns],
        "calls": [call_to_json(call) for call in run.calls],
        "template": run.template,
        "answer": answered.answer,
        "claims": [claim_to_json(claim) for claim in validation.claims],
        "reasons": findings_to_json(validation.findings),
        "verdict": validation.verdict.value,
        "held": answered.is_held,
        **extra,
        "model_ms": run.model_ms,
    }
