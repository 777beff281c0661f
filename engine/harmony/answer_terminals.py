"""The terminals of an answer in which no number is the model's own.

Plain text holds no numeral of any script, no bracket, no `|` (so no control spelling) and no
control or format character except the line feed. Given words (references, numeric words of the
question) stand alone: after a space, an opening bracket or a quote, and before a space, a stop or a
closing bracket, so that they cannot be joined into another number or given a sign or unit.
Syntax: Lark as llguidance reads it (regular expressions of Rust's `regex` crate), ASCII only.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from functools import cache

from engine.harmony.spans import is_numeral

# Of the control characters (Cc) only the line feed may stand in an answer.
_CONTROL_CLASSES = r"\x{0}-\x{9}\x{b}-\x{1f}\x{7f}-\x{9f}\p{Cf}\p{Co}\p{Zl}\p{Zp}"
# Characters after which a given word may begin; the first four may also directly follow one.
_BEFORE_AND_AFTER = " \n\"'"
_ONLY_BEFORE = "(\N{LEFT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}"
_VISIBLE_BEFORE = "\"'" + _ONLY_BEFORE
_ONLY_AFTER = ",.;:?!)\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"

# How the terminal begins in any grammar that has it.
ANSWER_BEGINNING = "ANSWER: FIRST TEXT*"


def answer_terminals(words: Iterable[str]) -> list[str]:
    """Return Lark terminals of which `ANSWER` is a text that may quote `words` whole.

    Written out as a regular expression, because lookaround is not supported, and in a form in which
    `answer_slices` apply: every choice that may go on as plain text is one of its alternatives.
    An answer is not empty and does not begin with white space.
    """
    lines = [f"TEXT: /{_text()}/", f"FIRST: /{_first()}/"]
    quoted = sorted(map(_escaped, set(words)), key=lambda word: (-len(word), word))
    if not quoted:
        return [*lines, ANSWER_BEGINNING]
    return [
        *lines,
        f"BEFORE: /[{_members(_BEFORE_AND_AFTER + _ONLY_BEFORE)}]/",
        f"OPEN: /[{_members(_VISIBLE_BEFORE)}]/",
        f"AFTER: /{_after()}/",
        f"BOTH: /[{_members(_BEFORE_AND_AFTER)}]/",
        f"WORD: /{'|'.join(quoted)}/",
        "UNIT: WORD (AFTER TEXT* BEFORE | BOTH)",
        "LAST: WORD | WORD AFTER TEXT*",
        f"{ANSWER_BEGINNING} | (FIRST TEXT* BEFORE | OPEN)? UNIT* LAST",
    ]


def answer_slices() -> list[str]:
    """Return regular expressions of tokens that llguidance takes or leaves as a whole.

    Where an answer may go on as plain text, nearly every token is allowed. llguidance then takes
    the mask of a slice and walks the rest of the vocabulary alone (1.4 ms otherwise at 201,088
    entries). There is one for each kind of place: in text, at the beginning, behind a given word.
    """
    return [f"{_text()}+", f"{_first()}({_text()})*", f"{_after()}({_text()})*"]


@cache
def _text() -> str:
    return f"[^{_forbidden()}]"


@cache
def _first() -> str:
    return rf"[^{_forbidden()}\p{{Z}}\n]"


def _after() -> str:
    return f"[{_members(_ONLY_AFTER + _BEFORE_AND_AFTER)}]"


@cache
def _forbidden() -> str:
    """Return the members of a class of everything that plain text must not hold."""
    others = {
        point
        for point in range(0x80, sys.maxunicode + 1)
        if is_numeral(chr(point)) and unicodedata.category(chr(point))[0] != "N"
    }
    return rf"\p{{N}}{_CONTROL_CLASSES}\[\]|{_ranges(others)}"


def _ranges(points: set[int]) -> str:
    parts: list[str] = []
    start = previous = None
    for point in [*sorted(points), None]:
        if start is not None and previous is not None and point != previous + 1:
            end = f"-{_point(previous)}" if previous > start else ""
            parts.append(f"{_point(start)}{end}")
            start = point
        elif start is None:
            start = point
        previous = point
    return "".join(parts)


def _members(characters: str) -> str:
    return "".join(_point(ord(character)) for character in characters)


def _escaped(word: str) -> str:
    """Return a pattern of exactly this text, in letters and digits and escapes only."""
    return "".join(
        character if character.isascii() and character.isalnum() else _point(ord(character))
        for character in word
    )


def _point(point: int) -> str:
    return rf"\x{{{point:x}}}"
