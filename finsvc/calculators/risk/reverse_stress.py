"""Reverse stress test: the smallest move that loses a given amount.

The book is revalued in full along a line of scenarios. ``equity`` moves every price by a fraction
k from -99.9 % to +300 % and leaves exchange rates; ``likely`` moves log prices and rates by k
standard deviations, from -20 to 20, along covariance times deltas: of all normal scenarios with
the same linear loss that one is the most likely. The smallest |k| at which the loss is reached is
found on a grid and refined by bisection; the fall wins a tie.

Source: T. Breuer, M. Jandacka, K. Rheinberger, M. Summer (2009), How to find plausible, severe and
useful stress scenarios.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import RiskBook, build_risk_book, factor_growth
from finsvc.calculators.holdings import row_name
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.tail import ReverseDirection, ReverseStressInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.returns import covariance
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]
Line = Callable[[Floats], Floats]

EQUITY_ENDS, EQUITY_STEP = (-0.999, 3.0), 0.001
LIKELY_ENDS, LIKELY_STEP = (-20.0, 20.0), 0.02
_HALVINGS = 60

_DIRECTION_NOTES = {
    ReverseDirection.EQUITY: "All prices move by the same percentage and exchange rates stay.",
    ReverseDirection.LIKELY: "Prices and rates move along the most likely loss: the move is in "
    "one-day standard deviations of the book, positive towards its loss.",
}


def _equity_line(book: RiskBook) -> Line:
    def growth(moves_n: Floats) -> Floats:
        growth_nf = np.ones((len(moves_n), book.num_factors))
        growth_nf[:, : len(book.instruments)] += moves_n[:, None]
        return growth_nf

    return growth


def _likely_line(book: RiskBook, market: MarketView, inputs: ReverseStressInput) -> Line:
    """Growth along the most likely loss; k = 1 loses one standard deviation, to first order.

    Raises:
        InputError: the book has no linear risk, so that no direction is the most likely.
    """
    growth_nf = factor_growth(
        book, market, as_of=inputs.as_of, num_returns=inputs.window_days, step=1
    )
    delta_f = book.delta()
    slope_f = (covariance(np.log(growth_nf)) * delta_f).sum(axis=1)
    variance = float((slope_f * delta_f).sum())
    if variance <= 0.0:
        raise InputError(
            field="direction",
            expected="equity for a book without linear risk",
            actual=ReverseDirection.LIKELY.value,
        )
    direction_f = -slope_f / math.sqrt(variance)

    def growth(moves_n: Floats) -> Floats:
        return np.asarray(np.exp(moves_n[:, None] * direction_f), dtype=np.float64)

    return growth


def _crossing(profit: Callable[[Floats], Floats], grid: Floats, loss: float) -> float | None:
    """First point of a grid that starts at zero where the loss is reached, refined."""
    reached = np.flatnonzero(profit(grid) <= -loss)
    if not len(reached):
        return None
    inside, outside = float(grid[reached[0] - 1]), float(grid[reached[0]])
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2.0
        if profit(np.array([middle]))[0] <= -loss:
            outside = middle
        else:
            inside = middle
    return outside


def _grid(end: float, step: float) -> Floats:
    return np.arange(1 + round(abs(end) / step), dtype=np.float64) * math.copysign(step, end)


def reverse_stress(inputs: ReverseStressInput, market: MarketView) -> Computation:
    """Find the smallest move along a line that loses the amount."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    is_equity = inputs.direction is ReverseDirection.EQUITY
    line = _equity_line(book) if is_equity else _likely_line(book, market, inputs)
    ends, step = (EQUITY_ENDS, EQUITY_STEP) if is_equity else (LIKELY_ENDS, LIKELY_STEP)
    if not is_equity:
        # Along the likely line a positive k is the loss.
        ends = (ends[1], ends[0])
    grids = [_grid(end, step) for end in ends]

    def profit(moves_n: Floats) -> Floats:
        return book.profit(line(moves_n))

    found = [
        move for grid in grids if (move := _crossing(profit, grid, float(inputs.loss))) is not None
    ]
    currency = inputs.portfolio.base_currency
    worst = min(float(profit(grid).min()) for grid in grids)
    figures = {"worst_searched": Figure(value=worst, unit=currency, decimals=0)}
    if found:
        smallest = min(found, key=abs)
        figures |= _move_figures(smallest, line, book, is_equity=is_equity)
        pnl = float(profit(np.array([smallest]))[0])
        figures["pnl"] = Figure(value=pnl, unit=currency, decimals=0)
    return Computation(
        headline="move" if found else "worst_searched",
        fields=figures,
        labels={
            "subject": inputs.portfolio.label,
            "status": "reached" if found else "not reached",
        },
        as_of=inputs.as_of,
        method=inputs.direction.value,
        parameters={
            "loss": decimal_text(inputs.loss),
            "direction": inputs.direction.value,
            "search": f"{ends[0]:g} to {ends[1]:g} by {step:g}",
            **({} if is_equity else {"window_days": str(inputs.window_days)}),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "A profit is positive and a loss negative.",
            _DIRECTION_NOTES[inputs.direction],
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )


def _move_figures(
    smallest: float, line: Line, book: RiskBook, *, is_equity: bool
) -> dict[str, Figure]:
    if is_equity:
        return {"move": Figure(value=smallest * 100.0, unit="%", decimals=2)}
    figures = {"move": Figure(value=smallest, unit="1", decimals=2)}
    growth_f = line(np.array([smallest]))[0]
    names = (*book.instruments, *(f"fx:{code}" for code in book.currencies))
    for name, growth in zip(names, growth_f, strict=True):
        percent = (float(growth) - 1.0) * 100.0
        figures[f"factor.{row_name(name)}"] = Figure(value=percent, unit="%", decimals=2)
    return figures
