"""The shape of one training row: a tool list and a stream of dialogues about it.

Owns the value types that the generator hands to the packer. Every argument value is a
contiguous span of the dialogue's user message; every result is compact JSON text whose keys
are the references that the final sentence may cite.
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.harmony.messages import ToolSpec

INSTRUCTIONS = (
    "Answer with the tools. Copy each argument from the question as written. "
    "Cite results by their keys; never write a number yourself. "
    "Ask back when something essential is missing. Decline what no tool can answer."
)


class Kind(StrEnum):
    """What the dialogue teaches."""

    ONE_CALL = "one_call"
    SEVERAL_CALLS = "several_calls"
    OUT_OF_SCOPE = "out_of_scope"
    ABSENT_TOOL = "absent_tool"
    ASK_BACK = "ask_back"


class Agent(StrEnum):
    """The service's agents; each has a fixed tool list."""

    AUTO = "auto"
    RISK = "risk"
    MARKET = "market"
    COMPLIANCE = "compliance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One tool call and its result.

    `arguments` are (name, value) pairs in schema order, values copied from the user message;
    `result` is compact JSON text without spaces, non-ASCII characters unescaped.
    """

    tool: str
    arguments: tuple[tuple[str, str], ...]
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """One question, its 0 to 3 calls and the final sentence.

    `intents` names the canonical intents in call order, or what was asked for where no call
    follows (empty for out-of-scope text that resembles no tool).
    """

    user: str
    steps: tuple[Step, ...]
    final: str
    kind: Kind
    intents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One tool list with independent dialogues about it."""

    tools: tuple[ToolSpec, ...]
    instructions: str
    dialogues: tuple[Dialogue, ...]
