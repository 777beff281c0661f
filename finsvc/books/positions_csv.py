"""Positions in the documented CSV form (see README.md in this folder)."""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

from finsvc.books.reference import Reference
from finsvc.books.rows import Row, read_rows
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.positions import (
    CashPosition,
    OptionPosition,
    OptionType,
    Position,
    StockPosition,
)

REQUIRED = ("type", "quantity")
OPTIONAL = ("instrument", "currency", "strike", "expiry", "multiplier")
COLUMNS = ("type", "instrument", "quantity", "currency", "strike", "expiry", "multiplier")

STOCK = "stock"
CASH = "cash"
KINDS = (STOCK, CASH, *(str(right) for right in OptionType))


def parse_positions(raw: bytes, *, source: str, reference: Reference) -> tuple[Position, ...]:
    """Read positions from the bytes of a CSV file.

    Args:
        raw: the file.
        source: how errors call the file, e.g. ``book.csv``.
        reference: the instruments and currencies that exist.

    Raises:
        InputError: a row or the whole is wrong; the error names row and column.
    """
    rows = read_rows(raw, source=source, required=REQUIRED, optional=OPTIONAL)
    return positions_of(rows, source=source, reference=reference)


def positions_of(rows: Iterable[Row], *, source: str, reference: Reference) -> tuple[Position, ...]:
    """Turn rows into positions and check them against each other."""
    seen: dict[tuple[object, ...], int] = {}
    positions: list[Position] = []
    for row in rows:
        position = _position(row, reference)
        key = _identity(position)
        if key in seen:
            raise InputError(
                field=f"{source} row {row.number}",
                expected=f"a position that row {seen[key]} does not hold already",
                actual="the same position again",
            )
        seen[key] = row.number
        positions.append(position)
    if not positions:
        raise InputError(field=source, expected="at least one position", actual="an empty book")
    return tuple(positions)


def format_positions(positions: Iterable[Position]) -> str:
    """Write positions in the CSV form, so that parsing gives the same positions."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for position in positions:
        writer.writerow(position_cells(position))
    return buffer.getvalue()


def position_cells(position: Position) -> dict[str, str]:
    """Cells of a position by column; columns that mean nothing for it are absent."""
    match position:
        case StockPosition():
            return {
                "type": STOCK,
                "instrument": position.instrument,
                "quantity": f"{position.quantity:f}",
            }
        case CashPosition():
            return {
                "type": CASH,
                "quantity": f"{position.amount:f}",
                "currency": position.currency,
            }
        case OptionPosition():
            return {
                "type": str(position.option_type),
                "instrument": position.underlying,
                "quantity": f"{position.quantity:f}",
                "strike": f"{position.strike:f}",
                "expiry": position.expiry.isoformat(),
                "multiplier": f"{position.multiplier:f}",
            }


def _position(row: Row, reference: Reference) -> Position:
    kind = row.text("type", expected=f"one of {', '.join(KINDS)}").lower()
    if kind not in KINDS:
        raise row.error("type", expected=f"one of {', '.join(KINDS)}")
    quantity = row.number_in("quantity", positive=False)
    if kind == CASH:
        return _cash(row, quantity, reference)
    instrument = InstrumentId(row.known("instrument", "instrument", reference.instruments()))
    _check_currency(row, instrument, reference)
    if kind == STOCK:
        row.require_empty(("strike", "expiry", "multiplier"), why="a stock has none")
        return StockPosition(instrument=instrument, quantity=quantity)
    return OptionPosition(
        underlying=instrument,
        option_type=OptionType(kind),
        strike=row.number_in("strike", positive=True),
        expiry=row.day("expiry"),
        quantity=quantity,
        multiplier=row.number_in("multiplier", positive=True),
    )


def _cash(row: Row, amount: Decimal, reference: Reference) -> CashPosition:
    row.require_empty(("instrument", "strike", "expiry", "multiplier"), why="cash has none")
    currency = CurrencyCode(row.known("currency", "currency", reference.currencies()))
    return CashPosition(currency=currency, amount=amount)


def _check_currency(row: Row, instrument: InstrumentId, reference: Reference) -> None:
    """A stated currency must be the one the instrument is quoted in."""
    quoted = reference.currency(instrument)
    stated = row.cells.get("currency", "")
    if stated and stated.upper() != quoted:
        raise row.error("currency", expected=f"nothing or {quoted}, in which {instrument} trades")


def _identity(position: Position) -> tuple[object, ...]:
    match position:
        case StockPosition():
            return (STOCK, position.instrument)
        case CashPosition():
            return (CASH, position.currency)
        case OptionPosition():
            return (
                position.option_type,
                position.underlying,
                position.strike,
                position.expiry,
                position.multiplier,
            )
