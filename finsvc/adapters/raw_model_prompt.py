"""Conversations of plain completions as harmony's, and the grammar of their continuation.

Operators' messages become the developer message, since harmony keeps the system message for the
model's own settings. A call's identifier exists only for the caller; harmony knows tools by name.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from engine.grammar import GrammarError
from engine.grammar_turn import CallableTool, CompletionRules, completion_lark
from engine.grammar_turn import ToolUse as EngineToolUse
from engine.harmony.messages import (
    Conversation,
    DeveloperPrompt,
    Message,
    ReasoningEffort,
    SystemPrompt,
    ToolSpec,
)
from finsvc.adapters.engine import IDENTITY
from finsvc.adapters.schema_check import AnswerCheck, SchemaCheck
from finsvc.domain.errors import InputError
from finsvc.services.chat import ChatCommand, TurnChecks
from finsvc.services.conversation import (
    AnswerFormat,
    ChatMessage,
    ChatRole,
    ChatTool,
    Effort,
    ToolUse,
)

_OPERATOR = (ChatRole.SYSTEM, ChatRole.DEVELOPER)
_EFFORTS = {
    Effort.NONE: ReasoningEffort.LOW,
    Effort.MINIMAL: ReasoningEffort.LOW,
    Effort.LOW: ReasoningEffort.LOW,
    Effort.MEDIUM: ReasoningEffort.MEDIUM,
    Effort.HIGH: ReasoningEffort.HIGH,
}


def conversation(command: ChatCommand) -> Conversation:
    """The conversation as harmony's.

    Raises:
        InputError: A message is out of order.
        HarmonyError: A name cannot be written.
    """
    leading = 0
    while leading < len(command.messages) and command.messages[leading].role in _OPERATOR:
        leading += 1
    operator, rest = command.messages[:leading], command.messages[leading:]
    if not rest:
        raise InputError(field="messages", expected="a message of the user", actual="none")
    tools = tuple(
        ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters)
        for tool in command.tools
    )
    texts = [message.content for message in operator]
    if command.answer is not None:
        texts.append(_response_format(command.answer))
    instructions = "\n\n".join(texts) or None
    has_developer = instructions is not None or bool(tools)
    return Conversation(
        system=SystemPrompt(identity=IDENTITY, effort=_EFFORTS[command.options.effort]),
        developer=DeveloperPrompt(instructions=instructions, tools=tools)
        if has_developer
        else None,
        messages=tuple(_History(rest, offset=leading)),
    )


def grammar(command: ChatCommand) -> str:
    """The grammar of the whole turn that continues the conversation.

    Objects get their declared properties alone where a schema leaves open whether there are more:
    what a caller did not describe says nothing to it, and weak models write such properties until
    their answer is cut.

    Raises:
        InputError: A tool or schema cannot be enforced.
    """
    answer = command.answer
    is_required = command.tool_use is ToolUse.REQUIRED
    rules = CompletionRules(
        tools=tuple(
            CallableTool(
                name=tool.name,
                parameters=None if tool.parameters is None else _closed(tool.parameters),
                is_strict=tool.is_strict,
                field=tool.field,
            )
            for tool in callable_tools(command)
        ),
        use=EngineToolUse.REQUIRED if is_required else EngineToolUse.AUTO,
        answer_schema=None if answer is None else _closed(answer.schema),
        answer_field="response_format" if answer is None else answer.field,
        allow_analysis=command.options.effort is not Effort.NONE,
    )
    try:
        return completion_lark(rules)
    except GrammarError as error:
        raise InputError(field=error.field, expected=error.expected, actual=error.actual) from error


# Beside these, what an object's own properties are is said elsewhere too.
_OPENING = frozenset(
    {
        *("additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames"),
        *("allOf", "anyOf", "oneOf", "not", "if", "$ref", "$dynamicRef", "minProperties"),
        *("dependentSchemas", "dependencies"),
    }
)


def _closed(schema: Mapping[str, object]) -> dict[str, object]:
    """A schema that allows what this one does, but for properties that it does not declare."""
    result = dict(schema)
    properties, items = schema.get("properties"), schema.get("items")
    if isinstance(properties, Mapping):
        result["properties"] = {
            name: _closed(part) if isinstance(part, Mapping) else part
            for name, part in properties.items()
        }
        required = schema.get("required")
        names = required if isinstance(required, list | tuple) else ()
        if _OPENING.isdisjoint(schema) and set(names) <= set(properties):
            result["additionalProperties"] = False
    if isinstance(items, Mapping):
        result["items"] = _closed(items)
    return result


def checks(command: ChatCommand) -> TurnChecks:
    """A second opinion on arguments and answer.

    Raises:
        InputError: A schema is no JSON Schema.
    """
    by_name = {tool.name: _argument_check(tool) for tool in callable_tools(command)}

    def check_call(name: str, arguments: str) -> bool:
        return by_name[name](name, arguments)

    answer = command.answer
    return TurnChecks(
        call=check_call,
        answer=None if answer is None else AnswerCheck(answer.schema, field=answer.field),
    )


def callable_tools(command: ChatCommand) -> tuple[ChatTool, ...]:
    """The tools that may be called in this turn."""
    names = command.callable_names
    return tuple(tool for tool in command.tools if names is None or tool.name in names)


def _argument_check(tool: ChatTool) -> SchemaCheck:
    try:
        return SchemaCheck({tool.name: tool.parameters})
    except InputError as error:
        # The check counts the schemas it was given, the request all tools.
        raise InputError(field=tool.field, expected=error.expected, actual=error.actual) from error


def _response_format(answer: AnswerFormat) -> str:
    """What harmony tells a model about the form of its answer; the grammar enforces it."""
    note = f"// {answer.description}\n" if answer.description else ""
    schema = json.dumps(answer.schema, ensure_ascii=False, separators=(",", ":"))
    return f"# Response Formats\n\n## {answer.name}\n\n{note}{schema}"


class _History:
    """The messages after the operator's, as harmony's: every call followed by its result."""

    def __init__(self, messages: Sequence[ChatMessage], *, offset: int) -> None:
        self.messages = messages
        self.offset = offset

    def __iter__(self) -> Iterator[Message]:
        results = self._results()
        for index, message in enumerate(self.messages):
            match message.role:
                case ChatRole.USER:
                    yield Message.user(message.content)
                case ChatRole.ASSISTANT:
                    yield from self._assistant(index, message, results)
                case ChatRole.TOOL:
                    self._check_called(index, message)
                case ChatRole.SYSTEM | ChatRole.DEVELOPER:
                    raise self._wrong(index, "role", "system messages at the begin", "one later")

    def _results(self) -> Mapping[str, str]:
        return {
            message.tool_call_id: message.content
            for message in self.messages
            if message.role is ChatRole.TOOL and message.tool_call_id is not None
        }

    def _assistant(
        self, index: int, message: ChatMessage, results: Mapping[str, str]
    ) -> Iterator[Message]:
        if message.reasoning:
            yield Message.analysis(message.reasoning)
        if message.content:
            build = Message.preamble if message.tool_calls else Message.final
            yield build(message.content)
        for call in message.tool_calls:
            if call.id not in results:
                raise self._wrong(index, "tool_calls", "a tool message for each", call.id)
            yield Message.tool_call(call.name, call.arguments)
            yield Message.tool_result(call.name, results[call.id])

    def _check_called(self, index: int, message: ChatMessage) -> None:
        called = {call.id for item in self.messages[:index] for call in item.tool_calls}
        if message.tool_call_id not in called:
            actual = repr(message.tool_call_id)
            raise self._wrong(index, "tool_call_id", "the id of an earlier call", actual)

    def _wrong(self, index: int, field: str, expected: str, actual: str) -> InputError:
        name = f"messages.{index + self.offset}.{field}"
        return InputError(field=name, expected=expected, actual=actual)
