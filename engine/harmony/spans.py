"""What may be copied from a user's message: chunks of spans and numeric words.

A span is a run of whole chunks, so that an argument never holds half a number ("10" of "10,000"),
half a date or an amount without its unit letter ("5" of "5m") or percent sign. Chunks are words
with the digits in them, numbers, ISO and slash dates, runs of spaces, and every other character;
three letters before a number stand alone, since they may be a currency ("JPY10000").
Spans do not reach across a barrier: line ends, other control and format characters, words of more
than 100 characters, and the opening of a control spelling; none of these can stand in an argument.
"""

from __future__ import annotations

import json
import re
import unicodedata

# Stands for a place that no span may cross; cannot occur in a chunk, since JSON escapes it.
BARRIER = "\x00"
_NUMERIC_WORD_LENGTH_MAX = 40
# Longer ones are nothing that could be looked up, and would exceed the grammar's bounds of work.
_CHUNK_LENGTH_MAX = 100

# Patterns read a message in which each character is replaced by the letter of its kind:
# a letter or mark, 0 digit, space, # barrier, x anything else; . , / - + % stand for themselves.
_CHUNK = re.compile(
    r"0000-00(?:-00)?(?![a0])"
    r"|00?/00?/00(?:00)?(?![a0])"
    r"|(?<![a0])aaa(?=0+(?:[.,]0+)*a{0,2}(?![a0]))"
    # 1,200.5k and 1.200,5 are one number; of 1,200,6 the 6 is another.
    r"|(?:(?<![^ #x])[+-](?=0))?"
    r"(?:[a0]*0(?:,000(?!0))+(?:\.0+)?[a0]*|[a0]*0(?:\.0+)*(?:,00?(?!0))?[a0]*|[a0]+)%?"
    r"|[ ]+"
    r"|."
)
_KEPT = frozenset(".,/-+%")
_WORD = re.compile(r"[^\s\[\]<>|]+")
# Signs, currency signs and a leading decimal point or comma belong to a number; quotes and stops
# do not.
_QUOTES = (
    "\"'*_`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"
)
_LEADING = "([{;:!?=~\N{INVERTED QUESTION MARK}\N{INVERTED EXCLAMATION MARK}" + _QUOTES
_TRAILING = ")]}.,;:!?=~" + _QUOTES


def span_chunks(source: str) -> list[str]:
    """Return the chunks of a message as they stand in a JSON string, `BARRIER` between lines.

    The list is empty when there is nothing to copy but white space.
    """
    kinds = _mark_control_openings(source, "".join(map(_kind, source)))
    chunks: list[str] = []
    for match in _CHUNK.finditer(kinds):
        if "#" in match.group() or len(match.group()) > _CHUNK_LENGTH_MAX:
            chunks.append(BARRIER)
        else:
            text = source[match.start() : match.end()]
            chunks.append(json.dumps(text, ensure_ascii=False)[1:-1])
    return chunks if any(chunk.strip() and chunk != BARRIER for chunk in chunks) else []


def numeric_words(source: str) -> list[str]:
    """Return the words of a message that hold a numeral, without quotes and stops around them."""
    words: dict[str, None] = {}
    for match in _WORD.finditer(source):
        word = match.group().lstrip(_LEADING).rstrip(_TRAILING)
        if not any(map(is_numeral, word)) or len(word) > _NUMERIC_WORD_LENGTH_MAX:
            continue
        if all(_kind(character) != "#" for character in word):
            words[word] = None
    return list(words)


def is_numeral(character: str) -> bool:
    """Whether a character denotes a number in any script: digits, fractions, CJK numerals."""
    return (
        unicodedata.category(character)[0] == "N"
        or unicodedata.numeric(character, None) is not None
        or character in PICTURED_NUMERALS
    )


# Pictures of the numbers ten and a hundred, which Unicode does not count as numerals.
PICTURED_NUMERALS = "\N{KEYCAP TEN}\N{HUNDRED POINTS SYMBOL}"


def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "C" or category in ("Zl", "Zp"):
        return "#"
    if category == "Zs":
        return " "
    if category[0] in "LM" or character == "_":
        return "a"
    if category[0] == "N":
        return "0"
    return character if character in _KEPT else "x"


def _mark_control_openings(source: str, kinds: str) -> str:
    for match in re.finditer(r"<\|", source):
        kinds = f"{kinds[: match.start()]}##{kinds[match.end() :]}"
    return kinds
