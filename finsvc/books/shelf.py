"""The shelf of books: the bundled sample and the books of the data directory.

A book is a file ``NAME.csv``, with its limits, if it has any, in ``NAME.limits.csv`` beside it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from finsvc.books.limits_csv import parse_limits
from finsvc.books.positions_csv import parse_positions
from finsvc.books.reference import Reference
from finsvc.books.rows import FILE_BYTES_MAX
from finsvc.domain.errors import InputError, UnknownNameError
from finsvc.domain.identifiers import BookName, CurrencyCode
from finsvc.domain.limits import Limit
from finsvc.domain.positions import Portfolio
from finsvc.files import write_atomically

SAMPLE = BookName("sample")

# Risk is reported in US dollars: the bundled prices are all quoted in them.
BASE_CURRENCY = CurrencyCode("USD")

_BUNDLED_FOLDER = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_LIMITS_SUFFIX = ".limits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Positions under a name, with the limits they are held to (none if no file states any)."""

    name: BookName
    portfolio: Portfolio
    limits: tuple[Limit, ...]


class BookShelf:
    """Finds and stores books. Files are read on every load: a shelf holds no state."""

    def __init__(self, books_dir: Path, reference: Reference) -> None:
        """Open the shelf; ``books_dir`` need not exist yet."""
        self._books_dir = books_dir
        self._reference = reference

    def names(self) -> tuple[BookName, ...]:
        """Every book, in order of name."""
        return tuple(sorted(self._files()))

    def resolve(self, text: str, *, field: str = "book") -> BookName:
        """Find the book that a text means: "the sample book", "book sample", "Sample".

        Raises:
            UnknownNameError: no book has this name; the error lists those there are.
        """
        wanted = _key(text)
        for name in self.names():
            if _key(name) == wanted:
                return name
        raise UnknownNameError(field=field, kind="book", actual=text, known=self.names())

    def load(self, text: str, *, field: str = "book") -> Book:
        """Read the book that a text means.

        Raises:
            UnknownNameError: no book has this name.
            InputError: its file is wrong; the error names row and column.
        """
        name = self.resolve(text, field=field)
        path = self._files()[name]
        limits_path = path.with_name(f"{path.stem}{_LIMITS_SUFFIX}.csv")
        limits = (
            parse_limits(_read(limits_path), source=limits_path.name, reference=self._reference)
            if limits_path.exists()
            else ()
        )
        positions = parse_positions(_read(path), source=path.name, reference=self._reference)
        portfolio = Portfolio(label=_label(name), positions=positions, base_currency=BASE_CURRENCY)
        return Book(name=name, portfolio=portfolio, limits=limits)

    def import_csv(
        self, path: Path, name: str, *, limits: Path | None = None, replace: bool = False
    ) -> BookName:
        """Copy a book into the data directory after checking it; all of a file or nothing.

        Raises:
            InputError: the file or the name is wrong, or the name is taken and ``replace`` is off.
            StateError: the data directory cannot be written.
        """
        book = self._free_name(name, replace=replace)
        raw = _read(path)
        parse_positions(raw, source=path.name, reference=self._reference)
        files = {f"{book}.csv": raw}
        if limits is not None:
            raw_limits = _read(limits)
            parse_limits(raw_limits, source=limits.name, reference=self._reference)
            # Limits come first: a book never appears without the limits it was imported with.
            files = {f"{book}{_LIMITS_SUFFIX}.csv": raw_limits, **files}
        for file_name, content in files.items():
            write_atomically(self._books_dir / file_name, content)
        return book

    def _free_name(self, name: str, *, replace: bool) -> BookName:
        if not _NAME.fullmatch(name):
            raise InputError(
                field="name",
                expected="a book name of lower-case letters, digits, - and _",
                actual=repr(name),
            )
        taken = next((known for known in self.names() if _key(known) == _key(name)), None)
        if taken == SAMPLE:
            raise InputError(
                field="name", expected="another name than the bundled book's", actual=name
            )
        if taken is not None and not (replace and taken == name):
            raise InputError(field="name", expected="a name that no book has yet", actual=name)
        return BookName(name)

    def _files(self) -> dict[BookName, Path]:
        files = {SAMPLE: _BUNDLED_FOLDER / "sample.csv"}
        if self._books_dir.is_dir():
            for path in sorted(self._books_dir.glob("*.csv")):
                if _NAME.fullmatch(path.stem) and path.stem != SAMPLE:
                    files[BookName(path.stem)] = path
        return files


def _label(name: BookName) -> str:
    return f"the {name}" if name.endswith("book") else f"the {name} book"


def _key(text: str) -> str:
    """What is left of a book's name without article, the word "book", case and separators."""
    words = [word for word in re.split(r"[\s_\-]+", text.casefold()) if word]
    if words and words[0] in ("the", "my", "our"):
        words = words[1:]
    for position in (0, -1):
        if len(words) > 1 and words[position] in ("book", "portfolio"):
            del words[position]
    return "-".join(words)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InputError(
            field=path.name, expected="a readable file", actual=error.strerror or str(error)
        ) from error
