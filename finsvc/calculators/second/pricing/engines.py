"""QuantLib's prices of options with any real time to expiry.

QuantLib counts time in whole days. A lognormal process keeps its law when time is stretched and
rates, yield and variance shrink alike, so every option here expires after exactly a hundred years
of 365 days, with rates and variance shrunk to match. Dates inside the life are rounded to a day of
these: the rounding moves a window by at most one part in 73,000 of the life.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import Protocol

from finsvc.calculators.second.pricing.bumps import Quotes
from finsvc.domain.positions import OptionType

ON = date(2001, 1, 1)
_STRETCHED_YEARS = 100
_DAYS = 365 * _STRETCHED_YEARS


class Priced(Protocol):
    """An instrument of the library."""

    def setPricingEngine(self, engine: object) -> None:  # noqa: N802 (the library's name)
        """Set what prices it."""

    def NPV(self) -> float:  # noqa: N802 (the library's name)
        """Return its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The library with a process in it: what an instrument and its engine are built from."""

    ql: ModuleType
    process: object
    quotes: Quotes

    @property
    def start(self) -> object:
        """Valuation date."""
        return self.ql.Date(ON.day, ON.month, ON.year)

    @property
    def european(self) -> object:
        """European exercise after the stretched life."""
        return self.ql.EuropeanExercise(self.day(self.quotes.years))

    def american(self, *, pays_at_expiry: bool) -> object:
        """American exercise over the stretched life."""
        return self.ql.AmericanExercise(self.start, self.day(self.quotes.years), pays_at_expiry)

    def day(self, years: float) -> object:
        """Date of a time from now, rounded to a day of the stretched life."""
        days = round(years / self.quotes.years * _DAYS)
        return self.ql.Date(ON.day, ON.month, ON.year) + days

    def kind(self, option_type: OptionType) -> object:
        """The library's name for calls and puts."""
        return self.ql.Option.Call if option_type is OptionType.CALL else self.ql.Option.Put


Build = Callable[[Setting], tuple[Priced, object]]


def setting(ql: ModuleType, quotes: Quotes) -> Setting:
    """Build the process of a market."""
    start = ql.Date(ON.day, ON.month, ON.year)
    day_count = ql.Actual365Fixed()
    pace = quotes.years / _STRETCHED_YEARS

    def flat(rate: float) -> object:
        return ql.YieldTermStructureHandle(ql.FlatForward(start, rate * pace, day_count))

    volatility = quotes.volatility * pace**0.5
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(quotes.spot)),
        flat(quotes.dividend_yield),
        flat(quotes.rate),
        ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(start, ql.NullCalendar(), volatility, day_count)
        ),
    )
    return Setting(ql=ql, process=process, quotes=quotes)


def price(ql: ModuleType, quotes: Quotes, build: Build) -> float:
    """Value of the instrument that ``build`` makes."""
    instrument, engine = build(setting(ql, quotes))
    instrument.setPricingEngine(engine)
    return float(instrument.NPV())
