import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsvc.calculators.black_scholes import Contracts, price, sensitivities

SPOTS = st.floats(1.0, 1000.0)
STRIKES = st.floats(1.0, 1000.0)
YEARS = st.floats(0.0, 5.0)
VOLATILITIES = st.floats(0.0, 2.0)
RATES = st.floats(-0.05, 0.2)


def terms(
    sign: float, strike: float, years: float, volatility: float, rate: float, yields: float = 0.0
) -> Contracts:
    return Contracts(
        sign=np.array([sign]),
        strike=np.array([strike]),
        years=np.array([years]),
        volatility=volatility,
        rate=rate,
        dividend_yield=yields,
    )


def value(spot: float, contracts: Contracts) -> float:
    return float(price(np.array([spot]), contracts)[0])


@given(SPOTS, STRIKES, YEARS, VOLATILITIES, RATES, RATES)
def test_put_call_parity_holds(
    spot: float, strike: float, years: float, volatility: float, rate: float, yields: float
) -> None:
    call = value(spot, terms(1.0, strike, years, volatility, rate, yields))
    put = value(spot, terms(-1.0, strike, years, volatility, rate, yields))
    forward = spot * math.exp(-yields * years) - strike * math.exp(-rate * years)
    assert call - put == pytest.approx(forward, abs=1e-9 * (spot + strike))


@given(SPOTS, STRIKES, YEARS, VOLATILITIES, RATES)
def test_call_lies_between_its_arbitrage_bounds(
    spot: float, strike: float, years: float, volatility: float, rate: float
) -> None:
    call = value(spot, terms(1.0, strike, years, volatility, rate))
    noise = 1e-9 * (spot + strike)
    assert max(spot - strike * math.exp(-rate * years), 0.0) - noise <= call <= spot + noise


@given(SPOTS, STRIKES, YEARS, st.floats(0.0, 1.9), RATES)
def test_value_grows_with_volatility(
    spot: float, strike: float, years: float, volatility: float, rate: float
) -> None:
    for sign in (1.0, -1.0):
        low = value(spot, terms(sign, strike, years, volatility, rate))
        high = value(spot, terms(sign, strike, years, volatility + 0.1, rate))
        assert high >= low - 1e-9 * (spot + strike)


@given(SPOTS, STRIKES, YEARS, VOLATILITIES, RATES, st.floats(0.1, 10.0))
def test_value_scales_with_spot_and_strike(
    spot: float, strike: float, years: float, volatility: float, rate: float, scale: float
) -> None:
    one = value(spot, terms(1.0, strike, years, volatility, rate))
    many = value(spot * scale, terms(1.0, strike * scale, years, volatility, rate))
    assert many == pytest.approx(one * scale, abs=1e-8 * scale * (spot + strike))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_greeks_equal_finite_differences(sign: float) -> None:
    def at(
        spot: float = 100.0, years: float = 0.7, volatility: float = 0.3, rate: float = 0.04
    ) -> float:
        return value(spot, terms(sign, 95.0, years, volatility, rate, 0.02))

    greeks = sensitivities(100.0, terms(sign, 95.0, 0.7, 0.3, 0.04, 0.02))
    h = 1e-4
    assert greeks.price[0] == at()
    assert greeks.delta[0] == pytest.approx((at(100 + h) - at(100 - h)) / (2 * h), rel=1e-6)
    gamma = (at(100 + 0.01) - 2 * at() + at(100 - 0.01)) / 0.01**2
    assert greeks.gamma[0] == pytest.approx(gamma, rel=1e-5)
    vega = (at(volatility=0.3 + h) - at(volatility=0.3 - h)) / (2 * h)
    assert greeks.vega[0] == pytest.approx(vega / 100, rel=1e-6)
    theta = -(at(years=0.7 + h) - at(years=0.7 - h)) / (2 * h)
    assert greeks.theta[0] == pytest.approx(theta / 365, rel=1e-6)
    rho = (at(rate=0.04 + h) - at(rate=0.04 - h)) / (2 * h)
    assert greeks.rho[0] == pytest.approx(rho / 100, rel=1e-6)


@pytest.mark.parametrize(("years", "volatility"), [(0.0, 0.3), (1.0, 0.0), (0.0, 0.0)])
def test_no_uncertainty_gives_the_payoff_on_the_forward_and_finite_greeks(
    years: float, volatility: float
) -> None:
    for sign, strike in ((1.0, 80.0), (1.0, 130.0), (-1.0, 80.0), (-1.0, 130.0)):
        greeks = sensitivities(100.0, terms(sign, strike, years, volatility, 0.05))
        payoff = sign * (100.0 - strike * math.exp(-0.05 * years))
        assert greeks.price[0] == pytest.approx(max(payoff, 0.0), abs=1e-12)
        assert greeks.delta[0] == (sign if payoff > 0 else 0.0)
        assert (greeks.gamma[0], greeks.vega[0]) == (0.0, 0.0)
        assert np.isfinite([greeks.theta[0], greeks.rho[0]]).all()


def test_exactly_at_the_kink_delta_is_half_and_gamma_infinite() -> None:
    greeks = sensitivities(100.0, terms(1.0, 100.0, 0.0, 0.3, 0.05))
    assert (greeks.price[0], greeks.delta[0]) == (0.0, 0.5)
    assert np.isinf(greeks.gamma[0])


def test_strike_of_zero_is_the_underlying_or_nothing() -> None:
    call = sensitivities(100.0, terms(1.0, 0.0, 1.0, 0.3, 0.05))
    assert (call.price[0], call.delta[0], call.gamma[0], call.theta[0]) == (100.0, 1.0, 0.0, 0.0)
    assert value(100.0, terms(-1.0, 0.0, 1.0, 0.3, 0.05)) == 0.0
