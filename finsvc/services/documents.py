"""JSON forms that HTTP and the command line share, beside those of decisions."""

from collections.abc import Mapping

from finsvc.calculators.calculator import Calculator
from finsvc.compliance.reports import REPORTS
from finsvc.services.approve import Approval
from finsvc.services.ports import LoggedRecord, VerifySummary
from finsvc.services.replay import ReplayResult, ReplayRun

_PENDING = ("decision_id", "time", "request", "answer", "verdict", "reasons", "claims", "calls")


def calculator_summary(calculator: Calculator) -> dict[str, object]:
    """What a list of calculators says of one."""
    return {
        "name": calculator.name,
        "version": calculator.version,
        "summary": calculator.summary,
        "second_method": calculator.second_kind.value,
        "rule_set": calculator.rule_set or None,
        "needs_human": calculator.needs_human,
    }


def calculator_document(calculator: Calculator) -> dict[str, object]:
    """A calculator with its schemas."""
    return {
        **calculator_summary(calculator),
        "digest": calculator.digest,
        "input_schema": calculator.input_schema,
        "output_schema": calculator.output_schema,
    }


def report_definitions() -> list[dict[str, object]]:
    """Every report that can be run."""
    return [{"name": entry.name, "title": entry.title} for entry in REPORTS.values()]


def asker(record: LoggedRecord) -> str:
    """Identifier of the principal who asked a recorded question."""
    principal = record.body.get("principal")
    return str(principal.get("id", "")) if isinstance(principal, Mapping) else ""


def pending_document(record: LoggedRecord) -> dict[str, object]:
    """A held answer as an approver sees it."""
    return {"asked_by": asker(record), **{name: record.body.get(name) for name in _PENDING}}


def approval_document(approval: Approval) -> dict[str, object]:
    """What was decided about a held answer."""
    return {
        "decision_id": approval.decision_id,
        "verdict": approval.verdict.value,
        "answer": approval.answer,
        "receipt": dict(approval.receipt),
    }


def replay_document(result: ReplayResult) -> dict[str, object]:
    """Outcome of a replay."""
    return {
        "decision_id": result.record_id,
        "ok": result.is_ok,
        "levels": dict(result.levels),
        "details": dict(result.details),
    }


def replay_run_document(run: ReplayRun) -> dict[str, object]:
    """Outcome of a replay of many, with its record."""
    return {
        "ok": all(result.is_ok for result in run.results),
        "record_id": run.record_id,
        "replays": [replay_document(result) for result in run.results],
        "receipt": dict(run.receipt),
    }


def verify_document(summary: VerifySummary, vkey: str | None) -> dict[str, object]:
    """Outcome of checking the log; ``vkey`` is the public key it was checked with."""
    return {
        "ok": summary.is_ok,
        "size": summary.size,
        "first_bad_index": summary.first_bad_index,
        "problems": list(summary.problems),
        "warnings": list(summary.warnings),
        "vkey": vkey,
    }
