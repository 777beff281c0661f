"""Positions as pandas frames, the form in which people hand books in and take them out.

A frame has the columns of the CSV form. pandas is imported here and nowhere else in this package,
so that a service that never touches frames does not load it.
"""

import math
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # stubs are not a dependency

from finsvc.books.positions_csv import COLUMNS, OPTIONAL, REQUIRED, position_cells, positions_of
from finsvc.books.reference import Reference
from finsvc.books.rows import Row, check_header
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.positions import Portfolio

SOURCE = "frame"


def portfolio_from_frame(
    frame: pd.DataFrame, *, label: str, base_currency: CurrencyCode, reference: Reference
) -> Portfolio:
    """Read positions from a frame.

    Missing values (None, NaN, NaT) are empty cells; numbers may be int, float, Decimal or text;
    dates may be dates, midnight timestamps or ISO text. Rows are counted as in the CSV form.

    Raises:
        InputError: a row or the whole is wrong; the error names row and column.
    """
    names = [str(name).strip().lower() for name in frame.columns]
    check_header(names, source=SOURCE, required=REQUIRED, optional=OPTIONAL)
    rows = [
        Row(
            source=SOURCE,
            number=number,
            cells={
                name: _text(value, field=f"{SOURCE} row {number}, column {name}")
                for name, value in zip(names, values, strict=True)
            },
        )
        for number, values in enumerate(frame.itertuples(index=False, name=None), start=2)
    ]
    positions = positions_of(rows, source=SOURCE, reference=reference)
    return Portfolio(label=label, positions=positions, base_currency=base_currency)


def portfolio_to_frame(portfolio: Portfolio) -> pd.DataFrame:
    """Write positions as a frame of text cells; cells that mean nothing are empty text."""
    rows = [
        [position_cells(position).get(name, "") for name in COLUMNS]
        for position in portfolio.positions
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


def _text(value: object, *, field: str) -> str:
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        raise InputError(field=field, expected="text or a number", actual=str(value))
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else _plain(Decimal(repr(float(value))))
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, datetime):
        if value != datetime.combine(value.date(), datetime.min.time(), tzinfo=value.tzinfo):
            raise InputError(field=field, expected="a date", actual=value.isoformat())
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | np.integer):
        return str(value).strip()
    raise InputError(field=field, expected="text or a number", actual=type(value).__name__)


def _plain(number: Decimal) -> str:
    """Digits without an exponent; infinities keep their name and are refused later."""
    return f"{number:f}"
