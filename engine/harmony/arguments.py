"""Arguments of a call as a model writes them."""

from __future__ import annotations

import json
from collections.abc import Callable

from engine.harmony.clean_text import CONTROL_SPELLING

# Whether a JSON object satisfies the schema of the tool of this name. It must not raise.
ArgumentsCheck = Callable[[str, str], bool]


def is_json_object(text: str) -> bool:
    """Whether the text is one JSON object without duplicate keys or control spellings."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # Escapes can hide a spelling, so the decoded strings are searched.
        plain = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and CONTROL_SPELLING.search(plain) is None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("duplicate key")
    return values


def _refuse_constant(name: str) -> object:
    raise ValueError(name)
