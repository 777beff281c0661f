"""What a request carries: its identifier, who asks and the parts of the service.

The application keeps `ApiContext` in its state; the middleware puts identifier and principal into
the request's.
"""

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from finsvc.api.admission import Admission
from finsvc.api.error_map import NotAuthenticatedError
from finsvc.api.ports import ServiceParts
from finsvc.domain.errors import InputError, RefusedError
from finsvc.domain.policy import CAPACITY_HEADERS, Action, Capacity, PolicyQuery, Principal
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


_SAID = re.compile(r"[\x20-\x7e]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """What all routes share; ``running`` holds the responses of this process by identifier."""

    services: ServiceParts
    admission: Admission
    telemetry: Telemetry
    responses: ResponseShelf = field(default_factory=lambda: ResponseShelf(None))
    running: dict[str, RunningResponse] = field(default_factory=dict)
    background: set[asyncio.Task[None]] = field(default_factory=set)


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
        InputError: A header that says for whom or what the request is cannot be put on record.
    """
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise NotAuthenticatedError("expected an API key as bearer token, got none")
    principal = replace(principal, capacity=_capacity(request))
    return Caller(principal=principal, request_id=str(request.state.request_id))


def _capacity(request: Request) -> Capacity:
    """What the caller's headers say of whom and what a request is for."""
    said = {}
    for field_name, header in CAPACITY_HEADERS.items():
        text = request.headers.get(header, "")
        if text and not _SAID.fullmatch(text):
            raise InputError(
                field=header, expected="1 to 200 printable ASCII characters", actual=repr(text)[:80]
            )
        said[field_name] = text
    return Capacity(**said)


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
