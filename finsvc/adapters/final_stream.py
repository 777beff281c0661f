"""The answer's text while a model is still writing it, and where a stop sequence ends it.

Only a well-formed message on the final channel streams. Whatever else a model writes waits for the
parser of the whole turn, which never takes reasoning for an answer.
"""

import codecs
import re
from collections.abc import Callable, Sequence

from engine.tokenizer import Tokenizer

_FINAL_HEADER = re.compile(r"final\s*")
# Text that may turn out to be the spelling of a control token or a part of one is held back.
_PARTIAL_SPELLING = re.compile(r"<(?:\|[A-Za-z0-9_]*\|?)?\Z")
_SPELLING = re.compile(r"<\|[A-Za-z0-9_]+\|>")


class FinalStream:
    """Takes token ids one by one and emits the text of the answer."""

    def __init__(
        self, tokenizer: Tokenizer, *, stops: Sequence[str], on_text: Callable[[str], None]
    ) -> None:
        self._tokenizer = tokenizer
        self._stops = tuple(stops)
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._header = b""
        self._is_in_channel = False
        self._is_in_final = False
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
        if self._tokenizer.is_special(token_id):
            self._take_control(token_id)
            return
        # A network may have more outputs than the vocabulary has tokens; those say nothing.
        table = self._tokenizer.token_bytes
        data = table[token_id] if token_id < len(table) else None
        if data is None:
            return
        if self._is_in_final:
            self.content_positions.append(position)
            self._add(self._decoder.decode(data))
        elif self._is_in_channel:
            self._header += data

    def finish(self, final: str | None) -> None:
        """Emit what is left once the whole turn was parsed; ``final`` is the parser's word.

        Text that streamed stays the beginning of the answer; the rest of it follows.
        """
        if self.is_stopped:
            return
        sent = self.text
        if final is not None and final.startswith(sent):
            self._pending = final.removeprefix(sent)
        self._flush(is_last=True)

    def _take_control(self, token_id: int) -> None:
        special = self._tokenizer.special_ids
        if self._is_in_final:
            # The end of the first answer; what follows is the parser's to judge.
            self._is_in_final = False
            self._add(self._decoder.decode(b"", final=True))
            self._is_in_channel = False
        elif token_id == special.get("<|channel|>"):
            self._is_in_channel, self._header = True, b""
        elif token_id == special.get("<|message|>"):
            header = self._header.decode("utf-8", "replace")
            is_first = not self._emitted and not self._pending
            self._is_in_final = (
                self._is_in_channel and is_first and _FINAL_HEADER.fullmatch(header) is not None
            )
            self._is_in_channel = False
        else:
            self._is_in_channel = False

    def _add(self, text: str) -> None:
        if text:
            self._pending += text
            self._flush(is_last=False)

    def _flush(self, *, is_last: bool) -> None:
        text = self._pending
        # The parser takes spellings of control tokens out; so does the stream.
        while (shorter := _SPELLING.sub("", text)) != text:
            text = shorter
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
        """Length of the tail that may belong to a stop sequence or a control spelling."""
        partial = _PARTIAL_SPELLING.search(text)
        longest = len(text) - partial.start() if partial else 0
        for stop in self._stops:
            for length in range(min(len(stop) - 1, len(text)), longest, -1):
                if text.endswith(stop[:length]):
                    longest = length
                    break
        return longest
