"""Reference data of the currencies in the ECB's rates.

``aliases`` are lower-case names that people use; an alias never means two currencies, so plain
words such as "krona" that several countries use are absent, except where desks mean one of them:
"dollar" is the US dollar, "pound" sterling, "franc" the Swiss franc.
"""

from dataclasses import dataclass

from finsvc.domain.identifiers import CurrencyCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """A currency: code, display name, names and symbols in use."""

    code: CurrencyCode
    name: str
    aliases: tuple[str, ...]
    symbols: tuple[str, ...] = ()


def _currency(code: str, name: str, *aliases: str, symbols: tuple[str, ...] = ()) -> Currency:
    return Currency(code=CurrencyCode(code), name=name, aliases=aliases, symbols=symbols)


EUR = CurrencyCode("EUR")

CURRENCIES: tuple[Currency, ...] = (
    _currency("EUR", "euro", "euros", symbols=("€",)),
    _currency(
        "USD",
        "US dollar",
        "us dollars",
        "dollar",
        "dollars",
        "american dollar",
        "american dollars",
        "u.s. dollar",
        "u.s. dollars",
        "buck",
        "bucks",
        "greenback",
        "greenbacks",
        "united states dollar",
        symbols=("$", "US$"),
    ),
    _currency("JPY", "Japanese yen", "yen", symbols=("¥", "JP¥")),
    _currency("BGN", "Bulgarian lev", "lev", "leva", "bulgarian leva"),
    _currency("CYP", "Cyprus pound", "cyprus pounds", "cypriot pound", "cypriot pounds"),
    _currency("CZK", "Czech koruna", "koruna", "czech korunas", "czech crown", "czech crowns"),
    _currency("DKK", "Danish krone", "danish kroner", "danish crown", "danish crowns"),
    _currency("EEK", "Estonian kroon", "kroon", "kroons", "estonian kroons"),
    _currency(
        "GBP",
        "pound sterling",
        "pound",
        "pounds",
        "sterling",
        "pounds sterling",
        "british pound",
        "british pounds",
        "uk pound",
        "uk pounds",
        "quid",
        symbols=("£",),
    ),
    _currency("HUF", "Hungarian forint", "forint", "forints", "hungarian forints"),
    _currency("LTL", "Lithuanian litas", "litas", "lithuanian litai", "litai"),
    _currency("LVL", "Latvian lats", "lats", "latvian lat"),
    _currency("MTL", "Maltese lira", "maltese liri"),
    _currency("PLN", "Polish zloty", "zloty", "zlotys", "polish zlotys", "złoty", symbols=("zł",)),
    _currency("ROL", "old Romanian leu", "old romanian lei"),
    _currency("RON", "Romanian leu", "leu", "lei", "romanian lei"),
    _currency(
        "SEK", "Swedish krona", "swedish kronor", "swedish crown", "swedish crowns", "stockie"
    ),
    _currency("SIT", "Slovenian tolar", "tolar", "tolars", "slovenian tolars"),
    _currency("SKK", "Slovak koruna", "slovak korunas", "slovak crown", "slovak crowns"),
    _currency("CHF", "Swiss franc", "swiss francs", "franc", "francs", "swissie", "swissy"),
    _currency("ISK", "Icelandic króna", "icelandic krona", "icelandic kronur", "icelandic crown"),
    _currency(
        "NOK",
        "Norwegian krone",
        "norwegian kroner",
        "norwegian crown",
        "norwegian crowns",
        "nokkie",
    ),
    _currency("HRK", "Croatian kuna", "kuna", "kunas", "croatian kunas"),
    _currency(
        "RUB",
        "Russian rouble",
        "rouble",
        "roubles",
        "ruble",
        "rubles",
        "russian ruble",
        "russian rubles",
        "russian roubles",
        symbols=("₽",),
    ),
    _currency("TRL", "old Turkish lira"),
    _currency("TRY", "Turkish lira", "lira", "liras", "turkish liras", symbols=("₺",)),
    _currency(
        "AUD",
        "Australian dollar",
        "australian dollars",
        "aussie",
        "aussies",
        "aussie dollar",
        "aussie dollars",
        symbols=("A$", "AU$"),
    ),
    _currency(
        "BRL",
        "Brazilian real",
        "real",
        "reais",
        "brazilian reais",
        "brazilian reals",
        symbols=("R$",),
    ),
    _currency(
        "CAD", "Canadian dollar", "canadian dollars", "loonie", "loonies", symbols=("C$", "CA$")
    ),
    _currency(
        "CNY", "Chinese yuan", "yuan", "renminbi", "chinese renminbi", "rmb", symbols=("CN¥",)
    ),
    _currency("HKD", "Hong Kong dollar", "hong kong dollars", symbols=("HK$",)),
    _currency("IDR", "Indonesian rupiah", "rupiah", "rupiahs", "indonesian rupiahs"),
    _currency(
        "ILS",
        "Israeli shekel",
        "shekel",
        "shekels",
        "israeli shekels",
        "new shekel",
        symbols=("₪",),
    ),
    _currency("INR", "Indian rupee", "rupee", "rupees", "indian rupees", symbols=("₹",)),
    _currency("KRW", "South Korean won", "won", "korean won", symbols=("₩",)),
    _currency("MXN", "Mexican peso", "mexican pesos", symbols=("MX$",)),
    _currency("MYR", "Malaysian ringgit", "ringgit", "ringgits", "malaysian ringgits"),
    _currency(
        "NZD",
        "New Zealand dollar",
        "new zealand dollars",
        "kiwi",
        "kiwis",
        "kiwi dollar",
        "kiwi dollars",
        symbols=("NZ$",),
    ),
    _currency("PHP", "Philippine peso", "philippine pesos", symbols=("₱",)),
    _currency(
        "SGD",
        "Singapore dollar",
        "singapore dollars",
        "sing dollar",
        "sing dollars",
        symbols=("S$",),
    ),
    _currency("THB", "Thai baht", "baht", "bahts", symbols=("฿",)),
    _currency("ZAR", "South African rand", "rand", "rands", "south african rands"),
)

BY_CODE = {entry.code: entry for entry in CURRENCIES}
