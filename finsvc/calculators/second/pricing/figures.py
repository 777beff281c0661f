"""What the second methods of options share: QuantLib's prices, differentiated, as opinions."""

from finsvc.calculators.inputs.pricing.options import ExoticInput
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.pricing.bumps import Bumped, Quotes, bump, quotes_of
from finsvc.calculators.second.pricing.engines import ON, Build, price
from finsvc.calculators.second.quantlib_adapter import quantlib
from finsvc.domain.results import SecondOpinion

ANALYTIC_NOISE = 1e-13
"""Rounding noise of analytic engines, as a fraction of the spot."""


def is_certain(inputs: ExoticInput) -> bool:
    """Whether nothing is left to chance."""
    return inputs.volatility == 0 or inputs.time == 0.0


def confirm_figures(method: str, bumped: Bumped) -> SecondOpinion:
    """Opinion of differentiated prices with their errors."""
    return opinion(method, bumped.values, bumped.errors)


def certain_figures(value: float) -> SecondOpinion:
    """Opinion of a price without chance."""
    return opinion("walk along the certain path", {"price": value}, {"price": 1e-9 * abs(value)})


def exact_figures(method: str, values: dict[str, float]) -> SecondOpinion:
    """Opinion of closed forms, with rounding noise alone."""
    return opinion(method, values, {name: 1e-14 * abs(value) for name, value in values.items()})


def figures_of(
    inputs: ExoticInput,
    build: Build,
    *,
    noise: float = ANALYTIC_NOISE,
    room: float | None = None,
    more: tuple[tuple[float, Build], ...] = (),
) -> Bumped:
    """Figures of an instrument, and of amounts of others held with it."""
    at = quotes_of(inputs)
    with quantlib(ON) as ql:

        def value(quotes: Quotes) -> float:
            rest = sum(amount * price(ql, quotes, other) for amount, other in more)
            return price(ql, quotes, build) + rest

        return bump(value, at, noise=noise * at.spot, room=room)
