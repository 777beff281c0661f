"""Price and Greeks of one European option on one unit of its underlying."""

import math

import numpy as np

from finsvc.calculators.black_scholes import Contracts, Sensitivities, sensitivities
from finsvc.calculators.computation import Computation, Figure, to_decimal
from finsvc.calculators.holdings import years_to_expiry
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.market import OptionPriceInput
from finsvc.calculators.notes import ADJUSTED_PRICES, option_assumptions
from finsvc.calculators.returns import annual_volatility
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionType


def _volatility(inputs: OptionPriceInput, market: MarketView) -> float:
    if inputs.volatility is not None:
        return float(inputs.volatility)
    return annual_volatility(
        market,
        inputs.underlying,
        as_of=inputs.as_of,
        window_days=inputs.assumptions.volatility_window_days,
        field="as_of",
    )


def _figures(greeks: Sensitivities, currency: CurrencyCode) -> dict[str, Figure]:
    """Price to two decimals, sensitivities to four or more: those of single options are small."""
    return {
        "price": Figure(value=float(greeks.price[0]), unit=currency, decimals=2),
        "delta": Figure(value=float(greeks.delta[0]), unit="1", decimals=4),
        "gamma": Figure(value=float(greeks.gamma[0]), unit="1", decimals=6),
        "vega": Figure(value=float(greeks.vega[0]), unit=currency, decimals=4),
        "theta": Figure(value=float(greeks.theta[0]), unit=currency, decimals=4),
        "rho": Figure(value=float(greeks.rho[0]), unit=currency, decimals=4),
    }


def option_price(inputs: OptionPriceInput, market: MarketView) -> Computation:
    """Value an option by Black-Scholes-Merton.

    Raises:
        InputError: the option expired before ``as_of``, or it sits exactly at its strike with no
            uncertainty left, where gamma is infinite.
    """
    spot = market.close(inputs.underlying, inputs.as_of)
    currency = market.currency(inputs.underlying)
    volatility = _volatility(inputs, market)
    greeks = sensitivities(
        spot,
        Contracts(
            sign=np.array([1.0 if inputs.option_type is OptionType.CALL else -1.0]),
            strike=np.array([float(inputs.strike)]),
            years=np.array([years_to_expiry(inputs.expiry, inputs.as_of)]),
            volatility=volatility,
            rate=float(inputs.assumptions.rate),
            dividend_yield=float(inputs.assumptions.dividend_yield),
        ),
    )
    if not math.isfinite(float(greeks.gamma[0])):
        raise InputError(
            field="strike",
            expected="a strike away from the forward when no uncertainty is left",
            actual=decimal_text(inputs.strike),
        )
    name = market.name(inputs.underlying)
    return Computation(
        headline="price",
        fields=_figures(greeks, currency),
        labels={
            "subject": f"the {inputs.expiry.isoformat()} {decimal_text(inputs.strike)} "
            f"{inputs.option_type.value} on {name}"
        },
        as_of=inputs.as_of,
        method="black_scholes_merton",
        parameters={
            "spot": decimal_text(to_decimal(spot, field="spot")),
            "strike": decimal_text(inputs.strike),
            "expiry": inputs.expiry.isoformat(),
            "volatility": decimal_text(to_decimal(volatility, field="volatility")),
            "rate": decimal_text(inputs.assumptions.rate),
            "dividend_yield": decimal_text(inputs.assumptions.dividend_yield),
        },
        notes=(
            "Values are for one unit of the underlying; gamma is the change of delta for one "
            "currency unit, vega and rho are for one percentage point, theta for one calendar day.",
            ADJUSTED_PRICES,
            "The volatility was given by the caller; the rate and the dividend yield are "
            "assumptions."
            if inputs.volatility is not None
            else option_assumptions(inputs.assumptions),
        ),
    )
