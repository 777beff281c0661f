"""Grammars of an assistant turn and the token masks they make.

The only module that imports `llguidance`. A turn is described by one Lark text, which alone
recreates every mask: it goes into the audit record, and replay builds the same masks from it.
In the agent mode a model can only
  * call a declared tool with arguments that are spans of the user's message, or
  * answer in words, where a number is either a reference to a result (`[[c1.var|USD|0]]`) or a
    numeric word of the user's message, neither of them joined to anything else.
What a span and a numeric word are is decided in `engine.harmony.spans`.
Source: syntax.md of llguidance 1.9.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from llguidance import LLMatcher, LLTokenizer

from engine.errors import EngineError, TokenMaskError
from engine.harmony.answer_terminals import ANSWER_BEGINNING, answer_slices, answer_terminals
from engine.harmony.messages import ToolSpec
from engine.harmony.spans import numeric_words, span_chunks
from engine.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy.typing as npt

_STOP_TOKENS = ("<|return|>", "<|call|>", "<|end|>")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFERENCE = re.compile(r"\[\[[!-Z\\^-~]{1,120}\]\]")
# First line of a turn's Lark text; a comment to llguidance, a rule for `GrammarMask`.
_BUDGET = re.compile(r"// close after (\d{1,6}) tokens")
ANSWER_TOKENS_MAX = 400
_FAULT_LENGTH_MAX = 300


class GrammarError(EngineError):
    """A grammar cannot be built or has failed while in use.

    Attributes:
        field: The input at fault.
        expected: What it may be.
        actual: What it was.
    """

    code: ClassVar[str] = "grammar"

    def __init__(self, field: str, *, expected: str, actual: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {actual}")
        self.field = field
        self.expected = expected
        self.actual = actual


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentGrammar:
    """An argument of a tool: a string copied from the user's message."""

    name: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolGrammar:
    """A tool that may be called, its arguments in the order in which they are written."""

    name: str
    arguments: tuple[ArgumentGrammar, ...]

    @classmethod
    def from_spec(cls, tool: ToolSpec) -> ToolGrammar:
        """Return the grammar of a declared tool whose parameters are all strings.

        Raises:
            GrammarError: A parameter is not a string.
        """
        schema = tool.parameters or {}
        properties = schema.get("properties", {})
        listed = schema.get("required", ())
        required = set(listed) if isinstance(listed, list | tuple) else set()
        arguments = []
        for name, value in properties.items() if isinstance(properties, Mapping) else ():
            kind = value.get("type") if isinstance(value, Mapping) else None
            if kind != "string":
                raise GrammarError(
                    f"{tool.name}.{name}", expected="type string", actual=f"{kind!r}"
                )
            arguments.append(ArgumentGrammar(name=name, is_required=name in required))
        return cls(name=tool.name, arguments=tuple(arguments))


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRules:
    """Which kinds of turn are allowed.

    Attributes:
        allow_calls: Whether tools may be called.
        allow_answer: Whether the model may answer.
        allow_analysis: Whether an analysis message may come first (for models trained to reason).
        answer_tokens_max: Tokens after which the model must stop as soon as it may.
    """

    allow_calls: bool = True
    allow_answer: bool = True
    allow_analysis: bool = False
    answer_tokens_max: int = ANSWER_TOKENS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTurnGrammar:
    """ASCII text from which `GrammarEngine.mask` makes masks, and its hex SHA-256."""

    lark: str
    digest: str


