"""Second method of implied volatilities: Brent's method on the Black (1976) formula."""

import re
from decimal import Decimal

import numpy as np
from scipy.optimize import brentq  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.surface import OptionQuoteInput, VolatilitySurfaceInput
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.valuation import black_1976
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionPosition
from finsvc.domain.results import SecondOpinion


def _implied(quote: OptionQuoteInput, inputs: VolatilitySurfaceInput, spot: float) -> float:
    option = OptionPosition(
        underlying=inputs.underlying,
        option_type=quote.option_type,
        strike=quote.strike,
        expiry=quote.expiry,
        quantity=Decimal(1),
        multiplier=Decimal(1),
    )
    spots, carry = np.array([spot]), (float(inputs.rate), float(inputs.dividend_yield))

    def excess(volatility: float) -> float:
        value = black_1976(option, spots, inputs.as_of, (volatility, *carry))
        return float(value[0]) - float(quote.price)

    return float(brentq(excess, 0.0, 10.0, xtol=1e-14, rtol=1e-14))


def confirm_volatility_surface(inputs: VolatilitySurfaceInput, market: MarketView) -> SecondOpinion:
    """Invert every quote."""
    spot = market.close(inputs.underlying, inputs.as_of)
    values = {"spot": spot}
    for quote in inputs.quotes:
        document = quote.model_dump(mode="json")
        name = re.sub("[^0-9-]", "_", document["strike"])
        values[f"vol.{document['expiry']}:{name}"] = 100.0 * _implied(quote, inputs, spot)
    return opinion("Brent's method on Black (1976)", values)
