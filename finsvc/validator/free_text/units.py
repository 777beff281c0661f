"""Unit algebra of figures in text: names of units, scale words, percent against basis points."""

import re
from collections.abc import Mapping
from decimal import Decimal

from finsvc.marketdata.currencies import CURRENCIES

CODES = "|".join(str(item.code) for item in CURRENCIES)

SYMBOLS: Mapping[str, str] = {"US$": "USD", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}

SCALES: Mapping[str, Decimal] = {
    word: Decimal(10) ** power
    for power, words in {
        3: "thousand thousands k",
        6: "million millions m mn mm mio",
        9: "billion billions bn b",
        12: "trillion trillions tn",
    }.items()
    for word in words.split()
}

_CURRENCY_NAMES: Mapping[str, str] = {
    name.casefold(): str(item.code)
    for item in CURRENCIES
    for stem in (item.name, *item.aliases)
    for name in (stem, f"{stem}s")
}
_LENGTHS: Mapping[str, int] = {"day": 1, "week": 5, "month": 21, "year": 250}
_LENGTH = re.compile(r"(?:(?:trading|business|calendar)[- ])?(day|week|month|year)s?")

_NAMES = sorted((re.escape(name) for name in _CURRENCY_NAMES), key=len, reverse=True)
UNIT_PATTERN = (
    rf"(?:{CODES})(?:/| per )(?:{CODES})\b|(?:{CODES})\b|%|[€£¥$](?! ?\d)|"
    r"(?i:percentage points?|per ?cent|pct|basis points?|bps?)\b|"
    rf"(?i:{'|'.join(_NAMES)})\b|"
    r"(?i:shares?|contracts?)\b|"
    r"(?i:(?:(?:trading|business|calendar)[- ])?(?:day|week|month|year)s?)\b"
)


def unit_of(word: str) -> tuple[str, Decimal]:
    """Read a unit's name.

    Returns:
        The unit as results name it and what one of the name is in it: ``bp`` is 0.01 of ``%``, a
        week is five trading ``days``.
    """
    text = word.casefold()
    length = _LENGTH.fullmatch(text)
    if length is not None:
        return "days", Decimal(_LENGTHS[length[1]])
    if text.startswith(("basis", "bp")):
        return "%", Decimal("0.01")
    if text == "%" or (text.startswith("p") and text not in _CURRENCY_NAMES):
        return "%", Decimal(1)
    if text in ("share", "contract"):
        return f"{text}s", Decimal(1)
    name = SYMBOLS.get(word) or _CURRENCY_NAMES.get(text) or word.replace(" per ", "/")
    return name, Decimal(1)


def factor(stated: str, wanted: str) -> Decimal | None:
    """What a figure in the stated unit is multiplied by to be in the wanted one, None if it cannot.

    A figure without a unit is a pure number; percent of a pure number is a hundredth.
    """
    if stated == wanted or (stated == "" and wanted == "1"):
        return Decimal(1)
    if stated == "%" and wanted == "1":
        return Decimal("0.01")
    return None
