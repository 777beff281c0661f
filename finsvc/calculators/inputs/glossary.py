"""What every field of the inputs means, with unit and sign, for schemas and pages.

``glossary.json`` maps a field's name, or ``Model.name`` where models differ, to a sentence. A
description of the model itself goes before it.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def glossary() -> Mapping[str, str]:
    """The sentences by name."""
    text = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    return {str(name): str(meaning) for name, meaning in json.loads(text).items()}


def described(schema: Mapping[str, object]) -> dict[str, object]:
    """A JSON Schema of a model whose fields, and those of its parts, have descriptions."""
    found = dict(schema)
    found["properties"] = _fields(str(schema.get("title")), schema.get("properties"))
    parts = schema.get("$defs")
    if isinstance(parts, Mapping):
        found["$defs"] = {
            name: {**part, "properties": _fields(name, part["properties"])}
            if "properties" in part
            else part
            for name, part in parts.items()
        }
    return found


def _fields(model: str, properties: object) -> dict[str, object]:
    found: dict[str, object] = {}
    if not isinstance(properties, Mapping):
        return found
    for name, part in properties.items():
        meaning = glossary().get(f"{model}.{name}") or glossary().get(name)
        is_stated = meaning is None or "description" in part or "const" in part
        found[name] = part if is_stated else {**part, "description": meaning}
    return found
