"""The grammar of a whole turn for callers of the completion APIs.

One Lark text describes everything after `<|start|>assistant`: reasoning, preambles, a call of one
of the allowed tools or an answer, headers included, so that no turn can be malformed. Recipients
may stand in either section and calls on either channel, as gpt-oss writes them. Like that of an
agent's turn the text alone recreates every mask (`engine.grammar.GrammarEngine.mask`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.grammar import GrammarError
from engine.grammar_schema import ANY_OBJECT, EnforceableSchema, SchemaError, enforceable

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TOOLS_MAX = 128
# Sum over the schemas of a request; compiling takes about 1 ms for 5,000 bytes.
SCHEMAS_BYTES_MAX = 262_144


class ToolUse(StrEnum):
    """Whether the model may, must or must not call."""

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallableTool:
    """A tool that may be called.

    Attributes:
        name: Without namespace.
        parameters: JSON Schema of the arguments; None takes any object.
        is_strict: Whether the schema must be enforced; otherwise it is where that is possible.
        field: Place of the schema in the caller's request, for errors.
    """

    name: str
    parameters: Mapping[str, object] | None
    is_strict: bool = False
    field: str = "tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRules:
    """What a turn may be.

    Attributes:
        tools: Those that may be called now, so for a named choice that one alone.
        use: Whether they may or must be called.
        answer_schema: JSON Schema of the answer; None is free text.
        answer_field: Place of that schema in the caller's request, for errors.
        allow_analysis: Whether the model may reason first.
    """

    tools: tuple[CallableTool, ...] = ()
    use: ToolUse = ToolUse.AUTO
    answer_schema: Mapping[str, object] | None = None
    answer_field: str = "response_format"
    allow_analysis: bool = True


def completion_lark(rules: CompletionRules) -> str:
    """Return the Lark text of a turn's grammar; ASCII.

    Raises:
        SchemaError: A schema exceeds a limit or cannot be enforced.
        GrammarError: A name is malformed or declared twice, or no turn is possible.
    """
    _check(rules)
    can_call = bool(rules.tools) and rules.use is not ToolUse.NONE
    turns = ["call", "role_call"] * can_call + ["answer"] * (rules.use is not ToolUse.REQUIRED)
    before = ["analysis"] * rules.allow_analysis + ["preamble"] * can_call
    lines = [f"start: ({' | '.join(before)})* ({' | '.join(turns)})"]
    if before:
        lines.append("TEXT: /(?s:.)*/")
    else:
        lines = [f"start: {' | '.join(turns)}"]
    for name, channel in (("analysis", "analysis"), ("preamble", "commentary")):
        if name in before:
            message = f'<|channel|> "{channel}" <|message|> TEXT <|end|>'
            lines.append(f'{name}: {message} <|start|> "assistant"')
    schemas: list[EnforceableSchema] = []
    if can_call:
        schemas = [_arguments(tool) for tool in rules.tools]
        lines += _call_rules(rules.tools, schemas)
    if "answer" in turns:
        if rules.answer_schema is None:
            lines += ['answer: <|channel|> "final" <|message|> ANSWER <|return|>']
            lines += ["ANSWER: /(?s:.)*/"]
        else:
            schemas.append(enforceable(rules.answer_schema, field=rules.answer_field))
            # gpt-oss marks structured answers in this way, or not at all.
            mark = '(" "? <|constrain|> "json")?'
            lines += [f'answer: <|channel|> "final" {mark} <|message|> value <|return|>']
            lines += [f"value: %json {schemas[-1].text}"]
    size = sum(len(schema.text) for schema in schemas)
    if size > SCHEMAS_BYTES_MAX:
        expected = f"schemas of at most {SCHEMAS_BYTES_MAX} bytes in all"
        raise SchemaError("tools", expected=expected, actual=str(size))
    return "\n".join(lines) + "\n"


def _check(rules: CompletionRules) -> None:
    names = [tool.name for tool in rules.tools]
    if len(names) > TOOLS_MAX:
        raise GrammarError("tools", expected=f"at most {TOOLS_MAX}", actual=str(len(names)))
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise GrammarError("tools", expected="letters, digits, _ and -", actual=repr(name[:80]))
    if len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise GrammarError("tools", expected="different names", actual=f"{doubled} twice")
    if rules.use is ToolUse.REQUIRED and not rules.tools:
        raise GrammarError("tools", expected="a tool to call", actual="none")


def _arguments(tool: CallableTool) -> EnforceableSchema:
    if tool.parameters is None:
        return ANY_OBJECT
    try:
        return enforceable(tool.parameters, field=tool.field)
    except SchemaError:
        if tool.is_strict:
            raise
        return ANY_OBJECT


def _call_rules(
    tools: Sequence[CallableTool], schemas: Sequence[EnforceableSchema]
) -> Iterator[str]:
    """Yield calls with the recipient in the channel section, and in the role section."""
    for index, (tool, schema) in enumerate(zip(tools, schemas, strict=True)):
        yield f'call_{index}: "{tool.name}" form args_{index}'
        yield f'role_{index}: "{tool.name}" <|channel|> channel form args_{index}'
        yield f"args_{index}: %json {schema.text}"
    for rule, head in (("call", "<|channel|> channel "), ("role_call", "")):
        prefix = rule.removesuffix("_call")
        choices = " | ".join(f"{prefix}_{index}" for index in range(len(tools)))
        yield f'{rule}: {head}" to=functions." ({choices}) <|call|>'
    yield 'channel: "commentary" | "analysis"'
    yield 'form: (" "? <|constrain|> "json" | " json") <|message|>'
