"""Assistant turns from token ids: total, whatever a model writes.

Never raises for a token stream and never puts the spelling of a control token in a field. What had
to be mended is named in `Turn.repairs`; what cannot be understood safely is dropped, and text whose
audience is unknown counts as analysis, so reasoning is never taken for an answer.
A call counts when its recipient is a declared tool and its arguments are one JSON object, whatever
channel it is on; the schema is the service's to check. Nothing after the first `<|call|>` or
`<|return|>` counts, since a model that went on wrote results of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from engine.harmony.header import Header, HeaderFault, read_header, read_joined
from engine.harmony.messages import Channel, ControlToken
from engine.harmony.turn import Repair, ToolCall, Turn
from engine.tokenizer import Tokenizer

# The space keeps words that follow without a channel apart from the role.
_IMPLIED_ROLE = "assistant "
_CONTROL_SPELLING = re.compile(r"<\|[A-Za-z0-9_]+\|>")


def parse_turn(
    token_ids: Sequence[int], tokenizer: Tokenizer, declared_tools: Collection[str]
) -> Turn:
    """Parse what a model generated after `<|start|>assistant`.

    Args:
        token_ids: Generated ids, with the stop token if one was met. Any integers.
        tokenizer: Vocabulary of the ids.
        declared_tools: Names of the tools that may be called, without namespace.
    """
    reader = _Reader(frozenset(declared_tools))
    for item in _items(token_ids, tokenizer, reader.repairs):
        if reader.is_over:
            reader.repairs.append(Repair.TRAILING_TOKENS)
            break
        reader.read(item)
    return reader.turn()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    text: str
    num_tokens: int


_Item = ControlToken | _Text


def _items(
    token_ids: Sequence[int], tokenizer: Tokenizer, repairs: list[Repair]
) -> Iterable[_Item]:
    """Split ids into control tokens and runs of text; other special ids are dropped."""
    controls = {tokenizer.special_ids.get(token.value): token for token in ControlToken}
    table = tokenizer.token_bytes
    run: list[bytes] = []
    for token_id in token_ids:
        control = controls.get(token_id)
        if control is not None:
            yield from _flushed(run, repairs)
            yield control
            continue
        known = table[token_id] if 0 <= token_id < len(table) else None
        if known is None or tokenizer.is_special(token_id):
            repairs.append(Repair.STRAY_CONTROL)
        else:
            run.append(known)
    yield from _flushed(run, repairs)


def _flushed(run: list[bytes], repairs: list[Repair]) -> Iterable[_Text]:
    if not run:
        return
    data, num_tokens = b"".join(run), len(run)
    run.clear()
    text = data.decode("utf-8", "replace")
    if text.encode() != data:
        repairs.append(Repair.INVALID_UTF8)
    yield _Text(text=text, num_tokens=num_tokens)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A message being read: its header until `<|message|>`, then its content."""

    header: list[ControlToken | str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    num_tokens: int = 0
    has_message: bool = False

    @property
    def is_blank(self) -> bool:
        return not self.has_message and not any(
            item is ControlToken.CHANNEL
            or (isinstance(item, str) and item.strip() not in ("", "assistant"))
            for item in self.header
        )


class _Reader:
    """Takes the items of a turn one by one and collects its messages."""

    def __init__(self, declared: frozenset[str]) -> None:
        self._declared = declared
        self._draft: _Draft | None = _Draft(header=[_IMPLIED_ROLE])
        self._calls: list[ToolCall] = []
        self._finals: list[str] = []
        self._analysis: list[str] = []
        self._preamble: list[str] = []
        self._reasoning_tokens = 0
        self.repairs: list[Repair] = []
        self.is_over = False

    def read(self, item: _Item) -> None:
        match item:
            case ControlToken.START:
                self._start()
            case ControlToken.END | ControlToken.CALL | ControlToken.RETURN:
                self._end(item)
            case ControlToken():
                self._mark(item)
            case _Text():
                self._text(item)

    def turn(self) -> Turn:
        if self._draft is not None and not self.is_over:
            self._close(None)
        if self._calls and self._finals:
            self.repairs.append(Repair.FINAL_BESIDE_CALL)
            self._finals.clear()
        if len(self._finals) > 1:
            self.repairs.append(Repair.SEVERAL_FINALS)
        return Turn(
            calls=tuple(self._calls),
            final=self._finals[-1] if self._finals else None,
            analysis=_joined(self._analysis),
            preamble=_joined(self._preamble),
            repairs=tuple(dict.fromkeys(self.repairs)),
            reasoning_tokens=self._reasoning_tokens,
        )

    def _start(self) -> None:
        draft = self._draft
        if draft is not None and draft.has_message:
            self.repairs.append(Repair.MISSING_END)
            self._close(ControlToken.END)
        elif draft is not None:
            self.repairs.append(Repair.DOUBLED_START)
        self._draft = _Draft()

    def _end(self, token: ControlToken) -> None:
        if self._draft is None:
            self.repairs.append(Repair.STRAY_CONTROL)
        else:
            self._close(token)
        self._draft = None
        self.is_over = self.is_over or token is not ControlToken.END

    def _mark(self, token: ControlToken) -> None:
        draft = self._opened()
        if not draft.has_message:
            draft.header.append(token)
            draft.has_message = token is ControlToken.MESSAGE
        elif token is ControlToken.CHANNEL:
            # A header in the middle of a content begins a new message.
            self.repairs += [Repair.MISSING_END, Repair.MISSING_START]
            self._close(ControlToken.END)
            self._draft = _Draft(header=[_IMPLIED_ROLE, token])
        else:
            is_message = token is ControlToken.MESSAGE
            self.repairs.append(Repair.DOUBLED_MESSAGE if is_message else Repair.STRAY_CONTROL)

    def _text(self, item: _Text) -> None:
        draft = self._opened()
        if draft.has_message:
            draft.content.append(item.text)
            draft.num_tokens += item.num_tokens
        else:
            draft.header.append(item.text)

    def _opened(self) -> _Draft:
        if self._draft is None:
            self.repairs.append(Repair.MISSING_START)
            self._draft = _Draft()
        return self._draft

    def _close(self, end: ControlToken | None) -> None:
        draft = self._draft or _Draft()
        self._draft = None
        if draft.is_blank:
            # The message stopped before it said anything.
            self.repairs.append(Repair.TRUNCATED if end is None else Repair.MISSING_MESSAGE)
            return
        if draft.has_message:
            header, content = read_header(draft.header), "".join(draft.content)
        else:
            self.repairs.append(Repair.MISSING_MESSAGE)
            header, content = read_joined(draft.header)
        if header.is_foreign:
            # Results and questions are not the model's to write; what follows builds on them.
            self.repairs.append(Repair.FOREIGN_ROLE)
            self.is_over = True
            return
        self.repairs += [_FAULTS[fault] for fault in header.faults]
        if header.recipients:
            self._add_call(header, content, end)
        else:
            self._add_text(header, content, draft.num_tokens, end)

    def _add_call(self, header: Header, content: str, end: ControlToken | None) -> None:
        name = self._recipient(header)
        if name is None:
            self.repairs.append(Repair.UNKNOWN_TOOL)
        elif not _is_json_object(content):
            is_cut = end is None
            self.repairs.append(Repair.TRUNCATED_ARGUMENTS if is_cut else Repair.INVALID_ARGUMENTS)
        elif end is None:
            # More might have followed; an unfinished call is not a call.
            self.repairs.append(Repair.TRUNCATED_ARGUMENTS)
        else:
            self._calls.append(ToolCall(name=name, arguments=content.strip()))
            self._note_call(header, end)

    def _note_call(self, header: Header, end: ControlToken) -> None:
        if header.channel is Channel.ANALYSIS:
            self.repairs.append(Repair.CALL_ON_ANALYSIS)
        if header.channel is Channel.FINAL:
            self.repairs.append(Repair.CALL_ON_FINAL)
        if not header.is_constrained:
            self.repairs.append(Repair.MISSING_CONSTRAIN)
        if header.is_recipient_in_role:
            self.repairs.append(Repair.RECIPIENT_IN_ROLE)
        if end is not ControlToken.CALL:
            self.repairs.append(Repair.CALL_NOT_ENDED_BY_CALL)

    def _recipient(self, header: Header) -> str | None:
        """Return the one declared tool that the header names, if it is one."""
        named = {name.removeprefix("functions.") for name in header.recipients}
        declared = named & self._declared
        if len(named) > 1:
            self.repairs.append(Repair.RECIPIENT_AMBIGUOUS)
        if len(declared) != 1:
            return None
        (name,) = declared
        if f"functions.{name}" not in header.recipients:
            self.repairs.append(Repair.RECIPIENT_WITHOUT_NAMESPACE)
        return name

    def _add_text(
        self, header: Header, content: str, num_tokens: int, end: ControlToken | None
    ) -> None:
        if end is None:
            self.repairs.append(Repair.TRUNCATED)
        clean = _without_spellings(content)
        if clean != content:
            self.repairs.append(Repair.CONTROL_SPELLING)
        match header.channel:
            case Channel.FINAL:
                self._finals.append(clean)
            case Channel.COMMENTARY:
                self._preamble.append(clean)
            case Channel.ANALYSIS | None:
                self._analysis.append(clean)
                self._reasoning_tokens += num_tokens


_FAULTS = {
    HeaderFault.GARBAGE: Repair.HEADER_GARBAGE,
    HeaderFault.MISSING_CHANNEL: Repair.MISSING_CHANNEL,
    HeaderFault.UNKNOWN_CHANNEL: Repair.UNKNOWN_CHANNEL,
}


def _joined(texts: Sequence[str]) -> str | None:
    return "\n".join(texts) if texts else None


def _without_spellings(text: str) -> str:
    """Return the text without control spellings, also those that removing one would form."""
    while True:
        shorter = _CONTROL_SPELLING.sub("", text)
        if shorter == text:
            return text
        text = shorter


def _is_json_object(text: str) -> bool:
    """Whether the text is one JSON object without duplicate keys or control spellings."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # Escapes can hide a spelling, so the decoded strings are searched.
        plain = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and _CONTROL_SPELLING.search(plain) is None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("duplicate key")
    return values


def _refuse_constant(name: str) -> object:
    raise ValueError(name)
