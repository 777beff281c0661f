"""Second methods of performance, attribution, exposures and rebalancing.

pandas carries the series, numpy's least squares the regression, exact fractions the attribution;
holdings are valued one by one.
"""

import math
from fractions import Fraction

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.inputs.allocation import (
    AttributionInput,
    FactorExposuresInput,
    PerformanceInput,
    ReturnContributionsInput,
    RiskContributionsInput,
)
from finsvc.calculators.inputs.portfolio import CashInput, PortfolioCalculation, StockInput
from finsvc.calculators.second.allocation.tables import currency_returns
from finsvc.calculators.second.books import appraised, line_name
from finsvc.calculators.second.market_risk.series import past_moves, position_weights
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.valuation import Appraiser
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


def _values(inputs: PerformanceInput, market: MarketView) -> pd.Series:
    base = inputs.portfolio.base_currency
    prices: dict[str, pd.Series] = {}
    for position in inputs.portfolio.positions:
        if isinstance(position, StockInput):
            closes = market.closes_between(position.instrument, inputs.start, inputs.end)
            local = pd.Series(closes.values, index=closes.dates) * float(position.quantity)
            rates = market.fx_rates(market.currency(position.instrument), base, closes.dates)
            known = prices.get(position.instrument, 0.0)
            prices[position.instrument] = known + local * rates
    total = pd.DataFrame(prices).sum(axis=1)
    for position in inputs.portfolio.positions:
        if isinstance(position, CashInput):
            rates = market.fx_rates(position.currency, base, total.index.to_numpy())
            total = total + float(position.amount) * rates
    return total


def confirm_portfolio_performance(inputs: PerformanceInput, market: MarketView) -> SecondOpinion:
    """Take returns, deviations and the regression from pandas."""
    levels = _values(inputs, market)
    returns = levels.pct_change().iloc[1:]
    excess = returns - float(inputs.rate) / 252
    whole = float(levels.iloc[-1] / levels.iloc[0])
    downside = math.sqrt(float(excess.clip(upper=0.0).pow(2).mean()) * 252)
    values = {
        "total_return": 100.0 * (whole - 1.0),
        "annual_return": 100.0 * (math.exp(math.log(whole) * 252 / len(returns)) - 1.0),
        "max_drawdown": -100.0 * float((levels / levels.cummax() - 1.0).min()),
    }
    mean = float(excess.mean()) * 252
    if downside > 0.0:
        values["sortino"] = mean / downside
    if len(returns) > 1:
        deviation = float(returns.std()) * math.sqrt(252)
        values["volatility"] = 100.0 * deviation
        if deviation > 0.0:
            values["sharpe"] = mean / deviation
    if inputs.benchmark is not None:
        closes = market.closes_between(inputs.benchmark, inputs.start, inputs.end)
        rates = market.fx_rates(
            market.currency(inputs.benchmark), inputs.portfolio.base_currency, closes.dates
        )
        other = pd.Series(closes.values * rates, index=closes.dates)
        values["benchmark_return"] = 100.0 * (float(other.iloc[-1] / other.iloc[0]) - 1.0)
        moves = other.pct_change().iloc[1:]
        active = returns - moves
        if len(active) > 1:
            error = float(active.std()) * math.sqrt(252)
            values["tracking_error"] = 100.0 * error
            if error > 0.0:
                values["information_ratio"] = float(active.mean()) * 252 / error
            if float(moves.var()) > 0.0:
                values["beta"] = float(returns.cov(moves) / moves.var())
    return opinion("pandas series", values)


def confirm_return_contributions(
    inputs: ReturnContributionsInput, market: MarketView
) -> SecondOpinion:
    """Value every line at both ends."""
    ends = [
        Appraiser(
            market,
            base=inputs.portfolio.base_currency,
            on=day,
            assumptions=inputs.assumptions,
            field=field,
        )
        for day, field in ((inputs.start, "start"), (inputs.end, "end"))
    ]
    gains: dict[str, float] = {}
    whole = 0.0
    for position in inputs.portfolio.positions:
        before, after = (end.worth(position.to_domain()) for end in ends)
        row = line_name(position)
        gains[row] = gains.get(row, 0.0) + after.value * after.rate - before.value * before.rate
        whole += before.value * before.rate
    values = {f"contribution.{row}": 100.0 * gain / whole for row, gain in gains.items()}
    values["total_return"] = 100.0 * sum(gains.values()) / whole
    return opinion("line by line, QuantLib options", values)


