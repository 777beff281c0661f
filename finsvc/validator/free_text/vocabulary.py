"""Words that name a quantity, by the field of a result that holds it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# The last part of a field's name and the words for it; longer phrases win over parts of them.
_WORDS: Mapping[str, str] = {
    "var": r"var|value[- ]at[- ]risk",
    "es": r"es|cvar|expected shortfall|conditional value[- ]at[- ]risk",
    "pnl": r"p ?& ?l|pnl|profits? (?:and|or) loss(?:es)?",
    "price_effect": r"price effect",
    "fx_effect": r"(?:fx|currency) effect",
    "change": r"(?:price )?change|return",
    "start_close": r"(?:start|starting|first) (?:close|price)",
    "end_close": r"(?:end|ending|last) (?:close|price)",
    "close": r"clos(?:e[sd]?|ing)(?: (?:price|level))?",
    "price": r"price|premium",
    "delta": r"delta",
    "gamma": r"gamma",
    "vega": r"vega",
    "theta": r"theta",
    "rho": r"rho",
    "volatility": r"volatilit(?:y|ies)",
    "correlation": r"correlations?|correlated",
    "beta": r"betas?",
    "drawdown": r"drawdowns?",
    "rate": r"(?:exchange |fx )?rate",
    "exposure": r"exposures?",
    "exposure_total": r"(?:total|net) exposure",
    "exposure_gross": r"gross exposure",
    "exposures": r"(?:large )?exposures?|shares? of (?:the )?book",
    "book_value": r"(?:book|portfolio) value|value of the book",
    "limits": r"(?:limit )?utili[sz]ation|limits?|used",
    "measured": r"measured(?: value)?",
    "converted": r"converted(?: amount)?",
}
# They say that money was made or lost, of whatever quantity; only alone do they name one.
_WEAK = re.compile(
    r"\b(?:profits?|loss(?:es)?|gain(?:s|ed)?|lost|loses?|earned|rose|fell|risen|fallen|increased|"
    r"decreased|declined|dropped|climbed)\b",
    re.IGNORECASE,
)
_WEAK_FIELDS = frozenset({"pnl", "change", "price_effect", "fx_effect", "drawdown", "var", "es"})
_SAME: tuple[frozenset[str], ...] = (
    frozenset({"exposure", "exposures"}),
    frozenset({"close", "price"}),
)
_STRIKE = re.compile(r"\bstrike price\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Words that name a quantity, and every field they may mean."""

    span: tuple[int, int]
    fields: frozenset[str]


def stem(field: str) -> str:
    """A field's name without its row: ``exposure`` of ``exposure.USD``."""
    return field.split(".", 1)[0]


def _same(name: str) -> frozenset[str]:
    return next((group for group in _SAME if name in group), frozenset({name}))


class Vocabulary:
    """The words of every quantity that the results at hand or the common ones hold."""

    def __init__(self, stems: Iterable[str]) -> None:
        words = dict(_WORDS)
        for name in stems:
            words.setdefault(name, re.escape(name).replace("_", "[- _]"))
        self._names = list(words)
        body = "|".join(f"(?P<g{n}>{words[name]})" for n, name in enumerate(self._names))
        self._patterns = [
            (name, re.compile(rf"(?<![\w.-])(?:{words[name]})(?![\w-]| ?%)", re.IGNORECASE))
            for name in self._names
        ]
        self._any = re.compile(rf"(?<![\w.-])(?:{body})(?![\w-])", re.IGNORECASE)

    def mentions(self, text: str) -> list[Mention]:
        """Quantities named in the text in order; without any, words of profit and loss."""
        if self._any.search(text):
            clear = _STRIKE.sub(lambda match: " " * len(match.group()), text)
            spans = [
                (match.span(), name)
                for name, pattern in self._patterns
                for match in pattern.finditer(clear)
            ]
            kept = [
                Mention(span=span, fields=_same(name))
                for span, name in spans
                if not any(_inside(span, other) for other, _ in spans)
            ]
            if kept:
                return sorted(kept, key=lambda mention: mention.span)
        return [Mention(span=m.span(), fields=_WEAK_FIELDS) for m in _WEAK.finditer(text)]


def _inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]
