"""Lookback options with continuous monitoring.

Source: M. Goldman, H. Sosin, M. Gatto (1979) and A. Conze, R. Viswanathan (1991); partial ones by
R. Heynen, H. Kat (1994). All formulas divide by the carry: near zero carry they are averaged over
carries around it, an even extrapolation whose error is of fourth order in the step.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from finsvc.calculators.pricing.differentiation import Point
from finsvc.calculators.pricing.normal import Numbers, bivariate_cdf, cdf, scaled_cdf

_CARRY_SMALL = 1e-4
_CARRY_STEP = 4e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialTerms:
    """Terms of a partial lookback; ``sign`` is +1 for calls.

    ``level`` is the extreme so far (floating) or the strike (fixed); ``window_years`` > 0 ends
    (floating) or starts (fixed) the watch and lies inside the life.
    """

    sign: float
    level: float
    window_years: Numbers | float
    fraction: float = 1.0


def at_any_carry(price: Callable[[Point], Numbers]) -> Callable[[Point], Numbers]:
    """Let a formula that divides by the carry answer at any carry."""

    def smoothed(at: Point) -> Numbers:
        if float(np.min(np.abs(np.real(at.carry)))) > _CARRY_SMALL:
            return price(at)
        near, far = (
            price(replace(at, dividend_yield=at.dividend_yield - step))
            + price(replace(at, dividend_yield=at.dividend_yield + step))
            for step in (_CARRY_STEP, 2.0 * _CARRY_STEP)
        )
        return np.asarray((4.0 * near - far) / 6.0)

    return smoothed


def beyond(at: Point, level: float, sign: float) -> Numbers:
    """Value of what the extreme over the life gains on a level: maximum (+1) or minimum (-1).

    The level is at or beyond the spot on that side.
    """
    variance = at.volatility * at.volatility
    distance = np.log(at.spot) - np.log(level)
    first = (distance + (at.carry + variance / 2.0) * at.years) / at.deviation
    second = first - at.deviation
    mirrored = first - 2.0 * at.carry * np.sqrt(at.years) / at.volatility
    spot_now = np.log(at.spot) - at.rate * at.years
    spot_carried = np.log(at.spot) - at.dividend_yield * at.years
    bonus = scaled_cdf(spot_carried, sign * first) - scaled_cdf(
        spot_now - 2.0 * at.carry * distance / variance, sign * mirrored
    )
    gain = scaled_cdf(spot_carried, sign * first) - scaled_cdf(
        np.log(level) - at.rate * at.years, sign * second
    )
    return np.asarray(sign * (gain + variance / (2.0 * at.carry) * bonus))


def floating(at: Point, extreme: float, sign: float) -> Numbers:
    """Call on the minimum (+1) or put on the maximum (-1)."""
    forward = np.exp(-at.dividend_yield * at.years) * at.spot
    paid = extreme * np.exp(-at.rate * at.years)
    return np.asarray(beyond(at, extreme, -sign) + sign * (forward - paid))


def fixed(at: Point, *, strike: float, extreme: float, sign: float) -> Numbers:
    """Call on the maximum (+1) or put on the minimum (-1)."""
    level = max(strike, extreme) if sign > 0 else min(strike, extreme)
    certain = sign * (level - strike) * np.exp(-at.rate * at.years)
    return np.asarray(certain + beyond(at, level, sign))


def partial_fixed(at: Point, terms: PartialTerms) -> Numbers:
    """Fixed-strike lookback whose watch starts at ``window_years``."""
    sign, strike, start = terms.sign, terms.level, terms.window_years
    variance, carry, years = at.volatility**2, at.carry, at.years
    rest = years - start
    distance = np.log(at.spot) - np.log(strike)
    d1 = (distance + (carry + variance / 2.0) * years) / at.deviation
    d2 = d1 - at.deviation
    e1 = (carry + variance / 2.0) * np.sqrt(rest) / at.volatility
    e2 = e1 - at.volatility * np.sqrt(rest)
    f1 = (distance + (carry + variance / 2.0) * start) / (at.volatility * np.sqrt(start))
    f2 = f1 - at.volatility * np.sqrt(start)
    early, late = np.sqrt(start / years), np.sqrt(rest / years)
    half = variance / (2.0 * carry)
    carried = at.spot * np.exp(-at.dividend_yield * years)
    now = at.spot * np.exp(-at.rate * years)
    paid = strike * np.exp(-at.rate * years)
    twist = 2.0 * carry / at.volatility
    mirrored = (
        now
        * np.exp(-2.0 * carry * distance / variance)
        * bivariate_cdf(
            sign * (d1 - twist * np.sqrt(years)), sign * (twist * np.sqrt(start) - f1), -early
        )
    )
    total = carried * cdf(sign * d1) - paid * cdf(sign * d2)
    total = total + half * (carried * bivariate_cdf(sign * e1, sign * d1, late) - mirrored)
    total = total - carried * bivariate_cdf(-sign * e1, sign * d1, -late)
    total = total - paid * bivariate_cdf(sign * f2, -sign * d2, -early)
    last = np.exp(-carry * rest) * (1.0 - half) * carried * cdf(sign * f1) * cdf(-sign * e2)
    return np.asarray(sign * (total + last))


def partial_floating(at: Point, terms: PartialTerms) -> Numbers:
    """Floating-strike lookback whose watch ends at ``window_years``.

    The strike is ``fraction`` times the extreme.
    """
    sign, extreme, end = terms.sign, terms.level, terms.window_years
    variance, carry, years = at.volatility**2, at.carry, at.years
    rest = years - end
    distance = np.log(at.spot) - np.log(extreme)
    d1 = (distance + (carry + variance / 2.0) * years) / at.deviation
    d2 = d1 - at.deviation
    e1 = (carry + variance / 2.0) * np.sqrt(rest) / at.volatility
    e2 = e1 - at.volatility * np.sqrt(rest)
    f1 = (distance + (carry + variance / 2.0) * end) / (at.volatility * np.sqrt(end))
    f2 = f1 - at.volatility * np.sqrt(end)
    g1 = np.log(terms.fraction) / at.deviation
    g2 = np.log(terms.fraction) / (at.volatility * np.sqrt(rest))
    early, late = np.sqrt(end / years), np.sqrt(rest / years)
    half = variance / (2.0 * carry)
    carried = at.spot * np.exp(-at.dividend_yield * years)
    now = at.spot * np.exp(-at.rate * years)
    paid = terms.fraction * extreme * np.exp(-at.rate * years)
    twist = 2.0 * carry / at.volatility
    mirrored = (
        now
        * np.exp(-2.0 * carry * distance / variance)
        * bivariate_cdf(
            sign * (twist * np.sqrt(end) - f1), sign * (twist * np.sqrt(years) - d1 - g1), early
        )
    )
    scaled = np.exp(2.0 * carry * np.log(terms.fraction) / variance)
    rising = carried * scaled * bivariate_cdf(-sign * (d1 + g1), sign * (e1 + g2), -late)
    total = carried * cdf(sign * (d1 - g1)) - paid * cdf(sign * (d2 - g1))
    total = total + terms.fraction * half * (mirrored - rising)
    total = total + carried * bivariate_cdf(sign * (g1 - d1), sign * (e1 - g2), -late)
    total = total + paid * bivariate_cdf(-sign * f2, sign * (d2 - g1), -early)
    last = np.exp(-carry * rest) * (1.0 + half) * terms.fraction * carried
    return np.asarray(sign * (total - last * cdf(sign * (e2 - g2)) * cdf(-sign * f1)))
