"""Complaints of fastapi about a body or query as our own input errors, the field named."""

from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError

from finsvc.domain.errors import InputError, UnsupportedError

_SOURCES = frozenset({"body", "query", "path", "header"})
_SHOWN_CHARACTERS = 80


def to_input_error(error: RequestValidationError) -> InputError:
    """The deepest complaint as an error that names the field, what was expected and what came."""
    # Of the members of a union the one that got furthest is the one that was meant.
    first: Mapping[str, object] = max(error.errors(), key=_depth)
    kind = str(first["type"])
    location = first["loc"]
    field = _field(location if isinstance(location, tuple) else ())
    if kind == "json_invalid":
        return InputError(field="body", expected="JSON", actual="text that is not")
    if kind == "extra_forbidden":
        return UnsupportedError(field=field, expected="a known field", actual=repr(field))
    if kind == "missing":
        return InputError(field=field, expected="a value", actual="nothing")
    message = str(first["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    actual = repr(first.get("input"))
    if len(actual) > _SHOWN_CHARACTERS:
        actual = actual[:_SHOWN_CHARACTERS] + "..."
    return InputError(field=field, expected=message, actual=actual)


def _depth(complaint: Mapping[str, object]) -> int:
    location = complaint["loc"]
    return len(location) if isinstance(location, tuple) else 0


def _field(location: tuple[object, ...]) -> str:
    """Dotted path of a field, without fastapi's source and pydantic's names of union members."""
    parts = [str(part) for part in location]
    if parts and parts[0] in _SOURCES:
        parts = parts[1:]
    return ".".join(part for part in parts if _is_name(part)) or "body"


def _is_name(part: str) -> bool:
    return part.isdecimal() or (part.replace("_", "").isalnum() and part not in ("str", "date"))
