import pytest

from finsvc.agents.arguments.instruments import parse_instrument
from finsvc.domain.errors import InputError, UnknownNameError
from finsvc.marketdata.instruments import INSTRUMENTS


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        ("AAPL", "AAPL"),
        ("aapl", "AAPL"),
        ("Apple", "AAPL"),
        ("Apple Inc", "AAPL"),
        ("Apple Inc.", "AAPL"),
        ("Apple, Inc.", "AAPL"),
        ("Apple's", "AAPL"),
        ("Apple stock", "AAPL"),
        ("Apple's stock", "AAPL"),
        ("Apple shares", "AAPL"),
        ("shares of Apple", "AAPL"),
        ("ticker AAPL", "AAPL"),
        ("Coke", "KO"),
        ("Coca-Cola", "KO"),
        ("Coca Cola", "KO"),
        ("coca\u2010cola", "KO"),
        ("KO", "KO"),
        ("JP Morgan", "JPM"),
        ("JPMorgan", "JPM"),
        ("J.P. Morgan", "JPM"),
        ("JPMorgan Chase", "JPM"),
        ("Exxon", "XOM"),
        ("ExxonMobil", "XOM"),
        ("Exxon Mobil", "XOM"),
        ("Bank of America", "BAC"),
        ("BofA", "BAC"),
        ("Johnson & Johnson", "JNJ"),
        ("J&J", "JNJ"),
        ("Johnson and Johnson", "JNJ"),
        ("Procter & Gamble", "PG"),
        ("P&G", "PG"),
        ("Merck & Co", "MRK"),
        ("Merck & Co.", "MRK"),
        ("Eli Lilly", "LLY"),
        ("Lilly", "LLY"),
        ("Home Depot", "HD"),
        ("the Home Depot", "HD"),
        ("Walmart", "WMT"),
        ("Wal-Mart", "WMT"),
        ("General Electric", "GE"),
        ("GE", "GE"),
        ("Pepsi", "PEP"),
        ("Pepsico", "PEP"),
        ("UnitedHealth Group", "UNH"),
        ("United Health", "UNH"),
        ("Chevron Corp", "CVX"),
        ("Microsoft Corp.", "MSFT"),
        ("Advanced Micro Devices", "AMD"),
        ("Best Buy", "BBY"),
        ("Range Resources", "RRC"),
        ("SPX", "SPX"),
        ("S&P 500", "SPX"),
        ("the S&P 500", "SPX"),
        ("S&P", "SPX"),
        ("S&P500", "SPX"),
        ("SP500", "SPX"),
        ("the index", "SPX"),
        ("S&P 500 index", "SPX"),
        ("the market", "SPX"),
        ("Pfizer common stock", "PFE"),
    ],
)
def test_instrument_is_read(text: str, ticker: str) -> None:
    assert parse_instrument(text).value == ticker


@pytest.mark.parametrize("ticker", [entry.ticker for entry in INSTRUMENTS])
def test_every_instrument_is_read_by_each_of_its_names(ticker: str) -> None:
    entry = next(entry for entry in INSTRUMENTS if entry.ticker == ticker)
    for name in (entry.ticker, entry.name, *entry.aliases):
        for wording in (name, name.upper(), f"the {name}", f"{name} shares", f"{name}'s stock"):
            assert parse_instrument(wording).value == ticker


@pytest.mark.parametrize(
    "text",
    [
        "TSLA",
        "Tesla",
        "Nasdaq",
        "DAX",
        "Dow Jones",
        "EUR/USD",
        "gold",
        "Appl",
        "Apples",
        "Apple and Microsoft",
        "Bank",
        "America",
        "S&P 400",
        "Johnson",
        "VIX",
        "stock",
        "AAPL US Equity 2",
    ],
)
def test_unknown_instrument_lists_the_known_ones(text: str) -> None:
    with pytest.raises(UnknownNameError, match="first: expected a known instrument") as caught:
        parse_instrument(text, field="first")
    assert "AAPL" in caught.value.known


@pytest.mark.parametrize(
    "text", ["", "   ", "?", "AAPL\u0000", "\u200bAAPL", "A\u202eAPL", "x" * 301]
)
def test_malformed_span_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_instrument(text)
