from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.agents.arguments.portfolios import PortfolioArgument, PortfolioContext, parse_portfolio
from finsvc.agents.arguments.spans import Parsed
from finsvc.books.shelf import BookShelf
from finsvc.domain.errors import InputError, NonTradingDayError, UnknownNameError
from finsvc.domain.positions import CashPosition, Position, StockPosition
from finsvc.marketdata.instruments import INSTRUMENTS
from tests.finsvc.marketdata.factories import real_market

AS_OF = date(2022, 12, 28)


def context(tmp_path: Path, as_of: date = AS_OF) -> PortfolioContext:
    market = real_market()
    return PortfolioContext(books=BookShelf(tmp_path, market), market=market, as_of=as_of)


def parse(text: str, tmp_path: Path) -> Parsed[PortfolioArgument]:
    return parse_portfolio(text, context=context(tmp_path))


def flat(position: Position) -> tuple[str, Decimal]:
    match position:
        case StockPosition():
            return position.instrument, position.quantity
        case CashPosition():
            return position.currency, position.amount
        case _:
            raise AssertionError(position)


@pytest.mark.parametrize(
    "text",
    [
        "sample",
        "sample book",
        "the sample book",
        "Sample",
        "SAMPLE",
        "book sample",
        "sample portfolio",
        "our sample book",
        "my sample book",
        "the book sample",
        "'sample'",
        '"sample"',
        "book 'sample'",
        "portfolio sample",
        "book called sample",
        "book named sample",
    ],
)
def test_book_is_found_by_name(tmp_path: Path, text: str) -> None:
    value = parse(text, tmp_path).value
    assert value.book is not None
    assert value.book.name == "sample"
    assert value.portfolio.label == "the sample book"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10,000 Apple shares", [("AAPL", 10000)]),
        ("10000 AAPL", [("AAPL", 10000)]),
        ("10,000 shares of Apple", [("AAPL", 10000)]),
        ("10k AAPL", [("AAPL", 10000)]),
        ("1.5k Apple", [("AAPL", 1500)]),
        ("long 500 MSFT", [("MSFT", 500)]),
        ("short 200 shares of JPM", [("JPM", -200)]),
        ("short 200 JPM", [("JPM", -200)]),
        ("-200 JPM", [("JPM", -200)]),
        ("500 AAPL and 300 MSFT", [("AAPL", 500), ("MSFT", 300)]),
        ("500 AAPL, 300 MSFT and 100 KO", [("AAPL", 500), ("MSFT", 300), ("KO", 100)]),
        ("500 AAPL + 300 MSFT", [("AAPL", 500), ("MSFT", 300)]),
        ("1,000 Apple plus 2,000 Coke", [("AAPL", 1000), ("KO", 2000)]),
        ("1,000 Apple against short 500 MSFT", [("AAPL", 1000), ("MSFT", -500)]),
        ("200 Johnson and Johnson", [("JNJ", 200)]),
        ("200 Johnson and Johnson and 300 Procter and Gamble shares", [("JNJ", 200), ("PG", 300)]),
        ("a position of 100 Apple", [("AAPL", 100)]),
        ("long position in 250 Exxon", [("XOM", 250)]),
        ("a short position of 40 HD", [("HD", -40)]),
        ("one hundred Apple shares", [("AAPL", 100)]),
        ("a thousand shares of Pfizer", [("PFE", 1000)]),
        ("100 Apple stock", [("AAPL", 100)]),
        ("5 S&P 500", [("SPX", 5)]),
        ("10 units of the S&P 500", [("SPX", 10)]),
        ("AAPL 500", [("AAPL", 500)]),
        ("100 of KO", [("KO", 100)]),
        ("half a million shares of GE", [("GE", 500000)]),
        ("2,500 Bank of America", [("BAC", 2500)]),
        ("100 shares in Merck & Co", [("MRK", 100)]),
        ("5m EUR", [("EUR", 5000000)]),
        ("a million euros", [("EUR", 1000000)]),
        ("EUR 3m", [("EUR", 3000000)]),
        ("\u20ac3m", [("EUR", 3000000)]),
        ("short 5m CHF", [("CHF", -5000000)]),
        ("long 2,000,000 GBP", [("GBP", 2000000)]),
        ("5 million dollars", [("USD", 5000000)]),
        ("5m EUR and 100 AAPL", [("EUR", 5000000), ("AAPL", 100)]),
        ("$2m", [("USD", 2000000)]),
        ("120m yen", [("JPY", 120000000)]),
        ("EUR/USD 5m", [("EUR", 5000000), ("USD", -5320000)]),
        ("5m EUR/USD", [("EUR", 5000000), ("USD", -5320000)]),
        ("short 5m EURUSD", [("EUR", -5000000), ("USD", 5320000)]),
        ("5m of EUR/USD", [("EUR", 5000000), ("USD", -5320000)]),
        ("5m USD of KO", [("KO", 79860)]),
        ("USD 5m of Coca-Cola", [("KO", 79860)]),
        ("$5m worth of Coke", [("KO", 79860)]),
        ("5m USD in KO", [("KO", 79860)]),
        ("5m dollars of KO shares", [("KO", 79860)]),
        ("short $5m of KO", [("KO", -79860)]),
        ("USD 5m KO", [("KO", 79860)]),
        ("1m EUR of Apple", [("AAPL", 8466)]),
    ],
)
def test_positions_written_out_are_read(
    tmp_path: Path, text: str, expected: list[tuple[str, int]]
) -> None:
    value = parse(text, tmp_path).value
    assert [flat(position) for position in value.portfolio.positions] == expected
    assert value.book is None
    assert value.portfolio.label == text
    assert value.portfolio.base_currency == "USD"


