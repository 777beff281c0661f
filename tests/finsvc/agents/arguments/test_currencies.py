from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.currencies import (
    Amount,
    CurrencyPair,
    parse_amount,
    parse_currency,
    parse_pair,
)
from finsvc.domain.errors import InputError, UnknownNameError
from finsvc.domain.identifiers import CurrencyCode
from finsvc.marketdata.currencies import CURRENCIES

CODES = [entry.code for entry in CURRENCIES]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EUR", "EUR"),
        ("eur", "EUR"),
        ("euro", "EUR"),
        ("euros", "EUR"),
        ("Euros", "EUR"),
        ("\u20ac", "EUR"),
        ("the euro", "EUR"),
        ("USD", "USD"),
        ("dollars", "USD"),
        ("dollar", "USD"),
        ("US dollars", "USD"),
        ("U.S. dollars", "USD"),
        ("bucks", "USD"),
        ("greenback", "USD"),
        ("$", "USD"),
        ("US$", "USD"),
        ("sterling", "GBP"),
        ("pounds", "GBP"),
        ("quid", "GBP"),
        ("British pounds", "GBP"),
        ("\u00a3", "GBP"),
        ("yen", "JPY"),
        ("\u00a5", "JPY"),
        ("Japanese yen", "JPY"),
        ("Swiss francs", "CHF"),
        ("swissie", "CHF"),
        ("francs", "CHF"),
        ("loonie", "CAD"),
        ("aussie", "AUD"),
        ("kiwi", "NZD"),
        ("A$", "AUD"),
        ("zloty", "PLN"),
        ("Swedish kronor", "SEK"),
        ("yuan", "CNY"),
        ("renminbi", "CNY"),
        ("rand", "ZAR"),
        ("Mexican pesos", "MXN"),
        ("reais", "BRL"),
        ("roubles", "RUB"),
        ("won", "KRW"),
    ],
)
def test_currency_is_read(text: str, code: str) -> None:
    assert parse_currency(text, field="to").value == code


@pytest.mark.parametrize("code", CODES)
def test_every_currency_is_read_by_code_and_name(code: str) -> None:
    name = next(entry.name for entry in CURRENCIES if entry.code == code)
    assert parse_currency(code.lower(), field="to").value == code
    assert parse_currency(name, field="to").value == code


@pytest.mark.parametrize(
    "text",
    ["XXX", "bitcoin", "krona", "krone", "crowns", "peso", "pesos", "gold", "EURO zone", "EUR USD"],
)
def test_unknown_or_shared_name_is_an_unknown_currency(text: str) -> None:
    with pytest.raises(UnknownNameError, match="to: expected a known currency"):
        parse_currency(text, field="to")


@pytest.mark.parametrize(
    ("text", "base", "quote"),
    [
        ("EUR/USD", "EUR", "USD"),
        ("EURUSD", "EUR", "USD"),
        ("EUR-USD", "EUR", "USD"),
        ("eur/usd", "EUR", "USD"),
        ("EUR USD", "EUR", "USD"),
        ("EUR / USD", "EUR", "USD"),
        ("EUR:USD", "EUR", "USD"),
        ("EUR.USD", "EUR", "USD"),
        ("USD/JPY", "USD", "JPY"),
        ("euro dollar", "EUR", "USD"),
        ("euro-dollar", "EUR", "USD"),
        ("euro/dollar", "EUR", "USD"),
        ("euro against the dollar", "EUR", "USD"),
        ("euro vs dollar", "EUR", "USD"),
        ("the euro versus the dollar", "EUR", "USD"),
        ("dollars per euro", "EUR", "USD"),
        ("USD per EUR", "EUR", "USD"),
        ("yen per dollar", "USD", "JPY"),
        ("cable", "GBP", "USD"),
        ("Cable", "GBP", "USD"),
        ("fiber", "EUR", "USD"),
        ("loonie", "USD", "CAD"),
        ("swissie", "USD", "CHF"),
        ("aussie", "AUD", "USD"),
        ("kiwi", "NZD", "USD"),
        ("EUR in USD", "EUR", "USD"),
        ("euro in dollars", "EUR", "USD"),
        ("EUR to USD", "EUR", "USD"),
        ("EUR and USD", "EUR", "USD"),
        ("euro and the dollar", "EUR", "USD"),
        ("dollars to the euro", "EUR", "USD"),
        ("euro to the dollar", "EUR", "USD"),
        ("yen to the dollar", "USD", "JPY"),
        ("sterling to the dollar", "GBP", "USD"),
        ("pounds to the dollar", "USD", "GBP"),
        ("dollar yen", "USD", "JPY"),
        ("US dollar Swiss franc", "USD", "CHF"),
        ("pound sterling-yen", "GBP", "JPY"),
        ("Swiss francs for one euro", "EUR", "CHF"),
        ("yen to one euro", "EUR", "JPY"),
        ("dollars in a pound", "GBP", "USD"),
        ("EUR/USD exchange rate", "EUR", "USD"),
        ("EURUSD spot", "EUR", "USD"),
        ("pound worth in yen", "GBP", "JPY"),
        ("US dollar/Japanese yen", "USD", "JPY"),
        ("USD into EUR", "USD", "EUR"),
        ("JPY:CHF", "JPY", "CHF"),
    ],
)
def test_pair_is_read(text: str, base: str, quote: str) -> None:
    assert parse_pair(text).value == CurrencyPair(
        base=CurrencyCode(base), quote=CurrencyCode(quote)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "EUR",
        "EUR/EUR",
        "dollars per dollar",
        "EURUSDX",
        "EUR/XXX",
        "euro",
        "the cross",
        "EUR/USD/JPY",
        "dollar index",
        "gold/USD",
        "krona euro",
        "EU RUSD",
    ],
)
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_pair(text)
    assert caught.value.field == "pair"


