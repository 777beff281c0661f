from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finsvc.books.frames import portfolio_from_frame, portfolio_to_frame
from finsvc.books.shelf import BookShelf
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.positions import OptionPosition, Portfolio, StockPosition
from tests.finsvc.marketdata.factories import real_market

USD = CurrencyCode("USD")


def read(frame: pd.DataFrame) -> Portfolio:
    return portfolio_from_frame(frame, label="a frame", base_currency=USD, reference=real_market())


def test_frame_of_the_sample_book_gives_it_back(tmp_path: Path) -> None:
    portfolio = BookShelf(tmp_path, real_market()).load("sample").portfolio
    frame = portfolio_to_frame(portfolio)
    assert frame.shape == (20, 7)
    assert read(frame).positions == portfolio.positions


@pytest.mark.parametrize(
    "quantity", [100, 100.0, np.int64(100), np.float64(100), Decimal(100), "100", " 100 "]
)
def test_quantity_may_be_any_number_type(quantity: object) -> None:
    frame = pd.DataFrame({"type": ["stock"], "instrument": ["AAPL"], "quantity": [quantity]})
    position = read(frame).positions[0]
    assert isinstance(position, StockPosition)
    assert position.quantity == 100


@pytest.mark.parametrize(
    "expiry",
    [date(2023, 3, 17), datetime(2023, 3, 17), pd.Timestamp("2023-03-17"), "2023-03-17"],  # noqa: DTZ001 - frames hold naive days
)
def test_expiry_may_be_any_date_type(expiry: object) -> None:
    frame = pd.DataFrame(
        {
            "type": ["put", "stock"],
            "instrument": ["SPX", "KO"],
            "quantity": [1, 2],
            "strike": [3600.5, np.nan],
            "expiry": [expiry, None],
            "multiplier": [100, None],
        }
    )
    option = read(frame).positions[0]
    assert isinstance(option, OptionPosition)
    assert option.expiry == date(2023, 3, 17)
    assert option.strike == Decimal("3600.5")


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        (np.nan, "got nothing"),
        (np.inf, "plain digits"),
        (True, "text or a number"),
        ([1], "text or a number"),
        (Decimal("NaN"), "plain digits"),
        (None, "got nothing"),
        (pd.NaT, "got nothing"),
        (datetime(2023, 3, 17, 12), "a date"),  # noqa: DTZ001 - frames hold naive days
    ],
)
def test_wrong_cell_is_refused_with_row_and_column(quantity: object, message: str) -> None:
    frame = pd.DataFrame(
        {"type": ["stock"], "instrument": ["AAPL"], "quantity": pd.Series([quantity], dtype=object)}
    )
    with pytest.raises(InputError, match="frame row 2, column quantity") as caught:
        read(frame)
    assert message in str(caught.value)


def test_frame_without_a_column_or_rows_is_refused() -> None:
    with pytest.raises(InputError, match="no column quantity"):
        read(pd.DataFrame({"type": ["stock"]}))
    with pytest.raises(InputError, match="an empty book"):
        read(pd.DataFrame({"type": [], "quantity": []}))
