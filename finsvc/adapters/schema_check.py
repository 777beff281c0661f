"""Second opinion on what grammars made: JSON Schema by a validator that shares no code with them.

The only file of the service that imports jsonschema-rs. Schemas never reach for other documents.
"""

import json
from collections.abc import Mapping
from typing import Never, Protocol

import jsonschema_rs

from finsvc.domain.errors import InputError


class _Validator(Protocol):
    def is_valid(self, instance: object) -> bool: ...


class SchemaCheck:
    """Checks the arguments of declared tools; an `engine.harmony.arguments.ArgumentsCheck`."""

    def __init__(self, schemas: Mapping[str, Mapping[str, object] | None]) -> None:
        """Compile the schema of each tool by name; None takes any object.

        Raises:
            InputError: One is no JSON Schema.
        """
        self._validators = {
            name: _validator(schema, field=f"tools.{index}.function.parameters")
            for index, (name, schema) in enumerate(schemas.items())
            if schema is not None
        }

    def __call__(self, name: str, arguments: str) -> bool:
        """Whether JSON text satisfies the schema of the tool."""
        validator = self._validators.get(name)
        return validator is None or _is_valid(validator, arguments)


class AnswerCheck:
    """Checks an answer against the schema that the caller asked for."""

    def __init__(self, schema: Mapping[str, object], *, field: str = "response_format") -> None:
        """Compile the schema.

        Raises:
            InputError: It is no JSON Schema.
        """
        self._validator = _validator(schema, field=field)

    def __call__(self, text: str) -> bool:
        """Whether the text is JSON that satisfies the schema."""
        return _is_valid(self._validator, text)


def _is_valid(validator: _Validator, text: str) -> bool:
    try:
        return validator.is_valid(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _validator(schema: Mapping[str, object], *, field: str) -> _Validator:
    try:
        validator: _Validator = jsonschema_rs.validator_for(
            dict(schema), validate_formats=True, retriever=_refuse
        )
    except (ValueError, TypeError) as error:
        first_line = str(error).partition("\n")[0][:200]
        raise InputError(field=field, expected="a JSON Schema", actual=first_line) from error
    return validator


def _refuse(uri: str) -> Never:
    raise ValueError(f"reference to another document: {uri[:200]}")
