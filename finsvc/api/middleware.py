"""What happens around every request: identifier, authentication, size limit, metrics, last resort.

Plain ASGI, so that streams pass through unbuffered. Authentication stands here and not in the
routes, so that a route cannot forget it; the few open paths are named.
"""

import json
import re
import secrets
import time
from collections.abc import MutableMapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from finsvc.api.admission import Admission
from finsvc.api.error_map import BodyTooLargeError, NotAuthenticatedError, to_answer
from finsvc.api.failures import log_failure
from finsvc.api.ports import Identities
from finsvc.domain.errors import InputError
from finsvc.domain.policy import Principal
from finsvc.telemetry import Telemetry

# A question is a few kilobytes; a book or a conversation stays far below this too.
BODY_BYTES_MAX = 1024 * 1024

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
# Open to this machine only; others need a key.
LOCAL_PATHS = frozenset({"/metrics"})
# What is posted here waits for the model.
QUESTION_PATHS = ("/v1/chat/completions", "/v1/agents/")
RESPONSES_PATH = "/v1/responses"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BEARER = re.compile(r"bearer +(?P<key>\S+) *", re.IGNORECASE)

_log = structlog.get_logger("finsvc.api")


async def send_error(send: Send, error: Exception) -> None:
    """Send an error as a whole answer."""
    answer = to_answer(error)
    body = json.dumps(answer.document).encode()
    headers = MutableHeaders({"content-type": "application/json", **answer.headers})
    headers["content-length"] = str(len(body))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})


class RequestFrame:
    """Outermost: gives a request its identifier, counts it and answers what nobody else caught."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get("x-request-id"))
        _state(scope)["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, framed)
        except Exception as error:  # noqa: BLE001 - the top-level handler: nothing leaves raw
            log_failure(error, request_id=request_id)
            if status == 0:
                await send_error(framed, error)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            seconds = time.perf_counter() - started
            self._telemetry.request(
                method=scope["method"], route=route, status=status, seconds=seconds
            )
            _log.info(
                "request",
                request_id=request_id,
                route=route,
                status=status,
                ms=round(seconds * 1e3),
            )


class Authentication:
    """Lets nobody in without a key, but to the open paths."""

    def __init__(self, app: ASGIApp, *, identities: Identities) -> None:
        self._app = app
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "http":
            principal = self._principal(scope)
            if principal is None and not _is_open(scope):
                error = NotAuthenticatedError(
                    "expected a valid API key in 'Authorization: Bearer KEY', got "
                    + ("another" if "authorization" in Headers(scope=scope) else "none")
                )
                await send_error(send, error)
                return
            _state(scope)["principal"] = principal
        await self._app(scope, receive, send)

    def _principal(self, scope: Scope) -> Principal | None:
        given = _BEARER.fullmatch(Headers(scope=scope).get("authorization", ""))
        return None if given is None else self._identities.authenticate(given["key"])


class BodyLimit:
    """Refuses bodies above the limit, whatever their length header says."""

    def __init__(self, app: ASGIApp, *, bytes_max: int = BODY_BYTES_MAX) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; its body is read here and handed on as a whole."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._bytes_max:
            await self._refuse(send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > self._bytes_max:
                await self._refuse(send)
                return
            if not message.get("more_body", False):
                break
        if _has_half_characters(bytes(body)):
            expected, actual = "text of whole characters", "half of a surrogate pair"
            await send_error(send, InputError(field="body", expected=expected, actual=actual))
            return
        await self._app(scope, _replay(bytes(body), receive), send)

    async def _refuse(self, send: Send) -> None:
        error = BodyTooLargeError(f"body: expected at most {self._bytes_max} bytes, got more")
        await send_error(send, error)


class Overload:
    """Sends questions back before they are parsed while no more may wait.

    Under a load far beyond what can be answered most requests end here; each must cost little.
    Answers to questions tell how many more would be taken: the service limits how many run and wait
    at a time, not how many come in a minute, and no tokens.
    """

    def __init__(self, app: ASGIApp, *, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if not _is_question(scope):
            await self._app(scope, receive, send)
            return

        async def limited(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._tell(MutableHeaders(scope=message))
            await send(message)

        if self._admission.is_full:
            await send_error(limited, self._admission.busy())
        else:
            await self._app(scope, receive, limited)

    def _tell(self, headers: MutableHeaders) -> None:
        headers["x-ratelimit-limit-requests"] = str(self._admission.num_max)
        headers["x-ratelimit-remaining-requests"] = str(self._admission.num_left)
        headers["x-ratelimit-reset-requests"] = f"{self._admission.retry_after_s:.3g}s"


def _has_half_characters(body: bytes) -> bool:
    """Whether JSON escapes spell text that is no Unicode, which nothing can write or hash."""
    if _SURROGATE.search(body) is None:
        return False
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        # No JSON; the route says so.
        return False
    return False


def _is_question(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    path: str = scope["path"]
    return path == RESPONSES_PATH or path.startswith(QUESTION_PATHS)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand out the body that was read, then what the connection says later."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _state(scope: Scope) -> MutableMapping[str, object]:
    state: MutableMapping[str, object] = scope.setdefault("state", {})
    return state


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    if path in LOCAL_PATHS:
        client = scope.get("client")
        return client is not None and client[0] in _LOOPBACK
    return path in OPEN_PATHS


def _request_id(given: str | None) -> str:
    """The caller's identifier when it is harmless in a header and a log, else a fresh one."""
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return f"req_{secrets.token_hex(16)}"
