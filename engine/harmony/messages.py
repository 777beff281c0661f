"""Values of a harmony conversation.

Owns the roles, channels, control tokens, tool declarations and messages, and the rules which
fields a message of a role may have. Rendering is in `engine.harmony.render`.
Source: docs/format.md of openai/harmony 0.0.8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from engine.harmony.errors import HarmonyMessageError, HarmonyNameError

FUNCTIONS_NAMESPACE = "functions"
# OpenAI's rule for function names; it also keeps a name one word of a message header.
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ControlToken(Enum):
    """A formatting token. Not a string on purpose: text that spells one is never equal to it."""

    START = "<|start|>"
    END = "<|end|>"
    MESSAGE = "<|message|>"
    CHANNEL = "<|channel|>"
    CONSTRAIN = "<|constrain|>"
    RETURN = "<|return|>"
    CALL = "<|call|>"


class Role(StrEnum):
    """Author of a message, in falling order of authority."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Channel(StrEnum):
    """Audience of an assistant message.

    Analysis is never shown to a user, commentary carries calls and preambles, final the answer.
    """

    ANALYSIS = "analysis"
    COMMENTARY = "commentary"
    FINAL = "final"


class ReasoningEffort(StrEnum):
    """Length of reasoning that the system message asks for."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A function the model may call, declared in the namespace `functions`.

    Attributes:
        name: 1 to 64 of letters, digits, `_`, `-`, without the namespace.
        description: Shown above the declaration; one comment line per line.
        parameters: JSON Schema of the arguments, in the order to show; None takes no arguments.
    """

    name: str
    description: str
    parameters: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        _require_tool_name("tool name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPrompt:
    """Contents of the system message.

    Attributes:
        identity: First line, who the model is.
        knowledge_cutoff: Year and month.
        current_date: ISO date, or None: a date in the prompt makes every day a new prompt.
        effort: Reasoning effort.
        channels: Channels the model is told to use.
    """

    identity: str
    knowledge_cutoff: str = "2024-06"
    current_date: str | None = None
    effort: ReasoningEffort = ReasoningEffort.LOW
    channels: tuple[Channel, ...] = (Channel.ANALYSIS, Channel.COMMENTARY, Channel.FINAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperPrompt:
    """Contents of the developer message: instructions and the tools that may be called."""

    instructions: str | None = None
    tools: tuple[ToolSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message after the developer message.

    Build it with the class methods, which set the fields that belong together.

    Attributes:
        role: USER, ASSISTANT or TOOL; prompts have their own types.
        content: Text as written, control spellings included as plain text.
        channel: Required for ASSISTANT, commentary for TOOL, None for USER.
        tool_name: Of a call the tool called, of a TOOL message its author; without namespace.
    """

    role: Role
    content: str
    channel: Channel | None = None
    tool_name: str | None = None

    def __post_init__(self) -> None:
        if self.tool_name is not None:
            _require_tool_name("tool_name", self.tool_name)
        expected = self._broken_rule()
        if expected is not None:
            raise HarmonyMessageError(
                f"{self.role.value} message",
                expected=expected,
                actual=f"channel {self.channel}, tool_name {self.tool_name}",
            )

    def _broken_rule(self) -> str | None:
        match self.role:
            case Role.USER:
                fits = self.channel is None and self.tool_name is None
                return None if fits else "no channel and no tool_name"
            case Role.TOOL:
                fits = self.channel is Channel.COMMENTARY and self.tool_name is not None
                return None if fits else "channel commentary and a tool_name"
            case Role.ASSISTANT:
                if self.channel is None:
                    return "a channel"
                fits = self.tool_name is None or self.channel is Channel.COMMENTARY
                return None if fits else "calls on channel commentary"
            case Role.SYSTEM | Role.DEVELOPER:
                return "role user, assistant or tool (prompts have their own types)"

    @classmethod
    def user(cls, content: str) -> Message:
        """Return a user's message."""
        return cls(role=Role.USER, content=content)

    @classmethod
    def analysis(cls, content: str) -> Message:
        """Return reasoning of the model; dropped from the prompt once its turn is answered."""
        return cls(role=Role.ASSISTANT, content=content, channel=Channel.ANALYSIS)

    @classmethod
    def preamble(cls, content: str) -> Message:
        """Return commentary to the user without a call."""
        return cls(role=Role.ASSISTANT, content=content, channel=Channel.COMMENTARY)

    @classmethod
    def final(cls, content: str) -> Message:
        """Return the answer of a turn."""
        return cls(role=Role.ASSISTANT, content=content, channel=Channel.FINAL)

    @classmethod
    def tool_call(cls, name: str, arguments: str) -> Message:
        """Return a call of a function with its arguments as JSON text."""
        return cls(
            role=Role.ASSISTANT, content=arguments, channel=Channel.COMMENTARY, tool_name=name
        )

    @classmethod
    def tool_result(cls, name: str, content: str) -> Message:
        """Return what a called function gave back."""
        return cls(role=Role.TOOL, content=content, channel=Channel.COMMENTARY, tool_name=name)

    @property
    def is_call(self) -> bool:
        """Whether the assistant calls a function here."""
        return self.role is Role.ASSISTANT and self.tool_name is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A system prompt, an optional developer prompt and the messages so far."""

    system: SystemPrompt
    developer: DeveloperPrompt | None = None
    messages: tuple[Message, ...] = ()


def _require_tool_name(field: str, name: str) -> None:
    if _TOOL_NAME.fullmatch(name) is None:
        raise HarmonyNameError(
            field, expected="1 to 64 characters of A-Z a-z 0-9 _ -", actual=repr(name[:80])
        )
