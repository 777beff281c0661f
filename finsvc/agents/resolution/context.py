"""What resolving a call needs, and what comes out of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from finsvc.agents.arguments.dates import DateContext, parse_date
from finsvc.agents.arguments.portfolios import (
    PortfolioArgument,
    PortfolioContext,
    parse_portfolio,
)
from finsvc.agents.arguments.spans import Parsed
from finsvc.books.shelf import BookShelf
from finsvc.calculators.inputs.portfolio import PortfolioInput
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.positions import OptionPosition, Portfolio, StockPosition
from finsvc.marketdata.market import SnapshotMarket

Spans = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A call ready to compute.

    ``shown`` names the labels, fields and tables that the model may cite, in order. ``labels``
    are texts the tool itself supplies, over the calculator's. ``book`` is the book's name when
    the portfolio is one, for policy.
    """

    calculator: str
    inputs: Mapping[str, object]
    shown: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    defaults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    book: str = ""


class Draft:
    """Collects what one call resolves to, while its spans are parsed."""

    def __init__(
        self,
        spans: Spans,
        *,
        message: str,
        market: SnapshotMarket,
        books: BookShelf,
        documents: Mapping[str, object] | None = None,
    ) -> None:
        """Take a call's spans, the message they were copied from, and documents by name."""
        self.spans = spans
        self.documents: Mapping[str, object] = documents or {}
        self._message = message
        self.market = market
        self.books = books
        self.labels: dict[str, str] = {}
        self.defaults: list[str] = []
        self.notes: list[str] = []
        self.book = ""

    def period_text(self) -> str:
        """The span of ``start``, with the word "since" where the message has one in front of it.

        "Since 2007" runs to the last date of the data, "2007" is that year alone; the word may
        stay behind when a model copies the span.
        """
        span = self.text("start")
        written = re.escape(span)
        is_open = rf"\b(?:since (?:the )?{written}|from {written} on(?:wards?)?)\b"
        if re.search(is_open, self._message, re.IGNORECASE):
            return f"since {span}"
        return span

    def text(self, name: str) -> str:
        """A required span; the catalogue's schema guarantees it."""
        span = self.spans.get(name)
        if span is None:
            raise InputError(field=name, expected="a value", actual="nothing")
        return span

    def take(self, parsed: Parsed[T]) -> T:
        """Keep a parsed value's notes and return the value."""
        self.notes += parsed.notes
        return parsed.value

    def default(self, name: str, text: str) -> None:
        """State a parameter that the question did not give."""
        self.defaults.append(f"{name} {text}")

    def date_context(
        self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool, name: str = "as_of"
    ) -> DateContext:
        """Dates are counted from the last day that all the data of the question share."""

        def roll(on: date) -> date:
            return self.market.last_trading_day(
                on, instruments=instruments, uses_fx=uses_fx, field=name
            )

        last = self.market.last_date(instruments, uses_fx=uses_fx)
        return DateContext(as_of=last, roll=roll)

    def as_of(self, instruments: tuple[InstrumentId, ...], *, uses_fx: bool) -> date:
        """The date of the question, or the last date of its data."""
        context = self.date_context(instruments, uses_fx=uses_fx)
        span = self.spans.get("as_of")
        if span is None:
            self.default("as-of date", context.as_of.isoformat())
            return context.as_of
        return self.take(parse_date(span, field="as_of", context=context))

    def holdings(self) -> tuple[InstrumentId, ...]:
        """Instruments of the portfolio; which they are does not depend on the date."""
        last = self.market.last_date(self.market.instruments(), uses_fx=True)
        return instruments_of(self._portfolio_at(last).value.portfolio)

    def bought(self, on: date) -> PortfolioArgument:
        """The portfolio; money that buys shares buys them at the close of this date."""
        argument = self.take(self._portfolio_at(on))
        self.book = "" if argument.book is None else str(argument.book.name)
        return argument

    def portfolio(self) -> tuple[PortfolioArgument, date]:
        """The portfolio and the date it is valued and, if need be, bought at."""
        as_of = self.as_of(self.holdings(), uses_fx=True)
        return self.bought(as_of), as_of

    def _portfolio_at(self, on: date) -> Parsed[PortfolioArgument]:
        context = PortfolioContext(books=self.books, market=self.market, as_of=on)
        return parse_portfolio(self.text("portfolio"), context=context)

    def resolved(self, calculator: str, inputs: Mapping[str, object], *shown: str) -> Resolved:
        """Finish the draft."""
        return Resolved(
            calculator=calculator,
            inputs=inputs,
            shown=shown,
            labels=self.labels,
            defaults=tuple(self.defaults),
            notes=tuple(dict.fromkeys(self.notes)),
            book=self.book,
        )


def instruments_of(portfolio: Portfolio) -> tuple[InstrumentId, ...]:
    """Instruments whose prices a portfolio needs."""
    names: dict[InstrumentId, None] = {}
    for position in portfolio.positions:
        if isinstance(position, StockPosition):
            names[position.instrument] = None
        elif isinstance(position, OptionPosition):
            names[position.underlying] = None
    return tuple(names)


def portfolio_json(portfolio: Portfolio) -> Mapping[str, object]:
    """A portfolio as calculators take it, positions inline."""
    return PortfolioInput.from_domain(portfolio).document()
