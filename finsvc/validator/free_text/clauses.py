"""Cuts a text so that each result figure stands with the words that say what it is.

Labels of results that a text repeats word for word (``10,000 Apple shares``) are names: no figure
is read inside them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from finsvc.validator.free_text.amounts import Amount, find_amounts
from finsvc.validator.free_text.dates import Day, find_days
from finsvc.validator.free_text.evidence import Evidence
from finsvc.validator.free_text.vocabulary import Mention, Vocabulary
from finsvc.validator.numerals import number_word_spans, numeric_tokens
from finsvc.validator.tracing import Entity, EntityIndex

Span = tuple[int, int]

_COVER = "~"

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])|\n+")
_CONNECTOR = re.compile(
    r";\s+|,\s+|\s+(?:and|while|whereas|but|versus|against|compared (?:with|to)|than|is|was|"
    r"equals?)\s+",
    re.IGNORECASE,
)
_TAIL_CONFIDENCE = re.compile(
    r"^[ -]?(?:confidence|level|quantile|percentile|"
    r"(?:[\w,-]+ ){0,3}?(?:var|value[- ]at[- ]risk|expected shortfall|es|cvar|conditional)\b)",
    re.IGNORECASE,
)
_HEAD_CONFIDENCE = re.compile(
    r"(?<!stood )(?<!stands )(?<!closed )(?<! in )(?<! is )(?<! was )(?:\bat|confidence(?: level)?"
    r"(?: of)?)\s*(?:an? |the )?$",
    re.IGNORECASE,
)
_HEAD_NAME = re.compile(
    r"\b(?P<name>strike|spot|threshold|limit|dividend yield|rate|yield)(?: price| level)?"
    r"(?: of| is|:)?\s*(?:the )?$",
    re.IGNORECASE,
)
_WINDOW = re.compile(
    r"\b(?:window|history|past|last|trailing|observations|scenarios|rolling|lookback)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An amount and its part in the clause.

    ``role`` is "" for a result, else the parameter it states: ``confidence``, ``days``,
    ``window``, ``strike`` …
    """

    amount: Amount
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Part of a sentence with what was found in it; spans are those of the whole text.

    ``named`` is the clause without figures, ``words`` without names and dates too; ``quoted`` says
    for every repeated label which evidence has it. ``inherited`` are quantities that the sentence
    named before.
    """

    span: Span
    text: str
    named: str
    words: str
    figures: tuple[Figure, ...]
    days: tuple[Day, ...]
    mentions: tuple[Mention, ...]
    inherited: tuple[Mention, ...]
    entities: tuple[Entity, ...]
    quoted: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text read: sentences of clauses, and numbers that nobody could read."""

    sentences: tuple[tuple[Clause, ...], ...]
    unread: tuple[str, ...]


def _blank(text: str, spans: Sequence[Span]) -> str:
    """Cover what has been read, by what is neither space nor part of a word."""
    for start, end in spans:
        text = text[:start] + _COVER * (end - start) + text[end:]
    return text


def _within(span: Span, outer: Span) -> bool:
    return outer[0] <= span[0] and span[1] <= outer[1]


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _role(amount: Amount, before: str, after: str) -> str:
    """Which parameter a figure states by the words next to it, "" for a result."""
    if amount.unit == "days":
        return "window" if _WINDOW.search(f"{before[-30:]} {after[:30]}") else "days"
    is_level = amount.unit == "%" and 50 < amount.value < 100
    if is_level and (_TAIL_CONFIDENCE.search(after) or _HEAD_CONFIDENCE.search(before)):
        return "confidence"
    named = _HEAD_NAME.search(before)
    if named is None:
        return ""
    name = named["name"].casefold()
    is_share = name in ("rate", "yield", "dividend yield")
    return "" if is_share and amount.unit != "%" else name.replace(" ", "_")