@given(
    st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(["/", "", "-", " ", ":", " / "])
)
def test_pair_of_codes_is_read_back(base: str, quote: str, separator: str) -> None:
    if base != quote:
        parsed = parse_pair(f"{base}{separator}{quote}").value
        assert (parsed.base, parsed.quote) == (base, quote)


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("5m", "5000000", None),
        ("5 million", "5000000", None),
        ("2,500,000", "2500000", None),
        ("1.5bn", "1500000000", None),
        ("250k", "250000", None),
        ("half a million", "500000", None),
        ("a million", "1000000", None),
        ("USD 5m", "5000000", "USD"),
        ("\u20ac3m", "3000000", "EUR"),
        ("5m USD", "5000000", "USD"),
        ("5m dollars", "5000000", "USD"),
        ("$2,000,000", "2000000", "USD"),
        ("US$ 5m", "5000000", "USD"),
        ("EUR3m", "3000000", "EUR"),
        ("3mEUR", "3000000", "EUR"),
        ("a million euros", "1000000", "EUR"),
        ("five million Swiss francs", "5000000", "CHF"),
        ("\u00a3250k", "250000", "GBP"),
        ("100 \u20ac", "100", "EUR"),
        ("100\u20ac", "100", "EUR"),
        ("99.95", "99.95", None),
        ("20", "20", None),
        ("one", "1", None),
        ("ten thousand", "10000", None),
        ("500 grand", "500000", None),
        ("5 mio", "5000000", None),
        ("1.2 million", "1200000", None),
        ("A$5m", "5000000", "AUD"),
        ("5m Australian dollars", "5000000", "AUD"),
        ("100 US dollars", "100", "USD"),
        ("half a million pounds", "500000", "GBP"),
        ("2.5 million of euros", "2500000", "EUR"),
        ("twenty bucks", "20", "USD"),
        ("GBP 1,234.56", "1234.56", "GBP"),
        ("JPY 120,000,000", "120000000", "JPY"),
    ],
)
def test_amount_is_read(text: str, value: str, currency: str | None) -> None:
    code = None if currency is None else CurrencyCode(currency)
    assert parse_amount(text).value == Amount(value=Decimal(value), currency=code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "USD 0",
        "-5m",
        "five-ish",
        "EUR",
        "5m XXX",
        "1.000.000",
        "1,00",
        "5 x",
        "$",
        "some",
        "\u0665m",
        "nan",
        "inf",
        "5m EUR USD",
        "2\u00bd million",
        "1e6",
        "5%",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_amount(text)
    assert caught.value.field == "amount"


@given(
    st.decimals(min_value="0.01", max_value=10**12, places=2), st.sampled_from(CODES), st.booleans()
)
def test_amount_with_code_is_read_back(value: Decimal, code: str, is_grouped: bool) -> None:
    digits = f"{value:,f}" if is_grouped else f"{value:f}"
    for text in (f"{code} {digits}", f"{digits} {code}", f"{code}{digits}"):
        assert parse_amount(text).value == Amount(value=value, currency=CurrencyCode(code))
