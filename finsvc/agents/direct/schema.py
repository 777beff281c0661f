"""What a calculator's inputs are, as far as a text can say them: read from its JSON Schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

Schema = Mapping[str, object]

_TICKER, _CURRENCY, _DECIMAL = "^[A-Z0-9][A-Z", "^[A-Z]{3}$", "^-?[0-9]"


class Kind(StrEnum):
    """How an argument is read; ``DOCUMENT`` takes an attached document alone."""

    CHOICE = "choice"
    FLAG = "flag"
    COUNT = "count"
    NUMBER = "number"
    DATE = "date"
    INSTRUMENT = "instrument"
    CURRENCY = "currency"
    TEXT = "text"
    PORTFOLIO = "portfolio"
    SCENARIO = "scenario"
    LIST = "list"
    PAIRS = "pairs"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One argument of a calculator.

    ``path`` is its place in the inputs. ``choices`` are a choice's values. ``items`` describes
    the members of a list (one slot) or of pairs (two, the number first); ``is_named`` says that
    each pair also carries an ``id``, which code numbers.
    """

    name: str
    path: tuple[str, ...]
    kind: Kind
    is_required: bool
    choices: tuple[str | int, ...] = ()
    items: tuple["Slot", ...] = ()
    is_named: bool = False


def slots(schema: Schema) -> Iterator[Slot]:
    """Yield the arguments of an input schema, in its order.

    An object that is required is also offered leaf by leaf (``curve_zero_rate``), since a leaf is
    often all that a question gives of it.
    """
    definitions = _mapping(schema.get("$defs"))
    required = _texts(schema.get("required"))
    for name, part in _mapping(schema.get("properties")).items():
        resolved = _resolved(part, definitions)
        slot = _slot(name, (name,), resolved, definitions, is_required=name in required)
        leaves = list(_leaves(name, resolved, definitions)) if name in required else []
        is_split = slot.kind is Kind.DOCUMENT and bool(leaves)
        yield slot if not is_split else _optional(slot)
        if is_split:
            yield from leaves


def _leaves(name: str, resolved: Schema, definitions: Schema) -> Iterator[Slot]:
    for leaf, part in _mapping(resolved.get("properties")).items():
        inner = _resolved(part, definitions)
        slot = _slot(f"{name}_{leaf}", (name, leaf), inner, definitions, is_required=False)
        if slot.kind is not Kind.DOCUMENT:
            yield slot


def _optional(slot: Slot) -> Slot:
    return Slot(name=slot.name, path=slot.path, kind=slot.kind, is_required=False)


def _slot(
    name: str, path: tuple[str, ...], part: Schema, definitions: Schema, *, is_required: bool
) -> Slot:
    kind, choices = _scalar(part)
    items: tuple[Slot, ...] = ()
    is_named = False
    if path == ("portfolio",):
        kind = Kind.PORTFOLIO
    elif path[-1] == "scenario":
        kind = Kind.SCENARIO
    elif part.get("type") == "array":
        member = _resolved(part.get("items"), definitions)
        kind, items, is_named = _members(path[-1], member, definitions)
    return Slot(
        name=name,
        path=path,
        kind=kind,
        is_required=is_required,
        choices=choices,
        items=items,
        is_named=is_named,
    )


def _scalar(part: Schema) -> tuple[Kind, tuple[str | int, ...]]:
    """Read how a value that is neither list nor object is written."""
    choices = _choices(part)
    if choices:
        return Kind.CHOICE, choices
    pattern = str(part.get("pattern", ""))
    match part.get("type"):
        case "boolean":
            return Kind.FLAG, ()
        case "integer":
            return Kind.COUNT, ()
        case "string" if part.get("format") == "date":
            return Kind.DATE, ()
        case "string" if pattern.startswith(_DECIMAL):
            return Kind.NUMBER, ()
        case "string" if pattern.startswith(_TICKER):
            return Kind.INSTRUMENT, ()
        case "string" if pattern == _CURRENCY:
            return Kind.CURRENCY, ()
        case "string":
            return Kind.TEXT, ()
        case _:
            return Kind.DOCUMENT, ()


def _choices(part: Schema) -> tuple[str | int, ...]:
    listed = part.get("enum")
    values = listed if isinstance(listed, list) else [part["const"]] if "const" in part else []
    return tuple(value for value in values if isinstance(value, str | int))


def _members(name: str, member: Schema, definitions: Schema) -> tuple[Kind, tuple[Slot, ...], bool]:
    """Members of a list: scalars, scenarios, or objects of a number and one more value."""
    if name == "scenarios":
        slot = Slot(name="scenario", path=(), kind=Kind.SCENARIO, is_required=True)
        return Kind.LIST, (slot,), False
    kind, choices = _scalar(member)
    if kind is not Kind.DOCUMENT:
        slot = Slot(name=name, path=(), kind=kind, is_required=True, choices=choices)
        return Kind.LIST, (slot,), False
    required = _texts(member.get("required"))
    properties = _mapping(member.get("properties"))
    pair = [
        _slot(key, (key,), _resolved(properties[key], definitions), definitions, is_required=True)
        for key in required
        if key != "id" and key in properties
    ]
    pair.sort(key=lambda slot: slot.kind is not Kind.NUMBER)
    other = (Kind.INSTRUMENT, Kind.TEXT, Kind.CHOICE)
    kinds = [slot.kind for slot in pair]
    if len(kinds) == 2 and kinds[0] is Kind.NUMBER and kinds[1] in other:
        return Kind.PAIRS, tuple(pair), "id" in required
    return Kind.DOCUMENT, (), False


def _resolved(part: object, definitions: Schema) -> Schema:
    """Follow references and take what may be null as what it else is."""
    schema = _mapping(part)
    while True:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            schema = _mapping(definitions.get(reference.rpartition("/")[2]))
            continue
        variants = schema.get("anyOf")
        if isinstance(variants, list):
            given = [item for item in variants if _mapping(item).get("type") != "null"]
            if len(given) == 1:
                schema = _mapping(given[0])
                continue
        return schema


def _mapping(value: object) -> Schema:
    return value if _is_mapping(value) else {}


def _is_mapping(value: object) -> TypeGuard[Schema]:
    return isinstance(value, Mapping)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
