"""Words of plain completions: messages, tools, what an answer must look like, tokens.

They are neither OpenAI's nor harmony's; the surface and the adapter translate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from finsvc.domain.errors import FinsvcError


class ConstraintError(FinsvcError):
    """A finished turn breaks a schema that its grammar should have kept; it is not handed out."""

    code = "constraint_failed"


class ChatRole(StrEnum):
    """Author of a message; prompts of the operator come before all others."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Effort(StrEnum):
    """Length of reasoning asked for.

    gpt-oss knows low, medium and high; MINIMAL is low to it, NONE is low and its grammar leaves no
    room for reasoning.
    """

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class FinishReason(StrEnum):
    """Why a completion ended, in OpenAI's words and ``cancelled`` for a caller who left."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CANCELLED = "cancelled"


class ToolUse(StrEnum):
    """Whether the model may or must call a tool."""

    AUTO = "auto"
    REQUIRED = "required"


class TextKind(StrEnum):
    """Whom a text is for: the caller as the answer, or whoever wants to see the reasoning."""

    ANSWER = "answer"
    REASONING = "reasoning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A token with its natural-log probability; ``data`` are its bytes."""

    data: bytes
    logprob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChoice:
    """A token of the answer with the most likely ones in its place, best first."""

    chosen: Candidate
    top: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPiece:
    """More text of a kind, as it is sampled; the tokens of it that were asked to be shown."""

    kind: TextKind
    text: str
    logprobs: tuple[TokenChoice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatToolCall:
    """A call of a caller's tool; ``arguments`` is the text of a JSON object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message. ``tool_call_id`` belongs to TOOL, calls and reasoning to ASSISTANT."""

    role: ChatRole
    content: str
    tool_calls: tuple[ChatToolCall, ...] = ()
    tool_call_id: str | None = None
    reasoning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTool:
    """A function the caller offers.

    Attributes:
        parameters: A JSON Schema; None takes any object.
        is_strict: Whether a schema that no grammar can enforce is refused; others are enforced.
        field: Place of the schema in the request, for errors.
    """

    name: str
    description: str
    parameters: Mapping[str, object] | None
    is_strict: bool = False
    field: str = "tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFormat:
    """A JSON Schema that the answer satisfies; ``field`` is its place in the request."""

    name: str
    description: str
    schema: Mapping[str, object]
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """How to sample. ``max_tokens`` None leaves it to the model's bound; ``stop`` ends the text.

    Of ``choices`` several, each is drawn with a seed of its own, counted up from ``seed``.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    effort: Effort = Effort.LOW
    top_logprobs: int | None = None
    choices: int = 1