class Reader:
    """Reads texts against given results."""

    def __init__(self, evidence: Sequence[Evidence], index: EntityIndex) -> None:
        self._evidence = evidence
        self._index = index
        self._vocabulary = Vocabulary(sorted({s for item in evidence for s in item.stems}))

    def read(self, text: str) -> Reading:
        """Read a text."""
        quoted = self._quoted(text)
        plain = _blank(text, [span for span, _ in quoted])
        days = find_days(plain)
        plain = _blank(plain, [day.span for day in days])
        amounts = find_amounts(plain)
        figures = [
            Figure(amount=a, role=_role(a, plain[: a.span[0]], plain[a.span[1] :])) for a in amounts
        ]
        taken = [a.span for a in amounts]
        words, named = _blank(plain, taken), _blank(text, taken)
        entities = [e for e in self._index.find(text) if not _overlaps(e.span, taken)]
        covered = [*taken, *(day.span for day in days), *(span for span, _ in quoted)]
        covered += [entity.span for entity in entities]
        sentences = []
        for outer in _pieces(text, _SENTENCE, (0, len(text))):
            clauses: list[Clause] = []
            for span in self._clause_spans(plain, outer, figures):
                found = self._vocabulary.mentions(words[slice(*span)])
                mentions = [_shifted(mention, span[0]) for mention in found]
                last = clauses[-1] if clauses else None
                clauses.append(
                    Clause(
                        span=span,
                        text=text[slice(*span)],
                        named=named[slice(*span)],
                        words=words[slice(*span)],
                        figures=tuple(f for f in figures if _within(f.amount.span, span)),
                        days=tuple(day for day in days if _within(day.span, span)),
                        mentions=tuple(mentions),
                        inherited=() if last is None else (last.mentions or last.inherited),
                        entities=tuple(e for e in entities if _within(e.span, span)),
                        quoted=tuple(owners for at, owners in quoted if _within(at, span)),
                    )
                )
            sentences.append(tuple(clauses))
        return Reading(sentences=tuple(sentences), unread=tuple(_unread(text, covered)))

    def _quoted(self, text: str) -> list[tuple[Span, frozenset[str]]]:
        """Labels that the text repeats, the longest first, with the evidence that has them."""
        owners: dict[str, set[str]] = {}
        for item in self._evidence:
            for label in item.quoted:
                owners.setdefault(label.casefold(), set()).add(item.id)
        found: list[tuple[Span, frozenset[str]]] = []
        for label in sorted(owners, key=len, reverse=True):
            for match in re.finditer(rf"(?<!\w){re.escape(label)}(?!\w)", text, re.IGNORECASE):
                if not _overlaps(match.span(), [span for span, _ in found]):
                    found.append((match.span(), frozenset(owners[label])))
        return found

    @staticmethod
    def _clause_spans(plain: str, outer: Span, figures: Sequence[Figure]) -> Iterator[Span]:
        """Cut a sentence at connectors such that every part but the last has a result."""
        results = [f.amount.span for f in figures if not f.role and _within(f.amount.span, outer)]
        start = outer[0]
        for match in _CONNECTOR.finditer(plain, outer[0], outer[1]):
            if _overlaps(match.span(), results):
                continue
            has_left = any(_within(span, (start, match.start())) for span in results)
            has_right = any(span[0] >= match.end() for span in results)
            if has_left and has_right:
                yield start, match.start()
                start = match.end()
        yield start, outer[1]


def _shifted(mention: Mention, offset: int) -> Mention:
    start, end = mention.span
    return Mention(span=(start + offset, end + offset), fields=mention.fields)


def _pieces(text: str, separator: re.Pattern[str], outer: Span) -> Iterator[Span]:
    start = outer[0]
    for match in separator.finditer(text, *outer):
        yield start, match.start()
        start = match.end()
    yield start, outer[1]


def _unread(text: str, covered: Sequence[Span]) -> Iterator[str]:
    """Numbers in digits or words that are part of nothing that was read."""
    spans = [*numeric_tokens(text), *number_word_spans(text)]
    for start, end in spans:
        left = _blank(text, covered)[start:end]
        has_number = bool(numeric_tokens(left) or number_word_spans(left))
        if has_number and text[start:end].casefold() != "one":
            yield text[start:end]
