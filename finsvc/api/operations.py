"""Health, readiness and metrics."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from finsvc.api.context import Context
from finsvc.domain.errors import UnavailableError

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(context: Context) -> dict[str, object]:
    """Whether questions are taken: the model is loaded and the log can be read."""
    if context.admission.is_closed:
        raise UnavailableError("the service is shutting down")
    if not context.services.is_model_ready:
        raise UnavailableError("the model is being started again")
    context.services.audit.checkpoint()
    return {"status": "ready", "models": list(context.services.models)}


@router.get("/metrics")
async def metrics(context: Context) -> Response:
    """Metrics in Prometheus' text format."""
    return Response(context.telemetry.metrics(), media_type=CONTENT_TYPE_LATEST)
