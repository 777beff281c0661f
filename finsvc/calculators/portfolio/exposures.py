"""Exposures of a book to factors, and the positions behind its volatility.

A book's daily return is its delta-weighted profit under the day's simple returns, over its value
today. Exposures are the coefficients of the regression on the factors' simple returns with an
intercept; t-values assume independent errors of one variance. Contributions to volatility are
covariances with the whole over the whole's deviation and add up to it.

Source: W. Sharpe (1964); R. Litterman (1996), Hot spots and hedges.
"""

import math

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import RiskBook, build_risk_book, factor_growth
from finsvc.calculators.holdings import Holding, row_name, value_holdings
from finsvc.calculators.inputs.allocation import FactorExposuresInput, RiskContributionsInput
from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.portfolio.history import instrument_returns
from finsvc.calculators.portfolio.linear import orthogonal_fit
from finsvc.calculators.returns import TRADING_DAYS_PER_YEAR, covariance, sample_deviation
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

# Deviations of returns up to this are rounding noise.
_STILL = 1e-14

# Share of the variance left over up to which a fit is perfect and t-values are noise.
_PERFECT_FIT = 1e-12


def _book(
    inputs: PortfolioCalculation, market: MarketView, window_days: int
) -> tuple[RiskBook, Floats, tuple[Holding, ...], float]:
    """Book, simple factor returns (N, F), holdings and positive market value."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    growth_nf = factor_growth(book, market, as_of=inputs.as_of, num_returns=window_days, step=1)
    holdings = value_holdings(
        inputs.portfolio, market, on=inputs.as_of, assumptions=inputs.assumptions
    )
    value = sum(holding.value for holding in holdings)
    if value <= 0.0:
        raise InputError(
            field="portfolio", expected="a book worth more than nothing", actual=f"{value:.2f}"
        )
    return book, growth_nf - 1.0, holdings, value


def _percent(value: float) -> Figure:
    return Figure(value=value * 100.0, unit="%", decimals=2)


def _pure(value: float) -> Figure:
    return Figure(value=value, unit="1", decimals=3)


def factor_exposures(inputs: FactorExposuresInput, market: MarketView) -> Computation:
    """Regress a book's returns on those of factors."""
    book, moves_nf, _, value = _book(inputs, market, inputs.window_days)
    returns_n = (moves_nf * book.delta()).sum(axis=1) / value
    factors_nf = instrument_returns(
        inputs.factors,
        market,
        as_of=inputs.as_of,
        num_returns=inputs.window_days,
        currency=inputs.portfolio.base_currency,
    )
    columns_nf = np.concatenate([np.ones((len(returns_n), 1)), factors_nf], axis=1)
    fitted = orthogonal_fit(columns_nf, returns_n)
    if fitted is None:
        raise InputError(
            field="factors",
            expected="factors that do not depend on each other",
            actual=", ".join(inputs.factors),
        )
    slopes, spreads = fitted
    errors_n = returns_n - (columns_nf * slopes).sum(axis=1)
    degrees = len(returns_n) - len(slopes)
    error_variance = float((errors_n * errors_n).sum()) / degrees
    centred_n = returns_n - returns_n.mean()
    total = float((centred_n * centred_n).sum())
    figures = {
        "r_squared": _pure(1.0 - error_variance * degrees / total if total > 0.0 else 0.0),
        "alpha": _percent(float(slopes[0]) * TRADING_DAYS_PER_YEAR),
        "residual_volatility": _percent(math.sqrt(error_variance * TRADING_DAYS_PER_YEAR)),
    }
    for name, slope, spread in zip(inputs.factors, slopes[1:], spreads[1:], strict=True):
        figures[f"beta.{row_name(name)}"] = _pure(float(slope))
        if error_variance * degrees > _PERFECT_FIT * total:
            score = float(slope) / math.sqrt(error_variance * float(spread))
            figures[f"t_value.{row_name(name)}"] = _pure(score)
    return Computation(
        headline="beta",
        fields=figures,
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.as_of,
        method="regression",
        parameters={
            "factors": ", ".join(inputs.factors),
            "window_days": str(inputs.window_days),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "The book's past returns are those of today's delta equivalents over today's value.",
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )


def _row_returns(holding: Holding, book: RiskBook, moves_nf: Floats) -> Floats:
    profit_n = np.zeros(len(moves_nf))
    if holding.instrument is not None:
        profit_n = (
            profit_n + holding.delta * moves_nf[:, book.instruments.index(holding.instrument)]
        )
    if holding.currency != book.base:
        column = len(book.instruments) + book.currencies.index(holding.currency)
        profit_n = profit_n + holding.value * moves_nf[:, column]
    return profit_n


def risk_contributions(inputs: RiskContributionsInput, market: MarketView) -> Computation:
    """Divide a book's annual volatility among its rows."""
    book, moves_nf, holdings, value = _book(inputs, market, inputs.window_days)
    rows = {holding.row: _row_returns(holding, book, moves_nf) / value for holding in holdings}
    total_n = np.zeros(len(moves_nf))
    for returns_n in rows.values():
        total_n = total_n + returns_n
    deviation = sample_deviation(total_n)
    if deviation <= _STILL:
        raise InputError(
            field="portfolio", expected="a book whose value moves", actual="a book without risk"
        )
    root = math.sqrt(TRADING_DAYS_PER_YEAR)
    alone = sum(sample_deviation(returns_n) for returns_n in rows.values())
    figures = {
        "volatility": _percent(deviation * root),
        "diversification_ratio": _pure(alone / deviation),
    }
    shares = {
        row: float(covariance(np.stack([returns_n, total_n], axis=1))[0, 1]) / deviation**2
        for row, returns_n in rows.items()
    }
    for row, share in shares.items():
        figures[f"contribution.{row}"] = _percent(share * deviation * root)
    for row, share in shares.items():
        figures[f"share.{row}"] = _percent(share)
    return Computation(
        headline="volatility",
        fields=figures,
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.as_of,
        method="covariance",
        parameters={
            "window_days": str(inputs.window_days),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "Contributions add up to the volatility, shares to 100 %; a negative one is a hedge.",
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )
