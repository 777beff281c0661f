"""What a search finds a record by, derived from the record.

Who, tenant, session, purpose, client, book, verdict, decision, tool and number; in a log with a
vault the index holds keyed hashes of these.
"""

from collections.abc import Iterator, Mapping, Sequence

from audit.canonical import JsonObject, JsonValue
from audit.draft import Terms

# Terms are small and exact; a long text is looked for by reading, not by the index.
_VALUE_CHARS_MAX = 200


def index_terms(_record_type: str, body: JsonObject) -> Terms:
    """Return the terms of a record's body."""
    return tuple(
        (name, value) for name, value in _terms(body) if 0 < len(value) <= _VALUE_CHARS_MAX
    )


def _terms(body: JsonObject) -> Iterator[tuple[str, str]]:
    yield "who", _text(_member(body, "principal", "id"))
    yield "who", _text(_member(body, "principal", "on_behalf_of"))
    yield "who", _text(_member(body, "approver", "id"))
    yield "who", _text(_member(body, "by", "id"))
    yield "tenant", _text(_member(body, "principal", "tenant"))
    yield "session", _text(_member(body, "principal", "session"))
    yield "purpose", _text(_member(body, "principal", "purpose"))
    yield "client", _text(body.get("client"))
    yield "book", _text(_member(body, "request", "book"))
    yield "book", _text(body.get("book"))
    yield "tool", _text(body.get("report"))
    yield "verdict", _text(body.get("verdict"))
    yield "decision", _text(body.get("decision_id"))
    for call in _items(body.get("calls")):
        yield "tool", _text(call.get("name"))
        yield "tool", _text(call.get("calculator"))
        # The book that the policy was asked about; the question may have named it in other words.
        yield "book", _text(_member(call, "policy", "request", "context", "book"))
        arguments = call.get("arguments")
        if isinstance(arguments, Mapping):
            yield "book", _text(arguments.get("portfolio"))
    for claim in _items(body.get("claims")):
        yield "number", _text(claim.get("value"))


def _items(value: JsonValue) -> Iterator[Mapping[str, JsonValue]]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (item for item in value if isinstance(item, Mapping))


def _member(body: JsonObject, *path: str) -> JsonValue:
    value: JsonValue = body
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
