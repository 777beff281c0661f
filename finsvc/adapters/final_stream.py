"""The answer's text while a model is still writing it, and where a stop sequence ends it.

What is answer and what is reasoning is decided by the engine's parser, which reads the same tokens
in the record: text that streams is text of the record.
"""

from collections.abc import Callable, Sequence

from engine.harmony.stream import TurnStream
from engine.harmony.turn import Delta, TextKind, TurnEvent
from engine.tokenizer import Tokenizer


class FinalStream:
    """Takes token ids one by one and emits the text of the answer."""

    def __init__(
        self, tokenizer: Tokenizer, *, stops: Sequence[str], on_text: Callable[[str], None]
    ) -> None:
        self._tokenizer = tokenizer
        # Calls are not this class's business, so no tool is declared to the parser.
        self._turn = TurnStream(tokenizer, ())
        self._stops = tuple(stops)
        self._on_text = on_text
        self._pending = ""
        self._position = 0
        self._emitted: list[str] = []
        self.content_positions: list[int] = []
        """Positions, among the tokens taken, of those that carry the answer's text."""
        self.is_stopped = False
        """Whether a stop sequence was met; nothing is emitted after it."""

    @property
    def text(self) -> str:
        """Everything emitted so far."""
        return "".join(self._emitted)

    def take(self, token_id: int) -> None:
        """Take the next sampled token."""
        position = self._position
        self._position += 1
        if self.is_stopped:
            return
        was_in_final = self._turn.is_in_final
        self._add(self._turn.take((token_id,)), is_last=False)
        # A network may have more outputs than the vocabulary has tokens; those say nothing.
        table = self._tokenizer.token_bytes
        has_text = token_id < len(table) and table[token_id] is not None
        if was_in_final and has_text and not self._tokenizer.is_special(token_id):
            self.content_positions.append(position)

    def finish(self) -> None:
        """Emit what is left once the last token was taken."""
        if not self.is_stopped:
            self._add(self._turn.end(), is_last=True)

    def _add(self, events: Sequence[TurnEvent], *, is_last: bool) -> None:
        text = "".join(
            event.text
            for event in events
            if isinstance(event, Delta) and event.kind is TextKind.FINAL
        )
        if text or is_last:
            self._pending += text
            self._flush(is_last=is_last)

    def _flush(self, *, is_last: bool) -> None:
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
            self._on_text(ready)

    def _held_back(self, text: str) -> int:
        """Length of the tail that may belong to a stop sequence."""
        longest = 0
        for stop in self._stops:
            for length in range(min(len(stop) - 1, len(text)), longest, -1):
                if text.endswith(stop[:length]):
                    longest = length
                    break
        return longest
