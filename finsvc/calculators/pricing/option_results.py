"""What every option calculator returns: price and Greeks with their units."""

import math
from collections.abc import Mapping

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.pricing.options import ExoticInput
from finsvc.calculators.pricing.differentiation import Greeks, Point, point
from finsvc.domain.errors import InputError

GREEKS_NOTE = (
    "Values are for one unit of the underlying; gamma is the change of delta for one currency "
    "unit, vega, rho and dividend_rho are for one percentage point, theta for one calendar day."
)
CERTAIN_NOTE = (
    "No uncertainty is left: the price is the limit, and sensitivities are left out because they "
    "jump there."
)
MARKET_NOTE = "Spot, rate, yield and volatility were given by the caller, not read from a market."

_DECIMALS = {
    "price": 4,
    "delta": 4,
    "gamma": 6,
    "vega": 4,
    "theta": 4,
    "rho": 4,
    "dividend_rho": 4,
}
_PURE = {"delta", "gamma"}


def market_point(inputs: ExoticInput) -> Point:
    """State of the market that the inputs give."""
    return point(
        spot=float(inputs.spot),
        rate=float(inputs.rate),
        dividend_yield=float(inputs.dividend_yield),
        volatility=float(inputs.volatility),
        years=inputs.time,
    )


def is_certain(inputs: ExoticInput) -> bool:
    """Whether no uncertainty is left."""
    return inputs.time == 0.0 or inputs.volatility == 0


def greek_values(greeks: Greeks) -> dict[str, float]:
    """Greeks by the names of the fields."""
    return {name: getattr(greeks, name) for name in _DECIMALS}


def option_result(
    inputs: ExoticInput, values: Mapping[str, float], *, method: str, subject: str
) -> Computation:
    """Build the result; ``values`` holds the price and either all Greeks or none.

    Raises:
        InputError: the terms are so extreme that a figure leaves the range of the floats.
    """
    for name, value in values.items():
        if not math.isfinite(value):
            raise InputError(
                field="volatility",
                expected="rates, volatility and years whose figures stay finite",
                actual=f"a {name} of {value}",
            )
    fields = {
        name: Figure(
            value=value,
            unit="1" if name in _PURE else inputs.currency,
            decimals=_DECIMALS[name],
        )
        for name, value in values.items()
    }
    parameters = {
        "spot": decimal_text(inputs.spot),
        "rate": decimal_text(inputs.rate),
        "dividend_yield": decimal_text(inputs.dividend_yield),
        "volatility": decimal_text(inputs.volatility),
        "years": f"{inputs.time:.12g}",
    }
    return Computation(
        headline="price",
        fields=fields,
        labels={"subject": subject},
        as_of=inputs.as_of,
        method=method,
        parameters=parameters,
        notes=(MARKET_NOTE, GREEKS_NOTE if len(values) > 1 else CERTAIN_NOTE),
    )
