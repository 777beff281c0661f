"""What a request carries: its identifier, who asks and the parts of the service.

The application keeps `ApiContext` in its state; the middleware puts identifier and principal into
the request's.
"""

from dataclasses import dataclass, field
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from finsvc.api.admission import Admission
from finsvc.api.error_map import NotAuthenticatedError
from finsvc.api.ports import ServiceParts
from finsvc.domain.errors import RefusedError
from finsvc.domain.policy import Action, PolicyQuery, Principal
from finsvc.services.responses import ResponseShelf
from finsvc.telemetry import Telemetry


class Draft(Protocol):
    """What has been written of a response."""

    @property
    def document(self) -> dict[str, object]:
        """The response as it is now."""


class RunningResponse(Protocol):
    """A response that is being made."""

    @property
    def principal(self) -> Principal:
        """Whose response it is."""

    @property
    def writer(self) -> Draft | None:
        """Once it has an identifier."""

    def cancel(self) -> None:
        """Ask the model to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """What all routes share; ``running`` holds the responses of this process by identifier."""

    services: ServiceParts
    admission: Admission
    telemetry: Telemetry
    responses: ResponseShelf = field(default_factory=lambda: ResponseShelf(None))
    running: dict[str, RunningResponse] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request, and its identifier."""

    principal: Principal
    request_id: str


def api_context(request: Request) -> ApiContext:
    """The application's context."""
    return cast("ApiContext", request.app.state.context)


def caller(request: Request) -> Caller:
    """The caller that the middleware authenticated.

    Raises:
        NotAuthenticatedError: There is none, which a route that needs one never lets pass.
    """
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise NotAuthenticatedError("expected an API key as bearer token, got none")
    return Caller(principal=principal, request_id=str(request.state.request_id))


Context = Annotated[ApiContext, Depends(api_context)]
CallerOf = Annotated[Caller, Depends(caller)]


def require(context: ApiContext, principal: Principal, action: Action, resource: str) -> None:
    """Ask policy.

    Raises:
        RefusedError: It does not permit the action.
    """
    outcome = context.services.policy.decide(
        PolicyQuery(principal=principal, action=action, resource=resource, context={})
    )
    if not outcome.is_allowed:
        raise RefusedError(action=action.value, reasons=(*outcome.determining, *outcome.errors))
