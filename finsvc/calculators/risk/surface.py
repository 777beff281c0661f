"""Implied volatilities of quoted European options.

The Black-Scholes-Merton price rises with volatility, so the volatility of a price between its two
limits is unique; it is found by bisection between 0 and 1,000 %. A price within a hundred-millionth
of the spot of a limit says nothing about volatility and is refused.
"""

import numpy as np

from finsvc.calculators.black_scholes import Contracts, price
from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.holdings import row_name, years_to_expiry
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.surface import OptionQuoteInput, VolatilitySurfaceInput
from finsvc.calculators.notes import ADJUSTED_PRICES
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionType

VOLATILITY_MAX = 10.0
_MARGIN = 1e-8
_HALVINGS = 80


def _value(quote: OptionQuoteInput, spot: float, years: float, terms: tuple[float, ...]) -> float:
    volatility, rate, dividend_yield = terms
    contract = Contracts(
        sign=np.array([1.0 if quote.option_type is OptionType.CALL else -1.0]),
        strike=np.array([float(quote.strike)]),
        years=np.array([years]),
        volatility=volatility,
        rate=rate,
        dividend_yield=dividend_yield,
    )
    return float(price(np.array([spot]), contract)[0])


def implied_volatility(
    quote: OptionQuoteInput, spot: float, years: float, carry: tuple[float, float]
) -> float | None:
    """Volatility that gives the quote's price; None where the price lies outside its limits."""
    target = float(quote.price)
    low, high = 0.0, VOLATILITY_MAX
    floor, ceiling = (_value(quote, spot, years, (end, *carry)) for end in (low, high))
    if not floor + _MARGIN * spot < target < ceiling - _MARGIN * spot:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _value(quote, spot, years, (middle, *carry)) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def volatility_surface(inputs: VolatilitySurfaceInput, market: MarketView) -> Computation:
    """Implied volatility of every quote, rows named by expiry and strike."""
    spot = market.close(inputs.underlying, inputs.as_of)
    carry = (float(inputs.rate), float(inputs.dividend_yield))
    figures = {
        "spot": Figure(value=spot, unit=market.currency(inputs.underlying), decimals=2),
    }
    for index, quote in enumerate(inputs.quotes):
        found = implied_volatility(quote, spot, years_to_expiry(quote.expiry, inputs.as_of), carry)
        if found is None:
            raise InputError(
                field=f"quotes.{index}.price",
                expected="a price between the discounted intrinsic value and the largest possible",
                actual=decimal_text(quote.price),
            )
        row = row_name(f"{quote.expiry.isoformat()}:{decimal_text(quote.strike)}")
        figures[f"vol.{row}"] = Figure(value=found * 100.0, unit="%", decimals=2)
    return Computation(
        headline="vol",
        fields=figures,
        labels={"subject": inputs.underlying},
        as_of=inputs.as_of,
        method="black_scholes_implied",
        parameters={
            "rate": decimal_text(inputs.rate),
            "dividend_yield": decimal_text(inputs.dividend_yield),
        },
        notes=(
            "Volatilities are annual; time runs in years of 365 days.",
            f"The flat rate {decimal_text(inputs.rate)} and the dividend yield "
            f"{decimal_text(inputs.dividend_yield)} are assumptions, not market quotes.",
            ADJUSTED_PRICES,
        ),
    )
