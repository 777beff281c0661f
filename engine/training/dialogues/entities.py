"""Instruments, currencies and their surface forms.

The known instruments are those of the service's snapshot; many more names are invented.
"""

from random import Random
from typing import NamedTuple

from engine.training.dialogues import names
from engine.training.dialogues.grammar import listed, worded
from engine.training.dialogues.names import pick

# Ticker, then every way to name the company.
KNOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AAPL", ("Apple", "Apple", "Apple Inc", "Apple Inc.")),
    ("AMD", ("Advanced Micro Devices", "AMD")),
    ("BAC", ("Bank of America", "BofA")),
    ("BBY", ("Best Buy",)),
    ("CVX", ("Chevron", "Chevron Corp")),
    ("GE", ("General Electric", "GE")),
    ("HD", ("Home Depot", "Home Depot")),
    ("JNJ", ("Johnson & Johnson", "J&J", "Johnson and Johnson")),
    ("JPM", ("JPMorgan", "JP Morgan", "JPMorgan Chase", "J.P. Morgan")),
    ("KO", ("Coca-Cola", "Coke", "Coca Cola")),
    ("LLY", ("Eli Lilly", "Lilly")),
    ("MRK", ("Merck", "Merck & Co")),
    ("MSFT", ("Microsoft", "Microsoft", "Microsoft Corp")),
    ("PEP", ("PepsiCo", "Pepsi", "Pepsico")),
    ("PFE", ("Pfizer",)),
    ("PG", ("Procter & Gamble", "P&G", "Procter and Gamble")),
    ("RRC", ("Range Resources",)),
    ("UNH", ("UnitedHealth", "UnitedHealth Group", "United Health")),
    ("WMT", ("Walmart", "Wal-Mart")),
    ("XOM", ("Exxon Mobil", "Exxon", "ExxonMobil")),
)
INDEX_FORMS = ("S&P 500", "S&P 500", "SPX", "S&P", "S&P500", "S&P 500 index", "SP500", "index")
OTHER_INDICES = listed(
    "Nasdaq 100;Nasdaq;Dow Jones;Dow;DAX;FTSE 100;FTSE;Euro Stoxx 50;CAC 40;Nikkei 225;Nikkei;SMI;"
    "MSCI World;MSCI EM;Russell 2000;STOXX 600;Hang Seng;TOPIX;IBEX 35;AEX;ASX 200;VIX"
)

CODES = worded(
    "USD EUR GBP JPY CHF USD EUR GBP JPY CHF AUD CAD NZD SEK NOK DKK PLN CZK HUF RON "
    "BGN TRY ZAR BRL "
    "MXN CNY HKD SGD KRW INR THB IDR MYR PHP ILS ISK"
)
# Names by code: singular forms fit "euro dollar", plural ones fit amounts.
CURRENCY_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "USD": (
        ("dollar", "US dollar", "U.S. dollar", "greenback"),
        ("dollars", "US dollars", "bucks"),
    ),
    "EUR": (("euro", "euro"), ("euros", "euro")),
    "GBP": (
        ("pound", "sterling", "British pound", "pound sterling"),
        ("pounds", "sterling", "quid"),
    ),
    "JPY": (("yen", "Japanese yen"), ("yen", "Japanese yen")),
    "CHF": (("Swiss franc", "franc", "swissie"), ("Swiss francs", "francs")),
    "AUD": (
        ("Australian dollar", "Aussie dollar", "aussie"),
        ("Australian dollars", "Aussie dollars"),
    ),
    "CAD": (("Canadian dollar", "loonie"), ("Canadian dollars",)),
    "NZD": (("New Zealand dollar", "kiwi"), ("New Zealand dollars", "kiwi dollars")),
    "SEK": (("Swedish krona", "krona"), ("Swedish kronor", "kronor")),
    "NOK": (("Norwegian krone",), ("Norwegian kroner", "kroner")),
    "DKK": (("Danish krone",), ("Danish kroner",)),
    "PLN": (("zloty", "Polish zloty"), ("zloty", "zlotys")),
    "CZK": (("Czech koruna", "koruna"), ("Czech koruna", "crowns")),
    "HUF": (("forint", "Hungarian forint"), ("forints", "forint")),
    "TRY": (("Turkish lira", "lira"), ("Turkish lira", "lira")),
    "ZAR": (("rand", "South African rand"), ("rand", "South African rand")),
    "BRL": (("real", "Brazilian real"), ("reais", "Brazilian reais")),
    "MXN": (("Mexican peso", "peso"), ("Mexican pesos", "pesos")),
    "CNY": (("yuan", "renminbi", "Chinese yuan"), ("yuan", "renminbi")),
    "HKD": (("Hong Kong dollar",), ("Hong Kong dollars",)),
    "SGD": (("Singapore dollar",), ("Singapore dollars",)),
    "KRW": (("won", "Korean won"), ("won", "Korean won")),
    "INR": (("rupee", "Indian rupee"), ("rupees", "Indian rupees")),
    "THB": (("baht", "Thai baht"), ("baht",)),
    "IDR": (("rupiah",), ("rupiah",)),
    "ILS": (("shekel",), ("shekels",)),
}
SYMBOLS = ("€", "$", "£", "¥", "US$", "$", "€", "£")
MAJORS = ("USD", "EUR", "GBP", "JPY", "CHF", "EUR", "USD")
PAIR_NICKNAMES = ("cable", "cable", "fiber", "loonie", "swissie", "Cable", "the cross")


