"""Performance of a constant book, the positions behind it, and attribution to decisions.

Returns are simple, in percent of the first value. Annual return compounds over days / 252;
volatility is the sample deviation of daily returns times the root of 252; downside deviation is the
root mean square of returns below the risk-free rate. Ratios whose denominator is zero are left out.

Source: G. Brinson, N. Fachler (1985), Measuring non-US equity portfolio performance; W. Sharpe
(1966); F. Sortino, R. van der Meer (1991).
"""

import math
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.holdings import value_holdings
from finsvc.calculators.inputs.allocation import (
    AttributionInput,
    PerformanceInput,
    ReturnContributionsInput,
)
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.notes import (
    ADJUSTED_PRICES,
    FX_CARRY,
    assumption_parameters,
    valuation_notes,
)
from finsvc.calculators.portfolio.history import daily_values
from finsvc.calculators.returns import TRADING_DAYS_PER_YEAR, require_same_days, sample_deviation
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

CONSTANT_NOTE = "Positions are held constant; nothing is traded, paid in or taken out."


def _percent(value: float) -> Figure:
    return Figure(value=value * 100.0, unit="%", decimals=2)


def _pure(value: float) -> Figure:
    return Figure(value=value, unit="1", decimals=2)


def _positive(value: float, *, day: str) -> float:
    if value <= 0.0:
        raise InputError(
            field="portfolio", expected="a book worth more than nothing", actual=f"{value} on {day}"
        )
    return value


def _drawdown(values_n: Floats) -> float:
    return float((1.0 - values_n / np.maximum.accumulate(values_n)).max())


def _own_figures(values_n: Floats, returns_n: Floats, rate: float) -> dict[str, Figure]:
    total = float(values_n[-1] / values_n[0]) - 1.0
    years = len(returns_n) / TRADING_DAYS_PER_YEAR
    excess_n = returns_n - rate / TRADING_DAYS_PER_YEAR
    mean = float(excess_n.mean()) * TRADING_DAYS_PER_YEAR
    root = math.sqrt(TRADING_DAYS_PER_YEAR)
    downside = math.sqrt(float((np.minimum(excess_n, 0.0) ** 2).mean())) * root
    figures = {
        "total_return": _percent(total),
        "annual_return": _percent((1.0 + total) ** (1.0 / years) - 1.0),
        "max_drawdown": _percent(_drawdown(values_n)),
    }
    if len(returns_n) > 1:
        deviation = sample_deviation(returns_n) * root
        figures["volatility"] = _percent(deviation)
        if deviation > 0.0:
            figures["sharpe"] = _pure(mean / deviation)
    if downside > 0.0:
        figures["sortino"] = _pure(mean / downside)
    return figures


def _against(returns_n: Floats, benchmark_n: Floats) -> dict[str, Figure]:
    active_n = returns_n - benchmark_n
    figures = {}
    if len(active_n) > 1:
        root = math.sqrt(TRADING_DAYS_PER_YEAR)
        error = sample_deviation(active_n) * root
        figures["tracking_error"] = _percent(error)
        if error > 0.0:
            mean = float(active_n.mean()) * TRADING_DAYS_PER_YEAR
            figures["information_ratio"] = _pure(mean / error)
        centred_n = benchmark_n - benchmark_n.mean()
        variance = float((centred_n * centred_n).sum())
        if variance > 0.0:
            figures["beta"] = _pure(float((returns_n * centred_n).sum()) / variance)
    return figures


