"""Currencies, currency pairs and amounts of money."""

import re
from dataclasses import dataclass
from decimal import Decimal

from finsvc.agents.arguments.numbers import read_quantity
from finsvc.agents.arguments.spans import Parsed, read_span
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.identifiers import CurrencyCode
from finsvc.marketdata.currencies import BY_CODE, CURRENCIES

_AMOUNT = "an amount above 0 such as 2,500,000 or 5m"
_PAIR = "two different currencies such as EUR/USD"

_CODES = {
    name.lower(): entry.code
    for entry in CURRENCIES
    for name in (entry.code, entry.name, *entry.aliases, *entry.symbols)
}
_SYMBOLS = {symbol.lower(): entry.code for entry in CURRENCIES for symbol in entry.symbols}

# Names whose plural is not their singular, so that "dollars to the euro" tells quote from base.
_PLURALS = frozenset(
    name for name in _CODES if name.endswith("s") and name[:-1] in _CODES
) | frozenset(("bucks", "greenbacks", "pounds sterling", "quid"))

_NICKNAMES = {
    "cable": ("GBP", "USD"),
    "fiber": ("EUR", "USD"),
    "fibre": ("EUR", "USD"),
    "chunnel": ("EUR", "GBP"),
    "loonie": ("USD", "CAD"),
    "swissie": ("USD", "CHF"),
    "swissy": ("USD", "CHF"),
    "aussie": ("AUD", "USD"),
    "kiwi": ("NZD", "USD"),
    "gopher": ("USD", "JPY"),
    "ninja": ("USD", "JPY"),
}

# The side of a pair that the market quotes first; currencies not listed come last.
_QUOTED_FIRST = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "JPY")

