"""Second methods of Asian options.

Geometric means: the covariance matrix of the logarithms, and the payoff integrated against the
normal density by quadrature. Arithmetic means: simulation with the geometric mean as control.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from finsvc.calculators.inputs.pricing.options import AsianKind, AsianOptionInput, Averaging
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.pricing import certain
from finsvc.calculators.second.pricing.bumps import Quotes, bump, quotes_of
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionType
from finsvc.domain.results import SecondOpinion

Floats = npt.NDArray[np.float64]

_NODES = 200
_REACH = 12.0
_PATHS_MIN, _PATHS_MAX = 4_000, 40_000
_NORMALS_MAX = 4_000_000
_SEED = 20_261_122


def confirm_asian(inputs: AsianOptionInput, market: MarketView) -> SecondOpinion:
    """Integrate or simulate the payoff."""
    if inputs.volatility == 0 or inputs.time == 0.0 or max(inputs.fixing_years, default=1) == 0:
        value = certain.asian(inputs)
        return opinion("walk along the certain path", {"price": value}, {"price": 1e-7 * value})
    if inputs.averaging is Averaging.GEOMETRIC:
        at = quotes_of(inputs)
        bumped = bump(lambda quotes: _geometric(inputs, quotes), at, noise=1e-12 * at.spot)
        return opinion("quadrature over the mean", bumped.values, bumped.errors)
    return _simulated(inputs)


def _sign(inputs: AsianOptionInput) -> float:
    return 1.0 if inputs.option_type is OptionType.CALL else -1.0


def _times(inputs: AsianOptionInput, at: Quotes) -> Floats:
    """Fixing times; a day passing moves those still to come."""
    moved = at.years - inputs.time
    years = np.array([float(item) for item in inputs.fixing_years])
    return np.asarray(np.where(years > 0.0, years + moved, 0.0))


def _moments(inputs: AsianOptionInput, at: Quotes) -> tuple[Floats, Floats]:
    """Means and covariances of the log of the mean and of the final price."""
    drift = at.rate - at.dividend_yield - at.volatility**2 / 2.0
    variance = at.volatility**2
    last = at.years
    if not inputs.fixing_years:
        mean = math.log(at.spot) + drift * last / 2.0
        spread = np.array([[last / 3.0, last / 2.0], [last / 2.0, last]])
    else:
        times = np.append(_times(inputs, at), last)
        joint = np.minimum.outer(times, times)
        count = len(times) - 1 + inputs.past_fixings
        share = np.full(len(times) - 1, 1.0 / count)
        rows = np.zeros((2, len(times)))
        rows[0, :-1], rows[1, -1] = share, 1.0
        spread = rows @ joint @ rows.T
        known = inputs.past_fixings * math.log(float(inputs.past_average or 1)) / count
        mean = known + float(share @ (math.log(at.spot) + drift * times[:-1]))
    return np.array([mean, math.log(at.spot) + drift * last]), variance * spread


def _geometric(inputs: AsianOptionInput, at: Quotes) -> float:
    """Integrate the payoff of the mean, or of the ratio of the final price to the mean."""
    mean, spread = _moments(inputs, at)
    sign, discount = _sign(inputs), math.exp(-at.rate * at.years)
    if inputs.kind is AsianKind.AVERAGE_PRICE:
        return discount * _expected_gain(
            float(mean[0]), math.sqrt(max(spread[0, 0], 0.0)), float(inputs.strike or 0), sign
        )
    # In units of the mean the final price is lognormal and its strike is one.
    center = float(mean[1] - mean[0] + spread[0, 1] - spread[0, 0])
    width = math.sqrt(max(spread[0, 0] + spread[1, 1] - 2.0 * spread[0, 1], 0.0))
    average = math.exp(float(mean[0]) + spread[0, 0] / 2.0)
    return discount * average * _expected_gain(center, width, 1.0, sign)


@cache
def _legendre() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _expected_gain(mean: float, width: float, strike: float, sign: float) -> float:
    """Integrate from the kink outwards, where the integrand is smooth."""
    if width == 0.0:
        return max(sign * (math.exp(mean) - strike), 0.0)
    kink = (math.log(strike) - mean) / width
    low, high = (max(kink, -_REACH), _REACH) if sign > 0 else (-_REACH, min(kink, _REACH))
    if low >= high:
        return 0.0
    nodes, weights = _legendre()
    points = (high + low) / 2.0 + (high - low) / 2.0 * nodes
    gains = sign * (np.exp(mean + width * points) - strike)
    density = np.exp(-0.5 * points**2) / math.sqrt(2.0 * math.pi)
    return float(np.sum(weights * gains * density) * (high - low) / 2.0)


def _normals(paths: int, count: int) -> Floats:
    """Standard normals of shape (paths, count): counter-based bits through Box and Muller."""
    size = paths * count + (paths * count) % 2
    bits = np.random.Philox(key=_SEED).random_raw(size)
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    first, second = uniform[: size // 2], uniform[size // 2 :]
    radius = np.sqrt(-2.0 * np.log(first))
    angle = 2.0 * np.pi * second
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return np.asarray(both[: paths * count].reshape(paths, count))


class _Simulation:
    """Discounted payoffs of paths on common random numbers, geometric control included."""

    def __init__(self, inputs: AsianOptionInput) -> None:
        self.inputs = inputs
        count = len(inputs.fixing_years) + 1
        self.paths = max(_PATHS_MIN, min(_PATHS_MAX, _NORMALS_MAX // count))
        self.normals = _normals(self.paths, count)

    def payoffs(self, at: Quotes) -> tuple[Floats, Floats, float]:
        """Arithmetic and geometric payoffs of each path, and the exact geometric value."""
        inputs, sign = self.inputs, _sign(self.inputs)
        times = np.append(_times(inputs, at), at.years)
        steps = np.maximum(np.diff(times, prepend=0.0), 0.0)
        drift = at.rate - at.dividend_yield - at.volatility**2 / 2.0
        moves = drift * steps + at.volatility * np.sqrt(steps) * self.normals
        logs = math.log(at.spot) + np.cumsum(moves, axis=1)
        past, count = inputs.past_fixings, inputs.past_fixings + len(times) - 1
        known = float(inputs.past_average or 0)
        mean = (np.exp(logs[:, :-1]).sum(axis=1) + past * known) / count
        log_known = past * math.log(known) if past else 0.0
        product = np.exp((logs[:, :-1].sum(axis=1) + log_known) / count)
        target = np.exp(logs[:, -1])
        discount = math.exp(-at.rate * at.years)
        if inputs.kind is AsianKind.AVERAGE_PRICE:
            strike = float(inputs.strike or 0)
            gains = [np.maximum(sign * (item - strike), 0.0) for item in (mean, product)]
        else:
            gains = [np.maximum(sign * (target - item), 0.0) for item in (mean, product)]
        return discount * gains[0], discount * gains[1], _geometric(inputs, at)


def _simulated(inputs: AsianOptionInput) -> SecondOpinion:
    simulation, at = _Simulation(inputs), quotes_of(inputs)
    paths = simulation.paths
    values, errors = {}, {}
    weights = _combinations(at, simulation)
    for field, (parts, scale) in weights.items():
        arithmetic, geometric, exact = np.zeros(paths), np.zeros(paths), 0.0
        for weight, quotes in parts:
            first, control, value = simulation.payoffs(quotes)
            arithmetic += weight * first
            geometric += weight * control
            exact += weight * value
        controlled = arithmetic - geometric
        values[field] = (float(controlled.mean()) + exact) / scale
        spread = float(controlled.std()) / math.sqrt(paths)
        # A difference of curved payoffs is off by the curvature; a hundredth covers the steps.
        bias = 0.0 if field == "price" else 1e-2 * abs(values[field] * scale)
        errors[field] = (spread + bias) / abs(scale) + 1e-12 * at.spot / abs(scale)
    return opinion("simulation with a geometric control", values, errors)


def _combinations(
    at: Quotes, simulation: _Simulation
) -> dict[str, tuple[list[tuple[float, Quotes]], float]]:
    """Weighted markets whose payoffs add up to each field."""
    step = at.spot * min(1e-2, 0.1 * at.volatility * math.sqrt(at.years))
    up, down = (Quotes(**{**_plain(at), "spot": at.spot + move}) for move in (step, -step))
    combinations = {
        "price": ([(1.0, at)], 1.0),
        "delta": ([(0.5 / step, up), (-0.5 / step, down)], 1.0),
        "gamma": ([(1 / step**2, up), (-2 / step**2, at), (1 / step**2, down)], 1.0),
    }
    first = min((float(item) for item in simulation.inputs.fixing_years if item > 0), default=1.0)
    for field, name, size, scale in (
        ("vega", "volatility", 5e-3 * at.volatility, 100.0),
        ("theta", "years", min(5e-3 * at.years, first / 4.0), -365.0),
        ("rho", "rate", 1e-3, 100.0),
        ("dividend_rho", "dividend_yield", 1e-3, 100.0),
    ):
        value = getattr(at, name)
        high, low = (Quotes(**{**_plain(at), name: value + move}) for move in (size, -size))
        combinations[field] = ([(0.5 / size, high), (-0.5 / size, low)], scale)
    return combinations


def _plain(at: Quotes) -> dict[str, float]:
    return {
        "spot": at.spot,
        "rate": at.rate,
        "dividend_yield": at.dividend_yield,
        "volatility": at.volatility,
        "years": at.years,
    }
