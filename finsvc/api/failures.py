"""Failures as the operator sees them, and as events of a stream that has begun.

The log gets type, code and place of an error, never its message, which may quote client data.
"""

import structlog

from finsvc.api.error_map import to_answer
from finsvc.api.sse import event

_log = structlog.get_logger("finsvc.api")


def log_failure(error: Exception, *, request_id: str) -> None:
    """Put a failed request into the operational log."""
    _log.error(
        "request_failed",
        request_id=request_id,
        error=type(error).__name__,
        code=getattr(error, "code", None),
        origin=_origin(error),
    )


def failure_event(error: Exception, *, request_id: str, name: str | None = None) -> bytes:
    """Log a failure in mid-stream and return the event that tells the client."""
    log_failure(error, request_id=request_id)
    return event(to_answer(error).document, name=name)


def _origin(error: BaseException) -> str:
    """File and line where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
