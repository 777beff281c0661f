"""Noise on literal text only: case, typos, punctuation, spacing.

Argument spans are never changed, except that the whole message may be written in lower or upper
case, spans included, before the spans are read off.
"""

from random import Random

from engine.training.dialogues.drafts import Segment
from engine.training.dialogues.names import pick


def _typo(word: str, rng: Random) -> str:
    at = 1 + int(rng.random() * (len(word) - 2))
    value = rng.random()
    if value < 0.4:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if value < 0.7:
        return word[:at] + word[at + 1 :]
    if value < 0.85:
        return word[:at] + word[at] + word[at:]
    return word[:at] + pick(rng, "abcdefghijklmnopqrstuvwxyz") + word[at + 1 :]


def _with_typo(segments: list[Segment], rng: Random) -> list[Segment]:
    places = [idx for idx, item in enumerate(segments) if item.key is None and len(item.text) > 5]
    if not places:
        return segments
    at = pick(rng, places)
    words = segments[at].text.split(" ")
    long_words = [idx for idx, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if not long_words:
        return segments
    chosen = pick(rng, long_words)
    words[chosen] = _typo(words[chosen], rng)
    return [*segments[:at], Segment(" ".join(words)), *segments[at + 1 :]]


def _capitalised(segments: list[Segment]) -> list[Segment]:
    first = segments[0]
    if first.key is None and first.text[:1].islower():
        return [Segment(first.text[0].upper() + first.text[1:]), *segments[1:]]
    return segments


def _without_end(segments: list[Segment]) -> list[Segment]:
    last = segments[-1]
    if last.key is None:
        return [*segments[:-1], Segment(last.text.rstrip("?.! "))]
    return segments


def apply(segments: list[Segment], rng: Random) -> list[Segment]:
    """The segments with the noise of one writer."""
    if not segments:
        return segments
    if rng.random() < 0.75:
        segments = _capitalised(segments)
    value = rng.random()
    if value < 0.2:
        segments = [Segment(item.text.lower(), item.key) for item in segments]
    elif value < 0.3:
        segments = [
            Segment(item.text.lower(), None) if item.key is None else item for item in segments
        ]
    elif value < 0.32:
        segments = [Segment(item.text.upper(), item.key) for item in segments]
    if rng.random() < 0.13:
        segments = _with_typo(segments, rng)
        if rng.random() < 0.3:
            segments = _with_typo(segments, rng)
    if rng.random() < 0.2:
        segments = _without_end(segments)
    if rng.random() < 0.03:
        segments = [
            Segment(item.text.replace("?", pick(rng, (" ?", "??", "?!")), 1), None)
            if item.key is None
            else item
            for item in segments
        ]
    return [item for item in segments if item.text]
