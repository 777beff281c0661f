"""Held answers and the people who release or reject them: four eyes, each decision signed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from finsvc.domain.errors import InputError, RefusedError, UnknownNameError
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.services.decision import outcome_to_json
from finsvc.services.ports import Clock, LoggedRecord, PolicyGate, RecordKind, RecordLog
from finsvc.services.who import who


class ApprovalVerdict(StrEnum):
    """What the second person decided."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The outcome of an approval; ``answer`` is set when the answer was released."""

    decision_id: str
    verdict: ApprovalVerdict
    answer: str | None
    receipt: Mapping[str, object]


def approval_id(decision_id: str) -> str:
    """Identifier of the record of what was decided about a held answer."""
    return f"approval_{decision_id}"


class Approvals:
    """Lists held answers and records what was decided about them."""

    def __init__(self, *, policy: PolicyGate, log: RecordLog, clock: Clock) -> None:
        self._policy = policy
        self._log = log
        self._clock = clock

    def pending(self) -> list[LoggedRecord]:
        """Held decisions that nobody has decided about, oldest first."""
        decided = set()
        held = []
        for record in self._log.records():
            if record.kind is RecordKind.APPROVAL:
                decided.add(record.record_id)
            elif record.kind is RecordKind.DECISION and record.body.get("held") is True:
                held.append(record)
        return [record for record in held if approval_id(record.record_id) not in decided]

    def decide(
        self, decision_id: str, verdict: ApprovalVerdict, *, approver: Principal, comment: str
    ) -> Approval:
        """Release or reject a held answer.

        Raises:
            UnknownNameError: No such decision is held.
            InputError: It was decided about before.
            RefusedError: Policy does not let this principal approve it.
        """
        record = self._log.find(decision_id)
        if record is None or record.body.get("held") is not True:
            known = [item.record_id for item in self.pending()]
            raise UnknownNameError(
                field="decision_id", kind="held decision", actual=decision_id, known=known
            )
        if self._log.find(approval_id(decision_id)) is not None:
            raise InputError(
                field="decision_id", expected="a decision still held", actual="one already decided"
            )
        asked_by = _asker(record.body)
        outcome = self._policy.decide(
            PolicyQuery(
                principal=approver,
                action=Action.APPROVE,
                resource=f"Decision::{decision_id}",
                context={"asked_by": asked_by, "approver": approver.id},
            )
        )
        if not outcome.is_allowed:
            raise RefusedError(action="approve", reasons=outcome.determining)
        body = {
            "decision_id": decision_id,
            "time": self._clock.now().isoformat(timespec="microseconds"),
            "approver": who(approver),
            "client": str(record.body.get("client", "")),
            "approves": {"index": record.index, "answer_sha256": _answer_digest(record.body)},
            "verdict": verdict.value,
            "comment": comment,
            "policy": [outcome_to_json(outcome)],
        }
        receipt = self._log.append(RecordKind.APPROVAL, approval_id(decision_id), body)
        released = verdict is ApprovalVerdict.APPROVED
        answer = str(record.body["answer"]) if released else None
        return Approval(decision_id=decision_id, verdict=verdict, answer=answer, receipt=receipt)


def _answer_digest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(str(body.get("answer", "")).encode()).hexdigest()


def _asker(body: Mapping[str, object]) -> str:
    principal = body["principal"]
    return str(principal["id"]) if isinstance(principal, Mapping) else ""