class Value(NamedTuple):
    """A slot's surface: text before the span, the span itself, text after it."""

    before: str
    span: str
    after: str = ""


def plain(text: str) -> Value:
    """A value that is all span."""
    return Value("", text)


def instrument_name(rng: Random) -> str:
    """A name or ticker of a single instrument, known or not."""
    value = rng.random()
    if value < 0.2:
        return pick(rng, KNOWN)[0]
    if value < 0.46:
        return pick(rng, pick(rng, KNOWN)[1])
    if value < 0.52:
        return names.ticker(rng)
    if value < 0.54:
        return pick(rng, ("gold", "Brent", "bitcoin", "oil", "silver", "Brent crude", "copper"))
    return names.company(rng)


def instrument(rng: Random) -> Value:
    """An instrument as written in a question; an article before the index is left out."""
    value = rng.random()
    if value < 0.08:
        return Value(pick(rng, ("the ", "the ", "")), pick(rng, INDEX_FORMS[:-1]))
    if value < 0.11:
        return Value(pick(rng, ("the ", "the ", "")), pick(rng, OTHER_INDICES))
    if value < 0.12:
        return Value(
            pick(rng, ("the ", "the ", "")),
            pick(rng, ("sample book", "sample portfolio", "sample book")),
        )
    text = instrument_name(rng)
    if value < 0.15:
        return Value(
            "", text, pick(rng, (" stock", " shares", " common stock", " equity", " share"))
        )
    if value < 0.165:
        return Value(pick(rng, ("ticker ", "the stock ", "shares of ", "the share ")), text)
    return plain(text)


def benchmark(rng: Random) -> Value:
    """A benchmark, mostly an index."""
    value = rng.random()
    if value < 0.5:
        return Value(pick(rng, ("the ", "the ", "")), pick(rng, INDEX_FORMS))
    if value < 0.65:
        return Value(pick(rng, ("the ", "")), pick(rng, OTHER_INDICES))
    if value < 0.72:
        return Value(
            "the ", pick(rng, ("market", "broad market", "benchmark index", "stock market"))
        )
    return instrument(rng)


def underlying(rng: Random) -> Value:
    """An option's underlying."""
    if rng.random() < 0.45:
        return Value(pick(rng, ("the ", "")), pick(rng, INDEX_FORMS))
    return instrument(rng)


def currency_code(rng: Random) -> str:
    """An ISO code, majors more often."""
    return pick(rng, MAJORS) if rng.random() < 0.6 else pick(rng, CODES)


def _plural(code: str, rng: Random) -> str:
    if rng.random() < 0.5 or code not in CURRENCY_NAMES:
        return code
    return pick(rng, CURRENCY_NAMES[code][1])


def _singular(code: str, rng: Random) -> str:
    return pick(rng, CURRENCY_NAMES[code][0]) if code in CURRENCY_NAMES else code


def currency(rng: Random) -> str:
    """A currency by code or plural name."""
    return _plural(currency_code(rng), rng)


def two_codes(rng: Random) -> tuple[str, str]:
    """Two different ISO codes."""
    first = currency_code(rng)
    second = currency_code(rng)
    while second == first:
        second = currency_code(rng)
    return first, second


def pair(rng: Random) -> Value:
    """A currency pair in one contiguous span, in every usual spelling."""
    first, second = two_codes(rng)
    value = rng.random()
    if value < 0.5:
        separator = pick(rng, ("/", "/", "/", "", "", "-", " / ", " ", ":", "."))
        text = first + separator + second
        return plain(text.lower() if rng.random() < 0.15 else text)
    if value < 0.56:
        return plain(pick(rng, PAIR_NICKNAMES[:-1]))
    if value < 0.62:
        return plain(
            f"{first} {pick(rng, ('in', 'to', 'vs', 'against', 'into', 'versus', 'per'))} {second}"
        )
    one, two = _singular(first, rng), _singular(second, rng)
    if value < 0.72:
        return plain(one + pick(rng, (" ", "-", "/", "/")) + two)
    if value < 0.84:
        join = pick(
            rng, ("to the", "to", "against the", "against", "versus the", "vs the", "vs", "in")
        )
        return Value(pick(rng, ("the ", "")), f"{one} {join} {two}")
    return plain(
        f"{_plural(first, rng)} {pick(rng, ('per', 'per', 'to the', 'for one', 'to one'))} {two}"
    )


def pair_joined(rng: Random) -> Value:
    """Two currencies after "between": EUR and USD, the euro and the dollar."""
    if rng.random() < 0.55:
        return plain(" and ".join(two_codes(rng)))
    first, second = two_codes(rng)
    return Value("the ", f"{_singular(first, rng)} and the {_singular(second, rng)}")


def pair_per(rng: Random) -> Value:
    """Two currencies after "how many": dollars per euro, yen to the dollar."""
    link = pick(rng, ("per", "per", "to the", "to one", "for one", "in a", "for a", "to a"))
    first, second = two_codes(rng)
    return plain(f"{_plural(first, rng)} {link} {_singular(second, rng)}")


def pair_worth(rng: Random) -> Value:
    """Two currencies around a verb: (a) euro in dollars, (the) pound worth in yen."""
    first, second = two_codes(rng)
    link = pick(rng, ("in", "worth in", "in", "against"))
    return Value(
        pick(rng, ("a ", "the ", "a ")), f"{_singular(first, rng)} {link} {_plural(second, rng)}"
    )


def asset(rng: Random) -> Value:
    """An instrument or a currency pair, for everything but plain prices."""
    return pair(rng) if rng.random() < 0.5 else instrument(rng)
