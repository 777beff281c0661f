"""Second methods of prices and their statistics: pandas, scipy, least squares, plain loops."""

from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types
from scipy.stats import pearsonr  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.market import (
    BetaInput,
    CloseInput,
    CorrelationInput,
    DrawdownInput,
    PriceChangeInput,
    VolatilityInput,
)
from finsvc.calculators.second.opinion import opinion
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


def _returns(
    market: MarketView,
    instrument: InstrumentId,
    inputs: VolatilityInput | CorrelationInput | BetaInput,
) -> npt.NDArray[np.float64]:
    series = market.closes(instrument, end=inputs.as_of, count=inputs.window_days + 1)
    prices = pd.Series(series.values, index=series.dates)
    returns: npt.NDArray[np.float64] = np.log1p(prices.pct_change().dropna()).to_numpy()
    return returns


def confirm_close(inputs: CloseInput, market: MarketView) -> SecondOpinion:
    """Read the close as the last of a series."""
    series = market.closes_between(inputs.instrument, inputs.as_of, inputs.as_of)
    values = {"close": float(series.values[-1])} if len(series.values) else {}
    return opinion("last close of a series", values)


def confirm_price_change(inputs: PriceChangeInput, market: MarketView) -> SecondOpinion:
    """Divide the closes as exact decimals."""
    values = market.closes_between(inputs.instrument, inputs.start, inputs.end).values
    first, last = Decimal(float(values[0])), Decimal(float(values[-1]))
    return opinion(
        "ratio of exact decimals",
        {
            "change": (last / first - 1) * 100,
            "start_close": float(first),
            "end_close": float(last),
        },
    )


def confirm_volatility(inputs: VolatilityInput, market: MarketView) -> SecondOpinion:
    """Take pandas' sample deviation."""
    returns = pd.Series(_returns(market, inputs.instrument, inputs))
    return opinion("pandas deviation", {"volatility": float(returns.std()) * 252**0.5 * 100.0})


def confirm_correlation(inputs: CorrelationInput, market: MarketView) -> SecondOpinion:
    """Take scipy's Pearson coefficient."""
    one = _returns(market, inputs.first, inputs)
    two = _returns(market, inputs.second, inputs)
    return opinion("scipy pearsonr", {"correlation": float(pearsonr(one, two).statistic)})


def confirm_beta(inputs: BetaInput, market: MarketView) -> SecondOpinion:
    """Fit a line by least squares."""
    one = _returns(market, inputs.instrument, inputs)
    two = _returns(market, inputs.benchmark, inputs)
    design = np.stack([np.ones_like(two), two], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, one, rcond=None)
    return opinion("least squares", {"beta": float(coefficients[1])})


def confirm_drawdown(inputs: DrawdownInput, market: MarketView) -> SecondOpinion:
    """Walk along the closes."""
    peak = worst = 0.0
    for close in market.closes_between(inputs.instrument, inputs.start, inputs.end).values:
        peak = max(peak, float(close))
        worst = max(worst, 1.0 - float(close) / peak)
    return opinion("loop over the closes", {"drawdown": worst * 100.0})
