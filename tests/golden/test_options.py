"""Published option values, each with its source; values are facts, the table is ours."""

from datetime import date, timedelta

import numpy as np
import pytest

from finsvc.calculators.black_scholes import Contracts, price, sensitivities
from finsvc.calculators.second.quantlib_adapter import EuropeanOption, greeks
from finsvc.domain.positions import OptionType

HULL = "J. Hull, Options, Futures, and Other Derivatives, 8th edition"
HAUG = "E. Haug, The Complete Guide to Option Pricing Formulas, 2nd edition"

# sign, spot, strike, years, volatility, rate, dividend yield, price, half a unit of its last place
PRICES = [
    pytest.param(1, 42, 40, 0.5, 0.20, 0.10, 0.0, 4.76, 0.005, id=f"{HULL}, example 14.6, call"),
    pytest.param(-1, 42, 40, 0.5, 0.20, 0.10, 0.0, 0.81, 0.005, id=f"{HULL}, example 14.6, put"),
    pytest.param(1, 60, 65, 0.25, 0.30, 0.08, 0.0, 2.1334, 5e-5, id=f"{HAUG}, p. 3, call"),
    pytest.param(-1, 100, 95, 0.5, 0.20, 0.10, 0.05, 2.4648, 5e-5, id=f"{HAUG}, p. 4, put"),
]


def contracts(
    sign: float, strike: float, years: float, volatility: float, rate: float, yields: float
) -> Contracts:
    return Contracts(
        sign=np.array([float(sign)]),
        strike=np.array([float(strike)]),
        years=np.array([years]),
        volatility=volatility,
        rate=rate,
        dividend_yield=yields,
    )


@pytest.mark.parametrize(
    ("sign", "spot", "strike", "years", "volatility", "rate", "yields", "expected", "tolerance"),
    PRICES,
)
def test_price_equals_the_published_one(
    sign: int,
    spot: float,
    strike: float,
    years: float,
    volatility: float,
    rate: float,
    yields: float,
    expected: float,
    tolerance: float,
) -> None:
    terms = contracts(sign, strike, years, volatility, rate, yields)
    found = float(price(np.array([float(spot)]), terms)[0])
    assert abs(found - expected) <= tolerance, (found, expected, found - expected, tolerance)


def test_greeks_equal_those_of_hull() -> None:
    # HULL, chapter 18: spot 49, strike 50, rate 5 %, volatility 20 %, 20 weeks; theta there is a
    # year's, vega and rho are for a whole unit.
    greek = sensitivities(49.0, contracts(1, 50, 0.3846, 0.20, 0.05, 0.0))
    assert greek.delta[0] == pytest.approx(0.522, abs=5e-4)
    assert greek.gamma[0] == pytest.approx(0.066, abs=5e-4)
    assert greek.theta[0] * 365 == pytest.approx(-4.31, abs=5e-3)
    assert greek.vega[0] * 100 == pytest.approx(12.1, abs=5e-2)
    assert greek.rho[0] * 100 == pytest.approx(8.91, abs=5e-3)


def test_grid_of_terms_agrees_with_quantlib_in_price_and_greeks() -> None:
    on = date(2022, 12, 28)
    for option_type, sign in ((OptionType.CALL, 1.0), (OptionType.PUT, -1.0)):
        for strike in (20.0, 80.0, 100.0, 125.0, 400.0):
            for days in (1, 30, 365, 3650):
                for volatility in (0.01, 0.2, 1.5):
                    for rate in (-0.02, 0.0, 0.06):
                        ours = sensitivities(
                            100.0,
                            contracts(sign, strike, days / 365.0, volatility, rate, 0.03),
                        )
                        theirs = greeks(
                            EuropeanOption(
                                option_type=option_type,
                                spot=100.0,
                                strike=strike,
                                expiry=on + timedelta(days=days),
                                on=on,
                                volatility=volatility,
                                rate=rate,
                                dividend_yield=0.03,
                            )
                        )
                        for name in ("price", "delta", "gamma", "vega", "theta", "rho"):
                            found, expected = getattr(ours, name)[0], getattr(theirs, name)
                            where = (name, option_type, strike, days, volatility, rate)
                            assert found == pytest.approx(expected, rel=1e-9, abs=1e-10), where
