"""Component, marginal and incremental value at risk by position.

Component figures are Euler's: value at risk is homogeneous of degree one in the positions, so the
derivatives times the positions add up to it. Historical: a position's loss in the scenario that is
the quantile. Parametric: its covariance with the whole, divided by the whole's deviation, times the
quantile. Marginal is the component per unit of the position's market value, so that a position
worth next to nothing has none. Incremental is the value at risk with the position less that without
it, by full recomputation.

Signs: positive adds to the loss; a negative component is a hedge.

Source: D. Tasche (1999), Risk contributions and performance measurement; W. Hallerbach (2003).
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import RiskBook
from finsvc.calculators.holdings import Holding, value_holdings
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.tail import ContributionMethod, VarContributionsInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.returns import covariance
from finsvc.calculators.risk.scenarios import row_profits
from finsvc.calculators.risk.tail_risk import book_and_growth, step_of
from finsvc.domain.market import MarketView
from finsvc.domain.positions import OptionPosition

Floats = npt.NDArray[np.float64]

# Share of its strike below which an option's price is too small for a quotient.
_WORTH = 1e-6

EULER_NOTE = "Components add up to the value at risk; a negative one is a hedge."
INCREMENTAL_NOTE = (
    "Incremental is the value at risk of the book less that of the book without the position; "
    "these figures do not add up."
)
MARGINAL_NOTE = "Marginal is the component for one unit of the position's market value."


class _Shares:
    """Components and incrementals gathered row by row."""

    def __init__(self, var: float) -> None:
        self.var = var
        self.component: dict[str, float] = {}
        self.incremental: dict[str, float] = {}


def _historical(inputs: VarContributionsInput, market: MarketView) -> _Shares:
    book, growth_nf = book_and_growth(inputs, market)
    factor = math.sqrt(inputs.horizon_days / step_of(inputs))
    rows = dict(row_profits(inputs, market, book, growth_nf))
    # The sum of the rows, not the book's own order of additions: components add up exactly.
    total_n = np.zeros(len(growth_nf))
    for profit_n in rows.values():
        total_n += profit_n
    rank = math.ceil(len(total_n) * inputs.confidence) - 1
    scenario = int(np.argsort(-total_n, kind="stable")[rank])
    shares = _Shares(-float(total_n[scenario]) * factor)
    for row, profit_n in rows.items():
        without = -np.partition(total_n - profit_n, len(total_n) - 1 - rank)[
            len(total_n) - 1 - rank
        ]
        shares.component[row] = -float(profit_n[scenario]) * factor
        shares.incremental[row] = shares.var - float(without) * factor
    return shares


def _loadings(holding: Holding, book: RiskBook) -> dict[int, float]:
    """Amounts that relative moves of the factors act on, by column."""
    found: dict[int, float] = {}
    if holding.instrument is not None:
        found[book.instruments.index(holding.instrument)] = holding.delta
    if holding.currency != book.base:
        found[len(book.instruments) + book.currencies.index(holding.currency)] = holding.value
    return found


def _parametric(
    inputs: VarContributionsInput, market: MarketView, holdings: tuple[Holding, ...]
) -> _Shares:
    book, growth_nf = book_and_growth(inputs, market)
    covariance_ff = covariance(np.log(growth_nf)) * (inputs.horizon_days / step_of(inputs))
    score = float(ndtri(float(inputs.confidence)))
    delta_f = book.delta()
    slope_f = (covariance_ff * delta_f).sum(axis=1)
    variance = max(float((slope_f * delta_f).sum()), 0.0)
    deviation = math.sqrt(variance)
    shares = _Shares(score * deviation)
    for holding in holdings:
        loadings = _loadings(holding, book)
        along = sum(amount * float(slope_f[column]) for column, amount in loadings.items())
        # The rest is measured on its own: a difference of variances would lose small rests.
        rest_f, rest_slope_f = delta_f.copy(), slope_f.copy()
        for column, amount in loadings.items():
            rest_f[column] -= amount
            rest_slope_f -= amount * covariance_ff[:, column]
        without = math.sqrt(max(float((rest_slope_f * rest_f).sum()), 0.0))
        # A book without deviation has no risk to divide.
        shares.component[holding.row] = score * along / deviation if deviation > 0.0 else 0.0
        shares.incremental[holding.row] = shares.var - score * without
    return shares


def _is_worth_something(holding: Holding) -> bool:
    """Whether a figure per unit of value has digits: an option far out of the money has noise."""
    if not isinstance(holding.position, OptionPosition):
        return holding.value != 0.0
    scale = float(holding.position.quantity * holding.position.multiplier)
    return abs(holding.value_local) > _WORTH * abs(scale) * float(holding.position.strike)


def _figures(shares: _Shares, values: Mapping[str, float], currency: str) -> dict[str, Figure]:
    figures = {"var": Figure(value=shares.var, unit=currency, decimals=0)}
    for row, amount in shares.component.items():
        figures[f"component.{row}"] = Figure(value=amount, unit=currency, decimals=0)
    for row, amount in shares.component.items():
        if row in values:
            figures[f"marginal.{row}"] = Figure(value=amount / values[row], unit="1", decimals=4)
    for row, amount in shares.incremental.items():
        figures[f"incremental.{row}"] = Figure(value=amount, unit=currency, decimals=0)
    return figures


def var_contributions(inputs: VarContributionsInput, market: MarketView) -> Computation:
    """Divide value at risk among the rows of a book."""
    holdings = value_holdings(
        inputs.portfolio, market, on=inputs.as_of, assumptions=inputs.assumptions
    )
    if inputs.method is ContributionMethod.HISTORICAL:
        shares = _historical(inputs, market)
    else:
        shares = _parametric(inputs, market, holdings)
    values = {holding.row: holding.value for holding in holdings if _is_worth_something(holding)}
    return Computation(
        headline="var",
        fields=_figures(shares, values, inputs.portfolio.base_currency),
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.as_of,
        method=inputs.method.value,
        parameters={
            "confidence": decimal_text(inputs.confidence),
            "horizon_days": str(inputs.horizon_days),
            "window_days": str(inputs.window_days),
            "scaling": inputs.scaling.value,
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "A positive figure is a loss.",
            EULER_NOTE,
            MARGINAL_NOTE,
            INCREMENTAL_NOTE,
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )
