"""Sensitivities of closed forms by the complex step.

A price is a function of a `Point`; one vectorised call at ten points gives the price and all
sensitivities. Gamma is a fourth-order central difference of the exact delta.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from finsvc.calculators.pricing.normal import Numbers

DAYS_PER_YEAR = 365.0
_STEP = 1e-30
_STENCIL = np.array([-2.0, -1.0, 1.0, 2.0])
_STENCIL_WEIGHTS = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
_NUM_POINTS = 9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """State of the market and time left; arrays of one shape.

    ``spot`` > 0, ``volatility`` > 0 and ``years`` > 0; rates are continuous annual fractions.
    """

    spot: Numbers
    rate: Numbers
    dividend_yield: Numbers
    volatility: Numbers
    years: Numbers

    @property
    def carry(self) -> Numbers:
        """Growth rate of the forward."""
        return self.rate - self.dividend_yield

    @property
    def deviation(self) -> Numbers:
        """Standard deviation of the log price at expiry."""
        return self.volatility * np.sqrt(self.years)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Price and sensitivities of one option.

    ``vega``, ``rho`` and ``dividend_rho`` are for one percentage point, ``theta`` for one
    calendar day passing.
    """

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float
    dividend_rho: float


def point(
    *, spot: float, rate: float, dividend_yield: float, volatility: float, years: float
) -> Point:
    """Build a point of single values."""
    return Point(
        spot=np.array([spot]),
        rate=np.array([rate]),
        dividend_yield=np.array([dividend_yield]),
        volatility=np.array([volatility]),
        years=np.array([years]),
    )


def differentiate(price: Callable[[Point], Numbers], at: Point) -> Greeks:
    """Price and sensitivities at a point of single values.

    Args:
        price: analytic in every field of the point near ``at``.
        at: fields of shape (1,).
    """
    spot = float(np.real(at.spot)[0])
    step = spot * min(1e-3, 0.02 * float(np.real(at.deviation)[0]))
    moved = {
        field.name: np.full(_NUM_POINTS, np.real(getattr(at, field.name))[0], dtype=np.complex128)
        for field in fields(Point)
    }
    moved["spot"][:5] += 1j * _STEP
    moved["spot"][1:5] += step * _STENCIL
    for position, name in enumerate(("volatility", "rate", "dividend_yield", "years"), start=5):
        moved[name][position] += 1j * _STEP
    # Terms beyond the floats leave figures that are not finite, which no result takes.
    with np.errstate(over="ignore", invalid="ignore"):
        values = price(Point(**moved))
    slopes = np.imag(values) / _STEP
    return Greeks(
        price=float(np.real(values[0])),
        delta=float(slopes[0]),
        gamma=float(np.sum(_STENCIL_WEIGHTS * slopes[1:5])) / step,
        vega=float(slopes[5]) / 100.0,
        rho=float(slopes[6]) / 100.0,
        dividend_rho=float(slopes[7]) / 100.0,
        theta=-float(slopes[8]) / DAYS_PER_YEAR,
    )
