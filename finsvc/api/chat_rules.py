"""Which fields of a chat request a model takes; the others are refused by name.

A field is refused when honouring it would change the answer and the model cannot. Neutral values
(OpenAI's defaults) pass everywhere, as do ``user``, ``metadata``, ``safety_identifier`` and
``prompt_cache_key``, which ask for nothing. Agents always sample greedily under their own grammar,
with their own tools, and answer whole or not at all: so they take no sampling, tool, length or
stop field. Raw models take what the engine can do.
"""

from collections.abc import Mapping
from types import MappingProxyType

from finsvc.api.constraints import ToolRules, effort, nucleus, shown, tool_rules
from finsvc.api.schemas import ChatBody
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.services.conversation import (
    ChatMessage,
    ChatOptions,
    ChatRole,
    ChatTool,
    ChatToolCall,
)

_TEXT = {"type": "text"}

# Values that ask for nothing, for models that do not know the field. JSON values, compared whole.
_NEUTRAL: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        "audio": (),
        "frequency_penalty": (0,),
        "function_call": ("none", "auto"),
        "functions": ([],),
        "logit_bias": ({},),
        "modalities": (["text"],),
        "moderation": (),
        "prediction": (),
        "presence_penalty": (0,),
        "prompt_cache_options": (),
        "prompt_cache_retention": (),
        "service_tier": ("auto", "default"),
        "store": (False,),
        "verbosity": ("medium",),
        "web_search_options": (),
    }
)
_NEUTRAL_AGENT: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        **_NEUTRAL,
        "n": (1,),
        "response_format": (_TEXT,),
        "temperature": (0, 1),
        "top_p": (1,),
        "seed": (),
        "stop": ([],),
        "max_tokens": (),
        "max_completion_tokens": (),
        "logprobs": (False,),
        "top_logprobs": (0,),
        "tools": ([],),
        "tool_choice": ("none", "auto"),
        "parallel_tool_calls": (True, False),
        "reasoning_effort": (),
    }
)
# Choices are drawn one after another.
CHOICES_MAX = 8


def agent_question(body: ChatBody) -> str:
    """The question of a request to an agent.

    Raises:
        UnsupportedError: A field is set that an agent would have to ignore.
        InputError: There is not exactly one message, of the user.
    """
    _refuse_others(body, _NEUTRAL_AGENT, kind="agents")
    if len(body.messages) != 1:
        raise InputError(
            field="messages",
            expected="exactly one user message, since agents answer single questions",
            actual=f"{len(body.messages)} messages",
        )
    (message,) = body.messages
    if message.role != "user":
        raise InputError(field="messages.0.role", expected="user", actual=message.role)
    return message.text


def raw_messages(body: ChatBody) -> tuple[ChatMessage, ...]:
    """The conversation of a request to a raw model.

    Raises:
        InputError: A message has fields that its role does not have, or lacks those it needs.
    """
    return tuple(_message(index, body) for index in range(len(body.messages)))


def raw_tools(body: ChatBody) -> ToolRules:
    """The caller's tools and what the model may do with them.

    Raises:
        InputError: The choice does not fit the tools.
        UnsupportedError: The choice is of an unknown kind.
    """
    tools = tuple(
        ChatTool(
            name=tool.function.name,
            description=tool.function.description or "",
            parameters=tool.function.parameters,
            is_strict=bool(tool.function.strict),
            field=f"tools.{index}.function.parameters",
        )
        for index, tool in enumerate(body.tools or ())
    )
    return tool_rules(body.tool_choice, tools)


def raw_options(body: ChatBody) -> ChatOptions:
    """How to sample a request to a raw model.

    Raises:
        UnsupportedError: A field is set that the model would have to ignore.
    """
    _refuse_others(body, _NEUTRAL, kind="raw models")
    if body.finsvc is not None:
        raise _unsupported("finsvc", "options of an agent", expected="none for raw models")
    if body.n is not None and not 1 <= body.n <= CHOICES_MAX:
        raise _unsupported("n", body.n, expected=f"1 to {CHOICES_MAX}")
    if body.top_logprobs is not None and not body.logprobs:
        raise _unsupported("top_logprobs", body.top_logprobs, expected="logprobs true beside it")
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    if "" in stop:
        raise InputError(field="stop", expected="sequences that are not empty", actual="one empty")
    bounds = [item for item in (body.max_completion_tokens, body.max_tokens) if item is not None]
    return ChatOptions(
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=nucleus(body.top_p),
        seed=0 if body.seed is None else body.seed,
        max_tokens=min(bounds, default=None),
        stop=tuple(stop),
        effort=effort(body.reasoning_effort, field="reasoning_effort"),
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        choices=body.n or 1,
    )


def _message(index: int, body: ChatBody) -> ChatMessage:
    message = body.messages[index]
    role = ChatRole(message.role)
    calls = message.tool_calls or []
    if calls and role is not ChatRole.ASSISTANT:
        raise InputError(
            field=f"messages.{index}.tool_calls", expected="none in this role", actual="some"
        )
    if message.tool_call_id is None and role is ChatRole.TOOL:
        raise InputError(
            field=f"messages.{index}.tool_call_id", expected="the id of a call", actual="nothing"
        )
    if message.content is None and not calls:
        raise InputError(field=f"messages.{index}.content", expected="text", actual="nothing")
    if message.name is not None:
        raise _unsupported(f"messages.{index}.name", message.name, expected="no name")
    return ChatMessage(
        role=role,
        content=message.text,
        tool_calls=tuple(
            ChatToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in calls
        ),
        tool_call_id=message.tool_call_id,
    )


def _refuse_others(body: ChatBody, neutral: Mapping[str, tuple[object, ...]], *, kind: str) -> None:
    for field, allowed in neutral.items():
        value = getattr(body, field)
        if value is not None and value not in allowed:
            shown = " or ".join(map(repr, allowed)) or "nothing"
            raise _unsupported(field, value, expected=f"{shown} for {kind}")
    if body.stream_options is not None and not body.stream:
        raise _unsupported("stream_options", "options", expected="stream true beside it")


def _unsupported(field: str, value: object, *, expected: str) -> UnsupportedError:
    return UnsupportedError(field=field, expected=expected, actual=shown(value))
