"""States of an agent's answer, so that a mask is computed once for each.

In an answer nearly every token is allowed nearly everywhere, and llguidance then walks the whole
vocabulary (1.4 ms at 201,088 entries) for each state that it does not meet twice in a row. What may
follow depends only on the text since the last character after which a given word may begin, and
once no given word begins with that text, on nothing (`engine.harmony.answer_terminals`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.harmony.answer_terminals import WORD_STARTERS

_WORDS = re.compile(r"^WORD: /(.*)/$", re.MULTILINE)
_POINT = re.compile(r"\\x\{([0-9a-f]+)\}")
_ANSWER = 'answer: <|channel|> "final" <|message|> ANSWER <|return|>'
_TERMINAL = r"ANSWER: (UNIT* LAST) & "
_STARTERS = tuple(character.encode() for character in WORD_STARTERS)


class AnswerStates:
    """Follows a turn token by token and names the state of its answer."""

    def __init__(
        self,
        words: Sequence[bytes],
        token_bytes: Sequence[bytes | None],
        special_ids: Mapping[str, int],
    ) -> None:
        """Start at the first token of a turn; see `of_lark`."""
        self._words = tuple(words)
        self._bytes = token_bytes
        self._channel = special_ids.get("<|channel|>")
        self._message = special_ids.get("<|message|>")
        self._header = b""
        self._is_in_answer = False
        self._has_begun = False
        self._tail = b""

    @classmethod
    def of_lark(
        cls,
        lark: str,
        token_bytes: Sequence[bytes | None],
        special_ids: Mapping[str, int],
    ) -> AnswerStates | None:
        """Return the states of an agent's grammar, None where this module cannot name them."""
        lines = lark.splitlines()
        if _ANSWER not in lines or not any(line.startswith(_TERMINAL) for line in lines):
            return None
        found = _WORDS.search(lark)
        words = [_unescaped(word) for word in found[1].split("|")] if found else []
        if any(starter in word for word in words for starter in _STARTERS):
            return None
        return cls(words, token_bytes, special_ids)

    def advance(self, token_id: int) -> None:
        """Take in an accepted token."""
        if token_id == self._channel:
            self._header = b""
        elif token_id == self._message:
            self._is_in_answer = self._header == b"final"
        else:
            data = self._bytes[token_id] if token_id < len(self._bytes) else None
            self._add(data or b"")

    @property
    def name(self) -> bytes | None:
        """Name of the state; None outside an answer."""
        if not self._is_in_answer:
            return None
        tail = self._tail
        if not self._has_begun:
            return b"begin"
        if tail and not any(word.startswith(tail) for word in self._words) and _is_whole(tail):
            return b"inside"
        return b"after " + tail

    def _add(self, data: bytes) -> None:
        if not self._is_in_answer:
            self._header += data
            return
        self._has_begun = self._has_begun or bool(data)
        tail = self._tail + data
        ends = (at + len(s) for s in _STARTERS if (at := tail.rfind(s)) >= 0)
        self._tail = tail[max(ends, default=0) :]


def _is_whole(data: bytes) -> bool:
    """Whether the bytes end with a whole character."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unescaped(pattern: str) -> bytes:
    return _POINT.sub(lambda match: chr(int(match[1], 16)), pattern).encode()
