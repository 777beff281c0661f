import contextlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.books.positions_csv import format_positions, parse_positions
from finsvc.books.rows import FILE_BYTES_MAX, ROWS_MAX
from finsvc.domain.errors import InputError, UnknownNameError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.positions import (
    CashPosition,
    OptionPosition,
    OptionType,
    Position,
    StockPosition,
)
from tests.finsvc.marketdata.factories import real_market

HEADER = "type,instrument,quantity,currency,strike,expiry,multiplier\n"


def parse(text: str | bytes) -> tuple[Position, ...]:
    raw = text if isinstance(text, bytes) else text.encode()
    return parse_positions(raw, source="book.csv", reference=real_market())


def stock(ticker: str, quantity: str) -> StockPosition:
    return StockPosition(instrument=InstrumentId(ticker), quantity=Decimal(quantity))


def test_positions_of_every_kind_are_read() -> None:
    text = (
        HEADER + "stock,AAPL,-100.5,USD,,,\ncash,,5000000,eur,,,\nput,SPX,10,,3600,2023-03-17,100\n"
    )
    assert parse(text) == (
        stock("AAPL", "-100.5"),
        CashPosition(currency=CurrencyCode("EUR"), amount=Decimal(5000000)),
        OptionPosition(
            underlying=InstrumentId("SPX"),
            option_type=OptionType.PUT,
            strike=Decimal(3600),
            expiry=date(2023, 3, 17),
            quantity=Decimal(10),
            multiplier=Decimal(100),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "stock,AAPL,100,USD,,,",
        "\ufeff" + HEADER + "stock,AAPL,100,USD,,,\n",
        HEADER.replace("\n", "\r\n") + "stock,AAPL,100,USD,,,\r\n\r\n",
        HEADER + "\n,,,,,,\n Stock , aapl , +100 , usd ,,,\n",
        "quantity,type,instrument\n100,stock,AAPL\n",
        "Type,Quantity,Instrument\nSTOCK,100,AAPL\n",
        HEADER + '"stock","AAPL","100","USD","","",""\n',
    ],
)
def test_positions_are_read_from_every_harmless_variation(text: str) -> None:
    assert parse(text) == (stock("AAPL", "100"),)


