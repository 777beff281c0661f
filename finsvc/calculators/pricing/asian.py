"""Asian options: closed forms for geometric means, quadrature for arithmetic ones.

The arithmetic mean has no closed form. The expected shortfall of a sum of lognormal prices below a
level is computed backwards from the last fixing: it is the level times a smooth function of the
ratio, held as a cubic spline, and one step earlier is a Gauss-Hermite integral of it.

Source: A. Kemna, A. Vorst (1990) for geometric means; A. Carverhill, L. Clewlow (1990) for the
backward recursion.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.interpolate import CubicSpline  # type: ignore[import-untyped] # scipy ships no types
from scipy.special import ndtr  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.pricing.differentiation import Point
from finsvc.calculators.pricing.european import Floats
from finsvc.calculators.pricing.normal import Numbers, cdf
from finsvc.domain.errors import InputError

# Nodes that integrate a step of at most the given standard deviation to about 1e-10.
_HERMITE_NODES = ((0.03, 16), (0.15, 32), (np.inf, 64))
_LEVELS = 1000
_REACH_DEVIATIONS = 9.0
# Squares of prices beyond this would leave the range of the floats.
_LOG_PRICE_MAX = 300.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fixings:
    """Fixings to come, in years from now (shape (n,), ascending), and those already known."""

    years: Floats
    past: int
    past_average: float


def geometric_price(at: Point, fixings: Fixings, strike: float, sign: float) -> Numbers:
    """Option on the geometric mean of discrete fixings."""
    mean, variance = _log_mean(at, fixings)
    forward = np.exp(mean + variance / 2.0)
    deviation = np.sqrt(variance)
    first = (mean - np.log(strike)) / deviation + deviation
    gain = forward * cdf(sign * first) - strike * cdf(sign * (first - deviation))
    return np.asarray(sign * np.exp(-at.rate * at.years) * gain)


def _log_mean(at: Point, fixings: Fixings) -> tuple[Numbers, Numbers]:
    """Mean and variance of the log of the geometric mean."""
    years, count = fixings.years, fixings.past + len(fixings.years)
    drift = at.carry - at.volatility**2 / 2.0
    ranks = 2.0 * np.arange(len(years))[::-1] + 1.0
    passed = at.years - np.real(at.years)
    # A day passing brings every fixing nearer by a day; a fixing now is known.
    is_ahead = years > 0.0
    total = years.sum() + is_ahead.sum() * passed
    squares = (ranks * years).sum() + ranks[is_ahead].sum() * passed
    known = fixings.past * np.log(fixings.past_average) if fixings.past else 0.0
    mean = (known + len(years) * np.log(at.spot) + drift * total) / count
    return mean, at.volatility**2 * squares / count**2


def geometric_continuous(at: Point, strike: float, sign: float) -> Numbers:
    """Option on the geometric mean over continuous time from now to expiry."""
    variance = at.volatility**2 * at.years / 3.0
    mean = np.log(at.spot) + (at.carry - at.volatility**2 / 2.0) * at.years / 2.0
    deviation = np.sqrt(variance)
    first = (mean - np.log(strike)) / deviation + deviation
    gain = np.exp(mean + variance / 2.0) * cdf(sign * first)
    gain = gain - strike * cdf(sign * (first - deviation))
    return np.asarray(sign * np.exp(-at.rate * at.years) * gain)


def geometric_strike(at: Point, fixings: Fixings, sign: float) -> Numbers:
    """Option to exchange the geometric mean of discrete fixings for the final price."""
    mean, variance = _log_mean(at, fixings)
    passed = at.years - np.real(at.years)
    is_ahead = fixings.years > 0.0
    met = (fixings.years.sum() + is_ahead.sum() * passed) / len(fixings.years)
    joint = at.volatility**2 * met
    asset = at.spot * np.exp(-at.dividend_yield * at.years)
    average = np.exp(mean + variance / 2.0 - at.rate * at.years)
    spread = np.sqrt(at.volatility**2 * at.years + variance - 2.0 * joint)
    first = np.log(asset / average) / spread + spread / 2.0
    gain = asset * cdf(sign * first) - average * cdf(sign * (first - spread))
    return np.asarray(sign * gain)


@cache
def _hermite(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / np.sqrt(2.0 * np.pi)


def shortfall_of_sum(level: float, drifts: Floats, deviations: Floats) -> float:
    """Expected amount by which a sum of prices falls short of a level.

    Args:
        level: at least 0, in units of the price before the first step.
        drifts: growth of the log price in each step before a fixing, shape (n,).
        deviations: its standard deviation in each step, shape (n,), all positive.

    Raises:
        InputError: prices could leave the range of the floats.
    """
    if level <= 0.0:
        return 0.0
    growth = np.cumsum((drifts + deviations**2 / 2.0)[::-1])
    width = _REACH_DEVIATIONS * float(np.sqrt(np.sum(deviations**2))) + float(
        np.sum(np.abs(drifts))
    )
    top = float(np.log(len(drifts) + 1.0)) + width
    if not top < _LOG_PRICE_MAX:
        raise InputError(
            field="volatility",
            expected=f"prices within exp({_LOG_PRICE_MAX:.0f}) of the spot over the life",
            actual=f"exp({top:.0f}) with these rates, volatility and years",
        )
    grid = np.linspace(min(-width, np.log(level) - 1.0), max(top, np.log(level) + 1.0), _LEVELS)
    levels = np.exp(grid)
    # Share of the level that is missing, after the last fixing but one: a Black formula.
    mean, deviation = float(drifts[-1]), float(deviations[-1])
    ratio = (grid - mean) / deviation
    share = ndtr(ratio) - np.exp(mean + deviation**2 / 2.0 - grid) * ndtr(ratio - deviation)
    total = float(np.exp(growth[0]))
    for drift, deviation in zip(drifts[-2::-1], deviations[-2::-1], strict=True):
        count = next(count for limit, count in _HERMITE_NODES if deviation <= limit)
        nodes, weights = _hermite(count)
        spline = CubicSpline(grid, share)
        moved = np.exp(drift + deviation * nodes)
        rest = levels[:, None] / moved[None, :] - 1.0
        inside = np.maximum(rest, 1e-300)
        where = np.log(inside)
        held = spline(np.clip(where, grid[0], grid[-1]))
        held = np.where(where > grid[-1], 1.0 - total / inside, held)
        held = np.where(where < grid[0], 0.0, held)
        missing = np.maximum(held, 0.0) * np.maximum(rest, 0.0) * moved[None, :]
        share = (missing @ weights) / levels
        total = float(np.exp(drift + deviation**2 / 2.0)) * (1.0 + total)
    return float(CubicSpline(grid, share)(np.log(level))) * level


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Spot and rates as plain numbers; ``years`` to payment."""

    spot: float
    rate: float
    dividend_yield: float
    volatility: float
    years: float


