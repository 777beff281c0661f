"""Asian options as calculators.

Sensitivities of geometric means are exact; those of arithmetic means are central differences of the
quadrature, which is deterministic and smooth in its parameters.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from finsvc.calculators.computation import Computation
from finsvc.calculators.inputs.pricing.options import AsianKind, AsianOptionInput, Averaging
from finsvc.calculators.pricing.asian import (
    Fixings,
    State,
    arithmetic_price,
    arithmetic_strike,
    geometric_continuous,
    geometric_price,
    geometric_strike,
)
from finsvc.calculators.pricing.certain import option_payoff
from finsvc.calculators.pricing.differentiation import DAYS_PER_YEAR, Point, differentiate
from finsvc.calculators.pricing.normal import Numbers
from finsvc.calculators.pricing.option_results import (
    greek_values,
    is_certain,
    market_point,
    option_result,
)
from finsvc.calculators.pricing.vanilla_options import path_of, sign_of
from finsvc.domain.market import MarketView

_SPOT_STEP = 0.05


def asian_option(inputs: AsianOptionInput, market: MarketView) -> Computation:
    """Value an Asian option: closed form of a geometric mean, quadrature of an arithmetic one."""
    is_geometric = inputs.averaging is Averaging.GEOMETRIC
    if is_certain(inputs) or max(inputs.fixing_years, default=1) == 0:
        values = {"price": _certain_asian(inputs)}
    elif is_geometric:
        values = greek_values(differentiate(_geometric(inputs), market_point(inputs)))
    else:
        values = _arithmetic(inputs)
    return option_result(
        inputs,
        values,
        method="closed_form" if is_geometric else "backward_quadrature",
        subject=f"{inputs.averaging.value} {inputs.kind.value.replace('_', '-')} Asian "
        f"{inputs.option_type.value}",
    )


def _fixings(inputs: AsianOptionInput) -> Fixings:
    return Fixings(
        years=np.array([float(years) for years in inputs.fixing_years]),
        past=inputs.past_fixings,
        past_average=float(inputs.past_average or 0),
    )


def _geometric(inputs: AsianOptionInput) -> Callable[[Point], Numbers]:
    sign, strike, fixings = sign_of(inputs.option_type), float(inputs.strike or 0), _fixings(inputs)
    if inputs.kind is AsianKind.AVERAGE_STRIKE:
        return lambda at: geometric_strike(at, fixings, sign)
    if not inputs.fixing_years:
        return lambda at: geometric_continuous(at, strike, sign)
    return lambda at: geometric_price(at, fixings, strike, sign)


def _arithmetic(inputs: AsianOptionInput) -> dict[str, float]:
    sign, fixings = sign_of(inputs.option_type), _fixings(inputs)
    strike = float(inputs.strike or 0)
    state = State(
        spot=float(inputs.spot),
        rate=float(inputs.rate),
        dividend_yield=float(inputs.dividend_yield),
        volatility=float(inputs.volatility),
        years=inputs.time,
    )

    def price(moved: State) -> float:
        passed = moved.years - state.years
        years = np.where(fixings.years > 0.0, fixings.years + passed, 0.0)
        shifted = replace(fixings, years=years)
        if inputs.kind is AsianKind.AVERAGE_STRIKE:
            return arithmetic_strike(moved, shifted, sign)
        return arithmetic_price(moved, shifted, strike, sign)

    return _differences(price, state, float(fixings.years[fixings.years > 0.0][0]))


def _differences(price: Callable[[State], float], state: State, first: float) -> dict[str, float]:
    """Central differences; those in the spot are of fourth order."""
    base = price(state)
    step = state.spot * min(1e-2, _SPOT_STEP * state.volatility * float(np.sqrt(state.years)))
    near, far = (
        (
            price(replace(state, spot=state.spot - size)),
            price(replace(state, spot=state.spot + size)),
        )
        for size in (step, 2.0 * step)
    )
    delta = (8.0 * (near[1] - near[0]) - (far[1] - far[0])) / (12.0 * step)
    gamma = (16.0 * (near[0] + near[1]) - far[0] - far[1] - 30.0 * base) / (12.0 * step**2)

    def slope(name: str, size: float) -> float:
        value = getattr(state, name)
        up, down = (price(replace(state, **{name: value + move})) for move in (size, -size))
        return (up - down) / (2.0 * size)

    return {
        "price": base,
        "delta": delta,
        "gamma": gamma,
        "vega": slope("volatility", 5e-3 * state.volatility) / 100.0,
        "theta": -slope("years", min(5e-3 * state.years, 0.25 * first)) / DAYS_PER_YEAR,
        "rho": slope("rate", 1e-4) / 100.0,
        "dividend_rho": slope("dividend_yield", 1e-4) / 100.0,
    }


def _certain_asian(inputs: AsianOptionInput) -> float:
    path, sign = path_of(inputs), sign_of(inputs.option_type)
    prices = [path.at(float(years)) for years in inputs.fixing_years]
    prices += [float(inputs.past_average or 0)] * inputs.past_fixings
    # Over continuous time the logarithm grows evenly, so that its mean is the middle.
    prices = prices or [path.at(path.years / 2.0)]
    is_geometric = inputs.averaging is Averaging.GEOMETRIC
    average = float(np.exp(np.mean(np.log(prices))) if is_geometric else np.mean(prices))
    if inputs.kind is AsianKind.AVERAGE_STRIKE:
        return path.discount * option_payoff(sign, path.end, average)
    return path.discount * option_payoff(sign, average, float(inputs.strike or 0))