class GrammarEngine:
    """Makes grammars and masks for one vocabulary; safe to use from several threads.

    Attributes:
        vocab_size: Entries of a mask: those of the model's output.
    """

    def __init__(self, tokenizer: Tokenizer, *, vocab_size: int | None = None) -> None:
        """Build the token tables, once per process and vocabulary (4 s for 201,088 entries).

        Args:
            tokenizer: Vocabulary of the model.
            vocab_size: Width of the model's output, when it exceeds that of the tokenizer.
        """
        self.vocab_size = vocab_size if vocab_size is not None else tokenizer.vocab_size
        eos_id = tokenizer.special_id("<|endoftext|>")
        self._table, self._answer_table = _token_tables(tokenizer.json, self.vocab_size, eos_id)
        stop_ids = tuple(tokenizer.special_id(name) for name in _STOP_TOKENS)
        self._stop_words = _bitmask_of(stop_ids, self.vocab_size)

    def agent_turn(
        self,
        tools: Sequence[ToolGrammar],
        *,
        span_source: str,
        references: Sequence[str],
        rules: TurnRules | None = None,
    ) -> AgentTurnGrammar:
        """Return the grammar of a turn after `<|start|>assistant`.

        Args:
            tools: Tools that may be called.
            span_source: The user's message, from which arguments and numeric words are copied.
            references: Keys of results that an answer may cite, for example `[[c1.var|USD|0]]`.
            rules: Which turns are allowed; calls and answers by default.

        Raises:
            GrammarError: A name or reference is malformed, or no turn is possible.
        """
        lark = _turn_lark(tools, span_source, references, rules or TurnRules())
        return AgentTurnGrammar(lark=lark, digest=hashlib.sha256(lark.encode()).hexdigest())

    def mask(self, lark: str) -> GrammarMask:
        """Return fresh masks of a Lark text, at its beginning.

        Raises:
            GrammarError: The text is not a grammar that can be enforced.
        """
        table = self._answer_table if ANSWER_BEGINNING in lark else self._table
        matcher = LLMatcher(table, LLMatcher.grammar_from_lark(lark), log_level=0)
        if matcher.is_error():
            raise GrammarError("lark", expected="a valid grammar", actual=matcher.get_error())
        budget = _BUDGET.fullmatch(lark.partition("\n")[0])
        return GrammarMask(
            matcher,
            stop_words=self._stop_words,
            budget=int(budget[1]) if budget else None,
        )


class GrammarMask:
    """Masks of one generation, advanced token by token (an `engine.types.TokenMask`)."""

    def __init__(
        self,
        matcher: LLMatcher,
        *,
        stop_words: npt.NDArray[np.uint32],
        budget: int | None,
    ) -> None:
        """Start at the first token of `matcher`."""
        self._matcher = matcher
        self._stop_words = stop_words
        self._budget = budget
        self._num_accepted = 0

    def bitmask(self) -> npt.NDArray[np.uint32]:
        """Return ceil(V/32) words, bit i of word w allowing token 32*w + i.

        Raises:
            GrammarError: The grammar exceeded its bounds of work.
        """
        data = self._matcher.compute_bitmask()
        self._raise_if_failed()
        # The matcher adds a word where the vocabulary fills the last one.
        words = np.frombuffer(data, dtype="<u4")[: self._stop_words.size]
        if self._is_closing:
            closing = words & self._stop_words
            if closing.any():
                return closing
        return words

    def allows(self, token_id: int) -> bool:
        """Whether a token may come next; False when the answer is to be closed if it can be.

        Raises:
            GrammarError: The grammar exceeded its bounds of work.
        """
        if self._is_closing:
            return False
        # Text that the grammar forces has one spelling in a mask; by its bytes it would have many.
        forced = self._matcher.compute_ff_tokens()
        if forced:
            is_allowed = forced[0] == token_id
        else:
            is_allowed = self._matcher.validate_tokens([token_id]) == 1
        self._raise_if_failed()
        return is_allowed

    def accept(self, token_id: int) -> None:
        """Advance past a token.

        Raises:
            TokenMaskError: The grammar does not allow it here.
            GrammarError: The grammar exceeded its bounds of work.
        """
        if not self._matcher.try_consume_tokens([token_id]):
            self._raise_if_failed()
            raise TokenMaskError(
                position=self._num_accepted,
                expected="a token of the mask",
                actual=f"id {token_id}",
            )
        self._raise_if_failed()
        self._num_accepted += 1

    @property
    def is_complete(self) -> bool:
        """Whether the tokens so far are a whole turn."""
        return self._matcher.is_accepting()

    @property
    def _is_closing(self) -> bool:
        return self._budget is not None and self._num_accepted >= self._budget

    def _raise_if_failed(self) -> None:
        if self._matcher.is_error():
            raise GrammarError(
                "mask", expected="a grammar within its bounds", actual=self._matcher.get_error()
            )


def json_schema_fault(schema_text: str) -> str | None:
    """Say why the JSON text of a schema cannot be enforced, or return None.

    Compiles it and computes its first mask, over single bytes: no vocabulary is needed.
    """
    lark = f"start: value\nvalue: %json {schema_text}\n"
    matcher = LLMatcher(_byte_table(), LLMatcher.grammar_from_lark(lark), log_level=0)
    if not matcher.is_error():
        matcher.compute_bitmask()
    if not matcher.is_error():
        return None
    # The first line says what; the others quote the grammar and the parser's state.
    reason = matcher.get_error().partition("\n")[0]
    return reason.rpartition("failed to compile JSON schema: ")[2][:_FAULT_LENGTH_MAX]


