"""Errors as HTTP: the one table from codes to statuses, and OpenAI's error document.

Errors of the audit log and the engine arrive with codes of their own packages; what they say may
name files of this machine, so their sentences stay in the operational log.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from finsvc.domain.errors import BusyError, FinsvcError, InputError


class NotAuthenticatedError(FinsvcError):
    """The request carries no valid API key."""

    code = "invalid_api_key"


class BodyTooLargeError(FinsvcError):
    """The request's body is larger than the service reads."""

    code = "payload_too_large"


class NotFoundError(FinsvcError):
    """No such path or item."""

    code = "not_found"


class MethodNotAllowedError(FinsvcError):
    """The path exists, but not with this method."""

    code = "method_not_allowed"


_INVALID = "invalid_request_error"
_SERVER = "server_error"

# Code of an error: HTTP status and type of OpenAI's error document.
STATUS: Mapping[str, tuple[int, str]] = {
    "invalid_input": (400, _INVALID),
    "unsupported_parameter": (400, _INVALID),
    "non_trading_day": (400, _INVALID),
    "date_out_of_range": (400, _INVALID),
    "insufficient_data": (400, _INVALID),
    "context_length_exceeded": (400, _INVALID),
    "invalid_api_key": (401, "authentication_error"),
    "policy_denied": (403, "permission_error"),
    "unknown_name": (404, _INVALID),
    "not_found": (404, _INVALID),
    "audit_unknown_entry": (404, _INVALID),
    "method_not_allowed": (405, _INVALID),
    "audit_retention": (409, _INVALID),
    "payload_too_large": (413, _INVALID),
    "busy": (429, "rate_limit_error"),
    "timed_out": (503, _SERVER),
    "unavailable": (503, _SERVER),
    "invalid_state": (503, _SERVER),
    "audit_time_stamp": (503, _SERVER),
    "constraint_failed": (500, _SERVER),
    "internal_error": (500, _SERVER),
}

_AUDIT_PREFIX = "audit_"
_NOT_RECORDED = "The decision could not be put on record, so no answer is given."
_INTERNAL = "The service failed; its log names the reason under this request's id."


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """An error as it leaves over HTTP."""

    status: int
    document: dict[str, object]
    headers: Mapping[str, str]

    @property
    def error(self) -> Mapping[str, object]:
        """The error itself: message, type, param and code."""
        return cast("Mapping[str, object]", self.document["error"])


def error_document(*, message: str, kind: str, param: str | None, code: str) -> dict[str, object]:
    """Return OpenAI's error document."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def to_answer(error: Exception) -> ErrorAnswer:
    """Map any error to its status and document."""
    code = _code(error)
    status, kind = STATUS[code]
    is_ours = isinstance(error, FinsvcError) and code != "internal_error"
    message = str(error) if is_ours and code != "invalid_state" else _INTERNAL
    if code == "unavailable" and not is_ours:
        message = _NOT_RECORDED
    headers = {"x-should-retry": "true" if code == "busy" else "false"}
    if isinstance(error, BusyError):
        # Whole seconds are what every client reads; none is told to come back at once.
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    if status == STATUS["invalid_api_key"][0]:
        headers["www-authenticate"] = "Bearer"
    param = error.field if isinstance(error, InputError) else None
    document = error_document(message=message, kind=kind, param=param, code=code)
    return ErrorAnswer(status=status, document=document, headers=headers)


def _code(error: Exception) -> str:
    code = getattr(error, "code", "")
    if isinstance(error, FinsvcError) and code in STATUS:
        return str(code)
    if isinstance(error, InputError):
        return InputError.code
    if isinstance(code, str) and code.startswith(_AUDIT_PREFIX):
        return "unavailable"
    return "internal_error"
