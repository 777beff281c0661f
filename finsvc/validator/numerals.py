"""Finds numbers in text: digits and numerals of every script, and number words."""

import re
import unicodedata

_NUMBER_WORDS = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|"
    r"(?:hundred|thousand|million|billion|trillion|dozen)s?|hal(?:f|ves|ved)|twice|thrice|"
    r"(?:double|triple|quadruple)[ds]?|\w+fold)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\S+")
_EDGE_PUNCTUATION = "\"'`.,;:!?()[]{}<>«»“”\u2018\u2019…"


def has_numeral(text: str) -> bool:
    """Whether any character is a digit, fraction, roman or ideographic numeral of any script."""
    return any(unicodedata.numeric(character, None) is not None for character in text)


def numeric_tokens(text: str) -> list[tuple[int, int]]:
    """Spans of the whitespace-separated tokens with a numeral, without punctuation at the edges."""
    spans = []
    for match in _TOKEN.finditer(text):
        if has_numeral(match.group()):
            left = len(match.group()) - len(match.group().lstrip(_EDGE_PUNCTUATION))
            core = match.group().strip(_EDGE_PUNCTUATION)
            spans.append((match.start() + left, match.start() + left + len(core)))
    return spans


def number_words(text: str) -> list[str]:
    """Number words in order of appearance, lower case: ``two``, ``million``, ``doubled``."""
    return [text[start:end].lower() for start, end in number_word_spans(text)]


def number_word_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the number words in order of appearance."""
    return [match.span() for match in _NUMBER_WORDS.finditer(text)]


def unbound_numbers(literal: str, message: str) -> list[str]:
    """Numbers of an answer's own words that do not literally occur in the caller's message.

    Dates, years and identifiers that the caller gave may be quoted; nothing else may.
    """
    quoted = {message[start:end] for start, end in numeric_tokens(message)}
    words_given = set(number_words(message))
    found = [literal[start:end] for start, end in numeric_tokens(literal)]
    unbound = [token for token in found if token not in quoted]
    return unbound + [word for word in number_words(literal) if word not in words_given]