@lru_cache(maxsize=1)
def _byte_table() -> LLTokenizer:
    return LLTokenizer("byte")


@lru_cache(maxsize=4)
def _token_tables(
    tokenizer_json: str, vocab_size: int, eos_id: int
) -> tuple[LLTokenizer, LLTokenizer]:
    """Return tables for callers' grammars and for agents' answers; masks of both are the same.

    Slices cost 2 to 6 ms of each grammar's compilation, so only answers have those of answers.
    """
    table = LLTokenizer(tokenizer_json, n_vocab=vocab_size, eos_token=eos_id)
    return table, table.with_slices([*LLTokenizer.general_slices(), *answer_slices()])


def _bitmask_of(token_ids: Sequence[int], vocab_size: int) -> npt.NDArray[np.uint32]:
    words = np.zeros((vocab_size + 31) // 32, dtype="<u4")
    for token_id in token_ids:
        words[token_id // 32] |= np.uint32(1 << (token_id % 32))
    return words


def _turn_lark(
    tools: Sequence[ToolGrammar], span_source: str, references: Sequence[str], rules: TurnRules
) -> str:
    chunks = span_chunks(span_source)
    # Without a span no argument can be written, and a call would be a dead end.
    is_callable = rules.allow_calls and bool(tools) and bool(chunks)
    turns = ["call"] * is_callable + ["answer"] * rules.allow_answer
    if not turns:
        raise GrammarError(
            "rules", expected="a possible turn", actual="no answer, and no call that can be written"
        )
    lines = [f"// close after {rules.answer_tokens_max} tokens"]
    analysis = "analysis? " if rules.allow_analysis else ""
    lines.append(f"start: {analysis}({' | '.join(turns)})")
    if rules.allow_analysis:
        lines += [
            'analysis: <|channel|> "analysis" <|message|> ANALYSIS <|end|> <|start|> "assistant"',
            "ANALYSIS: /(?s:.)*/",
        ]
    if is_callable:
        lines += _call_rules(tools, chunks)
    if rules.allow_answer:
        _check_references(references)
        lines.append('answer: <|channel|> "final" <|message|> ANSWER <|return|>')
        lines += answer_terminals([*numeric_words(span_source), *references])
    return "\n".join(lines) + "\n"


def _call_rules(tools: Sequence[ToolGrammar], chunks: Sequence[str]) -> Iterator[str]:
    for index, tool in enumerate(tools):
        _require_name("tool name", tool.name)
        for argument in tool.arguments:
            _require_name(f"{tool.name} argument", argument.name)
        yield f'tool-{index}: "{tool.name} " header {_arguments(tool.arguments)}'
    choices = " | ".join(f"tool-{index}" for index in range(len(tools)))
    yield f'call: <|channel|> "commentary to=functions." ({choices}) <|call|>'
    yield 'header: <|constrain|> "json" <|message|>'
    yield f"SPAN: RUN & {_SPAN_EDGES}"
    yield f"RUN: %regex {json.dumps({'substring_chunks': list(chunks)})}"


# Spans begin and end with something visible and never reach across a barrier.
_SPAN_EDGES = r"/[^\p{Z}\x00]([^\x00]*[^\p{Z}\x00])?/"


def _arguments(arguments: Sequence[ArgumentGrammar]) -> str:
    """Return the JSON object of arguments in order, optional ones left out or not."""
    rest, first = '"}"', '"{}"'
    # From the last argument to the first: `rest` follows an argument, `first` opens the object.
    for argument in reversed(arguments):
        opening = f'"{{\\"{argument.name}\\":\\"" SPAN "\\"" {rest}'
        following = f'",\\"{argument.name}\\":\\"" SPAN "\\""'
        if argument.is_required:
            rest, first = f"{following} {rest}", opening
        else:
            rest, first = f"({following})? {rest}", f"({opening} | {first})"
    return first


def _check_references(references: Sequence[str]) -> None:
    for reference in references:
        if _REFERENCE.fullmatch(reference) is None:
            raise GrammarError("references", expected="[[key]] in ASCII", actual=repr(reference))


def _require_name(field: str, name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise GrammarError(field, expected="letters, digits, _ and -", actual=repr(name[:80]))
