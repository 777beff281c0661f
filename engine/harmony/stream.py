"""Assistant turns from token ids as they are generated: total, whatever a model writes.

Never raises for a token stream and never puts the spelling of a control token in a field. What had
to be mended is named in `Turn.repairs`; what cannot be understood safely is dropped, and text whose
audience is unknown counts as analysis, so reasoning is never taken for an answer.
A call counts when its recipient is a declared tool and its arguments are one JSON object that
satisfies the tool's schema, whatever channel it is on. Nothing after the first `<|call|>` or
`<|return|>` counts, since a model that went on wrote results of its own; of several answers the
first counts, since a stream cannot take it back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum, auto
from functools import lru_cache

from engine.harmony.arguments import ArgumentsCheck, is_json_object
from engine.harmony.clean_text import SpellingFilter, Utf8Reader
from engine.harmony.header import Header, HeaderFault, read_header, read_joined
from engine.harmony.messages import FUNCTIONS_NAMESPACE, Channel, ControlToken
from engine.harmony.turn import (
    CallMade,
    Delta,
    Repair,
    Repaired,
    TextKind,
    ToolCall,
    Turn,
    TurnEvent,
)
from engine.tokenizer import Tokenizer

# The space keeps words that follow without a channel apart from the role.
_IMPLIED_ROLE = "assistant "


class _Place(Enum):
    """Where in a turn the next token stands."""

    BETWEEN = auto()
    HEADER = auto()
    TEXT = auto()
    ARGUMENTS = auto()
    DROPPED = auto()
    AFTER = auto()


class TurnStream:
    """Reads what a model generates after `<|start|>assistant`.

    Take ids in pieces of any size, then call `end`. How the ids are cut changes how deltas are
    cut and nothing else: joined deltas, calls and repairs are the same, and those of `turn`.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        declared_tools: Collection[str],
        *,
        check: ArgumentsCheck | None = None,
    ) -> None:
        """Start before the first token; see `engine.harmony.parse.parse_turn`."""
        self._table = tokenizer.token_bytes
        self._plain = _plain_texts(tokenizer)
        self._is_special = tokenizer.is_special
        self._controls = {
            tokenizer.special_ids[token.value]: token
            for token in ControlToken
            if token.value in tokenizer.special_ids
        }
        self._declared = frozenset(declared_tools)
        self._check = check
        self._utf8 = Utf8Reader()
        self._spellings = SpellingFilter()
        # The message being read.
        self._place = _Place.HEADER
        self._items: list[ControlToken | str] = [_IMPLIED_ROLE]
        self._header: Header | None = None
        self._arguments: list[str] = []
        # Kind of the text being read, and whether a line feed must set it off from the last one.
        self._kind = TextKind.ANALYSIS
        self._needs_break = False
        # Results.
        self._position = 0
        self._texts: dict[TextKind, list[str]] = {kind: [] for kind in TextKind}
        self._shown: list[TextKind] = []
        self._has_final = False
        self._calls: list[ToolCall] = []
        self._repairs: dict[Repair, None] = {}
        self._reasoning_tokens = 0
        # Events not returned yet; `_pieces` are of kind `_pieces_kind` and come after `_events`.
        self._events: list[TurnEvent] = []
        self._pieces: list[str] = []
        self._pieces_kind = TextKind.ANALYSIS

    @property
    def is_in_final(self) -> bool:
        """Whether the last id, unless special, is part of the answer's text."""
        return self._place is _Place.TEXT and self._kind is TextKind.FINAL

    def take(self, token_ids: Iterable[int]) -> list[TurnEvent]:
        """Return what the next ids say. Any integers."""
        for token_id in token_ids:
            text = self._plain.get(token_id)
            if text is not None and self._utf8.is_idle:
                self._read(text)
            else:
                self._take_other(token_id)
            self._position += 1
        return self._flushed()

    def end(self) -> list[TurnEvent]:
        """Return what is left; no more ids may follow."""
        self._end_bytes()
        if self._place not in (_Place.BETWEEN, _Place.AFTER):
            self._close(None)
        return self._flushed()

    @property
    def turn(self) -> Turn:
        """The turn as read so far; whole after `end`."""
        texts = {kind: "".join(parts) if parts else None for kind, parts in self._texts.items()}
        final = (texts[TextKind.FINAL] or "") if self._has_final else None
        preamble = texts[TextKind.PREAMBLE]
        if self._calls and final is not None:
            shown = [texts[kind] for kind in dict.fromkeys(self._shown)]
            preamble = "\n".join(text for text in shown if text) or None
            final = None
        return Turn(
            calls=tuple(self._calls),
            final=final,
            analysis=texts[TextKind.ANALYSIS],
            preamble=preamble,
            repairs=tuple(self._repairs),
            reasoning_tokens=self._reasoning_tokens,
        )

    def _take_other(self, token_id: int) -> None:
        """Take an id that is no whole text: a control token, a part of a character, nothing."""
        if self._place is _Place.AFTER:
            self._repair(Repair.TRAILING_TOKENS)
            return
        control = self._controls.get(token_id)
        if control is not None:
            self._end_bytes()
            self._take_control(control)
            return
        data = self._table[token_id] if 0 <= token_id < len(self._table) else None
        if data is None or self._is_special(token_id):
            self._repair(Repair.STRAY_CONTROL)
        else:
            self._read(self._utf8.read(data))
            self._note_bytes()

    def _end_bytes(self) -> None:
        if not self._utf8.is_idle:
            text = self._utf8.end()
            self._note_bytes()
            self._add(text)

    def _note_bytes(self) -> None:
        if self._utf8.has_replaced:
            self._repair(Repair.INVALID_UTF8)

    def _read(self, text: str) -> None:
        """Read the text of one token, which may be empty."""
        if self._place is _Place.TEXT and self._kind is TextKind.ANALYSIS:
            self._reasoning_tokens += 1
        if text:
            self._add(text)

    def _add(self, text: str) -> None:
        match self._place:
            case _Place.TEXT:
                if "<" in text or not self._spellings.is_idle:
                    text = self._spellings.read(text)
                    if self._spellings.has_removed:
                        self._repair(Repair.CONTROL_SPELLING)
                if text:
                    self._emit(text)
            case _Place.ARGUMENTS:
                self._arguments.append(text)
            case _Place.HEADER:
                self._items.append(text)
            case _Place.BETWEEN:
                self._repair(Repair.MISSING_START)
                self._open([text])
            case _Place.AFTER:
                self._repair(Repair.TRAILING_TOKENS)
            case _Place.DROPPED:
                pass

    def _take_control(self, token: ControlToken) -> None:
        match token:
            case ControlToken.START:
                self._start()
            case ControlToken.END | ControlToken.CALL | ControlToken.RETURN:
                if self._place is _Place.BETWEEN:
                    self._repair(Repair.STRAY_CONTROL)
                else:
                    self._close(token)
                if token is not ControlToken.END:
                    self._place = _Place.AFTER
            case ControlToken.CHANNEL | ControlToken.CONSTRAIN | ControlToken.MESSAGE:
                self._mark(token)

    def _start(self) -> None:
        if self._place is _Place.HEADER:
            self._repair(Repair.DOUBLED_START)
        elif self._place is not _Place.BETWEEN:
            self._repair(Repair.MISSING_END)
            self._close(ControlToken.END)
        if self._place is not _Place.AFTER:
            self._open([])

    def _mark(self, token: ControlToken) -> None:
        if self._place is _Place.BETWEEN:
            self._repair(Repair.MISSING_START)
            self._open([])
        if self._place is _Place.HEADER:
            if token is ControlToken.MESSAGE:
                self._begin(read_header(self._items))
            else:
                self._items.append(token)
        elif token is ControlToken.CHANNEL:
            # A header in the middle of a content begins a new message.
            self._repair(Repair.MISSING_END)
            self._close(ControlToken.END)
            if self._place is not _Place.AFTER:
                self._repair(Repair.MISSING_START)
                self._open([_IMPLIED_ROLE, token])
        else:
            is_message = token is ControlToken.MESSAGE
            self._repair(Repair.DOUBLED_MESSAGE if is_message else Repair.STRAY_CONTROL)

    def _open(self, items: list[ControlToken | str]) -> None:
        self._place = _Place.HEADER
        self._items = items
        self._header = None

    def _begin(self, header: Header) -> None:
        """Find the place of the content that follows a header."""
        self._header = header
        self._place = _Place.DROPPED
        if header.is_foreign:
            # Results and questions are not the model's to write.
            self._repair(Repair.FOREIGN_ROLE)
            return
        for fault in header.faults:
            self._repair(_FAULTS[fault])
        if header.recipients:
            self._place = _Place.ARGUMENTS
            self._arguments = []
            return
        kind = _KINDS[header.channel]
        if kind is TextKind.FINAL and self._has_final:
            self._repair(Repair.SEVERAL_FINALS)
            return
        if kind is TextKind.FINAL:
            self._has_final = True
            if self._calls:
                self._repair(Repair.FINAL_BESIDE_CALL)
        self._place = _Place.TEXT
        self._kind = kind
        self._needs_break = bool(self._texts[kind])

    def _close(self, end: ControlToken | None) -> None:
        """End the message being read at a control token, or where generation stopped."""
        if self._place is _Place.HEADER:
            if self._is_blank():
                # The message stopped before it said anything.
                self._repair(Repair.TRUNCATED if end is None else Repair.MISSING_MESSAGE)
                self._place = _Place.BETWEEN
                return
            self._repair(Repair.MISSING_MESSAGE)
            header, content = read_joined(self._items)
            self._begin(header)
            if content:
                self._add(content)
        if self._place is _Place.ARGUMENTS and self._header is not None:
            self._close_call(self._header, end)
        elif self._place is _Place.TEXT:
            if end is None:
                self._repair(Repair.TRUNCATED)
            if rest := self._spellings.end():
                self._emit(rest)
            self._spellings = SpellingFilter()
        # What follows a foreign message builds on it.
        is_foreign = self._header is not None and self._header.is_foreign
        self._place = _Place.AFTER if is_foreign else _Place.BETWEEN

    def _is_blank(self) -> bool:
        words = "".join(item for item in self._items if isinstance(item, str)).split()
        return ControlToken.CHANNEL not in self._items and set(words) <= {"assistant"}

    def _close_call(self, header: Header, end: ControlToken | None) -> None:
        content = "".join(self._arguments)
        name = self._recipient(header)
        if name is None:
            self._repair(Repair.UNKNOWN_TOOL)
        elif end is None:
            # More might have followed; an unfinished call is not a call.
            self._repair(Repair.TRUNCATED_ARGUMENTS)
        elif not is_json_object(content):
            self._repair(Repair.INVALID_ARGUMENTS)
        elif self._check is not None and not self._check(name, content.strip()):
            self._repair(Repair.ARGUMENTS_AGAINST_SCHEMA)
        else:
            self._note_call(header, end)
            call = ToolCall(name=name, arguments=content.strip())
            self._calls.append(call)
            self._push(CallMade(call=call))

    def _note_call(self, header: Header, end: ControlToken) -> None:
        if self._has_final:
            self._repair(Repair.FINAL_BESIDE_CALL)
        if header.channel is Channel.ANALYSIS:
            self._repair(Repair.CALL_ON_ANALYSIS)
        if header.channel is Channel.FINAL:
            self._repair(Repair.CALL_ON_FINAL)
        if not header.is_constrained:
            self._repair(Repair.MISSING_CONSTRAIN)
        if header.is_recipient_in_role:
            self._repair(Repair.RECIPIENT_IN_ROLE)
        if end is not ControlToken.CALL:
            self._repair(Repair.CALL_NOT_ENDED_BY_CALL)

    def _recipient(self, header: Header) -> str | None:
        """Return the one declared tool that the header names, if it is one."""
        prefix = f"{FUNCTIONS_NAMESPACE}."
        named = {name.removeprefix(prefix) for name in header.recipients}
        declared = named & self._declared
        if len(named) > 1:
            self._repair(Repair.RECIPIENT_AMBIGUOUS)
        if len(declared) != 1:
            return None
        (name,) = declared
        if f"{prefix}{name}" not in header.recipients:
            self._repair(Repair.RECIPIENT_WITHOUT_NAMESPACE)
        return name

    def _emit(self, text: str) -> None:
        kind = self._kind
        if self._needs_break:
            text = f"\n{text}"
            self._needs_break = False
        if kind is not self._pieces_kind:
            self._flush()
            self._pieces_kind = kind
            if kind is not TextKind.ANALYSIS:
                self._shown.append(kind)
        self._texts[kind].append(text)
        self._pieces.append(text)

    def _repair(self, repair: Repair) -> None:
        if repair not in self._repairs:
            self._repairs[repair] = None
            self._push(Repaired(repair=repair, position=self._position))

    def _push(self, event: TurnEvent) -> None:
        self._flush()
        self._events.append(event)

    def _flush(self) -> None:
        if self._pieces:
            self._events.append(Delta(kind=self._pieces_kind, text="".join(self._pieces)))
            self._pieces = []

    def _flushed(self) -> list[TurnEvent]:
        self._flush()
        events, self._events = self._events, []
        return events


_FAULTS = {
    HeaderFault.GARBAGE: Repair.HEADER_GARBAGE,
    HeaderFault.MISSING_CHANNEL: Repair.MISSING_CHANNEL,
    HeaderFault.UNKNOWN_CHANNEL: Repair.UNKNOWN_CHANNEL,
}
_KINDS = {
    Channel.ANALYSIS: TextKind.ANALYSIS,
    Channel.COMMENTARY: TextKind.PREAMBLE,
    Channel.FINAL: TextKind.FINAL,
    None: TextKind.ANALYSIS,
}


@lru_cache(maxsize=4)
def _plain_texts(tokenizer: Tokenizer) -> dict[int, str]:
    """Return the tokens that are whole characters and not special, the way of nearly all ids."""
    texts: dict[int, str] = {}
    for token_id, data in enumerate(tokenizer.token_bytes):
        if data is None or tokenizer.is_special(token_id):
            continue
        text = data.decode("utf-8", "replace")
        if "\ufffd" not in text:
            texts[token_id] = text
    return texts
