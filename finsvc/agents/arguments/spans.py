"""Cleaning a span before it is parsed, and the shape of what parsers return."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Generic, TypeVar

from finsvc.domain.errors import InputError

T = TypeVar("T")

SPAN_CHARS_MAX = 300

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
_ARTICLES = re.compile(r"^(?:the|our|my|its|their) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[T]):
    """A value and the conventions that were needed to read it, as full sentences."""

    value: T
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A cleaned span.

    ``written`` is the span as copied from the question, with single spaces; ``text`` is lower
    case, with plain dashes and quotes, and without an article in front or punctuation behind.
    """

    written: str
    text: str
    field: str
    expected: str

    def rejected(self, expected: str | None = None) -> InputError:
        """The error that says this span is not understood."""
        return InputError(
            field=self.field, expected=expected or self.expected, actual=repr(self.written)
        )


def read_span(text: str, *, field: str, expected: str) -> Span:
    """Clean a span.

    Raises:
        InputError: it is empty, too long, or holds control characters or numerals other than the
            digits 0 to 9 (a superscript or a fraction sign would change meaning when normalised).
    """
    written = re.sub(r"\s+", " ", text).strip()
    span = Span(written=written, text="", field=field, expected=expected)
    if not written:
        raise InputError(field=field, expected=expected, actual="nothing")
    if len(written) > SPAN_CHARS_MAX:
        raise InputError(
            field=field,
            expected=f"at most {SPAN_CHARS_MAX} characters",
            actual=f"{len(written)} characters",
        )
    for char in written:
        if unicodedata.category(char) in ("Nd", "Nl", "No") and not char.isascii():
            raise span.rejected("numbers in the digits 0 to 9")
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn"):
            raise span.rejected("text without control characters")
    plain = unicodedata.normalize("NFC", written).translate(_DASHES).translate(_QUOTES).lower()
    plain = plain.strip("\"'").rstrip(" .,;:?!").strip("\"'").strip()
    plain = _ARTICLES.sub("", plain)
    if not plain:
        raise span.rejected()
    return Span(written=written, text=plain, field=field, expected=expected)
