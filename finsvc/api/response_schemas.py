"""Bodies of ``/v1/responses``: every field that OpenAI defines, checked by the model's rules."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from finsvc.api.schemas import AgentOptions, Body, StreamOptions


class TextContent(Body):
    """A part of a message; other kinds than text are refused."""

    type: Literal["input_text", "output_text", "text"]
    text: str
    annotations: list[JsonValue] | None = None
    logprobs: list[JsonValue] | None = None
    parsed: JsonValue = None


class MessageItem(Body):
    """A message, of the caller or given back from an earlier response."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextContent]
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class CallItem(Body):
    """A call that the model made earlier."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None
    namespace: None = None
    caller: None = None
    parsed_arguments: JsonValue = None


class CallOutputItem(Body):
    """What a called function gave back."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | list[TextContent]
    id: str | None = None
    status: str | None = None
    name: str | None = None
    namespace: None = None
    caller: None = None


class ReasoningContent(Body):
    """A part of the model's reasoning."""

    type: Literal["reasoning_text"]
    text: str


class ReasoningItem(Body):
    """Reasoning given back from an earlier response; it counts until its turn is answered."""

    type: Literal["reasoning"]
    id: str | None = None
    summary: Annotated[list[JsonValue], Field(max_length=0)] | None = None
    content: list[ReasoningContent] | None = None
    encrypted_content: None = None
    status: str | None = None


Item = MessageItem | CallItem | CallOutputItem | ReasoningItem


class FunctionTool(Body):
    """A function that a caller offers."""

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class TextOptions(Body):
    """What the answer must look like."""

    format: JsonValue = None
    verbosity: JsonValue = None


class ReasoningOptions(Body):
    """How much to reason."""

    effort: str | None = None
    summary: JsonValue = None
    generate_summary: JsonValue = None
    context: JsonValue = None
    mode: JsonValue = None


class ResponseBody(Body):
    """A request for a response."""

    model: str
    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    finsvc: AgentOptions | None = None

    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    include: list[str] | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: JsonValue = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningOptions | None = None
    text: TextOptions | None = None

    background: bool | None = None
    context_management: JsonValue = None
    conversation: JsonValue = None
    max_tool_calls: JsonValue = None
    moderation: JsonValue = None
    prompt: JsonValue = None
    prompt_cache_options: JsonValue = None
    prompt_cache_retention: JsonValue = None
    service_tier: str | None = None
    truncation: str | None = None

    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    user: str | None = None
