"""Prices and their statistics: close, change, volatility, correlation, beta, drawdown.

Volatility, correlation and beta use daily log returns and sample moments (n - 1); volatility is
annualised with 252 days. A drawdown is positive: the fall from a peak in percent of the peak.
"""

import numpy as np

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.market import (
    BetaInput,
    CloseInput,
    CorrelationInput,
    DrawdownInput,
    PriceChangeInput,
    VolatilityInput,
)
from finsvc.calculators.notes import ADJUSTED_PRICES
from finsvc.calculators.returns import (
    annual_volatility,
    covariance,
    paired_log_returns,
    require_variation,
    sample_deviation,
)
from finsvc.domain.errors import InsufficientDataError
from finsvc.domain.market import MarketView

_RETURNS_NOTE = "Returns are daily log returns; moments are sample moments (n - 1)."


def close(inputs: CloseInput, market: MarketView) -> Computation:
    """Closing price of an instrument."""
    value = market.close(inputs.instrument, inputs.as_of)
    return Computation(
        headline="close",
        fields={"close": Figure(value=value, unit=market.currency(inputs.instrument), decimals=2)},
        labels={"subject": market.name(inputs.instrument)},
        as_of=inputs.as_of,
        method="closing_price",
        parameters={},
        notes=(ADJUSTED_PRICES,),
    )


def price_change(inputs: PriceChangeInput, market: MarketView) -> Computation:
    """Relative change of an instrument's close between two trading days."""
    first = market.close(inputs.instrument, inputs.start, field="start")
    last = market.close(inputs.instrument, inputs.end, field="end")
    currency = market.currency(inputs.instrument)
    return Computation(
        headline="change",
        fields={
            "change": Figure(value=(last - first) / first * 100.0, unit="%", decimals=2),
            "start_close": Figure(value=first, unit=currency, decimals=2),
            "end_close": Figure(value=last, unit=currency, decimals=2),
        },
        labels={
            "subject": market.name(inputs.instrument),
            "start": inputs.start.isoformat(),
            "end": inputs.end.isoformat(),
        },
        as_of=inputs.end,
        method="relative_change",
        parameters={"start": inputs.start.isoformat(), "end": inputs.end.isoformat()},
        notes=("A rise is positive.", ADJUSTED_PRICES),
    )


def volatility(inputs: VolatilityInput, market: MarketView) -> Computation:
    """Realised annual volatility of an instrument."""
    value = annual_volatility(
        market,
        inputs.instrument,
        as_of=inputs.as_of,
        window_days=inputs.window_days,
        field="as_of",
    )
    return Computation(
        headline="volatility",
        fields={"volatility": Figure(value=value * 100.0, unit="%", decimals=2)},
        labels={"subject": market.name(inputs.instrument)},
        as_of=inputs.as_of,
        method="realised",
        parameters={"window_days": str(inputs.window_days), "days_per_year": "252"},
        notes=(_RETURNS_NOTE, ADJUSTED_PRICES),
    )


def correlation(inputs: CorrelationInput, market: MarketView) -> Computation:
    """Pearson correlation of the daily log returns of two instruments."""
    one, two = paired_log_returns(
        market, inputs.first, inputs.second, as_of=inputs.as_of, num_returns=inputs.window_days
    )
    scale = require_variation(sample_deviation(one), field="first", name=inputs.first)
    scale *= require_variation(sample_deviation(two), field="second", name=inputs.second)
    moments = covariance(np.stack([one, two], axis=1))
    value = min(1.0, max(-1.0, float(moments[0, 1]) / scale))
    return Computation(
        headline="correlation",
        fields={"correlation": Figure(value=value, unit="1", decimals=2)},
        labels={"subject": f"{market.name(inputs.first)} and {market.name(inputs.second)}"},
        as_of=inputs.as_of,
        method="pearson",
        parameters={"window_days": str(inputs.window_days)},
        notes=(_RETURNS_NOTE, ADJUSTED_PRICES),
    )


def beta(inputs: BetaInput, market: MarketView) -> Computation:
    """Beta of an instrument: covariance with the benchmark over the benchmark's variance."""
    one, two = paired_log_returns(
        market,
        inputs.instrument,
        inputs.benchmark,
        as_of=inputs.as_of,
        num_returns=inputs.window_days,
    )
    require_variation(sample_deviation(two), field="benchmark", name=inputs.benchmark)
    moments = covariance(np.stack([one, two], axis=1))
    value = float(moments[0, 1] / moments[1, 1])
    return Computation(
        headline="beta",
        fields={"beta": Figure(value=value, unit="1", decimals=2)},
        labels={
            "subject": market.name(inputs.instrument),
            "benchmark": market.name(inputs.benchmark),
        },
        as_of=inputs.as_of,
        method="covariance_over_variance",
        parameters={"benchmark": inputs.benchmark, "window_days": str(inputs.window_days)},
        notes=(_RETURNS_NOTE, ADJUSTED_PRICES),
    )


def drawdown(inputs: DrawdownInput, market: MarketView) -> Computation:
    """Largest fall from a previous peak between two dates, in percent of the peak.

    Raises:
        InsufficientDataError: there is no close between the dates.
    """
    series = market.closes_between(inputs.instrument, inputs.start, inputs.end)
    if len(series.values) == 0:
        raise InsufficientDataError(
            field="start", expected="a close between start and end", actual="none"
        )
    peaks = np.maximum.accumulate(series.values)
    falls = (peaks - series.values) / peaks
    trough = int(np.argmax(falls))
    peak = int(np.argmax(series.values[: trough + 1]))
    return Computation(
        headline="drawdown",
        fields={"drawdown": Figure(value=float(falls[trough]) * 100.0, unit="%", decimals=2)},
        labels={
            "subject": market.name(inputs.instrument),
            "start": inputs.start.isoformat(),
            "end": inputs.end.isoformat(),
            "peak_date": _iso(series.dates[peak]),
            "trough_date": _iso(series.dates[trough]),
        },
        as_of=inputs.end,
        method="peak_to_trough",
        parameters={"start": inputs.start.isoformat(), "end": inputs.end.isoformat()},
        notes=("A drawdown is a fall and stated as a positive percentage.", ADJUSTED_PRICES),
    )


def _iso(day: np.datetime64) -> str:
    return str(day.astype("datetime64[D]"))
