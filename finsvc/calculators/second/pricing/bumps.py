"""Sensitivities of a library's prices by differences, each with its own error estimate.

Differences at two steps give an extrapolated value; their distance plus the rounding noise is the
error that the method states for itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from finsvc.calculators.inputs.pricing.options import ExoticInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """Market of an option as plain numbers; ``years`` to expiry."""

    spot: float
    rate: float
    dividend_yield: float
    volatility: float
    years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bumped:
    """Values and stated errors by field."""

    values: Mapping[str, float]
    errors: Mapping[str, float]


Price = Callable[[Quotes], float]

_DAYS = 365.0


def quotes_of(inputs: ExoticInput) -> Quotes:
    """Market that the inputs give."""
    return Quotes(
        spot=float(inputs.spot),
        rate=float(inputs.rate),
        dividend_yield=float(inputs.dividend_yield),
        volatility=float(inputs.volatility),
        years=inputs.time,
    )


def bump(price: Price, at: Quotes, *, noise: float, room: float | None = None) -> Bumped:
    """Price and sensitivities.

    Args:
        price: the library's price.
        at: where to differentiate; volatility and years positive.
        noise: error of one price.
        room: how far the spot may move; a barrier nearby limits it.
    """
    base = price(at)
    deviation = at.volatility * at.years**0.5
    reach = at.spot * min(5e-3, 0.05 * deviation)
    step = reach if room is None else min(reach, 0.45 * room)
    up, down, half_up, half_down = (
        price(replace(at, spot=at.spot + move)) for move in (step, -step, step / 2, -step / 2)
    )
    coarse, fine = (up - down) / (2 * step), (half_up - half_down) / step
    bend = (up - 2 * base + down) / step**2
    fine_bend = 4 * (half_up - 2 * base + half_down) / step**2
    values = {"price": base, "delta": (4 * fine - coarse) / 3}
    values["gamma"] = (4 * fine_bend - bend) / 3
    errors = {
        "price": noise,
        "delta": abs(fine - coarse) / 3 + 4 * noise / step,
        "gamma": abs(fine_bend - bend) / 3 + 40 * noise / step**2,
    }
    for field, name, size, scale in (
        ("vega", "volatility", 0.01 * at.volatility, 100.0),
        ("theta", "years", 0.01 * at.years, -_DAYS),
        ("rho", "rate", 1e-3, 100.0),
        ("dividend_rho", "dividend_yield", 1e-3, 100.0),
    ):
        slope, error = _slope(price, at, name, size)
        values[field] = slope / scale
        errors[field] = (error + 4 * noise / size) / abs(scale)
    return Bumped(values=values, errors=errors)


def _slope(price: Price, at: Quotes, name: str, size: float) -> tuple[float, float]:
    def difference(step: float) -> float:
        value = getattr(at, name)
        up, down = (price(replace(at, **{name: value + move})) for move in (step, -step))
        return (up - down) / (2 * step)

    coarse, fine = difference(size), difference(size / 2)
    return (4 * fine - coarse) / 3, abs(fine - coarse) / 3
