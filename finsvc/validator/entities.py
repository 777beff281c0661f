"""Finds the names of instruments, currencies and books in a text.

Tickers and currency codes count only in capitals, since several are also words; names and aliases
count in any case.
"""

import re
from collections.abc import Iterable

from finsvc.marketdata.currencies import CURRENCIES
from finsvc.marketdata.instruments import INSTRUMENTS
from finsvc.validator.tracing import Entity


def _pattern(names: Iterable[str], *, flags: int) -> re.Pattern[str]:
    """Match any of the names as whole words, the longest first."""
    ordered = sorted(set(names), key=lambda name: (-len(name), name))
    body = "|".join(re.escape(name) for name in ordered)
    return re.compile(rf"(?<![\w])(?:{body})(?![\w])", flags)


class NameIndex:
    """Implements `finsvc.validator.tracing.EntityIndex` over the snapshot's names and the books."""

    def __init__(self, books: Iterable[str]) -> None:
        self._codes = {str(item.ticker): str(item.ticker) for item in INSTRUMENTS}
        self._codes |= {str(item.code): str(item.code) for item in CURRENCIES}
        self._names: dict[str, str] = {}
        for instrument in INSTRUMENTS:
            for name in (instrument.name, *instrument.aliases):
                self._names[name.casefold()] = str(instrument.ticker)
        for currency in CURRENCIES:
            for name in (currency.name, *currency.aliases):
                self._names[name.casefold()] = str(currency.code)
        self._names |= {name.casefold(): name for name in books}
        self._code_pattern = _pattern(self._codes, flags=0)
        self._name_pattern = _pattern(self._names, flags=re.IGNORECASE)

    def find(self, text: str) -> list[Entity]:
        """Every known name in the text, with what it means."""
        found = [
            Entity(span=match.span(), code=self._codes[match.group()])
            for match in self._code_pattern.finditer(text)
        ]
        # A dotless i matches without regard to case but folds to no known name; the text as written
        # then stands for itself, which no result is in.
        found += [
            Entity(span=match.span(), code=self._names.get(match.group().casefold(), match.group()))
            for match in self._name_pattern.finditer(text)
        ]
        return found
