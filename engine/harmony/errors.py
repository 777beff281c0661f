"""Errors of the harmony renderer.

    EngineError
    └── HarmonyError            a conversation cannot be written in the harmony format
        ├── HarmonyNameError        a tool name or recipient is not an identifier
        └── HarmonyMessageError     a message contradicts its role

Parsing never raises: what a model writes is data (`engine.harmony.parse`).
"""

from __future__ import annotations

from typing import ClassVar

from engine.errors import EngineError


class HarmonyError(EngineError):
    """A conversation cannot be written in the harmony format.

    Attributes:
        field: Name of the field at fault.
        expected: What it may be.
        actual: What it was.
    """

    code: ClassVar[str] = "harmony_error"

    def __init__(self, field: str, *, expected: str, actual: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {actual}")
        self.field = field
        self.expected = expected
        self.actual = actual


class HarmonyNameError(HarmonyError):
    """A tool name or recipient would not survive as one word of a message header."""

    code: ClassVar[str] = "harmony_name"


class HarmonyMessageError(HarmonyError):
    """A message has a channel, recipient or author that its role does not allow."""

    code: ClassVar[str] = "harmony_message"
