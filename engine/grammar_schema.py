"""JSON Schemas of callers as far as a grammar can enforce them.

Owns the limits, the refusal of what would weaken the grammar, and the care for two faults of
llguidance 1.9. For a number with bounds it refuses values whose digits are the beginning of a
bound (0.99 below 0.999, 3.2 below 3.25): those few values are added as alternatives. And it allows
a whole number that is excluded (5 above 5 and below 5.7): such bounds are refused.
Of several spellings of a number (3.25, 3.250) the shortest is always allowed.
What llguidance cannot enforce it refuses itself, with `SchemaError` as the result here; enforced
results are checked a second time by the service with a validator that shares no code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, TypeGuard

from engine.grammar import GrammarError, json_schema_fault
from engine.harmony.clean_text import CONTROL_SPELLING

SCHEMA_BYTES_MAX = 65_536
# llguidance reads at most 127 levels of JSON, of which an object's property takes two.
SCHEMA_DEPTH_MAX = 100
# A parser row holds about four items a property and at most 2,000 items.
SCHEMA_PROPERTIES_MAX = 400
# One space or an indented new line between the parts of a value, so that white space ends.
_WHITE_SPACE = r"( |\n {0,40})"

_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains")
_LOWER, _UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
_BOUNDS = (*_LOWER, *_UPPER)
# Only where nothing else restricts the number may alternatives be added to it.
_PLAIN_KEYWORDS = frozenset((*_BOUNDS, "type", "multipleOf"))
# Keywords that restrict nothing are left out of grammars.
_ANNOTATIONS = frozenset(
    ("title", "description", "default", "examples", "$comment", "deprecated", "readOnly")
)

Schema = Mapping[str, object]


class SchemaError(GrammarError):
    """A caller's JSON Schema is too large or says something that cannot be enforced."""

    code: ClassVar[str] = "json_schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforceableSchema:
    """A schema that a grammar can enforce; `text` is JSON in ASCII for llguidance."""

    text: str


# What a call's arguments are without a schema, or with one that is not strict and not enforceable.
ANY_OBJECT = EnforceableSchema(
    text=json.dumps({"type": "object", "x-guidance": {"whitespace_pattern": _WHITE_SPACE}})
)


def enforceable(schema: Schema, *, field: str) -> EnforceableSchema:
    """Check and mend a schema.

    Args:
        schema: The caller's; any JSON.
        field: Its place in the request, for errors.

    Raises:
        SchemaError: It exceeds a limit or cannot be enforced.
    """
    _check_limits(schema, field)
    mended = {
        **_mended(schema),
        "x-guidance": {"whitespace_pattern": _WHITE_SPACE},
    }
    text = json.dumps(mended)
    if spelling := CONTROL_SPELLING.search(text):
        # llguidance would take it for the token, and the parser drops calls that hold one.
        raise SchemaError(field, expected="no control token", actual=spelling.group())
    fault = json_schema_fault(text)
    if fault is not None:
        raise SchemaError(field, expected="a schema that can be enforced", actual=fault)
    return EnforceableSchema(text=text)


def _check_limits(schema: Schema, field: str) -> None:
    try:
        size = len(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaError(field, expected="a JSON object", actual=str(error)) from error
    depth, num_properties, has_options = 0, 0, False
    for value, level in _walk(schema):
        depth = max(depth, level)
        if _is_mapping(value):
            properties = value.get("properties")
            if _is_mapping(properties):
                num_properties = max(num_properties, len(properties))
            has_options = has_options or "x-guidance" in value
            _check_range(value, field)
    for what, actual, limit in (
        ("bytes", size, SCHEMA_BYTES_MAX),
        ("levels", depth, SCHEMA_DEPTH_MAX),
        ("properties in an object", num_properties, SCHEMA_PROPERTIES_MAX),
    ):
        if actual > limit:
            raise SchemaError(field, expected=f"at most {limit} {what}", actual=str(actual))
    if has_options:
        # Its options could make the grammar more lenient than the schema.
        raise SchemaError(field, expected="no x-guidance", actual="x-guidance")


def _check_range(schema: Schema, field: str) -> None:
    """Refuse bounds of which llguidance allows the excluded one: 5 above 5 and below 5.7."""
    bounds = {keyword: _decimal(schema.get(keyword)) for keyword in _BOUNDS}
    for excluded, others in (("exclusiveMinimum", _UPPER), ("exclusiveMaximum", _LOWER)):
        bound = bounds[excluded]
        if bound is None or bound != bound.to_integral_value():
            continue
        for other in others:
            limit = bounds[other]
            if limit is not None and abs(limit - bound) < 1:
                actual = f"{excluded} {bound} and {other} {limit}"
                expected = "no excluded whole number within 1 of the other bound"
                raise SchemaError(field, expected=expected, actual=actual)


def _walk(value: object, level: int = 0) -> Iterator[tuple[object, int]]:
    """Yield every value of a JSON document with its level; documents are not recursive."""
    pending = [(value, level)]
    while pending:
        item, depth = pending.pop()
        yield item, depth
        if _is_mapping(item):
            pending += [(part, depth + 1) for part in item.values()]
        elif isinstance(item, list | tuple):
            pending += [(part, depth + 1) for part in item]


def _mended(schema: Schema) -> dict[str, object]:
    """Return the schema with the values added that the grammar would refuse wrongly."""
    result = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
    values = _refused_wrongly(result)
    for keyword in _SCHEMA_LISTS:
        parts = schema.get(keyword)
        if isinstance(parts, list | tuple):
            result[keyword] = [_mended(p) if _is_mapping(p) else p for p in parts]
    for keyword in _SCHEMA_MAPS:
        named = schema.get(keyword)
        if _is_mapping(named):
            result[keyword] = {k: _mended(p) if _is_mapping(p) else p for k, p in named.items()}
    for keyword in _SCHEMAS:
        part = schema.get(keyword)
        if _is_mapping(part):
            result[keyword] = _mended(part)
    return {"anyOf": [result, {"enum": values}]} if values else result


def _refused_wrongly(schema: Schema) -> list[float]:
    """Return the valid numbers whose digits begin those of a bound."""
    kinds = schema.get("type")
    is_number = kinds == "number" or (isinstance(kinds, list | tuple) and "number" in kinds)
    if not is_number or not _PLAIN_KEYWORDS.issuperset(schema):
        return []
    bounds = {keyword: _decimal(schema[keyword]) for keyword in _BOUNDS if keyword in schema}
    step = _decimal(schema["multipleOf"]) if "multipleOf" in schema else None
    known = [bound for bound in bounds.values() if bound is not None]
    if len(known) != len(bounds) or ("multipleOf" in schema and not step):
        return []
    found: set[Decimal] = set()
    for bound in known:
        digits = format(abs(bound), "f")
        whole, _, fraction = digits.partition(".")
        for length in range(len(fraction)):
            value = Decimal(f"{whole}.{fraction[:length]}0").copy_sign(bound)
            if _is_within(value, bounds) and (not step or value % step == 0):
                found.add(value.normalize())
    return [float(value) for value in sorted(found)]


_FITS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
}


def _is_within(value: Decimal, bounds: Mapping[str, Decimal | None]) -> bool:
    return all(
        bound is not None and _FITS[keyword](value, bound) for keyword, bound in bounds.items()
    )


def _decimal(value: object) -> Decimal | None:
    """Return the number as written; draft 4 has booleans for exclusive bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(repr(value))


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)