@pytest.mark.parametrize(
    ("rows", "field", "message"),
    [
        ("stock,AAPL,,USD,,,", "row 2, column quantity", "got nothing"),
        ("stock,AAPL,ten,USD,,,", "row 2, column quantity", "plain digits"),
        ('stock,AAPL,"1,000",USD,,,', "row 2, column quantity", "without thousands separators"),
        ("stock,AAPL,1 000,USD,,,", "row 2, column quantity", "without thousands separators"),
        ("stock,AAPL,1'000.5,USD,,,", "row 2, column quantity", "without thousands separators"),
        ("stock,AAPL,NaN,USD,,,", "row 2, column quantity", "plain digits"),
        ("stock,AAPL,inf,USD,,,", "row 2, column quantity", "plain digits"),
        ("stock,AAPL,-Infinity,USD,,,", "row 2, column quantity", "plain digits"),
        ("stock,AAPL,1e6,USD,,,", "row 2, column quantity", "plain digits"),
        ("stock,AAPL,0x10,USD,,,", "row 2, column quantity", "plain digits"),
        ("stock,AAPL,\u0661\u0660,USD,,,", "row 2, column quantity", "plain digits"),
        ("stock,AAPL,0,USD,,,", "row 2, column quantity", "other than 0"),
        ("stock,AAPL,1.123456789,USD,,,", "row 2, column quantity", "8 decimals"),
        ("stock,AAPL,1234567890123456,USD,,,", "row 2, column quantity", "plain digits"),
        ("bond,AAPL,1,USD,,,", "row 2, column type", "one of stock, cash, call, put"),
        (",AAPL,1,USD,,,", "row 2, column type", "got nothing"),
        ("stock,,1,USD,,,", "row 2, column instrument", "got nothing"),
        ("stock,AAPL,1,EUR,,,", "row 2, column currency", "nothing or USD"),
        ("stock,AAPL,1,USD,5,,", "row 2, column strike", "a stock has none"),
        ("stock,AAPL,1,USD,,2023-03-17,", "row 2, column expiry", "a stock has none"),
        ("cash,AAPL,1,USD,,,", "row 2, column instrument", "cash has none"),
        ("cash,,1,,,,", "row 2, column currency", "got nothing"),
        ("put,SPX,1,USD,,2023-03-17,100", "row 2, column strike", "above 0"),
        ("put,SPX,1,USD,-5,2023-03-17,100", "row 2, column strike", "above 0"),
        ("put,SPX,1,USD,3600,17/03/2023,100", "row 2, column expiry", "such as 2023-03-17"),
        ("put,SPX,1,USD,3600,2023-02-30,100", "row 2, column expiry", "a date that exists"),
        ("put,SPX,1,USD,3600,,100", "row 2, column expiry", "got nothing"),
        ("put,SPX,1,USD,3600,2023-03-17,", "row 2, column multiplier", "got nothing"),
        ("put,SPX,1,USD,3600,2023-03-17,0", "row 2, column multiplier", "above 0"),
        ("stock,KO,1,,,,\n\nstock,AAPL,x,,,,", "row 4, column quantity", "plain digits"),
        ("stock,KO,1,,,,\nstock,ko,2,,,,", "row 3", "row 2 does not hold already"),
        ("cash,,1,EUR,,,\ncash,,2,EUR,,,", "row 3", "row 2"),
        ("stock,KO,1", "row 2", "expected 7 cells as in the header, got 3"),
        ("stock,KO,1,,,,,,", "row 2", "expected 7 cells"),
        ('stock,"KO"x,1,,,,', "row 2", "comma-separated cells"),
    ],
)
def test_wrong_row_is_refused_with_row_and_column(rows: str, field: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(HEADER + rows + "\n")
    assert caught.value.field == f"book.csv {field}"
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("stock,TSLA,1,,,,", "instrument"),
        ("cash,,1,XXX,,,", "currency"),
        ("call,DAX,1,,100,2023-03-17,100", "instrument"),
    ],
)
def test_unknown_name_lists_the_known_ones(row: str, column: str) -> None:
    with pytest.raises(UnknownNameError, match=f"row 2, column {column}: expected a known"):
        parse(HEADER + row)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no column type"),
        (b"\n\n", "no column type"),
        (HEADER.encode(), "at least one position, got an empty book"),
        (b"type,instrument\nstock,AAPL\n", "no column quantity"),
        (b"type;instrument;quantity\nstock;AAPL;1\n", "no column type"),
        (b"type,quantity,isin\nstock,1,x\n", "column 'isin'"),
        (b"type,quantity,type\nstock,1,stock\n", "each column once"),
        ("type,quantity\ncash,1\u20ac".encode("cp1252"), "UTF-8 text"),
        (HEADER.encode("utf-16"), "UTF-8 text"),
        (b"type,quantity\0\n", "a NUL character"),
        (b"x" * (FILE_BYTES_MAX + 1), "at most 4194304 bytes"),
        (b"type,quantity\n" + b"\n" * (ROWS_MAX + 1), "at most 10000 rows"),
    ],
)
def test_wrong_file_is_refused_as_a_whole(text: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.field.startswith("book.csv")
    assert message in str(caught.value)


quantities = st.decimals(
    min_value=-(10**14), max_value=10**14, places=8, allow_nan=False, allow_infinity=False
).filter(bool)
positives = st.decimals(min_value="0.00000001", max_value=10**10, places=8)
stocks = st.builds(
    StockPosition, instrument=st.sampled_from(real_market().instruments()), quantity=quantities
)
cash = st.builds(
    CashPosition, currency=st.sampled_from(real_market().currencies()), amount=quantities
)
options = st.builds(
    OptionPosition,
    underlying=st.sampled_from(real_market().instruments()),
    option_type=st.sampled_from(OptionType),
    strike=positives,
    expiry=st.dates(),
    quantity=quantities,
    multiplier=positives,
)


def identity(position: Position) -> object:
    match position:
        case StockPosition():
            return position.instrument
        case CashPosition():
            return position.currency
        case OptionPosition():
            return (position.underlying, position.option_type, position.strike, position.expiry)


@given(st.lists(st.one_of(stocks, cash, options), min_size=1, max_size=8, unique_by=identity))
def test_format_then_parse_gives_the_same_positions(positions: list[Position]) -> None:
    assert parse(format_positions(positions)) == tuple(positions)


@given(st.binary(max_size=200))
def test_parse_of_any_bytes_is_positions_or_an_input_error(raw: bytes) -> None:
    with contextlib.suppress(InputError):
        assert parse(raw)
