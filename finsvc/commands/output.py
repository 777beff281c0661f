"""What commands print and how they end: one JSON document or text for people, and an exit code.

With ``--json`` standard output holds exactly one document; progress always goes to standard error.
"""

import json
import sys
from collections.abc import Mapping
from enum import IntEnum

from rich.console import Console

from finsvc.domain.errors import FinsvcError, InputError, StateError


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    BAD_INPUT = 2
    WITHHELD = 3
    CHECK_FAILED = 4
    INTERNAL = 5


class RemoteError(FinsvcError):
    """A running service answered with an error; its code is kept."""

    def __init__(self, *, code: str, message: str, field: str | None, status: int) -> None:
        self.code = code
        self.field = field
        self.status = status
        super().__init__(message)


# Error codes that mean something else than their HTTP status says.
_EXITS: Mapping[str, ExitCode] = {
    "policy_denied": ExitCode.WITHHELD,
    "audit_retention": ExitCode.WITHHELD,
    "audit_log_corrupt": ExitCode.CHECK_FAILED,
    "audit_payload_invalid": ExitCode.CHECK_FAILED,
    "audit_proof_invalid": ExitCode.CHECK_FAILED,
    "audit_signature_invalid": ExitCode.CHECK_FAILED,
    "audit_log_missing": ExitCode.BAD_INPUT,
    "audit_unknown_entry": ExitCode.BAD_INPUT,
    "policy_bundle_invalid": ExitCode.BAD_INPUT,
}
_CLIENT_STATUSES = range(400, 429)

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def exit_code(error: Exception) -> ExitCode:
    """The exit code of an error."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and code in _EXITS:
        return _EXITS[code]
    if isinstance(error, InputError | StateError):
        return ExitCode.BAD_INPUT
    if isinstance(error, RemoteError) and error.status in _CLIENT_STATUSES:
        return ExitCode.BAD_INPUT
    return ExitCode.INTERNAL


def emit_json(document: object) -> None:
    """Print the one document of a command."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def error_document(code: str, message: str, field: str | None) -> dict[str, object]:
    """The document of an error."""
    error: dict[str, object] = {"code": code, "message": message}
    if field is not None:
        error["field"] = field
    return {"error": error}


def report_error(error: Exception, *, as_json: bool) -> ExitCode:
    """Print an error and return the exit code; a foreign one is named by its type alone."""
    code = getattr(error, "code", None)
    if isinstance(code, str):
        message, field = str(error), getattr(error, "field", None)
    else:
        code, field = "internal_error", None
        message = f"an unexpected {type(error).__name__} ended the command: {_first_line(error)}"
    report_message(code, message, field if isinstance(field, str) else None, as_json=as_json)
    return exit_code(error)


def report_message(code: str, message: str, field: str | None, *, as_json: bool) -> None:
    """Print an error's code, sentence and field."""
    if as_json:
        emit_json(error_document(code, message, field))
    else:
        err.print(f"error ({code}): {message}", style="red", markup=False)


def progress(line: str) -> None:
    """Show a step on standard error."""
    err.print(line, style="dim", markup=False)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
