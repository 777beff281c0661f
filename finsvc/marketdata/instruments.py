"""Reference data of the instruments in the bundled snapshot.

Sectors are those of the Global Industry Classification Standard at the end of the data (December
2022). ``INDEX_SECTOR`` marks the index, which belongs to no sector.
"""

from dataclasses import dataclass

from finsvc.domain.identifiers import CurrencyCode, InstrumentId

INDEX_SECTOR = "Index"
USD = CurrencyCode("USD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A stock or index: how it is called and classified.

    ``aliases`` are lower-case names that people use besides the ticker and the display name.
    """

    ticker: InstrumentId
    name: str
    aliases: tuple[str, ...]
    sector: str
    currency: CurrencyCode


def _instrument(ticker: str, name: str, sector: str, *aliases: str) -> Instrument:
    return Instrument(
        ticker=InstrumentId(ticker), name=name, aliases=aliases, sector=sector, currency=USD
    )


INSTRUMENTS: tuple[Instrument, ...] = (
    _instrument("AAPL", "Apple", "Information Technology", "apple inc", "apple computer"),
    _instrument(
        "AMD",
        "Advanced Micro Devices",
        "Information Technology",
        "advanced micro",
        "advanced micro devices inc",
    ),
    _instrument(
        "BAC",
        "Bank of America",
        "Financials",
        "bofa",
        "boa",
        "bank of america corp",
        "bank of america corporation",
        "b of a",
    ),
    _instrument("BBY", "Best Buy", "Consumer Discretionary", "best buy co", "bestbuy"),
    _instrument("CVX", "Chevron", "Energy", "chevron corp", "chevron corporation"),
    _instrument("GE", "General Electric", "Industrials", "general electric company", "ge co"),
    _instrument("HD", "Home Depot", "Consumer Discretionary", "the home depot", "homedepot"),
    _instrument("JNJ", "Johnson & Johnson", "Health Care", "johnson and johnson", "j&j", "j & j"),
    _instrument(
        "JPM",
        "JPMorgan Chase",
        "Financials",
        "jp morgan",
        "jpmorgan",
        "j.p. morgan",
        "jp morgan chase",
        "jpmorgan chase & co",
        "j.p. morgan chase",
        "jpm chase",
    ),
    _instrument(
        "KO",
        "Coca-Cola",
        "Consumer Staples",
        "coke",
        "coca cola",
        "the coca-cola company",
        "coca-cola company",
        "coca cola company",
    ),
    _instrument(
        "LLY", "Eli Lilly", "Health Care", "lilly", "eli lilly and company", "eli lilly & co"
    ),
    _instrument("MRK", "Merck", "Health Care", "merck & co", "merck and co"),
    _instrument(
        "MSFT", "Microsoft", "Information Technology", "microsoft corp", "microsoft corporation"
    ),
    _instrument("PEP", "PepsiCo", "Consumer Staples", "pepsi", "pepsi co", "pepsico inc"),
    _instrument("PFE", "Pfizer", "Health Care", "pfizer inc"),
    _instrument(
        "PG",
        "Procter & Gamble",
        "Consumer Staples",
        "procter and gamble",
        "procter",
        "p&g",
        "p & g",
        "the procter & gamble company",
    ),
    _instrument("RRC", "Range Resources", "Energy", "range resources corp", "range"),
    _instrument(
        "UNH",
        "UnitedHealth",
        "Health Care",
        "united health",
        "unitedhealth group",
        "united health group",
    ),
    _instrument("WMT", "Walmart", "Consumer Staples", "wal-mart", "wal mart", "walmart inc"),
    _instrument(
        "XOM",
        "Exxon Mobil",
        "Energy",
        "exxon",
        "exxonmobil",
        "exxon-mobil",
        "exxon mobil corp",
        "exxon mobil corporation",
    ),
    _instrument(
        "SPX",
        "S&P 500",
        INDEX_SECTOR,
        "s & p 500",
        "s&p",
        "s & p",
        "s&p500",
        "sp500",
        "sp 500",
        "s and p 500",
        "index",
        "spx index",
        "s&p 500 index",
        "s&p index",
        "market",
        "standard and poor's 500",
        "standard & poor's 500",
    ),
)

SECTORS: tuple[str, ...] = tuple(sorted({entry.sector for entry in INSTRUMENTS} - {INDEX_SECTOR}))

BY_TICKER = {entry.ticker: entry for entry in INSTRUMENTS}
