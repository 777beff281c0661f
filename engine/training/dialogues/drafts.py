"""Drafts of a user message: segments of literal text and of argument spans.

A draft keeps every argument span as a segment of its own until the message is final, so that
noise never separates an argument from the text that the model must copy.
"""

import re
from dataclasses import dataclass, field
from random import Random

from engine.training.dialogues.entities import Value
from engine.training.dialogues.grammar import Piece
from engine.training.dialogues.values import SAMPLERS

_ARTICLES = (
    "the ",
    "my ",
    "our ",
    "this ",
    "that ",
    "a ",
    "an ",
    "your ",
    "their ",
    "The ",
    "Our ",
    "My ",
)
_FOLLOWING_NOUN = re.compile(r" (book|portfolio|fund|desk|account|strategy)\b(?! of| with)")
_LEADING_NOUN = re.compile(r"(?:^|[^\w])(?:[Bb]ook|[Pp]ortfolio|[Ff]und|[Aa]ccount|BOOK)[ =:]+$")
_PERIOD_LEAD = re.compile(
    r"(?:over|in|during|for|of|across|throughout|within) (?:the )?$", re.IGNORECASE
)

# Slot kinds whose meaning depends on the argument.
_KINDS: dict[tuple[str, str], str] = {
    ("horizon", "adj"): "adjective",
    ("horizon", "dur"): "noun",
    ("window", "adj"): "stretch",
    ("window", "dur"): "span",
    ("portfolio", "pos"): "position",
    ("portfolio", "book"): "book",
    ("scenario", "event"): "named",
    ("option_type", "pl"): "plural",
    ("expiry", "adj"): "tenor",
    ("expiry", "dur"): "later",
    ("by", "adj"): "dimension",
    ("amount", "num"): "digits",
    ("from", "sym"): "symbol",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """Text of the message; `key` names the argument slot it belongs to, None for literals."""

    text: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call in the making: canonical intent, and the slot key behind each argument."""

    intent: str
    keys: dict[str, str]


@dataclass(slots=True)
class Draft:
    """A message in the making with the calls it asks for."""

    segments: list[Segment]
    calls: list[Call] = field(default_factory=list)

    def text(self) -> str:
        """The message as it stands."""
        return "".join(segment.text for segment in self.segments)

    def spans(self) -> dict[str, str]:
        """Argument text by slot key."""
        return {segment.key: segment.text for segment in self.segments if segment.key}


def split_slot(slot: str) -> tuple[str, str, str]:
    """(key, argument, sampler kind) of `argument[_n][:kind]`."""
    key, _, kind = slot.partition(":")
    argument = key
    if key[-1].isdigit() and key[-2:-1] == "_":
        argument = key[:-2]
    return key, argument, _KINDS.get((argument, kind), kind or argument)


def _sample(slot: str, previous: str, following: str, rng: Random) -> tuple[str, Value, int]:
    """The key, the value and how many characters of `following` belong to the span."""
    key, argument, kind = split_slot(slot)
    if argument == "portfolio":
        noun = _FOLLOWING_NOUN.match(following)
        if noun:
            bare = SAMPLERS["bare"](rng)
            return key, Value("", bare.span + noun.group(0)), noun.end()
        if _LEADING_NOUN.search(previous):
            return key, SAMPLERS["bare"](rng), 0
    if argument == "start" and kind == "period" and not _PERIOD_LEAD.search(previous):
        kind = "relative" if rng.random() < 0.5 else "period"
    value = SAMPLERS[kind](rng)
    if slot.endswith(":book") and value.before and not value.before.startswith(('"', "'")):
        value = Value("", value.span, value.after)
    if value.before and previous.endswith(_ARTICLES):
        value = Value("", value.span, value.after)
    return key, value, 0


def _joins(left: str, right: str) -> bool:
    """Whether the texts would meet inside a letter run."""
    return (left[-1:].isalpha() or left[-1:] == "_") and (right[:1].isalpha() or right[:1] == "_")


def fill(pieces: list[Piece], rng: Random) -> list[Segment]:
    """Draws a value for every slot, different values for different slots.

    A space keeps a span out of a letter run that it would otherwise join.
    """
    segments: list[Segment] = []
    drawn: set[str] = set()
    skip = 0
    tail = ""
    for idx, piece in enumerate(pieces):
        if piece.slot is None:
            text = piece.text[skip:]
            skip = 0
            if tail.endswith(" ") and text.startswith(" "):
                text = text[1:]
            if segments and segments[-1].key and _joins(tail, text):
                text = f" {text}"
            if text:
                segments.append(Segment(text))
                tail = text
            continue
        following = pieces[idx + 1].text if idx + 1 < len(pieces) else ""
        key, value, skip = _sample(piece.slot, tail, following, rng)
        for _ in range(4):
            if value.span not in drawn:
                break
            key, value, skip = _sample(piece.slot, tail, following, rng)
        drawn.add(value.span)
        if value.before:
            segments.append(Segment(value.before))
        if _joins(value.before or tail, value.span):
            segments.append(Segment(" "))
        segments.append(Segment(value.span, key))
        if value.after:
            segments.append(Segment(value.after))
        tail = value.after or value.span
    return segments


def keys_of(pieces: list[Piece]) -> list[str]:
    """Slot keys in order of appearance."""
    return [split_slot(piece.slot)[0] for piece in pieces if piece.slot]


def lower_first(pieces: list[Piece]) -> list[Piece]:
    """The pieces with a lower-case start, for text that is put in front of them."""
    head = pieces[0].text if pieces else ""
    keep = head[1:2].isupper() or head.startswith(("I ", "I'", "FX", "P&L", "GFC"))
    if not head or keep:
        return pieces
    return [Piece(head[0].lower() + head[1:]), *pieces[1:]]


def around(template: list[Piece], inner: list[Piece], rng: Random) -> list[Piece]:
    """The template with `@` replaced by the inner pieces."""
    result: list[Piece] = []
    for piece in template:
        if piece.slot is None and "@" in piece.text:
            before, _, after = piece.text.partition("@")
            result.append(Piece(before))
            result.extend(lower_first(inner) if before and rng.random() < 0.9 else inner)
            result.append(Piece(after))
        else:
            result.append(piece)
    return result
