"""European options with all sensitivities, vectorised over contracts and markets.

Conventions as in `finsvc.calculators.pricing.differentiation.Greeks`. Zero time, volatility or
strike gives the limit: the discounted value of the forward, with half weight exactly at the
strike, where gamma is infinite if no uncertainty is left; callers refuse that point.

Numerics: float64, blocks of 8,192 contracts that stay in the cache; each element is computed
alone, so that neither neighbours nor threads change a bit.

Source: F. Black, M. Scholes (1973); R. Merton (1973); F. Black (1976); L. Bachelier (1900).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.pricing.differentiation import DAYS_PER_YEAR

Floats = npt.NDArray[np.float64]

_BLOCK = 8192
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contracts:
    """N European options, every array of shape (N,).

    ``sign`` is +1 for calls and -1 for puts; ``spot`` > 0; ``strike``, ``years`` and
    ``volatility`` ≥ 0; rates are continuous annual fractions.
    """

    sign: Floats
    spot: Floats
    strike: Floats
    years: Floats
    volatility: Floats
    rate: Floats
    dividend_yield: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EuropeanGreeks:
    """Price and sensitivities, every array of shape (N,)."""

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    dividend_rho: Floats


def value_and_greeks(terms: Contracts) -> EuropeanGreeks:
    """Price and sensitivities of every contract by Black-Scholes-Merton.

    Terms beyond the floats leave figures that are not finite, for the caller to refuse.
    """
    size = terms.spot.shape[0]
    out = np.empty((7, size))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, size, _BLOCK):
            part = slice(start, min(start + _BLOCK, size))
            _block(terms, part, out[:, part])
    return EuropeanGreeks(
        price=out[0],
        delta=out[1],
        gamma=out[2],
        vega=out[3],
        theta=out[4],
        rho=out[5],
        dividend_rho=out[6],
    )


def _block(terms: Contracts, part: slice, out: Floats) -> None:
    sign, spot, strike = terms.sign[part], terms.spot[part], terms.strike[part]
    years, volatility = terms.years[part], terms.volatility[part]
    rate, dividend_yield = terms.rate[part], terms.dividend_yield[part]
    root = np.sqrt(years)
    deviation = volatility * root
    carry = np.exp(-dividend_yield * years)
    discounted = strike * np.exp(-rate * years)
    carried = spot * carry
    is_smooth = bool(deviation.min() > 0.0 and strike.min() > 0.0)
    if is_smooth:
        ratio = (np.log(spot / strike) + (rate - dividend_yield) * years) / deviation
    else:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.log(spot / strike) + (rate - dividend_yield) * years
            ratio = ratio / deviation
        # 0/0: exactly at the forward without any uncertainty; the limit from above is zero.
        ratio = np.where(np.isnan(ratio), 0.0, ratio)
    half = 0.5 * deviation
    first = ratio + half
    asset_weight = ndtr(sign * first)
    cash_weight = ndtr(sign * (ratio - half))
    bell = carried * np.exp(-0.5 * first * first) / _ROOT_2PI
    asset = sign * carried * asset_weight
    cash = sign * discounted * cash_weight
    if is_smooth:
        gamma = bell / (spot * spot * deviation)
        decay = 0.5 * bell * volatility / root
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            gamma = bell / (spot * spot * deviation)
            decay = 0.5 * bell * volatility / root
        # A vanishing density beats a vanishing deviation: away from the kink the limit is zero.
        gamma = np.where(bell == 0.0, 0.0, gamma)
        decay = np.where((bell == 0.0) | (volatility == 0.0), 0.0, decay)
    out[0] = asset - cash
    out[1] = asset / spot
    out[2] = gamma
    out[3] = bell * root / 100.0
    out[4] = (dividend_yield * asset - rate * cash - decay) / DAYS_PER_YEAR
    out[5] = years * cash / 100.0
    out[6] = -years * asset / 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalOption:
    """One option on a forward with an absolute volatility in currency units a year."""

    sign: float
    forward: float
    strike: float
    years: float
    volatility: float
    rate: float


def normal_price(option: NormalOption) -> dict[str, float]:
    """Price and sensitivities under Bachelier; vega is for a hundredth of a currency unit.

    Without uncertainty the limit applies; gamma is infinite exactly at the strike.
    """
    deviation = option.volatility * float(np.sqrt(option.years))
    discount = float(np.exp(-option.rate * option.years))
    distance = option.forward - option.strike
    if deviation > 0.0:
        ratio = distance / deviation
        bell = float(np.exp(-0.5 * ratio * ratio)) / _ROOT_2PI
        gamma = bell / deviation
        decay = 0.5 * option.volatility * bell / float(np.sqrt(option.years))
    else:
        ratio = 0.0 if distance == 0.0 else float(np.copysign(np.inf, distance))
        bell, decay = 0.0, 0.0
        gamma = float("inf") if distance == 0.0 else 0.0
    weight = float(ndtr(option.sign * ratio))
    price = discount * (option.sign * distance * weight + deviation * bell)
    return {
        "price": price,
        "delta": option.sign * discount * weight,
        "gamma": discount * gamma,
        "vega": discount * float(np.sqrt(option.years)) * bell / 100.0,
        "theta": (option.rate * price - discount * decay) / DAYS_PER_YEAR,
        "rho": -option.years * price / 100.0,
    }
