"""The book on real names that the cases of every family run on."""

from collections.abc import Mapping

from tests.finsvc.calculators.factories import book, cash, option, stock

AS_OF = "2022-12-28"
BOOK = book(
    stock("AAPL", "1500"),
    stock("XOM", "800"),
    stock("KO", "-400"),
    cash("EUR", "150000"),
    cash("JPY", "-9000000"),
    cash("USD", "25000"),
    option("SPX", "put", "3600", "5"),
    option("SPX", "call", "4100", "-2"),
)
ON_BOOK = {"portfolio": BOOK, "as_of": AS_OF}

Cases = tuple[tuple[str, Mapping[str, object]], ...]
