"""Reads the arguments of a requested call against the tool's schema."""

import json
from collections.abc import Sequence

from finsvc.agents.catalogue import AgentTool
from finsvc.domain.errors import InputError
from finsvc.domain.turns import RequestedCall


class _RepeatedNameError(ValueError):
    """An argument given twice: which of the two was meant is anyone's guess."""


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _RepeatedNameError("an argument is given twice")
    return document


def parse_arguments(tool: AgentTool, text: str) -> dict[str, str]:
    """Read the model's arguments against the tool's schema, in the schema's order.

    Raises:
        InputError: Not a JSON object of texts with known names and every required one.
    """
    try:
        document = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise InputError(
            field=tool.name, expected="arguments in JSON", actual=str(error)
        ) from error
    if not isinstance(document, dict):
        raise InputError(field=tool.name, expected="a JSON object", actual=type(document).__name__)
    for name, value in document.items():
        if name not in tool.arguments:
            known = ", ".join(tool.arguments)
            raise InputError(field=tool.name, expected=f"arguments {known}", actual=name)
        if not isinstance(value, str) or not value.strip():
            raise InputError(field=name, expected="text from the question", actual=repr(value))
    for name, is_required in tool.arguments.items():
        if is_required and name not in document:
            raise InputError(field=name, expected="a value", actual="nothing")
    return {name: document[name] for name in tool.arguments if name in document}


def is_well_formed(request: RequestedCall, tools: Sequence[AgentTool]) -> bool:
    """Whether a call names one of the tools and carries arguments that its schema takes."""
    tool = next((tool for tool in tools if tool.name == request.name), None)
    if tool is None:
        return False
    try:
        parse_arguments(tool, request.arguments)
    except InputError:
        return False
    return True
