"""A decision: what goes to the caller, and its JSON form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from finsvc.agents.catalogue import AgentName
from finsvc.calculators.registry import CALCULATORS
from finsvc.calculators.serialization import result_to_json
from finsvc.domain.calls import ToolCall
from finsvc.domain.identifiers import DecisionId
from finsvc.domain.policy import PolicyOutcome, Principal
from finsvc.domain.verdicts import Claim, Verdict
from finsvc.validator.validate import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCommand:
    """A question as it reaches the service; ``documents`` are JSON values attached to it."""

    question: str
    agent: AgentName
    book: str | None
    as_of: date | None
    principal: Principal
    request_id: str
    documents: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of all turns together; ``cached_tokens`` are those of prompts found in the cache."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer with everything that proves it. ``is_held`` means it waits for a human."""

    decision_id: DecisionId
    answer: str
    verdict: Verdict
    is_held: bool
    findings: tuple[Finding, ...]
    claims: tuple[Claim, ...]
    tool_calls: tuple[ToolCall, ...]
    receipt: Mapping[str, object]
    model: str
    usage: Usage
    timing_ms: Mapping[str, int]


def claim_to_json(claim: Claim) -> dict[str, object]:
    """JSON form of a claim; values are decimal strings."""
    second = claim.second and {
        "method": claim.second.method,
        "value": f"{claim.second.value:f}",
        "difference": f"{claim.second.difference:f}",
        "tolerance": f"{claim.second.tolerance:f}",
    }
    return {
        "text": claim.text,
        "quantity": claim.quantity,
        "value": f"{claim.value:f}",
        "unit": claim.unit,
        "source": {"call": claim.source.call, "field": claim.source.field},
        "second": second,
        "verdict": claim.verdict.value,
        "reasons": [reason.value for reason in claim.reasons],
    }


def outcome_to_json(outcome: PolicyOutcome | None) -> dict[str, object] | None:
    """JSON form of a policy decision with the facts it was taken on."""
    if outcome is None:
        return None
    return {
        "decision": "allow" if outcome.is_allowed else "deny",
        "determining": list(outcome.determining),
        "errors": list(outcome.errors),
        "bundle": outcome.bundle_digest,
        "request": dict(outcome.facts),
    }


def call_to_json(call: ToolCall) -> dict[str, object]:
    """JSON form of a tool call: what the model asked, what it became and what came back."""
    result = None if call.result is None else result_to_json(call.result)
    error = None if call.error is None else {"code": call.error.code, "message": call.error.message}
    return {
        "id": call.id,
        "name": call.name,
        "arguments": dict(call.arguments),
        "calculator": call.calculator,
        "calculator_digest": _calculator_digest(call.calculator),
        "inputs": dict(call.inputs),
        "labels": dict(call.labels),
        "defaults": list(call.defaults),
        "notes": list(call.notes),
        "result": result,
        "error": error,
        "policy": outcome_to_json(call.policy),
    }


def _calculator_digest(name: str) -> str | None:
    """Digest of the code behind a call; None where the call came to no calculator."""
    calculator = CALCULATORS.get(name)
    return None if calculator is None else calculator.digest


def findings_to_json(findings: tuple[Finding, ...]) -> list[dict[str, str]]:
    """JSON form of findings."""
    return [{"reason": item.reason.value, "detail": item.detail} for item in findings]


def decision_to_json(decision: Decision) -> dict[str, object]:
    """JSON form of a decision, the same over HTTP and on the command line."""
    return {
        "decision_id": decision.decision_id,
        "answer": decision.answer,
        "verdict": decision.verdict.value,
        "held": decision.is_held,
        "reasons": findings_to_json(decision.findings),
        "claims": [claim_to_json(claim) for claim in decision.claims],
        "tool_calls": [call_to_json(call) for call in decision.tool_calls],
        "receipt": dict(decision.receipt),
        "model": decision.model,
        "usage": {
            "prompt_tokens": decision.usage.prompt_tokens,
            "completion_tokens": decision.usage.completion_tokens,
            "total_tokens": decision.usage.prompt_tokens + decision.usage.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": decision.usage.cached_tokens},
        },
        "timing_ms": dict(decision.timing_ms),
    }
