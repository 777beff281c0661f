"""Reading members of recorded JSON whose shape is not known for certain."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

Json = Mapping[str, object]
Prompts = Callable[[Json, Sequence[object]], str | None]
"""Texts of token ids under the model of a manifest; None where its vocabulary is not here."""

_NOTHING: Json = {}


def member(value: object, *path: str) -> object:
    """A member of nested objects; None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def mapping(value: object, *path: str) -> Json:
    """A member that is an object; an empty one where it is not."""
    found = member(value, *path)
    return found if isinstance(found, Mapping) else _NOTHING


def items(value: object, *path: str) -> list[Json]:
    """The objects of a member that is an array."""
    found = member(value, *path)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [item for item in found if isinstance(item, Mapping)]


def text(value: object, *path: str) -> str:
    """A member as text: strings as they are, nothing for null, else compact JSON."""
    found = member(value, *path)
    if found is None:
        return ""
    if isinstance(found, str):
        return found
    return json.dumps(found, ensure_ascii=False, separators=(", ", ": "))


def words(value: object, *path: str) -> str:
    """The texts of an array, joined by commas."""
    found = member(value, *path)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return text(found)
    return ", ".join(text(item) for item in found)


def signed_time(line: Json) -> str:
    """When an exported entry was written, with clock and uncertainty, from its signed bytes."""
    try:
        envelope = json.loads(base64.b64decode(text(line, "envelope"), validate=True))
        statement = json.loads(base64.b64decode(text(envelope, "payload"), validate=True))
        time = mapping(statement, "predicate", "time")
        at_ns = int(text(time, "utc_ns"))
    except (binascii.Error, ValueError):
        return "unknown"
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    error_s = f"{int(text(time, 'error_us') or 0) / 1e6:g}"
    return (
        f"{at:%Y-%m-%d %H:%M:%S}.{at_ns % 1_000_000_000:09d} UTC "
        f"(clock {text(time, 'clock')}, error at most {error_s} s)"
    )
