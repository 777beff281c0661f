"""Numbers in digits and words, with or without a scale: "2,500,000", "5m", "half a million"."""

import re
from decimal import Decimal

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.[0-9]{1,8})?|\.[0-9]{1,8}"
_PLAIN = re.compile(_DIGITS)
_SCALED = re.compile(rf"({_DIGITS}) ?([a-z]+)")

_UNIT_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
)
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: value for value, word in enumerate(_UNIT_WORDS.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TEN_WORDS.split(), start=2)}
_SCALES = {
    "k": 10**3,
    "thousand": 10**3,
    "grand": 10**3,
    "m": 10**6,
    "mm": 10**6,
    "mn": 10**6,
    "mio": 10**6,
    "mln": 10**6,
    "million": 10**6,
    "millions": 10**6,
    "b": 10**9,
    "bn": 10**9,
    "bln": 10**9,
    "billion": 10**9,
}
_WORD_SCALES = ("hundred", "thousand", "million", "billion")
_PARTS = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}
_PART = re.compile(r"(?:a )?(half|quarter)(?: of)? an? (hundred|thousand|million|billion)")


def read_number(text: str) -> Decimal | None:
    """Read a plain number: digits with strict thousands groups, or words up to 999."""
    if _PLAIN.fullmatch(text):
        return Decimal(text.replace(",", ""))
    value = _words(text)
    return None if value is None else Decimal(value)


def read_quantity(text: str) -> Decimal | None:
    """Read a number that may carry a scale: "1.5bn", "5 million", "a hundred thousand"."""
    number = read_number(text)
    if number is not None:
        return number
    scaled = _SCALED.fullmatch(text)
    if scaled and scaled[2] in _SCALES:
        return _times(Decimal(scaled[1].replace(",", "")), _SCALES[scaled[2]])
    part = _PART.fullmatch(text)
    if part:
        return _times(_PARTS[part[1]], _scale(part[2]))
    head, _, last = text.rpartition(" ")
    if last in _WORD_SCALES[1:] or last == "grand":
        if head in ("a", "an"):
            return Decimal(_SCALES[last])
        factor = _words(head)
        return None if factor is None else _times(Decimal(factor), _SCALES[last])
    return None


def _scale(word: str) -> int:
    return 100 if word == "hundred" else _SCALES[word]


def _times(number: Decimal, scale: int) -> Decimal:
    """Multiply and drop the zeros that "1.25m" would leave behind the point."""
    product = (number * scale).normalize()
    return product.quantize(Decimal(1)) if product == product.to_integral_value() else product


def _words(text: str) -> int | None:
    """Whole numbers from 0 to 999 in words."""
    words = text.replace("-", " ").split(" ")
    if "hundred" not in words:
        return _below_hundred(words)
    position = words.index("hundred")
    if words[:position] in (["a"], ["one"]):
        hundreds = 1
    else:
        found = _UNITS.get(" ".join(words[:position]))
        if found is None or not 1 <= found <= 9:
            return None
        hundreds = found
    rest = words[position + 1 :]
    if rest[:1] == ["and"]:
        rest = rest[1:]
        if not rest:
            return None
    if not rest:
        return 100 * hundreds
    below = _below_hundred(rest)
    return None if not below else 100 * hundreds + below


def _below_hundred(words: list[str]) -> int | None:
    match words:
        case [word]:
            return _UNITS.get(word, _TENS.get(word))
        case [tens, unit] if tens in _TENS and 1 <= _UNITS.get(unit, 0) <= 9:
            return _TENS[tens] + _UNITS[unit]
        case _:
            return None