_CODE_PAIR = re.compile(r"([a-z]{3}) ?[/:.-]? ?([a-z]{3})")
_SLASH = re.compile(r"(.+?) ?[/:] ?(.+)")
_PER = re.compile(r"(.+?) (?:per|a|(?:to|for|in) (?:one|a|an|1)|each) (?:one |1 )?(.+)")
_TO_THE = re.compile(r"(.+?) (?:to|for) the (.+)")
_AGAINST = re.compile(
    r"(.+?) (?:against|vs\.?|versus|in|into|to|and|worth in|priced in|expressed in|in terms of)"
    r" (?:the )?(.+)"
)
_PAIR_TAIL = re.compile(r" (?:exchange rate|rate|pair|cross|fx rate|fx|spot)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyPair:
    """A pair; its rate is units of ``quote`` for one unit of ``base``."""

    base: CurrencyCode
    quote: CurrencyCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount of money above 0; ``currency`` is None where the span names none."""

    value: Decimal
    currency: CurrencyCode | None


def find_currency(text: str) -> CurrencyCode | None:
    """Code of a currency by code, name or symbol in lower case; None if unknown."""
    return _CODES.get(text.removeprefix("the "))


def parse_currency(text: str, *, field: str) -> Parsed[CurrencyCode]:
    """Read a currency: "EUR", "euros", "US dollar", "£", "loonie".

    Names that several countries use ("krona", "peso") are refused.

    Raises:
        UnknownNameError: it is no currency of the data.
        InputError: the span is empty or malformed.
    """
    span = read_span(text, field=field, expected="a currency such as EUR")
    code = find_currency(span.text)
    if code is None:
        raise UnknownNameError(
            field=field, kind="currency", actual=span.written, known=sorted(BY_CODE)
        )
    return Parsed(value=code)


def parse_pair(text: str, *, field: str = "pair") -> Parsed[CurrencyPair]:
    """Read a pair: "EUR/USD", "EURUSD", "euro dollar", "dollars per euro", "cable".

    "A/B", "A B", "A in B" and "A against B" have base A; "As per B" and "As to the B" have base
    B. Where "A to the B" leaves it open, the side that the market quotes first is the base.

    Raises:
        InputError: it is not understood, a currency is unknown, or both are the same.
    """
    span = read_span(text, field=field, expected=_PAIR)
    pair = find_pair(span.text)
    if pair is None or pair.base == pair.quote:
        raise span.rejected()
    return Parsed(value=pair)


def find_pair(text: str) -> CurrencyPair | None:
    """Pair that a text in lower case names; None if it is none."""
    body = _PAIR_TAIL.sub("", text)
    if body in _NICKNAMES:
        base, quote = _NICKNAMES[body]
        return CurrencyPair(base=CurrencyCode(base), quote=CurrencyCode(quote))
    for pattern in (_CODE_PAIR, _SLASH):
        pair = _matched(pattern, body)
        if pair is not None:
            return pair
    per = _matched(_PER, body)
    if per is not None:
        return CurrencyPair(base=per.quote, quote=per.base)
    to_the = _TO_THE.fullmatch(body)
    if to_the:
        return _to_the(to_the[1], to_the[2])
    return _matched(_AGAINST, body) or _adjacent(body)


def _matched(pattern: re.Pattern[str], body: str) -> CurrencyPair | None:
    found = pattern.fullmatch(body)
    if found is None:
        return None
    first, second = find_currency(found[1]), find_currency(found[2])
    if first is None or second is None:
        return None
    return CurrencyPair(base=first, quote=second)


def _to_the(first_text: str, second_text: str) -> CurrencyPair | None:
    first, second = find_currency(first_text), find_currency(second_text)
    if first is None or second is None:
        return None
    is_count = first_text in _PLURALS
    if not is_count and first_text not in _PLURALS and f"{first_text}s" not in _PLURALS:
        is_count = _rank(second) < _rank(first)
    if is_count:
        return CurrencyPair(base=second, quote=first)
    return CurrencyPair(base=first, quote=second)


def _rank(code: CurrencyCode) -> int:
    return _QUOTED_FIRST.index(code) if code in _QUOTED_FIRST else len(_QUOTED_FIRST)


def _adjacent(body: str) -> CurrencyPair | None:
    """Two names side by side: "euro dollar", "US dollar-Swiss franc"."""
    pairs = []
    for found in re.finditer(r"[ -]", body):
        first, second = find_currency(body[: found.start()]), find_currency(body[found.end() :])
        if first is not None and second is not None:
            pairs.append(CurrencyPair(base=first, quote=second))
    return pairs[0] if len(pairs) == 1 else None


def parse_amount(text: str, *, field: str = "amount") -> Parsed[Amount]:
    """Read an amount, with its currency if it names one: "5m", "half a million", "USD 5m", "€3m".

    Raises:
        InputError: it is not understood or not above 0.
    """
    span = read_span(text, field=field, expected=_AMOUNT)
    amount = find_amount(span.text)
    if amount is None or amount.value <= 0:
        raise span.rejected()
    return Parsed(value=amount)


def find_amount(text: str) -> Amount | None:
    """Amount that a text in lower case names; None if it is none."""
    value = read_quantity(text)
    if value is not None:
        return Amount(value=value, currency=None)
    for symbol, code in sorted(_SYMBOLS.items(), key=lambda item: -len(item[0])):
        for rest in (_without_prefix(text, symbol), _without_suffix(text, symbol)):
            value = None if rest is None else read_quantity(rest)
            if value is not None:
                return Amount(value=value, currency=code)
    words = text.split(" ")
    for count in range(1, min(5, len(words))):
        for name, rest in (
            (" ".join(words[:count]), " ".join(words[count:])),
            (" ".join(words[-count:]).removeprefix("of "), " ".join(words[:-count])),
        ):
            found, value = find_currency(name), read_quantity(rest)
            if found is not None and value is not None:
                return Amount(value=value, currency=found)
    return _glued(text)


def _glued(text: str) -> Amount | None:
    """A code written against the digits: "EUR3m", "5mEUR"."""
    for code, rest in ((text[:3], text[3:]), (text[-3:], text[:-3])):
        value = read_quantity(rest) if rest and code.upper() in BY_CODE else None
        if value is not None:
            return Amount(value=value, currency=CurrencyCode(code.upper()))
    return None


def _without_prefix(text: str, symbol: str) -> str | None:
    return text[len(symbol) :].strip() if text.startswith(symbol) else None


def _without_suffix(text: str, symbol: str) -> str | None:
    return text[: -len(symbol)].strip() if text.endswith(symbol) else None
