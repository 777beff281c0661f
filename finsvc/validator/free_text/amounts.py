"""Finds figures in text: sign, digits or number words, scale and unit.

A figure keeps how far its last printed place may be off. Forms that could be read in two ways, such
as ``1.234,5``, are left unread; the caller treats what nobody read as unbound.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from finsvc.validator.free_text.units import CODES, SCALES, SYMBOLS, UNIT_PATTERN, unit_of

_SMALL_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: number for number, word in enumerate(_SMALL_WORDS.split())}
_TENS = {word: 10 * number for number, word in enumerate(_TENS_WORDS.split(), 2)}
_WORD = "|".join((*_TENS, *sorted(_SMALL, key=len, reverse=True), "hundred"))
_WORDS = rf"(?:{_WORD})(?:(?:[- ]| and )(?:{_WORD}))*(?: point(?: (?:{_WORD}))+)?"
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_SCALE = "|".join(sorted(SCALES, key=len, reverse=True))
_ABOUT = re.compile(r"\b(?:about|around|approximately|roughly|some|nearly|almost)\s*$", re.I)

_AMOUNT = re.compile(
    r"(?P<sign>[-\u2212\u2013+](?=[\d.$€£¥])|\b(?i:minus|negative) |\((?=[\d$€£¥]))?"
    rf"(?P<prefix>US\$|[$€£¥]|\b(?:{CODES}) ?)?"
    rf"(?P<inner>[-\u2212](?=\d))?"
    rf"(?:(?<![\w.,])(?P<digits>(?>{_DIGITS}))(?![.,]?\d)|\b(?P<words>(?i:{_WORDS}))\b)"
    rf"(?:(?P<gap>[ -]?)(?P<scale>(?i:{_SCALE}))\b)?"
    rf"(?:[ -]?(?P<unit>{UNIT_PATTERN}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A figure of a text.

    ``value`` is in ``unit`` with scale and sign applied; ``unit`` is "" where none is stated.
    ``half_place`` is half of the last printed place, in ``unit``. ``scale`` is the scale's factor.
    """

    span: tuple[int, int]
    text: str
    value: Decimal
    unit: str
    scale: Decimal
    half_place: Decimal
    is_signed: bool
    is_about: bool


def _words_value(words: str) -> Decimal:
    """Read number words below a thousand, with a decimal fraction after ``point``."""
    whole, _, fraction = words.casefold().partition(" point")
    total = 0
    for word in re.split(r"[- ]+", whole):
        total = total * 100 if word == "hundred" else total + _SMALL.get(word, _TENS.get(word, 0))
    digits = "".join(str(_SMALL.get(word, _TENS.get(word, 0))) for word in fraction.split())
    return Decimal(f"{total}.{digits}" if digits else total)


def _is_pronoun(match: re.Match[str]) -> bool:
    words = match["words"]
    return words is not None and words.casefold() == "one" and not (match["scale"] or match["unit"])


def _amount(match: re.Match[str], text: str) -> Amount:
    raw = match["digits"]
    number = _words_value(match["words"]) if raw is None else Decimal(raw.replace(",", ""))
    scale = SCALES[match["scale"].casefold()] if match["scale"] else Decimal(1)
    prefix = (match["prefix"] or "").strip()
    unit, step = unit_of(match["unit"]) if match["unit"] else ("", Decimal(1))
    start = match.start()
    if prefix in SYMBOLS and unit not in ("", SYMBOLS[prefix]):
        unit = f"{SYMBOLS[prefix]} {unit}"
    elif prefix and unit:
        # "EUR 1,596,000 USD" is a row's name and its amount.
        start = start if prefix in SYMBOLS else match.end("prefix")
    elif prefix:
        unit = SYMBOLS.get(prefix, prefix)
    sign = (match["sign"] or match["inner"] or "").strip()
    is_negative = bool(sign) and sign != "+"
    exponent = number.as_tuple().exponent
    places = exponent if isinstance(exponent, int) else 0
    return Amount(
        span=(start, match.end()),
        text=text[start : match.end()].strip(),
        value=(-number if is_negative else number) * scale * step,
        unit=unit,
        scale=scale,
        half_place=Decimal(5).scaleb(places - 1) * scale * step,
        is_signed=bool(sign),
        is_about=bool(_ABOUT.search(text[:start])),
    )


def find_amounts(text: str) -> list[Amount]:
    """Every figure of the text in order. ``one`` without a unit is taken for a pronoun."""
    return [_amount(match, text) for match in _AMOUNT.finditer(text) if not _is_pronoun(match)]