def portfolio_performance(inputs: PerformanceInput, market: MarketView) -> Computation:
    """Return, risk and ratios of a constant book, and its distance to a benchmark."""
    days, values_n = daily_values(inputs.portfolio, market, start=inputs.start, end=inputs.end)
    for value, day in zip(values_n, days, strict=True):
        _positive(float(value), day=str(day))
    returns_n = values_n[1:] / values_n[:-1] - 1.0
    figures = _own_figures(values_n, returns_n, float(inputs.rate))
    labels = {"subject": inputs.portfolio.label}
    parameters = {
        "start": inputs.start.isoformat(),
        "end": inputs.end.isoformat(),
        "rate": decimal_text(inputs.rate),
    }
    if inputs.benchmark is not None:
        closes = market.closes_between(inputs.benchmark, inputs.start, inputs.end)
        require_same_days(days, closes.dates, inputs.benchmark, inputs.benchmark)
        rates = market.fx_rates(
            market.currency(inputs.benchmark), inputs.portfolio.base_currency, days
        )
        levels_n = closes.values * rates
        benchmark_n = levels_n[1:] / levels_n[:-1] - 1.0
        figures["benchmark_return"] = _percent(float(levels_n[-1] / levels_n[0]) - 1.0)
        figures |= _against(returns_n, benchmark_n)
        labels["benchmark"] = market.name(inputs.benchmark)
        parameters["benchmark"] = inputs.benchmark
    return Computation(
        headline="total_return",
        fields=figures,
        labels=labels,
        as_of=inputs.end,
        method="constant_positions",
        parameters=parameters,
        notes=(CONSTANT_NOTE, ADJUSTED_PRICES, FX_CARRY),
    )


def return_contributions(inputs: ReturnContributionsInput, market: MarketView) -> Computation:
    """Percentage points that every row added to a constant book's return."""
    before, after = (
        {
            holding.row: holding.value
            for holding in value_holdings(
                inputs.portfolio, market, on=day, assumptions=inputs.assumptions, field=field
            )
        }
        for day, field in ((inputs.start, "start"), (inputs.end, "end"))
    )
    whole = _positive(sum(before.values()), day=inputs.start.isoformat())
    rows = {row: (after[row] - value) / whole for row, value in before.items()}
    figures = {"total_return": _percent(sum(rows.values()))}
    figures |= {f"contribution.{row}": _percent(value) for row, value in rows.items()}
    return Computation(
        headline="total_return",
        fields=figures,
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.end,
        method="constant_positions",
        parameters={
            "start": inputs.start.isoformat(),
            "end": inputs.end.isoformat(),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "Contributions are percentage points of the book's first value and add up.",
            CONSTANT_NOTE,
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )


def _effects(inputs: AttributionInput) -> Mapping[str, tuple[Decimal, Decimal, Decimal]]:
    """Allocation, selection and interaction of every group, exact fractions."""
    benchmark = sum(
        (group.benchmark_weight * group.benchmark_return for group in inputs.groups), Decimal(0)
    )
    effects = {}
    for group in inputs.groups:
        tilt = group.portfolio_weight - group.benchmark_weight
        lead = group.portfolio_return - group.benchmark_return
        effects[group.name] = (
            tilt * (group.benchmark_return - benchmark),
            group.benchmark_weight * lead,
            tilt * lead,
        )
    return effects


def brinson_attribution(inputs: AttributionInput, market: MarketView) -> Computation:
    """Divide an active return into allocation, selection and interaction (Brinson-Fachler)."""
    effects = _effects(inputs)
    names = ("allocation", "selection", "interaction")
    hundred = Decimal(100)
    totals = {
        name: sum((parts[index] for parts in effects.values()), Decimal(0)) * hundred
        for index, name in enumerate(names)
    }
    figures = {
        "active_return": Figure(value=sum(totals.values(), Decimal(0)), unit="%", decimals=4)
    }
    figures |= {
        f"{name}_total": Figure(value=value, unit="%", decimals=4) for name, value in totals.items()
    }
    for group, parts in effects.items():
        for name, part in zip(names, parts, strict=True):
            figures[f"{name}.{group}"] = Figure(value=part * hundred, unit="%", decimals=4)
    return Computation(
        headline="active_return",
        fields=figures,
        labels={},
        as_of=inputs.as_of,
        method="brinson_fachler",
        parameters={"num_groups": str(len(inputs.groups))},
        notes=("Effects are percentage points of one period and add up to the active return.",),
    )
