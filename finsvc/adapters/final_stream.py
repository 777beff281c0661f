"""A turn's texts while a model is still writing it, and where a stop sequence ends the answer.

What is answer and what is reasoning is decided by the engine's parser, so text that streams is text
of the record. What a model says to the user before a call is answer too, on a line of its own; but
where the answer is to be JSON it would spoil that, so there it is shown beside calls alone.
"""

from collections.abc import Callable, Collection, Sequence

from engine.harmony.stream import TurnStream
from engine.harmony.turn import Delta, TextKind, Turn, TurnEvent
from engine.tokenizer import Tokenizer
from finsvc.services.conversation import TextKind as PieceKind
from finsvc.services.conversation import TextPiece, TokenChoice


class FinalStream:
    """Takes token ids one by one and emits the answer's and the reasoning's text."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        stops: Sequence[str],
        on_text: Callable[[TextPiece], None],
        tools: Collection[str] = (),
        check: Callable[[str, str], bool] | None = None,
        is_answer_json: bool = False,
    ) -> None:
        self._tokenizer = tokenizer
        self._turn = TurnStream(tokenizer, tools, check=check)
        self._stops = tuple(stops)
        self._on_text = on_text
        self._is_answer_json = is_answer_json
        self._held: list[str] = []
        self._last: TextKind | None = None
        self._pending = ""
        self._position = 0
        self._emitted: list[str] = []
        self._next: TokenChoice | None = None
        self._choices: list[TokenChoice] = []
        self.content_positions: list[int] = []
        """Positions, among the tokens taken, of those that carry the final message's text."""
        self.is_stopped = False
        """Whether a stop sequence was met; nothing is emitted after it."""

    @property
    def text(self) -> str:
        """All of the answer emitted so far."""
        return "".join(self._emitted)

    @property
    def turn(self) -> Turn:
        """The turn as read so far; whole after `finish`."""
        return self._turn.turn

    def note(self, choice: TokenChoice) -> None:
        """Note how likely the token is that is taken next; it leaves with its text or before."""
        self._next = choice

    def take(self, token_id: int) -> None:
        """Take the next sampled token."""
        position = self._position
        self._position += 1
        choice, self._next = self._next, None
        if self.is_stopped:
            return
        # A network may have more outputs than the vocabulary has tokens; those say nothing.
        table = self._tokenizer.token_bytes
        has_text = token_id < len(table) and table[token_id] is not None
        if self._turn.is_in_final and has_text and not self._tokenizer.is_special(token_id):
            self.content_positions.append(position)
            self._choices += [] if choice is None else [choice]
        self._add(self._turn.take((token_id,)))

    def finish(self) -> None:
        """Emit what is left once the last token was taken."""
        if self.is_stopped:
            return
        self._add(self._turn.end())
        if self._turn.turn.calls:
            self._pending += "".join(self._held)
        self._flush(is_last=True)

    def _add(self, events: Sequence[TurnEvent]) -> None:
        for event in events:
            if not isinstance(event, Delta):
                continue
            if event.kind is TextKind.ANALYSIS:
                self._on_text(TextPiece(kind=PieceKind.REASONING, text=event.text))
            elif event.kind is TextKind.PREAMBLE and self._is_answer_json:
                self._held.append(event.text)
            else:
                is_other = self._last not in (None, event.kind)
                self._pending += f"\n{event.text}" if is_other else event.text
                self._last = event.kind
                self._flush(is_last=False)

    def _flush(self, *, is_last: bool) -> None:
        if self.is_stopped:
            return
        text = self._pending
        cut = min((at for stop in self._stops if (at := text.find(stop)) >= 0), default=None)
        if cut is not None:
            self.is_stopped = True
            text, keep = text[:cut], 0
        else:
            keep = 0 if is_last else self._held_back(text)
        ready, self._pending = text[: len(text) - keep], text[len(text) - keep :]
        if ready:
            self._emitted.append(ready)
            choices, self._choices = tuple(self._choices), []
            self._on_text(TextPiece(kind=PieceKind.ANSWER, text=ready, logprobs=choices))

    def _held_back(self, text: str) -> int:
        """Length of the tail that may belong to a stop sequence."""
        longest = 0
        for stop in self._stops:
            for length in range(min(len(stop) - 1, len(text)), longest, -1):
                if text.endswith(stop[:length]):
                    longest = length
                    break
        return longest
