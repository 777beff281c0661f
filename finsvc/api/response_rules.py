"""What a request for a response means, and which of its fields a model takes.

The rules are those of chat requests (`chat_rules`): what would have to be ignored is refused by
name. Items become messages; what an assistant said in a row becomes one message of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from pydantic import TypeAdapter

from finsvc.api.constraints import ToolRules, answer_format, effort, nucleus, shown, tool_rules
from finsvc.api.response_schemas import (
    CallItem,
    CallOutputItem,
    Item,
    MessageItem,
    ReasoningItem,
    ResponseBody,
    TextContent,
)
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.services.conversation import (
    AnswerFormat,
    ChatMessage,
    ChatOptions,
    ChatRole,
    ChatTool,
    ChatToolCall,
)
from finsvc.services.responses import StoredResponse

_LOGPROBS = "message.output_text.logprobs"
_TEXT = {"type": "text"}
_NEUTRAL: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        "background": (False, True),
        "context_management": (),
        "conversation": (),
        "max_tool_calls": (),
        "moderation": (),
        "prompt": (),
        "prompt_cache_options": (),
        "prompt_cache_retention": (),
        "service_tier": ("auto", "default"),
        "truncation": ("disabled",),
    }
)
_NEUTRAL_AGENT: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        **_NEUTRAL,
        "background": (False,),
        "include": ([],),
        "instructions": (),
        "max_output_tokens": (),
        "parallel_tool_calls": (True, False),
        "previous_response_id": (),
        "reasoning": (),
        "temperature": (0, 1),
        "tool_choice": ("none", "auto"),
        "tools": ([],),
        "top_logprobs": (0,),
        "top_p": (1,),
    }
)
_ITEMS: TypeAdapter[list[Item]] = TypeAdapter(list[Item])


def agent_question(body: ResponseBody) -> str:
    """The question of a request to an agent.

    Raises:
        UnsupportedError: A field is set that an agent would have to ignore.
        InputError: There is not exactly one message, of the user.
    """
    _refuse_others(body, _NEUTRAL_AGENT, kind="agents")
    if body.text is not None and body.text.format not in (None, _TEXT):
        raise _unsupported("text.format", body.text.format, expected="text for agents")
    items = input_items(body)
    only = items[0]
    if len(items) != 1 or not isinstance(only, MessageItem) or only.role != "user":
        raise InputError(
            field="input",
            expected="exactly one user message, since agents answer single questions",
            actual=f"{len(items)} items",
        )
    return _text(only.content)


def input_items(body: ResponseBody) -> list[Item]:
    """The items of a request; a text is a message of the user."""
    if isinstance(body.input, str):
        return [MessageItem(role="user", content=body.input)]
    return list(body.input)


def response_messages(
    body: ResponseBody, history: Sequence[StoredResponse]
) -> tuple[ChatMessage, ...]:
    """The conversation: instructions, what earlier responses hold, then the request's items.

    Raises:
        InputError: An item is out of order.
    """
    items: list[Item] = []
    for earlier in history:
        items += _ITEMS.validate_python(list(earlier.input_items))
        items += _ITEMS.validate_python(earlier.document["output"])
    items += input_items(body)
    leading = []
    if body.instructions:
        leading.append(ChatMessage(role=ChatRole.DEVELOPER, content=body.instructions))
    messages = _messages(items)
    # Operators' items of earlier requests stand in the middle, harmony wants them first.
    operator = [item for item in messages if item.role in (ChatRole.SYSTEM, ChatRole.DEVELOPER)]
    rest = [item for item in messages if item.role not in (ChatRole.SYSTEM, ChatRole.DEVELOPER)]
    return (*leading, *operator, *rest)


def response_tools(body: ResponseBody) -> ToolRules:
    """The caller's tools and what the model may do with them.

    Raises:
        InputError: The choice does not fit the tools.
    """
    tools = tuple(
        ChatTool(
            name=tool.name,
            description=tool.description or "",
            parameters=tool.parameters,
            # OpenAI takes functions of this API for strict; schemas are enforced in any case.
            is_strict=bool(tool.strict),
            field=f"tools.{index}.parameters",
        )
        for index, tool in enumerate(body.tools or ())
    )
    return tool_rules(body.tool_choice, tools)


def response_format(body: ResponseBody) -> AnswerFormat | None:
    """What the answer must look like; None is free text."""
    return None if body.text is None else answer_format(body.text.format, field="text.format")


def response_options(body: ResponseBody) -> ChatOptions:
    """How to sample a request to a raw model.

    Raises:
        UnsupportedError: A field is set that the model would have to ignore.
    """
    _refuse_others(body, _NEUTRAL, kind="raw models")
    if body.finsvc is not None:
        raise _unsupported("finsvc", "options of an agent", expected="none for raw models")
    if body.background and body.stream:
        raise _unsupported("background", body.background, expected="no stream beside it")
    for name in body.include or ():
        if name != _LOGPROBS:
            raise _unsupported("include", name, expected=_LOGPROBS)
    if body.text is not None and body.text.verbosity not in (None, "medium"):
        raise _unsupported("text.verbosity", body.text.verbosity, expected="medium")
    has_logprobs = bool(body.include) or bool(body.top_logprobs)
    return ChatOptions(
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=nucleus(body.top_p),
        max_tokens=body.max_output_tokens,
        effort=effort(_effort(body), field="reasoning.effort"),
        top_logprobs=(body.top_logprobs or 0) if has_logprobs else None,
    )


def _effort(body: ResponseBody) -> str | None:
    if body.reasoning is None:
        return None
    for name in ("summary", "generate_summary", "context", "mode"):
        value = getattr(body.reasoning, name)
        if value is not None:
            raise _unsupported(f"reasoning.{name}", value, expected="nothing")
    return body.reasoning.effort


def _messages(items: Sequence[Item]) -> list[ChatMessage]:
    found: list[ChatMessage] = []
    for item in items:
        match item:
            case MessageItem():
                message = ChatMessage(role=ChatRole(item.role), content=_text(item.content))
            case CallItem():
                call = ChatToolCall(id=item.call_id, name=item.name, arguments=item.arguments)
                message = ChatMessage(role=ChatRole.ASSISTANT, content="", tool_calls=(call,))
            case ReasoningItem():
                text = "\n".join(part.text for part in item.content or ())
                message = ChatMessage(role=ChatRole.ASSISTANT, content="", reasoning=text)
            case CallOutputItem():
                message = ChatMessage(
                    role=ChatRole.TOOL, content=_text(item.output), tool_call_id=item.call_id
                )
        if found and _goes_on(found[-1], message):
            found[-1] = _joined(found[-1], message)
        else:
            found.append(message)
    # Reasoning that nothing followed says nothing to anybody.
    return [message for message in found if message != _EMPTY and not _is_thought(message)]


_EMPTY = ChatMessage(role=ChatRole.ASSISTANT, content="")


def _is_thought(message: ChatMessage) -> bool:
    is_silent = not message.content and not message.tool_calls
    return message.role is ChatRole.ASSISTANT and is_silent


def _goes_on(last: ChatMessage, message: ChatMessage) -> bool:
    """Whether a message is more of the assistant's last one: reasoning, then text, then calls."""
    if last.role is not ChatRole.ASSISTANT or message.role is not ChatRole.ASSISTANT:
        return False
    if message.tool_calls:
        return True
    return _is_thought(last)


def _joined(last: ChatMessage, message: ChatMessage) -> ChatMessage:
    reasoning = "\n".join(text for text in (last.reasoning, message.reasoning) if text)
    return replace(
        last,
        content=last.content or message.content,
        reasoning=reasoning,
        tool_calls=(*last.tool_calls, *message.tool_calls),
    )


def _text(content: str | list[TextContent]) -> str:
    return content if isinstance(content, str) else "".join(part.text for part in content)


def _refuse_others(
    body: ResponseBody, neutral: Mapping[str, tuple[object, ...]], *, kind: str
) -> None:
    for field, allowed in neutral.items():
        value = getattr(body, field)
        if value is not None and value not in allowed:
            expected = " or ".join(map(repr, allowed)) or "nothing"
            raise _unsupported(field, value, expected=f"{expected} for {kind}")
    options = body.stream_options
    if options is not None and (not body.stream or options.include_usage):
        raise _unsupported("stream_options", "options", expected="stream true and no options")


def _unsupported(field: str, value: object, *, expected: str) -> UnsupportedError:
    return UnsupportedError(field=field, expected=expected, actual=shown(value))
