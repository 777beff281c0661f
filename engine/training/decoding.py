"""Dialogues decoded for real: prompts, grammars and turns as the service makes them.

Reproduces the service's way of a question with the engine alone: one greedy generation a turn, one
grammar a turn, results appended as messages. Tool results are the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.engine import Engine
from engine.grammar import GrammarEngine, ToolGrammar
from engine.harmony.messages import (
    Conversation,
    DeveloperPrompt,
    Message,
    SystemPrompt,
    ToolSpec,
)
from engine.harmony.parse import parse_turn
from engine.harmony.render import render_conversation
from engine.harmony.turn import Turn
from engine.training.rows import IDENTITY
from engine.types import GenerationRequest

# As in the service.
_NEW_TOKENS_MAX = 512
_CALLS_MAX = 8
_STOP_TOKENS = ("<|return|>", "<|call|>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as the model wrote it; `arguments` are (name, value) pairs in its order."""

    name: str
    arguments: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What became of a question.

    Attributes:
        calls: Calls made.
        final: The answer; None if a turn could not be used, or if `respond` ended the dialogue.
        num_tokens: Tokens generated.
    """

    calls: tuple[Call, ...]
    final: str | None
    num_tokens: int


# Returns the JSON text of a call's result given the calls so far, or None to end the dialogue.
Respond = Callable[[tuple[Call, ...]], str | None]


class Decoder:
    """Decodes dialogues greedily, with or without grammars."""

    def __init__(self, engine: Engine, *, use_grammar: bool = True) -> None:
        self._engine = engine
        self._grammars = None
        if use_grammar:
            vocab_size = engine.info.config.vocab_size
            self._grammars = GrammarEngine(engine.tokenizer, vocab_size=vocab_size)
        self._stop_ids = frozenset(engine.tokenizer.special_id(name) for name in _STOP_TOKENS)

    def decode(
        self, user: str, tools: Sequence[ToolSpec], *, instructions: str, respond: Respond
    ) -> Transcript:
        """Puts a user message to the model and lets it call until it answers."""
        messages = [Message.user(user)]
        calls: list[Call] = []
        references: list[str] = []
        num_tokens = 0
        while True:
            conversation = Conversation(
                system=SystemPrompt(identity=IDENTITY),
                developer=DeveloperPrompt(instructions=instructions, tools=tuple(tools)),
                messages=tuple(messages),
            )
            turn, num = self._turn(conversation, user, references)
            num_tokens += num
            call = _call(turn)
            if call is None or len(calls) == _CALLS_MAX:
                final = turn.final if call is None else None
                return Transcript(calls=tuple(calls), final=final, num_tokens=num_tokens)
            calls.append(call)
            result = respond(tuple(calls))
            if result is None:
                return Transcript(calls=tuple(calls), final=None, num_tokens=num_tokens)
            references += json.loads(result)
            messages.append(Message.tool_call(call.name, turn.calls[0].arguments))
            messages.append(Message.tool_result(call.name, result))

    def _turn(
        self, conversation: Conversation, user: str, references: Sequence[str]
    ) -> tuple[Turn, int]:
        tokenizer = self._engine.tokenizer
        tools = conversation.developer.tools if conversation.developer is not None else ()
        mask = None
        if self._grammars is not None:
            grammar = self._grammars.agent_turn(
                [ToolGrammar.from_spec(tool) for tool in tools],
                span_source=user,
                references=references,
            )
            mask = self._grammars.mask(grammar.lark)
        request = GenerationRequest(
            prompt_ids=tuple(render_conversation(conversation, tokenizer)),
            max_new_tokens=_NEW_TOKENS_MAX,
            stop_ids=self._stop_ids,
        )
        ids = self._engine.generate(request, mask=mask).token_ids
        return parse_turn(ids, tokenizer, {tool.name for tool in tools}), len(ids)


def _call(turn: Turn) -> Call | None:
    """The turn's first call, if its arguments are a JSON object of strings."""
    if not turn.calls:
        return None
    first = turn.calls[0]
    try:
        arguments = json.loads(first.arguments)
    except ValueError:
        return None
    if not isinstance(arguments, dict):
        return None
    return Call(name=first.name, arguments=tuple((k, str(v)) for k, v in arguments.items()))
