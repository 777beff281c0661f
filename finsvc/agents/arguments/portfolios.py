"""Portfolios: books by name and positions written out.

An ad-hoc position states its size: "10,000 Apple shares", "short 200 JPM", "5m USD of KO", "5m
EUR", "EUR/USD 5m". "Apple" alone is refused, because a size would be a guess. An amount of money
in a stock buys whole shares at the close of ``as_of``, rounded down; an amount of a pair is that
much of its base currency against the quote currency at that day's rate. Both are noted.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Protocol

from finsvc.agents.arguments.currencies import (
    Amount,
    CurrencyPair,
    find_amount,
    find_currency,
    find_pair,
)
from finsvc.agents.arguments.instruments import find_instrument
from finsvc.agents.arguments.numbers import read_quantity
from finsvc.agents.arguments.spans import Parsed, Span, read_span
from finsvc.books.shelf import Book
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.identifiers import BookName, CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.positions import CashPosition, Portfolio, Position, StockPosition

BASE_CURRENCY = CurrencyCode("USD")
POSITIONS_MAX = 20

_POSITION = (
    "a book, or a position with its size such as 10,000 Apple shares, 5m USD of KO or 5m EUR"
)
_SIDE = re.compile(
    r"^(?:(?:an? )?(?P<side>long|short)(?: (?:position|holding))?(?: (?:of|in))? "
    r"|(?:an? )?(?:position|holding)(?: (?:of|in))? )"
)
_SHARES = re.compile(r"(?P<n>.+?) (?:shares?|units?|stocks?)(?: (?:of|in))? (?:the )?(?P<name>.+)")
_MONEY_TAIL = re.compile(r"(?: worth)?(?: of| in| into)?$")
_JOINT = re.compile(r"( and | plus | \+ |, and |, |; | against )")
_QUOTED_BOOK = re.compile(r"^(?:book|portfolio) (?:called |named )?[\"']?|[\"']$")


class Books(Protocol):
    """Where books come from; implemented by `finsvc.books.shelf.BookShelf`."""

    def names(self) -> tuple[BookName, ...]:
        """Every book."""

    def load(self, text: str, *, field: str = "book") -> Book:
        """Read the book that a text means; `UnknownNameError` if none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioContext:
    """What positions are read against: books, prices and the day they are bought."""

    books: Books
    market: MarketView
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioArgument:
    """A portfolio, and the book it came from; None for positions written out."""

    portfolio: Portfolio
    book: Book | None


def parse_portfolio(
    text: str, *, field: str = "portfolio", context: PortfolioContext
) -> Parsed[PortfolioArgument]:
    """Read a book's name or positions written out.

    Raises:
        UnknownNameError: it is neither a book nor a position; the error lists the books.
        InputError: a position without size, or with a wrong one, or a broken book.
        NonTradingDayError: prices are needed and ``as_of`` has none.
    """
    span = read_span(text, field=field, expected=_POSITION)
    book = _book(span, context)
    if book is not None:
        return Parsed(value=PortfolioArgument(portfolio=book.portfolio, book=book))
    found = _positions(span, span.text, context)
    if found is None:
        raise _unknown(span, context)
    positions, notes = found
    if len({_identity(position) for position in positions}) != len(positions):
        raise span.rejected("each instrument and currency at most once")
    portfolio = Portfolio(label=span.written, positions=positions, base_currency=BASE_CURRENCY)
    return Parsed(value=PortfolioArgument(portfolio=portfolio, book=None), notes=notes)


def _book(span: Span, context: PortfolioContext) -> Book | None:
    for wording in (span.text, _QUOTED_BOOK.sub("", span.text)):
        try:
            return context.books.load(wording, field=span.field)
        except UnknownNameError as error:
            # A broken book may hold an unknown instrument: that error is the answer.
            if error.kind != "book":
                raise
    return None


def _unknown(span: Span, context: PortfolioContext) -> Exception:
    if find_instrument(span.text) or find_pair(span.text) or find_currency(span.text):
        return span.rejected("a position with its size, such as 100 Apple shares or 5m EUR")
    return UnknownNameError(
        field=span.field,
        kind="book or position",
        actual=span.written,
        known=context.books.names(),
    )


def _positions(
    span: Span, text: str, context: PortfolioContext
) -> tuple[tuple[Position, ...], tuple[str, ...]] | None:
    """Split a list of positions; a joint inside a name ("Johnson and Johnson") is no joint."""
    whole = _single(span, text, context)
    if whole is not None:
        return whole
    pieces = _JOINT.split(text)
    if len(pieces) > 2 * POSITIONS_MAX - 1:
        raise span.rejected(f"at most {POSITIONS_MAX} positions")
    for stop in range(1, len(pieces), 2):
        first = _single(span, "".join(pieces[:stop]), context)
        if first is None:
            continue
        rest = _positions(span, "".join(pieces[stop + 1 :]), context)
        if rest is not None:
            return first[0] + rest[0], first[1] + rest[1]
    return None


