"""Bodies of requests. Unknown fields are refused by name: nothing a caller sends is ignored."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from finsvc.services.approve import ApprovalVerdict
from finsvc.services.replay import Level


class Body(BaseModel):
    """Base of all bodies; a value of another JSON type than the field's is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = rf"{_DATE}T\d{{2}}:\d{{2}}:\d{{2}}(\.\d+)?(Z|[+-]\d{{2}}:\d{{2}})"


def _written(pattern: str, what: str) -> BeforeValidator:
    """Take text of a form alone; pydantic would take numbers and other forms for dates too."""

    def check(value: object) -> object:
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        raise ValueError(what)

    return BeforeValidator(check)


# JSON has no dates: they are told apart by their form.
JsonDate = Annotated[date, Field(strict=False), _written(_DATE, "a date as 2026-03-31")]
JsonTime = Annotated[
    AwareDatetime,
    Field(strict=False),
    _written(_TIME, "a time with its zone as 2026-03-31T18:00:00Z"),
]
# Positions in the log are 64-bit integers, and the one after is counted on.
_INDEX_MAX = 2**62


class TextPart(Body):
    """A part of a message's content; other kinds than text are refused."""

    type: Literal["text"]
    text: str


class FunctionCall(Body):
    """Name and arguments of a call; the arguments are JSON text."""

    name: str
    arguments: str


class ToolCallBody(Body):
    """A call that an assistant made earlier."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class MessageBody(Body):
    """A message of a conversation, as clients send it and as they send back what they got."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCallBody] | None = None
    tool_call_id: str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None
    annotations: list[JsonValue] | None = None

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class FunctionBody(Body):
    """A function that a caller offers."""

    name: str
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class ToolBody(Body):
    """A tool that a caller offers."""

    type: Literal["function"]
    function: FunctionBody


class StreamOptions(Body):
    """What a stream carries beside the answer."""

    include_usage: bool = False
    include_obfuscation: Literal[False] | None = None


class AgentOptions(Body):
    """Options of the agents, in the field ``finsvc`` of a chat request."""

    book: str | None = None
    as_of: JsonDate | None = None


class ChatBody(Body):
    """A chat completion request: every field that OpenAI defines, checked by the model's rules."""

    model: str
    messages: Annotated[list[MessageBody], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    finsvc: AgentOptions | None = None

    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**64)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    n: int | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: list[ToolBody] | None = None
    tool_choice: JsonValue = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    response_format: JsonValue = None

    audio: JsonValue = None
    frequency_penalty: float | None = None
    function_call: JsonValue = None
    functions: JsonValue = None
    logit_bias: JsonValue = None
    modalities: JsonValue = None
    moderation: JsonValue = None
    prediction: JsonValue = None
    presence_penalty: float | None = None
    prompt_cache_options: JsonValue = None
    prompt_cache_retention: JsonValue = None
    service_tier: str | None = None
    store: bool | None = None
    verbosity: JsonValue = None
    web_search_options: JsonValue = None

    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    user: str | None = None


class RunBody(Body):
    """A question to an agent; a tool's arguments may name ``documents`` instead of copying them."""

    question: str
    book: str | None = None
    as_of: JsonDate | None = None
    documents: Annotated[dict[str, JsonValue], Field(default_factory=dict)]
    stream: bool = False


class ApprovalBody(Body):
    """A decision about a held answer."""

    verdict: Annotated[ApprovalVerdict, Field(strict=False)]
    comment: Annotated[str, Field(min_length=1, max_length=2000)]


Term = Annotated[str, Field(min_length=1, max_length=200)] | None


class SelectionBody(Body):
    """Decisions to replay: all within the bounds, or a sample of them."""

    first: Annotated[int, Field(ge=0, le=_INDEX_MAX)] | None = None
    last: Annotated[int, Field(ge=0, le=_INDEX_MAX)] | None = None
    since: JsonTime | None = None
    until: JsonTime | None = None
    sample: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[str, Field(max_length=200)] = ""


class ReplayBody(Body):
    """A replay to run: of one decision or of a selection."""

    decision_id: str | None = None
    selection: SelectionBody | None = None
    level: Annotated[Level, Field(strict=False)] = Level.R3


class SearchQuery(BaseModel):
    """What to look for in the log; all of it must be met. Of a query string, so all is text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Term = None
    tenant: Term = None
    session: Term = None
    purpose: Term = None
    client: Term = None
    book: Term = None
    verdict: Term = None
    decision: Term = None
    tool: Term = None
    number: Term = None
    since: JsonTime | None = None
    until: JsonTime | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: Annotated[int, Field(ge=-1, le=_INDEX_MAX)] = -1


class ReportBody(Body):
    """A report to run; without a date, the last one that the book's data share."""

    name: str
    book: str
    as_of: JsonDate | None = None
