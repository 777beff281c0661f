"""The application: routers, error handlers and middleware put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Match

from finsvc.api import agents, approvals, audit, calculators, chat, operations, reports, responses
from finsvc.api.admission import Admission
from finsvc.api.context import ApiContext
from finsvc.api.custody import router as custody_router
from finsvc.api.error_map import MethodNotAllowedError, NotFoundError, to_answer
from finsvc.api.middleware import Authentication, BodyLimit, Overload, RequestFrame
from finsvc.api.openapi import DescribedApp
from finsvc.api.ports import ServiceParts
from finsvc.api.validate import router as validate_router
from finsvc.api.validation import to_input_error
from finsvc.domain.errors import FinsvcError, InputError
from finsvc.services.responses import ResponseShelf, ResponseStore
from finsvc.telemetry import Telemetry

# The agents end a run by themselves at the same limit; what is slower than that is stuck.
_GRACE_S = 5.0


def create_app(
    services: ServiceParts, telemetry: Telemetry, *, stored: ResponseStore | None = None
) -> FastAPI:
    """Build the application over open services; its description is for holders of a key.

    Args:
        services: What it serves.
        telemetry: Where requests are counted.
        stored: Where responses are kept; without it none is.
    """
    settings = services.settings
    admission = Admission(
        max_waiting=settings.max_waiting,
        timeout_s=settings.ask_timeout.total_seconds() + _GRACE_S,
    )
    telemetry.watch_queue(lambda: admission.num_waiting, lambda: admission.num_running)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        admission.close()

    app = DescribedApp(
        title="finsvc",
        version="v1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(RequestFrame, telemetry=telemetry),
            Middleware(Authentication, identities=services.identities),
            Middleware(BodyLimit),
            Middleware(Overload, admission=admission),
        ],
        exception_handlers={
            FinsvcError: _on_error,
            RequestValidationError: _on_invalid,
            HTTPException: _on_http,
        },
    )
    app.state.context = ApiContext(
        services=services,
        admission=admission,
        telemetry=telemetry,
        responses=ResponseShelf(stored),
    )
    for module in (operations, chat, responses, agents, calculators, reports, approvals, audit):
        app.include_router(module.router)
    app.include_router(custody_router)
    app.include_router(validate_router)
    return app


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    answer = to_answer(error)
    return JSONResponse(answer.document, answer.status, headers=dict(answer.headers))


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return await _on_error(request, to_input_error(error))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    path = request.url.path
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = ", ".join(_methods(request))
        answer = await _on_error(
            request,
            MethodNotAllowedError(f"{path}: expected {allowed}, got {request.method}"),
        )
        answer.headers["allow"] = allowed
        return answer
    if isinstance(error, HTTPException) and error.status_code == 400:
        # What fastapi says of bodies that are no JSON or nested beyond what can be read.
        return await _on_error(
            request, InputError(field="body", expected="JSON", actual="what cannot be read")
        )
    return await _on_error(request, NotFoundError(f"expected a known path, got {path}"))


def _methods(request: Request) -> list[str]:
    """What the path of a request can be asked with; several routes may share it."""
    found: set[str] = set()
    pending: list[object] = list(request.app.routes)
    while pending:
        route = pending.pop()
        # fastapi keeps the routes of a router that was included behind one of its own.
        pending += getattr(getattr(route, "original_router", None), "routes", ())
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)
