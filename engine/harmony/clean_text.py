"""Bytes of tokens as text without control spellings, piece by piece.

Both readers give the same text for every way of cutting their input, hold back only what later
input can still change, and do work proportional to their input.
"""

from __future__ import annotations

import codecs
import re
import string

CONTROL_SPELLING = re.compile(r"<\|[A-Za-z0-9_]+\|>")
_WORD = frozenset(string.ascii_letters + string.digits + "_")


class Utf8Reader:
    """Decodes UTF-8; what is not UTF-8 reads as U+FFFD.

    Attributes:
        has_replaced: Whether any byte was not UTF-8.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = b""
        self.has_replaced = False

    @property
    def is_idle(self) -> bool:
        """Whether no byte waits for the rest of its character."""
        return not self._waiting

    def read(self, data: bytes) -> str:
        """Return the characters that are whole by now."""
        return self._decode(data, is_last=False)

    def end(self) -> str:
        """Return the rest and start anew."""
        return self._decode(b"", is_last=True)

    def _decode(self, data: bytes, *, is_last: bool) -> str:
        text = self._decoder.decode(data, is_last)
        waiting = self._decoder.getstate()[0]
        whole = self._waiting + data
        self._waiting = waiting
        # A genuine U+FFFD encodes to the bytes it came from; a replacement does not.
        if "\ufffd" in text and text.encode() != whole[: len(whole) - len(waiting)]:
            self.has_replaced = True
        return text


class SpellingFilter:
    """Removes `<|word|>`, also where removing one forms another (`<|e<|end|>nd|>`).

    The rule has no overlaps, so removing from the left as text arrives gives what removing from
    the whole text until nothing changes gives.

    Attributes:
        has_removed: Whether a spelling was removed.
    """

    def __init__(self) -> None:
        # Beginnings of spellings, each inside the one before: `<`, `<|`, `<|word`, `<|word|`.
        self._open: list[list[str]] = []
        self.has_removed = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held back."""
        return not self._open

    def read(self, text: str) -> str:
        """Return what can no longer become part of a spelling."""
        if not self._open and "<" not in text:
            return text
        ready: list[str] = []
        for character in text:
            if character == "<":
                self._open.append(["<"])
            elif not self._open:
                ready.append(character)
            elif not self._extends(character):
                ready += self._released()
                ready.append(character)
        return "".join(ready)

    def end(self) -> str:
        """Return what was held back and start anew."""
        return "".join(self._released())

    def _extends(self, character: str) -> bool:
        """Take a character into the innermost beginning, if it fits there."""
        begin = self._open[-1]
        if character == "|":
            fits = len(begin) == 1 or (len(begin) > 2 and begin[-1] != "|")
        elif character == ">":
            fits = len(begin) > 3 and begin[-1] == "|"
            if fits:
                self._open.pop()
                self.has_removed = True
                return True
        else:
            fits = character in _WORD and len(begin) > 1 and (len(begin) == 2 or begin[-1] != "|")
        if fits:
            begin.append(character)
        return fits

    def _released(self) -> list[str]:
        held = [character for begin in self._open for character in begin]
        self._open.clear()
        return held
