"""Black-Scholes-Merton values and sensitivities of European options, vectorised.

Conventions: rates and yields are continuous annual fractions, time is in years of 365 days, values
are per unit of the underlying in its currency. Zero time or zero volatility gives the limit from
above: the discounted intrinsic value on the forward, with half weight exactly at the strike.

Source: F. Black, M. Scholes (1973); R. Merton (1973), with a continuous dividend yield.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr  # type: ignore[import-untyped] # scipy ships no types

DAYS_PER_YEAR = 365.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contracts:
    """Terms and assumptions of M options on one underlying.

    ``sign`` is +1 for calls and -1 for puts; ``strike`` ≥ 0; ``years`` ≥ 0; ``volatility`` ≥ 0 is
    an annual fraction. Every array has shape (M,).
    """

    sign: Floats
    strike: Floats
    years: Floats
    volatility: float
    rate: float
    dividend_yield: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivities:
    """Price and derivatives, each of shape (M,).

    ``gamma`` is the change of delta for one currency unit, ``vega`` and ``rho`` are for one
    percentage point, ``theta`` is for one calendar day passing.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def _d1_d2(spot: Floats, terms: Contracts) -> tuple[Floats, Floats]:
    """Moneyness in standard deviations; ±inf where the deviation or the strike is zero."""
    deviation = terms.volatility * np.sqrt(terms.years)
    drift = (terms.rate - terms.dividend_yield) * terms.years
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        moneyness = np.log(spot / terms.strike) + drift
        ratio = moneyness / deviation
    # 0/0: exactly at the forward without any uncertainty; the limit from above is zero.
    ratio = np.where(np.isnan(ratio), 0.0, ratio)
    return ratio + deviation / 2.0, ratio - deviation / 2.0


def price(spot: Floats, terms: Contracts) -> Floats:
    """Value of each contract at each spot.

    Args:
        spot: prices > 0 of the underlying, shape (…, 1) or (M,); broadcast against (M,).
        terms: the contracts.

    Returns:
        Values, shape (…, M).
    """
    d1, d2 = _d1_d2(spot, terms)
    carried = spot * np.exp(-terms.dividend_yield * terms.years)
    discounted = terms.strike * np.exp(-terms.rate * terms.years)
    asset: Floats = carried * ndtr(terms.sign * d1)
    cash: Floats = discounted * ndtr(terms.sign * d2)
    return terms.sign * (asset - cash)


def sensitivities(spot: float, terms: Contracts) -> Sensitivities:
    """Price and Greeks of each contract at one spot > 0.

    Where an option is exactly at the kink of its payoff without any uncertainty left, gamma is
    infinite; callers refuse it.
    """
    spots = np.full_like(terms.strike, spot)
    d1, d2 = _d1_d2(spots, terms)
    root = np.sqrt(terms.years)
    deviation = terms.volatility * root
    carry = np.exp(-terms.dividend_yield * terms.years)
    discounted = terms.strike * np.exp(-terms.rate * terms.years)
    density = np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    delta = terms.sign * carry * ndtr(terms.sign * d1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gamma = carry * density / (spot * deviation)
        decay = spot * carry * density * terms.volatility / (2.0 * root)
    # A vanishing density beats a vanishing deviation: away from the kink the limit is zero.
    gamma = np.where(density == 0.0, 0.0, gamma)
    decay = np.where((density == 0.0) | (terms.volatility == 0.0), 0.0, decay)
    strike_weight = ndtr(terms.sign * d2)
    yearly_theta = (
        -decay
        - terms.sign * terms.rate * discounted * strike_weight
        + terms.dividend_yield * spot * delta
    )
    return Sensitivities(
        price=price(spots, terms),
        delta=delta,
        gamma=gamma,
        vega=spot * carry * density * root / 100.0,
        theta=yearly_theta / DAYS_PER_YEAR,
        rho=terms.sign * terms.years * discounted * strike_weight / 100.0,
    )