def _single(
    span: Span, text: str, context: PortfolioContext
) -> tuple[tuple[Position, ...], tuple[str, ...]] | None:
    side = _SIDE.match(text)
    body = text[side.end() :] if side else text
    sign = -1 if side and side["side"] == "short" else 1
    if body.startswith("-"):
        if side and side["side"]:
            raise span.rejected("a side or a sign, not both")
        body, sign = body[1:].strip(), -1
    if find_instrument(body) or find_pair(body) or find_currency(body):
        # "S&P 500" is a name and not 500 units of something.
        return None
    shares = _shares(body)
    if shares is not None:
        quantity, instrument = shares
        _require_positive(span, quantity)
        return (StockPosition(instrument=instrument, quantity=sign * quantity),), ()
    money = _money_in(body)
    if money is not None:
        _require_positive(span, money[0].value)
        return _bought(span, money[0], money[1], sign, context)
    pair = _pair(body)
    if pair is not None:
        _require_positive(span, pair[0])
        return _spot(span, pair[0] * sign, pair[1], context)
    amount = find_amount(body)
    if amount is None or amount.currency is None:
        return None
    _require_positive(span, amount.value)
    return (CashPosition(currency=amount.currency, amount=sign * amount.value),), ()


def _shares(body: str) -> tuple[Decimal, InstrumentId] | None:
    """A number of shares: "10,000 Apple shares", "500 shares of KO", "500 MSFT", "MSFT 500"."""
    found = _SHARES.fullmatch(body)
    quantity = read_quantity(found["n"]) if found else None
    instrument = find_instrument(found["name"]) if found else None
    if quantity is not None and instrument is not None:
        return quantity, instrument
    words = body.split(" ")
    for count in range(1, len(words)):
        for number, name in (
            (" ".join(words[:count]), " ".join(words[count:]).removeprefix("of ")),
            (" ".join(words[-count:]), " ".join(words[:-count])),
        ):
            quantity, instrument = read_quantity(number), find_instrument(name)
            if quantity is not None and instrument is not None:
                return quantity, instrument
    return None


def _money_in(body: str) -> tuple[Amount, InstrumentId] | None:
    """An amount of money in an instrument: "5m USD of KO", "$2m worth of Apple"."""
    words = body.split(" ")
    for count in range(1, len(words)):
        amount = find_amount(_MONEY_TAIL.sub("", " ".join(words[:count])))
        instrument = find_instrument(" ".join(words[count:]))
        if amount is not None and amount.currency is not None and instrument is not None:
            return amount, instrument
    return None


def _pair(body: str) -> tuple[Decimal, CurrencyPair] | None:
    """An amount of a currency pair: "EUR/USD 5m", "5m EURUSD", "5m of EUR/USD"."""
    words = body.split(" ")
    for count in range(1, len(words)):
        for number, name in (
            (" ".join(words[:count]), " ".join(words[count:]).removeprefix("of ")),
            (" ".join(words[-count:]), " ".join(words[:-count])),
        ):
            value, pair = read_quantity(number), find_pair(name)
            if value is not None and pair is not None and pair.base != pair.quote:
                return value, pair
    return None


def _bought(
    span: Span, amount: Amount, instrument: InstrumentId, sign: int, context: PortfolioContext
) -> tuple[tuple[Position, ...], tuple[str, ...]]:
    market, as_of = context.market, context.as_of
    quoted = market.currency(instrument)
    price = Decimal(str(market.close(instrument, as_of)))
    rate = Decimal(1)
    notes: tuple[str, ...] = ()
    if amount.currency is not None and amount.currency != quoted:
        rate = Decimal(str(market.fx_rate(amount.currency, quoted, as_of)))
        notes = (
            f"{amount.currency} is converted at {rate:.4f} {quoted} per {amount.currency},"
            f" the rate of {as_of.isoformat()}.",
        )
    shares = (amount.value * rate / price).to_integral_value(rounding=ROUND_DOWN)
    if shares < 1:
        raise span.rejected(f"an amount of at least one share of {instrument}, {price} {quoted}")
    note = (
        f"The amount is {shares:,} shares of {instrument} at the close of {as_of.isoformat()},"
        f" {price} {quoted}, rounded down."
    )
    return (StockPosition(instrument=instrument, quantity=sign * shares),), (*notes, note)


def _spot(
    span: Span, amount: Decimal, pair: CurrencyPair, context: PortfolioContext
) -> tuple[tuple[Position, ...], tuple[str, ...]]:
    rate = Decimal(str(context.market.fx_rate(pair.base, pair.quote, context.as_of)))
    other = (-amount * rate).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    if other == 0:
        raise span.rejected()
    note = (
        f"The position is {amount:,f} {pair.base} against {other:,f} {pair.quote}, at the rate of"
        f" {context.as_of.isoformat()}."
    )
    return (
        CashPosition(currency=pair.base, amount=amount),
        CashPosition(currency=pair.quote, amount=other),
    ), (note,)


def _require_positive(span: Span, quantity: Decimal) -> None:
    if quantity <= 0:
        raise span.rejected("a size above 0")


def _identity(position: Position) -> object:
    match position:
        case StockPosition():
            return position.instrument
        case CashPosition():
            return position.currency
        case _:
            return position
