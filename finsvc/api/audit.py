"""``/v1/audit``: decisions, receipts, the checkpoint, verification and replays, for auditors."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from finsvc.api.context import ApiContext, Caller, CallerOf, Context, require
from finsvc.api.error_map import NotFoundError
from finsvc.api.schemas import ReplayBody, SearchQuery
from finsvc.domain.errors import InputError
from finsvc.domain.policy import Action
from finsvc.services.approve import ApprovalVerdict, approval_id
from finsvc.services.documents import (
    asker,
    replay_document,
    replay_run_document,
    verify_document,
)
from finsvc.services.ports import LoggedRecord, RecordKind
from finsvc.services.replay_selection import Selection
from finsvc.services.search import Search, log_access

router = APIRouter(prefix="/v1/audit")

_LOG = "Log::decisions"
_PAGE = 100
_SUMMARY = ("time", "principal", "request", "verdict", "held")
# What tells the answer; the person who asked does not get a held one from here either.
_ANSWER = ("answer", "claims", "calls", "turns", "template", "reasons")

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[int, Query(ge=-1)]


@router.get("/decisions")
def list_decisions(
    context: Context, by: CallerOf, limit: Limit = _PAGE, after: After = -1
) -> dict[str, object]:
    """Decisions in order of the log, those beyond index ``after`` first."""
    _require_auditor(context, by)
    decisions = (
        record
        for record in context.services.log.records()
        if record.kind is RecordKind.DECISION and record.index > after
    )
    page = list(islice(decisions, limit + 1))
    data = [
        {
            "id": record.record_id,
            "index": record.index,
            **{name: record.body.get(name) for name in _SUMMARY},
        }
        for record in page[:limit]
    ]
    return {"object": "list", "data": data, "has_more": len(page) > limit}


@router.get("/decisions/{record_id}")
def get_decision(record_id: str, context: Context, by: CallerOf) -> dict[str, object]:
    """A record as logged, with a fresh receipt."""
    _require_auditor(context, by)
    record = _find(context, record_id)
    log_access(
        context.services.log,
        context.services.clock,
        by.principal,
        what="read",
        details={"read": record_id},
    )
    body = dict(record.body)
    if _is_withheld_from(context, record, by):
        for name in _ANSWER:
            body[name] = None
    return {
        "id": record.record_id,
        "index": record.index,
        "kind": record.kind.value,
        "record": body,
        "receipt": _receipt(context, record_id),
    }


@router.get("/receipts/{record_id}")
def get_receipt(record_id: str, context: Context, by: CallerOf) -> dict[str, object]:
    """A receipt for a record against the latest checkpoint."""
    _require_auditor(context, by)
    return _receipt(context, record_id)


@router.get("/checkpoint", response_class=PlainTextResponse)
def get_checkpoint(context: Context, by: CallerOf) -> str:
    """The latest signed checkpoint, as a C2SP signed note."""
    _require_auditor(context, by)
    return context.services.audit.checkpoint()


@router.get("/verification")
async def verify(context: Context, by: CallerOf) -> dict[str, object]:
    """Check every byte of the log."""
    _require_auditor(context, by)
    summary = await context.admission.run(context.services.audit.verify)
    return verify_document(summary, context.services.audit.vkey())


@router.post("/replays")
async def replay(body: ReplayBody, context: Context, by: CallerOf) -> dict[str, object]:
    """Derive decisions again and compare; a difference is an outcome and no error.

    One decision, or a selection with one record of the whole replay.
    """
    case = context.services.replay
    if (body.decision_id is None) is (body.selection is None):
        actual = "neither" if body.selection is None else "both"
        raise InputError(field="decision_id", expected="this or selection", actual=actual)
    if body.decision_id is not None:
        decision_id = body.decision_id
        result = await context.admission.run(lambda: case(decision_id, body.level, by.principal))
        return replay_document(result)
    selection = Selection(**dict(body.selection or ()))
    run = await context.admission.run(lambda: case.run(selection, body.level, by.principal))
    return replay_run_document(run)


@router.get("/search")
def search(
    context: Context, by: CallerOf, wanted: Annotated[SearchQuery, Query()]
) -> dict[str, object]:
    """Records that meet all that is given, oldest first; who looked for what is put on record."""
    given = wanted.model_dump(exclude={"since", "until", "limit", "after"}, exclude_none=True)
    looked_for = Search(terms=given, since=wanted.since, until=wanted.until)
    page = context.services.search(looked_for, by.principal, limit=wanted.limit, after=wanted.after)
    return {
        "object": "list",
        "data": list(page.records),
        "found": page.num_found,
        "has_more": page.has_more,
    }


def _require_auditor(context: ApiContext, by: Caller) -> None:
    require(context, by.principal, Action.READ_AUDIT, _LOG)


def _find(context: ApiContext, record_id: str) -> LoggedRecord:
    record = context.services.log.find(record_id)
    if record is None:
        raise NotFoundError(f"decision_id: expected the id of a record, got {record_id!r}")
    return record


def _receipt(context: ApiContext, record_id: str) -> dict[str, object]:
    receipt = context.services.log.receipt(record_id)
    if receipt is None:
        raise NotFoundError(f"decision_id: expected the id of a record, got {record_id!r}")
    return dict(receipt)


def _is_withheld_from(context: ApiContext, record: LoggedRecord, by: Caller) -> bool:
    """Whether a held answer is not released yet and the reader is who asked."""
    if record.body.get("held") is not True or asker(record) != by.principal.id:
        return False
    approval = context.services.log.find(approval_id(record.record_id))
    return approval is None or approval.body.get("verdict") != ApprovalVerdict.APPROVED.value