def test_bought_amount_states_shares_price_and_rate(tmp_path: Path) -> None:
    assert parse("5m USD of KO", tmp_path).notes == (
        "The amount is 79,860 shares of KO at the close of 2022-12-28, 62.609 USD, rounded down.",
    )
    assert parse("1m EUR of Apple", tmp_path).notes == (
        "EUR is converted at 1.0640 USD per EUR, the rate of 2022-12-28.",
        "The amount is 8,466 shares of AAPL at the close of 2022-12-28, 125.674 USD, rounded down.",
    )


def test_pair_position_states_both_legs(tmp_path: Path) -> None:
    assert parse("EUR/USD 5m", tmp_path).notes == (
        "The position is 5,000,000 EUR against -5,320,000.00 USD, at the rate of 2022-12-28.",
    )


@pytest.mark.parametrize(
    "text", ["Apple", "AAPL stock", "EUR/USD", "EUR", "the S&P 500", "euros", "cable"]
)
def test_position_without_a_size_asks_for_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="a position with its size"):
        parse(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "tiger book",
        "the macro fund",
        "Pelican",
        "10 Tesla shares",
        "5m XXX",
        "some Apple shares",
        "100",
        "5m",
        "AAPL MSFT",
        "500 AAPL and Pelican",
        "book 7",
    ],
)
def test_unknown_portfolio_lists_the_books(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnknownNameError, match="sample"):
        parse(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 AAPL",
        "long -5 AAPL",
        "0 EUR",
        "1 USD of AAPL",
        "0 EUR/USD",
        "0.001 JPY/USD",
        "500 AAPL and 300 Apple",
        "\u0665\u0660\u0660 AAPL",
        "5m EUR, 3m euros",
    ],
)
def test_wrong_position_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, tmp_path)
    assert caught.value.field == "portfolio"


def test_price_needed_on_a_holiday_is_a_non_trading_day(tmp_path: Path) -> None:
    holiday = context(tmp_path, date(2022, 12, 25))
    with pytest.raises(NonTradingDayError):
        parse_portfolio("5m USD of KO", context=holiday)
    assert parse_portfolio("100 KO", context=holiday).value.book is None


def test_broken_book_is_named_instead_of_unknown(tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text("type,instrument,quantity\nstock,TSLA,1\n")
    with pytest.raises(UnknownNameError, match=r"broken\.csv row 2, column instrument"):
        parse("broken book", tmp_path)


def test_too_many_positions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at most 20 positions"):
        parse(" and ".join(["1 KO"] * 21), tmp_path)


@given(
    st.integers(min_value=1, max_value=10**9),
    st.sampled_from([entry.ticker for entry in INSTRUMENTS]),
    st.sampled_from(["", "long ", "short "]),
)
def test_number_of_shares_is_read_back(quantity: int, ticker: str, side: str) -> None:
    name = next(entry.name for entry in INSTRUMENTS if entry.ticker == ticker)
    signed = -quantity if side == "short " else quantity
    folder = Path("no-such-folder")
    for text in (
        f"{quantity:,} {name} shares",
        f"{quantity} shares of {ticker}",
        f"{quantity} {ticker}",
    ):
        position = parse(side + text, folder).value.portfolio.positions[0]
        assert flat(position) == (ticker, signed)
