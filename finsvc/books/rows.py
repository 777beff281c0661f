"""Cells and rows of the CSV forms: reading text into checked values.

Every error names the source, the row as a spreadsheet counts it (the header is row 1) and the
column.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finsvc.domain.errors import InputError, UnknownNameError

# A book is read into memory and valued as a whole; ten thousand rows are far above a desk's book.
FILE_BYTES_MAX = 4 * 1024 * 1024
ROWS_MAX = 10_000

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,8})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([,'\u2019\u00a0\u202f _.][0-9]{3})+([.,][0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: the text of its cells by column, stripped; absent columns are empty text."""

    source: str
    number: int
    cells: Mapping[str, str]

    def field(self, column: str) -> str:
        """How errors call a cell."""
        return f"{self.source} row {self.number}, column {column}"

    def error(self, column: str, *, expected: str) -> InputError:
        """An error about a cell."""
        cell = self.cells.get(column, "")
        return InputError(
            field=self.field(column), expected=expected, actual=repr(cell) if cell else "nothing"
        )

    def text(self, column: str, *, expected: str) -> str:
        """Text of a cell that must not be empty."""
        if not self.cells.get(column):
            raise self.error(column, expected=expected)
        return self.cells[column]

    def require_empty(self, columns: Sequence[str], *, why: str) -> None:
        """Refuse values in cells that mean nothing here."""
        for column in columns:
            if self.cells.get(column):
                raise self.error(column, expected=f"nothing, because {why}")

    def number_in(self, column: str, *, positive: bool) -> Decimal:
        """A plain decimal number other than 0; above 0 if ``positive``."""
        expected = "a number above 0" if positive else "a number other than 0"
        text = self.text(column, expected=expected)
        if _GROUPED.fullmatch(text) and not _NUMBER.fullmatch(text):
            raise self.error(
                column, expected=f"{expected} without thousands separators, such as 2500000"
            )
        if not _NUMBER.fullmatch(text):
            raise self.error(column, expected=f"{expected} in plain digits with at most 8 decimals")
        number = Decimal(text)
        if number == 0 or (positive and number < 0):
            raise self.error(column, expected=expected)
        return number

    def day(self, column: str) -> date:
        """An ISO date."""
        expected = "a date such as 2023-03-17"
        text = self.text(column, expected=expected)
        if not _DAY.fullmatch(text):
            raise self.error(column, expected=expected)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.error(column, expected="a date that exists") from None

    def known(self, column: str, kind: str, names: Sequence[str]) -> str:
        """A name out of a list, written in any case."""
        text = self.text(column, expected=f"a known {kind}")
        for name in names:
            if name.casefold() == text.casefold():
                return name
        raise UnknownNameError(field=self.field(column), kind=kind, actual=text, known=names)


def read_rows(
    raw: bytes, *, source: str, required: Sequence[str], optional: Sequence[str]
) -> Iterator[Row]:
    """Split a CSV file into rows with checked column names.

    UTF-8 with or without a byte-order mark, comma-separated, any line ending; empty lines are
    skipped but counted.

    Raises:
        InputError: the file is too large, not UTF-8, not CSV, or has other columns.
    """
    reader = csv.reader(io.StringIO(_decode(raw, source), newline=""), strict=True)
    lines = _lines(reader, source)
    header = [name.strip().lower() for name in next(lines, [])]
    check_header(header, source=source, required=required, optional=optional)
    for number, cells in enumerate(lines, start=2):
        if number > ROWS_MAX + 1:
            raise InputError(
                field=source, expected=f"at most {ROWS_MAX} rows", actual=f"more than {ROWS_MAX}"
            )
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(
                field=f"{source} row {number}",
                expected=f"{len(header)} cells as in the header",
                actual=str(len(cells)),
            )
        yield Row(
            source=source,
            number=number,
            cells={name: cell.strip() for name, cell in zip(header, cells, strict=True)},
        )


def _decode(raw: bytes, source: str) -> str:
    if len(raw) > FILE_BYTES_MAX:
        raise InputError(
            field=source, expected=f"at most {FILE_BYTES_MAX} bytes", actual=f"{len(raw)} bytes"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            field=source, expected="UTF-8 text", actual=f"another encoding at byte {error.start}"
        ) from None
    if "\0" in text:
        raise InputError(field=source, expected="text", actual="a NUL character")
    return text


def _lines(reader: Iterator[list[str]], source: str) -> Iterator[list[str]]:
    number = 0
    while True:
        number += 1
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                field=f"{source} row {number}", expected="comma-separated cells", actual=str(error)
            ) from None


def check_header(
    header: Sequence[str], *, source: str, required: Sequence[str], optional: Sequence[str]
) -> None:
    """Check the names of the columns.

    Raises:
        InputError: a required column is missing, or one is unknown or there twice.
    """
    field = f"{source} row 1"
    allowed = ",".join((*required, *optional))
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(
            field=field, expected=f"the columns {allowed}", actual=f"no column {missing[0]}"
        )
    unknown = [name for name in header if name not in (*required, *optional)]
    if unknown:
        raise InputError(
            field=field, expected=f"only the columns {allowed}", actual=f"column {unknown[0]!r}"
        )
    if len(set(header)) != len(header):
        raise InputError(field=field, expected="each column once", actual=",".join(header))