def _expected_sum(steps: Floats, carry: float) -> float:
    return float(np.sum(np.exp(carry * np.cumsum(steps))))


def arithmetic_price(state: State, fixings: Fixings, strike: float, sign: float) -> float:
    """Option on the arithmetic mean of discrete fixings, not all of them known.

    A fixing now counts as known.
    """
    years, past, known = fixings.years, fixings.past, fixings.past * fixings.past_average
    count = past + len(years)
    if years[0] == 0.0:
        years, known = years[1:], known + state.spot
    level = (count * strike - known) / state.spot
    steps = np.diff(years, prepend=0.0)
    carry = state.rate - state.dividend_yield
    drifts = (carry - state.volatility**2 / 2.0) * steps
    expected = _expected_sum(steps, carry)
    missing = shortfall_of_sum(level, drifts, state.volatility * np.sqrt(steps))
    gain = missing + expected - level if sign > 0 else missing
    return gain * state.spot / count * float(np.exp(-state.rate * state.years))


def arithmetic_strike(state: State, fixings: Fixings, sign: float) -> float:
    """Option to exchange the arithmetic mean of discrete fixings for the final price.

    Seen in units of the final price, time runs backwards and the mean is again a sum of
    lognormal steps.
    """
    times = fixings.years
    count = len(times)
    steps = np.append(np.diff(times), state.years - times[-1])[::-1]
    is_last_now = steps[0] == 0.0
    steps = steps[1:] if is_last_now else steps
    level = float(count - 1 if is_last_now else count)
    carry = state.rate - state.dividend_yield
    drifts = -(carry + state.volatility**2 / 2.0) * steps
    missing = shortfall_of_sum(level, drifts, state.volatility * np.sqrt(steps))
    asset = state.spot * float(np.exp(-state.dividend_yield * state.years))
    gain = missing * asset / count
    if sign > 0:
        return gain
    average = state.spot * float(np.mean(np.exp(carry * times)))
    return gain - asset + average * float(np.exp(-state.rate * state.years))
