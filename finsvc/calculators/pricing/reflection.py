"""Claims on a lognormal price that die or live at flat barriers, by the method of images.

A payoff is an amount of the asset and an amount of cash, paid at expiry where the price ends in an
interval. Killing at a barrier subtracts the value seen from mirrored starting points, each with a
weight that the drift determines; two barriers mirror each other without end.

Source: M. Rubinstein, E. Reiner (1991); A. Li (1998) for two barriers.
"""

from dataclasses import dataclass

import numpy as np

from finsvc.calculators.pricing.differentiation import Point
from finsvc.calculators.pricing.normal import Numbers, scaled_cdf

_IMAGES_MAX = 400
_NEGLIGIBLE_DEVIATIONS = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """``asset`` units of the asset and ``cash`` paid where ``low`` < price < ``high`` at expiry."""

    asset: float
    cash: float
    low: float
    high: float

    def within(self, low: float, high: float) -> "Claim":
        """Return the part of the claim between two prices."""
        return Claim(
            asset=self.asset,
            cash=self.cash,
            low=max(self.low, low),
            high=min(self.high, high),
        )


def vanilla(sign: float, strike: float) -> Claim:
    """Return the claim of a call (+1) or a put (-1)."""
    low, high = (strike, np.inf) if sign > 0 else (0.0, strike)
    return Claim(asset=sign, cash=-sign * strike, low=low, high=high)


def value(at: Point, claim: Claim, shift: Numbers | float = 0.0) -> Numbers:
    """Value of a claim seen from the spot times ``exp(shift)``, with the weight of that image."""
    if claim.low >= claim.high:
        return np.zeros_like(at.spot)
    variance = at.volatility * at.volatility
    drift = at.carry - variance / 2.0
    log_weight = drift * shift / variance
    start = np.log(at.spot) + shift
    total: Numbers = np.zeros_like(at.spot)
    for amount, extra, log_scale in (
        (claim.asset, variance, start - at.dividend_yield * at.years),
        (claim.cash, 0.0, -at.rate * at.years),
    ):
        if amount == 0.0:
            continue
        mean = start + (drift + extra) * at.years
        scale = log_weight + log_scale
        total = total + amount * _between(mean, at.deviation, scale, claim)
    return total


def _between(mean: Numbers, deviation: Numbers, log_scale: Numbers, claim: Claim) -> Numbers:
    """Scaled probability of the interval, by the tail in which it is small."""
    if claim.high == np.inf:
        if claim.low == 0.0:
            return np.asarray(np.exp(log_scale))
        return scaled_cdf(log_scale, (mean - np.log(claim.low)) / deviation)
    above = (np.log(claim.high) - mean) / deviation
    if claim.low == 0.0:
        return scaled_cdf(log_scale, above)
    below = (np.log(claim.low) - mean) / deviation
    # The side that is not taken may be a difference of infinities.
    with np.errstate(invalid="ignore"):
        upper = scaled_cdf(log_scale, -below) - scaled_cdf(log_scale, -above)
        lower = scaled_cdf(log_scale, above) - scaled_cdf(log_scale, below)
    return np.asarray(np.where(np.real(below) > 0.0, upper, lower))


def knocked_out(at: Point, claim: Claim, barrier: float, *, is_down: bool) -> Numbers:
    """Value of a claim that dies at one barrier, which the spot has not touched."""
    alive = claim.within(barrier, np.inf) if is_down else claim.within(0.0, barrier)
    mirror = 2.0 * (np.log(barrier) - np.log(at.spot))
    return value(at, alive) - value(at, alive, mirror)


def knocked_out_by_two(at: Point, claim: Claim, low: float, high: float) -> Numbers:
    """Value of a claim that dies at either of two barriers around the spot."""
    alive = claim.within(low, high)
    width = float(np.log(high / low))
    reach = _NEGLIGIBLE_DEVIATIONS * float(np.max(np.real(at.deviation)))
    drift = float(np.max(np.abs(np.real(at.carry)) + np.real(at.volatility) ** 2))
    reach += drift * float(np.max(np.real(at.years)))
    images = min(_IMAGES_MAX, 2 + int(np.ceil(reach / (2.0 * width))))
    mirror = 2.0 * (np.log(low) - np.log(at.spot))
    total: Numbers = np.zeros_like(at.spot)
    for index in range(-images, images + 1):
        shift = 2.0 * index * width
        total = total + value(at, alive, shift) - value(at, alive, mirror + shift)
    return total


def paid_at_hit(at: Point, amount: float, barrier: float, *, is_down: bool) -> Numbers:
    """Value of an amount paid when the spot first touches a barrier before expiry.

    The discriminant ``drift**2 + 2 * rate * variance`` must not be negative.
    """
    variance = at.volatility * at.volatility
    drift = at.carry - variance / 2.0
    root = np.sqrt(drift * drift + 2.0 * at.rate * variance)
    distance = np.log(barrier) - np.log(at.spot)
    sign = 1.0 if is_down else -1.0
    early = scaled_cdf(
        distance * (drift + root) / variance, sign * (distance + root * at.years) / at.deviation
    )
    late = scaled_cdf(
        distance * (drift - root) / variance, sign * (distance - root * at.years) / at.deviation
    )
    return amount * (early + late)