def confirm_brinson_attribution(inputs: AttributionInput, market: MarketView) -> SecondOpinion:
    """Effects as differences of notional portfolios, in exact fractions."""
    groups = [
        tuple(
            Fraction(value)
            for value in (
                group.portfolio_weight,
                group.benchmark_weight,
                group.portfolio_return,
                group.benchmark_return,
            )
        )
        for group in inputs.groups
    ]
    benchmark = sum((wb * rb for _, wb, _, rb in groups), Fraction(0))
    parts: dict[str, Fraction] = {}
    for group, (wp, wb, rp, rb) in zip(inputs.groups, groups, strict=True):
        parts[f"allocation.{group.name}"] = wp * rb - wb * rb - (wp - wb) * benchmark
        parts[f"selection.{group.name}"] = wb * rp - wb * rb
        parts[f"interaction.{group.name}"] = wp * rp - wp * rb - wb * rp + wb * rb
    values = {name: float(100 * part) for name, part in parts.items()}
    for name in ("allocation", "selection", "interaction"):
        values[f"{name}_total"] = float(
            100 * sum(part for row, part in parts.items() if row.startswith(name))
        )
    active = sum((wp * rp for wp, _, rp, _ in groups), Fraction(0)) - benchmark
    values["active_return"] = float(100 * active)
    return opinion("notional portfolios in exact fractions", values)


def _row_series(
    inputs: PortfolioCalculation, market: MarketView, window_days: int
) -> tuple[pd.DataFrame, float]:
    """Simple returns of every row over the book's value, and that value."""
    moves = past_moves(inputs, market, count=window_days) - 1.0
    value = sum(worth.value * worth.rate for _, worth in appraised(inputs, market))
    columns = {
        row: sum((moves[name] * amount for name, amount in parts.items()), 0.0 * moves.sum(axis=1))
        / value
        for row, parts in position_weights(inputs, market).items()
    }
    return pd.DataFrame(columns), value


def confirm_factor_exposures(inputs: FactorExposuresInput, market: MarketView) -> SecondOpinion:
    """Regress by the singular value decomposition of numpy's least squares."""
    rows, _ = _row_series(inputs, market, inputs.window_days)
    returns = rows.sum(axis=1).to_numpy()
    factors = currency_returns(
        inputs.factors,
        market,
        inputs.portfolio.base_currency,
        end=inputs.as_of,
        count=inputs.window_days,
    ).to_numpy()
    design = np.column_stack([np.ones(len(returns)), factors])
    slopes, _, _, _ = np.linalg.lstsq(design, returns, rcond=None)
    residuals = returns - design @ slopes
    variance = float(residuals @ residuals) / (len(returns) - len(slopes))
    spreads = np.diag(np.linalg.inv(design.T @ design)) * variance
    total = float(np.var(returns)) * len(returns)
    values = {
        "alpha": 100.0 * 252 * float(slopes[0]),
        "residual_volatility": 100.0 * math.sqrt(252 * variance),
        "r_squared": 1.0 - float(residuals @ residuals) / total if total > 0.0 else 0.0,
    }
    for name, slope, spread in zip(inputs.factors, slopes[1:], spreads[1:], strict=True):
        row = name.replace(".", "_").replace("^", "_")
        values[f"beta.{row}"] = float(slope)
        if spread > 0.0:
            values[f"t_value.{row}"] = float(slope) / math.sqrt(float(spread))
    return opinion("numpy least squares by singular values", values)


def confirm_risk_contributions(inputs: RiskContributionsInput, market: MarketView) -> SecondOpinion:
    """Quadratic form of the rows' covariance matrix."""
    rows, _ = _row_series(inputs, market, inputs.window_days)
    matrix = rows.cov().to_numpy()
    variance = float(matrix.sum())
    deviation = math.sqrt(variance * 252)
    values = {
        "volatility": 100.0 * deviation,
        "diversification_ratio": float(np.sqrt(np.diag(matrix)).sum()) / math.sqrt(variance),
    }
    for row, along in zip(rows.columns, matrix.sum(axis=1), strict=True):
        values[f"share.{row}"] = 100.0 * float(along) / variance
        values[f"contribution.{row}"] = 100.0 * deviation * float(along) / variance
    return opinion("covariance matrix of the rows", values)
