"""American options by the early exercise boundary, vectorised over contracts.

The boundary solves an integral equation, iterated at Chebyshev points in the root of the time left;
the price is the European price plus the discounted income of being exercised. Calls are puts with
spot and strike, rate and yield exchanged. Contracts that are never exercised early are European
ones. A negative rate above... a yield below it has two boundaries, which this module refuses.

Source: L. Andersen, M. Lake, D. Offengenden (2016), "High performance American option pricing",
fixed point system A; I. Kim (1990); R. McDonald, M. Schroder (1998) for the symmetry.
"""

from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.pricing.differentiation import DAYS_PER_YEAR
from finsvc.calculators.pricing.european import (
    Contracts,
    EuropeanGreeks,
    Floats,
    value_and_greeks,
)
from finsvc.domain.errors import InputError

_STEEP = 0.6
_BLOCK = 512
_BUMP_ITERATIONS = 4
_ROOT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Numbers of boundary points, quadrature points and iterations."""

    nodes: int
    quadrature: int
    iterations: int
    price_quadrature: int


PRECISE = Scheme(nodes=32, quadrature=64, iterations=20, price_quadrature=200)
FAST = Scheme(nodes=8, quadrature=16, iterations=6, price_quadrature=32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Puts:
    """American puts, every array of shape (N,), all with rate > 0 and deviation > 0."""

    spot: Floats
    strike: Floats
    years: Floats
    volatility: Floats
    rate: Floats
    dividend_yield: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Grid:
    """Geometry in normalised time, shared by all contracts of a scheme.

    ``times`` (n,) are the boundary points, ``back`` (n, l) the normalised time to go at each
    quadrature point, ``spent`` (n, l) the rest; ``weights`` (n, l) integrate over normalised time.
    ``spread`` (n, n*l) interpolates from points to quadrature points; ``price_spread`` (n, L).
    """

    times: Floats
    spent: Floats
    weights: Floats
    spread: Floats
    price_spent: Floats
    price_weights: Floats
    price_spread: Floats


def _interpolation(points: Floats, targets: Floats) -> Floats:
    """Barycentric matrix, shape (len(points), len(targets)), for Chebyshev points."""
    signs = (-1.0) ** np.arange(len(points))
    signs[0] *= 0.5
    signs[-1] *= 0.5
    gap = targets[None, :] - points[:, None]
    is_equal = np.abs(gap) < 1e-15
    terms = signs[:, None] / np.where(is_equal, 1.0, gap)
    matrix = terms / terms.sum(axis=0)
    hit = is_equal.any(axis=0)
    matrix[:, hit] = is_equal[:, hit]
    return np.asarray(matrix, dtype=np.float64)


@cache
def _grid(scheme: Scheme) -> _Grid:
    points = np.cos(np.pi * np.arange(scheme.nodes + 1) / scheme.nodes)
    roots = (1.0 + points) / 2.0
    # The last point is expiry, where the boundary is known.
    times = roots[:-1] ** 2
    abscissae, weights = np.polynomial.legendre.leggauss(scheme.quadrature)
    part = (1.0 + abscissae) / 2.0
    spent = times[:, None] * part[None, :] ** 2
    node_roots = np.sqrt(times[:, None] * (1.0 - part[None, :] ** 2))
    spread = _interpolation(points, 2.0 * node_roots.ravel() - 1.0)
    far, far_weights = np.polynomial.legendre.leggauss(scheme.price_quadrature)
    price_part = (1.0 + far) / 2.0
    price_roots = np.sqrt(1.0 - price_part**2)
    return _Grid(
        times=times,
        spent=spent,
        weights=times[:, None] * part[None, :] * weights[None, :],
        spread=spread[:-1],
        price_spent=price_part**2,
        price_weights=price_part * far_weights,
        price_spread=_interpolation(points, 2.0 * price_roots - 1.0)[:-1],
    )


def _limit(puts: Puts) -> Floats:
    """Boundary at expiry."""
    with np.errstate(divide="ignore"):
        ratio = np.where(puts.dividend_yield > 0.0, puts.rate / puts.dividend_yield, np.inf)
    return np.asarray(puts.strike * np.minimum(1.0, ratio))


def _guess(puts: Puts, times: Floats) -> Floats:
    """Exponential approach from the limit to the perpetual boundary; shape (N, n)."""
    variance = puts.volatility**2
    drift = puts.rate - puts.dividend_yield - variance / 2.0
    slope = -(drift + np.sqrt(drift**2 + 2.0 * puts.rate * variance)) / variance
    perpetual = puts.strike * slope / (slope - 1.0)
    limit = _limit(puts)
    years = puts.years[:, None] * times[None, :]
    gap = np.maximum(limit - perpetual, 1e-12 * limit)
    pace = (puts.rate - puts.dividend_yield)[:, None] * years
    pace = pace - 2.0 * puts.volatility[:, None] * np.sqrt(years)
    pace = np.minimum(pace * (puts.strike / gap)[:, None], 0.0)
    return np.asarray(perpetual[:, None] + (limit - perpetual)[:, None] * np.exp(pace))


def boundary(puts: Puts, scheme: Scheme, start: Floats | None = None) -> Floats:
    """Squared log distance of the boundary from its limit, shape (N, n), at the scheme's points.

    Args:
        puts: the contracts.
        scheme: accuracy.
        start: a solution of similar contracts to start from.
    """
    is_steep = np.abs(puts.rate - puts.dividend_yield) * np.sqrt(puts.years) > (
        _STEEP * puts.volatility
    )
    state = np.empty((len(puts.spot), scheme.nodes))
    for chosen, matches in ((is_steep, False), (~is_steep, True)):
        if chosen.any():
            part = _rows(puts, chosen)
            first = _start(part, scheme) if start is None else start[chosen]
            state[chosen] = _iterate(part, scheme, first, matches_slope=matches)
    return state


def _rows(puts: Puts, chosen: npt.NDArray[np.bool_]) -> Puts:
    return Puts(**{field.name: getattr(puts, field.name)[chosen] for field in fields(Puts)})


def _start(puts: Puts, scheme: Scheme) -> Floats:
    limit = _limit(puts)[:, None]
    ratio = np.minimum(_guess(puts, _grid(scheme).times) / limit, 1.0)
    return np.asarray(np.log(ratio) ** 2)


def _iterate(puts: Puts, scheme: Scheme, state: Floats, *, matches_slope: bool) -> Floats:
    """Iterate the system that matches the slope (A) or the value (B) at the boundary.

    A converges in a few steps but not where the carry is large against the volatility; B is slower
    and converges there too.
    """
    grid = _grid(scheme)
    shape = (-1, *grid.spent.shape)
    rate, dividend_yield = puts.rate[:, None], puts.dividend_yield[:, None]
    years = puts.years[:, None] * grid.times[None, :]
    deviation = puts.volatility[:, None] * np.sqrt(years)
    spent = puts.years[:, None, None] * grid.spent[None]
    spent_deviation = puts.volatility[:, None, None] * np.sqrt(spent)
    inverse = 1.0 / spent_deviation
    drift = (rate - dividend_yield)[:, :, None] * spent * inverse
    lower, upper = drift - spent_deviation / 2.0, drift + spent_deviation / 2.0
    measure = grid.weights[None] * puts.years[:, None, None]
    paid = rate[:, :, None] * measure * np.exp(-rate[:, :, None] * spent)
    earned = dividend_yield[:, :, None] * measure * np.exp(-dividend_yield[:, :, None] * spent)
    carried, discounted = np.exp(-dividend_yield * years), np.exp(-rate * years)
    offset = np.log(_limit(puts) / puts.strike)[:, None]
    shift = offset + (rate - dividend_yield) * years
    for _ in range(scheme.iterations if matches_slope else 3 * scheme.iterations):
        distance = -np.sqrt(state)
        inside = -np.sqrt(np.maximum(state @ grid.spread, 0.0)).reshape(shape)
        reach = (distance[:, :, None] - inside) * inverse
        below, above = reach + lower, reach + upper
        middle = (distance + shift) / deviation
        first, second = middle + deviation / 2.0, middle - deviation / 2.0
        income = ndtr(above)
        asset = carried * ndtr(first)
        if matches_slope:
            cash = discounted * np.exp(-0.5 * second**2) / deviation
            cash = cash + np.sum(paid * np.exp(-0.5 * below**2) * inverse, axis=2)
            asset = _ROOT_2PI * asset + carried * np.exp(-0.5 * first**2) / deviation
            income = _ROOT_2PI * income + np.exp(-0.5 * above**2) * inverse
        else:
            cash = discounted * ndtr(second) + np.sum(paid * ndtr(below), axis=2)
        asset = asset + np.sum(earned * income, axis=2)
        # Far beyond any spot both sides underflow; the boundary stays where it is.
        is_lost = (cash <= 0.0) | (asset <= 0.0)
        level = np.log(np.where(is_lost, 1.0, cash / np.where(is_lost, 1.0, asset))) - offset
        state = np.where(is_lost, state, np.minimum(level, 0.0) ** 2)
    return np.asarray(state)


def premium(puts: Puts, state: Floats, scheme: Scheme) -> tuple[Floats, Floats, Floats, Floats]:
    """Early exercise premium with delta and gamma, and the boundary today; each of shape (N,)."""
    grid = _grid(scheme)
    limit = _limit(puts)
    today = limit * np.exp(-np.sqrt(state[:, 0]))
    spent = puts.years[:, None] * grid.price_spent[None]
    deviation = puts.volatility[:, None] * np.sqrt(spent)
    edge = -np.sqrt(np.maximum(state @ grid.price_spread, 0.0))
    rate, dividend_yield = puts.rate[:, None], puts.dividend_yield[:, None]
    distance = np.log(puts.spot / limit)[:, None] - edge
    middle = (distance + (rate - dividend_yield) * spent) / deviation
    first, second = middle + deviation / 2.0, middle - deviation / 2.0
    measure = puts.years[:, None] * grid.price_weights[None]
    spot, strike = puts.spot[:, None], puts.strike[:, None]
    cash = measure * rate * strike * np.exp(-rate * spent)
    asset = measure * dividend_yield * np.exp(-dividend_yield * spent)
    lower = np.exp(-0.5 * second**2) / _ROOT_2PI / deviation
    upper = np.exp(-0.5 * first**2) / _ROOT_2PI / deviation
    tail = ndtr(-first)
    value = np.sum(cash * ndtr(-second) - asset * spot * tail, axis=1)
    delta = np.sum(-cash * lower / spot + asset * (upper - tail), axis=1)
    bend = cash * lower * (second / deviation + 1.0) / spot**2
    gamma = np.sum(bend + asset * upper * (1.0 - first / deviation) / spot, axis=1)
    return value, delta, gamma, today


def american_greeks(terms: Contracts, scheme: Scheme) -> EuropeanGreeks:
    """Price and sensitivities of American options, in blocks that stay in the cache.

    Args:
        terms: the contracts; ``volatility`` and ``years`` > 0, ``strike`` > 0.
        scheme: accuracy.

    Raises:
        InputError: a contract has two exercise boundaries (both rates negative, in the order that
            makes waiting and exercising attractive in turn).
    """
    puts = _as_puts(terms)
    is_double = (puts.rate < 0.0) & (puts.dividend_yield < puts.rate)
    if is_double.any():
        raise InputError(
            field="rate",
            expected="rates with a single exercise boundary",
            actual=f"negative rates with two boundaries in contract {int(is_double.argmax())}",
        )
    size = len(puts.spot)
    out = np.empty((7, size))
    for first in range(0, size, _BLOCK):
        part = slice(first, min(first + _BLOCK, size))
        block = Puts(**{field.name: getattr(puts, field.name)[part] for field in fields(Puts)})
        out[:, part] = _put_greeks(block, scheme)
    return _from_puts(terms, puts, out)


def _as_puts(terms: Contracts) -> Puts:
    is_put = terms.sign < 0.0
    return Puts(
        spot=np.where(is_put, terms.spot, terms.strike),
        strike=np.where(is_put, terms.strike, terms.spot),
        years=terms.years,
        volatility=terms.volatility,
        rate=np.where(is_put, terms.rate, terms.dividend_yield),
        dividend_yield=np.where(is_put, terms.dividend_yield, terms.rate),
    )


def _from_puts(terms: Contracts, puts: Puts, out: Floats) -> EuropeanGreeks:
    """Undo the exchange of spot and strike, rate and yield."""
    is_put = terms.sign < 0.0
    price, delta, gamma = out[0], out[1], out[2]
    return EuropeanGreeks(
        price=price,
        delta=np.where(is_put, delta, (price - puts.spot * delta) / puts.strike),
        gamma=np.where(is_put, gamma, gamma * (puts.spot / puts.strike) ** 2),
        vega=out[3],
        theta=out[4],
        rho=np.where(is_put, out[5], out[6]),
        dividend_rho=np.where(is_put, out[6], out[5]),
    )


def _european(puts: Puts) -> EuropeanGreeks:
    return value_and_greeks(
        Contracts(
            sign=np.full_like(puts.spot, -1.0),
            spot=puts.spot,
            strike=puts.strike,
            years=puts.years,
            volatility=puts.volatility,
            rate=puts.rate,
            dividend_yield=puts.dividend_yield,
        )
    )


def _put_greeks(puts: Puts, scheme: Scheme) -> Floats:
    """Rows price, delta, gamma, vega, theta, rho, dividend rho of a block of puts."""
    plain = _european(puts)
    out = np.stack([getattr(plain, field.name) for field in fields(EuropeanGreeks)])
    early = puts.rate > 0.0
    if not early.any():
        return out
    part = _rows(puts, early)
    state = boundary(part, scheme)
    extra, delta, gamma, today = premium(part, state, scheme)
    price, delta, gamma = out[0][early] + extra, out[1][early] + delta, out[2][early] + gamma
    drift = (part.rate - part.dividend_yield) * part.spot * delta
    theta = part.rate * price - drift - 0.5 * (part.volatility * part.spot) ** 2 * gamma
    quick = replace(scheme, iterations=_BUMP_ITERATIONS)
    bumps = {
        "volatility": 0.01 * part.volatility,
        "rate": np.minimum(1e-3, 0.25 * part.rate),
        "dividend_yield": np.full_like(part.rate, 1e-3),
    }
    slopes = [_slope(part, name, step, quick, state) for name, step in bumps.items()]
    rows = [price, delta, gamma, slopes[0], theta / DAYS_PER_YEAR, slopes[1], slopes[2]]
    is_exercised = part.spot <= today
    none = np.zeros_like(price)
    at_once = [part.strike - part.spot, none - 1.0, none, none, none, none, none]
    for row, exercised in zip(rows, at_once, strict=True):
        row[is_exercised] = exercised[is_exercised]
    out[:, early] = np.stack(rows)
    return out


def _slope(puts: Puts, name: str, step: Floats, scheme: Scheme, state: Floats) -> Floats:
    """Central difference of the price, for a hundredth of the parameter's unit."""
    prices = []
    for direction in (1.0, -1.0):
        moved = replace(puts, **{name: getattr(puts, name) + direction * step})
        solved = boundary(moved, scheme, state)
        prices.append(_european(moved).price + premium(moved, solved, scheme)[0])
    return np.asarray((prices[0] - prices[1]) / (2.0 * step) / 100.0)


def certain_value(
    *, sign: float, spot: float, strike: float, years: float, rates: tuple[float, float]
) -> float:
    """Value without uncertainty: the best exercise of a forward, or nothing.

    Args:
        sign: +1 for a call.
        spot: price now.
        strike: price of exercise.
        years: life, may be zero.
        rates: rate and dividend yield.
    """
    rate, dividend_yield = rates
    times = [0.0, years]
    if dividend_yield * rate > 0.0 and dividend_yield != rate and spot * strike > 0.0:
        best = np.log(dividend_yield * spot / (rate * strike)) / (dividend_yield - rate)
        times.append(float(np.clip(best, 0.0, years)))
    gains = [
        sign * (spot * np.exp(-dividend_yield * time) - strike * np.exp(-rate * time))
        for time in times
    ]
    return max(0.0, *(float(gain) for gain in gains))
