"""What a caller asks of calls and answers, read the same way for both of OpenAI's APIs.

They differ in nesting alone: Chat Completions put a function's name and a schema one level deeper.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.services.conversation import AnswerFormat, ChatTool, Effort, ToolUse

_SHOWN_CHARACTERS = 60
# An answer in JSON mode is an object; harmony wants a name for its schema.
_JSON_OBJECT: Mapping[str, object] = {"type": "object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRules:
    """Which tools the model is told of, which it may call, and whether it must."""

    tools: tuple[ChatTool, ...]
    use: ToolUse = ToolUse.AUTO
    names: frozenset[str] | None = None


def tool_rules(choice: JsonValue, tools: Sequence[ChatTool]) -> ToolRules:
    """Read ``tool_choice``: none, auto, required, a function, or a choice of allowed ones.

    Raises:
        InputError: It names a tool that the request does not offer, or needs one and has none.
        UnsupportedError: It is of another kind.
    """
    declared = tuple(tools)
    if choice in (None, "auto"):
        return ToolRules(tools=declared)
    if choice == "none":
        return ToolRules(tools=())
    if choice == "required":
        return _named(declared, None, ToolUse.REQUIRED)
    if isinstance(choice, dict) and choice.get("type") == "function":
        return _named(declared, [_function_name(choice)], ToolUse.REQUIRED)
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return _allowed(declared, choice)
    expected = "none, auto, required, a function or allowed_tools"
    raise UnsupportedError(field="tool_choice", expected=expected, actual=shown(choice))


def answer_format(value: JsonValue, *, field: str) -> AnswerFormat | None:
    """Read ``response_format`` or ``text.format``; None is free text.

    A schema is enforced whether or not it is marked strict.

    Raises:
        InputError: A field is missing or of the wrong kind.
        UnsupportedError: Another kind of format, or an unknown field.
    """
    kind = value.get("type") if isinstance(value, dict) else value
    if kind in (None, "text"):
        return None
    if kind == "json_object":
        return AnswerFormat(name="json", description="", schema=_JSON_OBJECT, field=field)
    if kind != "json_schema" or not isinstance(value, dict):
        expected = "type text, json_object or json_schema"
        raise UnsupportedError(field=f"{field}.type", expected=expected, actual=shown(value))
    nested = value.get("json_schema")
    is_nested = "json_schema" in value
    body = nested if is_nested else {key: item for key, item in value.items() if key != "type"}
    place = f"{field}.json_schema" if is_nested else field
    return _json_schema(body, place)


def effort(given: str | None, *, field: str) -> Effort:
    """Read the reasoning effort; low unless asked for.

    Raises:
        UnsupportedError: More than gpt-oss knows.
    """
    if given is None:
        return Effort.LOW
    if given not in list(Effort):
        known = ", ".join(item.value for item in Effort)
        raise UnsupportedError(field=field, expected=f"one of {known}", actual=shown(given))
    return Effort(given)


def nucleus(given: float | None) -> float:
    """Read ``top_p``; zero leaves the most likely token, as the smallest share does."""
    return 1.0 if given is None else max(given, sys.float_info.min)


def shown(value: object) -> str:
    """A value as errors quote it."""
    return repr(value)[:_SHOWN_CHARACTERS]


def _allowed(declared: tuple[ChatTool, ...], choice: Mapping[str, JsonValue]) -> ToolRules:
    nested = choice.get("allowed_tools")
    body = nested if isinstance(nested, dict) else choice
    mode, listed = body.get("mode"), body.get("tools")
    if mode not in ("auto", "required"):
        raise InputError(field="tool_choice.mode", expected="auto or required", actual=shown(mode))
    if not isinstance(listed, list) or not listed:
        raise InputError(field="tool_choice.tools", expected="tools", actual=shown(listed))
    names = [_function_name(item if isinstance(item, dict) else {}) for item in listed]
    return _named(declared, names, ToolUse(mode))


def _function_name(value: Mapping[str, JsonValue]) -> str:
    function = value.get("function")
    name = function.get("name") if isinstance(function, dict) else value.get("name")
    if not isinstance(name, str):
        raise InputError(field="tool_choice", expected="the name of a function", actual=shown(name))
    return name


def _named(declared: tuple[ChatTool, ...], names: Sequence[str] | None, use: ToolUse) -> ToolRules:
    known = {tool.name for tool in declared}
    if not declared:
        raise InputError(field="tool_choice", expected="tools to choose from", actual="none")
    unknown = [name for name in names or () if name not in known]
    if unknown:
        expected = f"a tool of the request ({', '.join(sorted(known)[:25])})"
        raise InputError(field="tool_choice", expected=expected, actual=shown(unknown[0]))
    return ToolRules(tools=declared, use=use, names=None if names is None else frozenset(names))


def _json_schema(body: JsonValue, place: str) -> AnswerFormat:
    if not isinstance(body, dict):
        raise InputError(field=place, expected="an object", actual=shown(body))
    unknown = sorted(body.keys() - {"name", "description", "schema", "strict"})
    if unknown:
        raise UnsupportedError(
            field=f"{place}.{unknown[0]}", expected="a known field", actual=shown(unknown[0])
        )
    name, schema, note = body.get("name"), body.get("schema"), body.get("description") or ""
    if not isinstance(name, str) or not name:
        raise InputError(field=f"{place}.name", expected="a name", actual=shown(name))
    if not isinstance(note, str):
        raise InputError(field=f"{place}.description", expected="text", actual=shown(note))
    if not isinstance(schema, dict):
        raise InputError(field=f"{place}.schema", expected="a JSON Schema", actual=shown(schema))
    return AnswerFormat(name=name, description=note, schema=schema, field=f"{place}.schema")
