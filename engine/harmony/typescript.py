"""JSON Schemas as the TypeScript types of a harmony tool namespace.

Owns the text between `type NAME = (_: ` and `) => any;`, which gpt-oss was trained on; so it
follows the layout of openai-harmony 0.0.8 to the character, including its irregular indents
(checked against it in the tests). Keywords that it does not know (`anyOf`, `const`, `pattern`,
bounds) are not shown to the model; the grammar and the service enforce them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeGuard

# A number beyond 64 bits is a float in the reference renderer.
_INTEGER_MIN, _INTEGER_MAX = -(2**63), 2**64 - 1
_EXPONENT = re.compile(r"(?P<digits>.*)e(?P<sign>[+-])0*(?P<power>\d+)")


def typescript_type(schema: object, indent: str = "") -> str:
    """Return the TypeScript type of a JSON Schema.

    Args:
        schema: A JSON Schema; anything else is `any`.
        indent: White space before the lines of a nested type.
    """
    if not _is_mapping(schema):
        return "any"
    variants = schema.get("oneOf")
    if _is_list(variants):
        return "".join(_variant(variant, indent) for variant in variants)
    kind = schema.get("type")
    if _is_list(kind):
        names = ["number" if name == "integer" else name for name in kind if isinstance(name, str)]
        return " | ".join(names) if names else "any"
    match kind:
        case "object":
            return _object(schema, indent)
        case "string":
            return _string(schema)
        case "number" | "integer":
            return "number"
        case "boolean":
            return "boolean"
        case "array" if "items" in schema:
            return f"{typescript_type(schema['items'], indent)}[]"
        case "array":
            return "Array<any>"
        case _:
            return "any"


def _string(schema: Mapping[str, object]) -> str:
    values = schema.get("enum")
    if not _is_list(values):
        return "string"
    return " | ".join(f'"{value}"' for value in values if isinstance(value, str)) or "string"


def _variant(variant: object, indent: str) -> str:
    """Return one line of a `oneOf` which is not a property's own."""
    comments: list[str] = []
    if _is_mapping(variant):
        comments += _text(variant, "description")
        if "default" in variant:
            # Unlike in properties, the default of an enum keeps its quotes here.
            quoted = json_text(variant["default"]) if _is_enum(variant) else _default(variant)
            comments.append(f"default: {quoted}")
    return f"\n{indent} | {_nullable(variant, indent + '   ')}{_trailing(comments)}"


def _object(schema: Mapping[str, object], indent: str) -> str:
    lines = [f"{indent}// {text}\n" for text in _text(schema, "description")]
    lines.append("{\n")
    listed = schema.get("required")
    required = set(filter(_is_text, listed)) if _is_list(listed) else set()
    properties = schema.get("properties")
    if _is_mapping(properties):
        for name, value in properties.items():
            mark = "" if name in required else "?"
            lines.append(_property(f"{name}{mark}", value, indent))
    lines.append(f"{indent}}}")
    return "".join(lines)


def _property(label: str, value: object, indent: str) -> str:
    if not _is_mapping(value):
        return f"{indent}{label}: any,\n"
    lines = [f"{indent}// {title}\n{indent}//\n" for title in _text(value, "title")]
    if "oneOf" not in value:
        lines += [f"{indent}// {text}\n" for text in _text(value, "description")]
    examples = value.get("examples")
    if _is_list(examples) and examples:
        lines.append(f"{indent}// Examples:\n")
        lines += [f'{indent}// - "{text}"\n' for text in examples if isinstance(text, str)]
    variants = value.get("oneOf")
    if _is_list(variants):
        lines.append(_union_property(label, value, variants, indent))
    else:
        has_default = "default" in value and "oneOf" not in value
        note = f" // default: {_default(value)}" if has_default else ""
        lines.append(f"{indent}{label}: {_nullable(value, indent + '    ')},{note}\n")
    return "".join(lines)


def _union_property(
    label: str, value: Mapping[str, object], variants: Sequence[object], indent: str
) -> str:
    description = _text(value, "description")
    # A description that only repeats the first variant's is not shown at all.
    is_repeated = bool(variants) and description == _text(variants[0], "description")
    shown = [] if is_repeated else description
    lines = [f"{indent}// {text}\n" for text in shown]
    if "default" in value:
        lines.append(f"{indent}// default: {_default(value)}\n")
    lines.append(f"{indent}{label}:\n")
    for position, variant in enumerate(variants):
        comments: list[str] = []
        if not (position == 0 and shown):
            comments += [text for text in _text(variant, "description") if text not in description]
        if _is_mapping(variant) and "default" in variant:
            comments.append(f"default: {_default(variant)}")
        type_text = _nullable(variant, indent + "   ")
        lines.append(f"{indent} | {type_text}{_trailing(comments)}\n")
    lines.append(f"{indent},\n")
    return "".join(lines)


def _nullable(schema: object, indent: str) -> str:
    text = typescript_type(schema, indent)
    is_nullable = _is_mapping(schema) and schema.get("nullable") is True
    return f"{text} | null" if is_nullable and "null" not in text else text


def _default(schema: Mapping[str, object]) -> str:
    value = schema["default"]
    if isinstance(value, str):
        return value if _is_enum(schema) else f'"{value}"'
    return json_text(value)


def _trailing(comments: Sequence[str]) -> str:
    return f" // {' '.join(comments)}" if comments else ""


def json_text(value: object) -> str:
    """Return compact JSON with numbers as the reference renderer writes them."""
    match value:
        case bool() | None | str():
            return json.dumps(value, ensure_ascii=False)
        case int() if _INTEGER_MIN <= value <= _INTEGER_MAX:
            return str(value)
        case int() | float():
            return _float_text(float(value))
    if _is_mapping(value):
        items = (f"{json_text(str(name))}:{json_text(item)}" for name, item in value.items())
        return "{" + ",".join(items) + "}"
    if _is_list(value):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _float_text(value: float) -> str:
    """Return the shortest digits, with an exponent below 1e-5 and from 1e16 on."""
    text = repr(value)
    match = _EXPONENT.fullmatch(text)
    if match is None:
        return text
    if match["sign"] == "-" and match["power"] == "5":
        return format(Decimal(text), "f")
    return f"{match['digits']}e{match['sign'].strip('+')}{match['power']}"


def _text(schema: object, key: str) -> list[str]:
    value = schema.get(key) if _is_mapping(schema) else None
    return [value] if isinstance(value, str) else []


def _is_enum(schema: Mapping[str, object]) -> bool:
    values = schema.get("enum")
    return _is_list(values) and len(values) > 0


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)
