"""Different questions for a log worth replaying: prices, conversions, risk, stress, limits."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count, cycle

_COMPANIES = ("Apple", "Coca-Cola", "Microsoft", "JPMorgan", "Exxon", "Walmart", "Boeing")
_CURRENCIES = ("EUR", "GBP", "JPY", "CHF")
_STRESSES = ("the 2008 crisis", "the COVID crash", "a rate shock")
_FIRST_DAY = date(2021, 1, 4)


def questions() -> Iterator[str]:
    """Yield questions without end, none twice among the first thousands."""
    companies, currencies, stresses = map(cycle, (_COMPANIES, _CURRENCIES, _STRESSES))
    for number in count(1):
        day = _FIRST_DAY + timedelta(weeks=number % 100)
        yield f"What did {next(companies)} close at on {day}?"
        yield f"What is {number}m {next(currencies)} in USD?"
        yield f"What is the {number % 20 + 1}-day 99% VaR of the sample book on {day}?"
        yield f"What is the expected shortfall of the sample book on {day}?"
        yield f"How would the sample book have done in {next(stresses)} on {day}?"
        yield f"Does the sample book breach any of its limits on {day}?"
