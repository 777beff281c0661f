"""``/v1/audit``: custody of the log, for custodians; what custody did, for auditors."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from finsvc.api.context import CallerOf, Context
from finsvc.api.schemas import Body
from finsvc.domain.custody import Operation, Order, View

router = APIRouter(prefix="/v1/audit")

Name = Annotated[str, Field(max_length=200)]


class OperationBody(Body):
    """An act of custody to do."""

    operation: Annotated[Operation, Field(strict=False)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    hold: Name = ""
    records: Annotated[tuple[Name, ...], Field(max_length=10_000, strict=False)] = ()
    data_subject: Name = ""


@router.post("/operations")
async def operate(body: OperationBody, context: Context, by: CallerOf) -> dict[str, object]:
    """Rotate or retire keys, set or lift a hold, destroy contents, have the log stamped."""
    order = Order(
        operation=body.operation,
        reason=body.reason,
        hold=body.hold,
        record_ids=body.records,
        data_subject=body.data_subject,
    )
    custody = context.services.custody
    return dict(await context.admission.run(lambda: custody(order, by.principal)))


@router.get("/custody/{view}")
async def look(view: View, context: Context, by: CallerOf) -> dict[str, object]:
    """Keys, holds, retention with what has expired, time stamps, or witnesses."""
    custody = context.services.custody
    return dict(await context.admission.run(lambda: custody.view(view, by.principal)))
