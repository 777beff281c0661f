"""``/v1/approvals``: held answers, what was decided about them, and the answer once released.

Approvers see what they may approve, which never includes what they asked themselves. Who asked
sees the state of the own question and, once a second person released it, the answer.
"""

from fastapi import APIRouter

from finsvc.api.context import ApiContext, CallerOf, Context
from finsvc.api.error_map import NotFoundError
from finsvc.api.schemas import ApprovalBody
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.services.approve import ApprovalVerdict, approval_id
from finsvc.services.documents import approval_document, asker, pending_document
from finsvc.services.ports import LoggedRecord

router = APIRouter(prefix="/v1/approvals")

_PENDING = "pending"


@router.get("")
def list_pending(context: Context, by: CallerOf) -> dict[str, object]:
    """Held answers that the caller may decide about."""
    data = [
        pending_document(record)
        for record in context.services.approvals.pending()
        if _may_approve(context, by.principal, record)
    ]
    return {"object": "list", "data": data}


@router.get("/{decision_id}")
def get_state(decision_id: str, context: Context, by: CallerOf) -> dict[str, object]:
    """What became of a held answer, for who asked and for approvers."""
    record = context.services.log.find(decision_id)
    is_held = record is not None and record.body.get("held") is True
    if (
        record is None
        or not is_held
        or not (asker(record) == by.principal.id or _may_approve(context, by.principal, record))
    ):
        # The same answer for what does not exist and what is somebody else's.
        raise NotFoundError(f"decision_id: expected a held decision of yours, got {decision_id!r}")
    approval = context.services.log.find(approval_id(decision_id))
    state = _PENDING if approval is None else str(approval.body["verdict"])
    is_released = state == ApprovalVerdict.APPROVED.value
    return {
        "decision_id": decision_id,
        "state": state,
        "answer": record.body["answer"] if is_released else None,
        "comment": None if approval is None else approval.body["comment"],
    }


@router.post("/{decision_id}")
def decide(
    decision_id: str, body: ApprovalBody, context: Context, by: CallerOf
) -> dict[str, object]:
    """Release or reject a held answer."""
    approval = context.services.approvals.decide(
        decision_id, body.verdict, approver=by.principal, comment=body.comment
    )
    return approval_document(approval)


def _may_approve(context: ApiContext, principal: Principal, record: LoggedRecord) -> bool:
    outcome = context.services.policy.decide(
        PolicyQuery(
            principal=principal,
            action=Action.APPROVE,
            resource=f"Decision::{record.record_id}",
            context={"asked_by": asker(record), "approver": principal.id},
        )
    )
    return outcome.is_allowed
