"""Histogram and moments of the profits of today's book under past one-day returns.

Bins have equal width from the smallest to the largest profit, the last closed on both sides.
Skewness and kurtosis are moments of the sample (n in the denominator), kurtosis in excess of the
normal's 3. Profits are positive; value at risk and expected shortfall are positive losses.
"""

import numpy as np

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import build_risk_book, factor_growth
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.tail import ProfitDistributionInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.risk.scenarios import require_movement
from finsvc.calculators.tail import QUANTILE_NOTE, tail_of
from finsvc.domain.market import MarketView

BIN_NOTE = (
    "Bins have equal width from the smallest to the largest profit; bin k begins at edge k, ends "
    "at the next."
)


def profit_distribution(inputs: ProfitDistributionInput, market: MarketView) -> Computation:
    """Count profits in bins and measure their shape."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    growth_nf = factor_growth(
        book, market, as_of=inputs.as_of, num_returns=inputs.window_days, step=1
    )
    profits_n = book.profit(growth_nf)
    require_movement(profits_n)
    low, high = float(profits_n.min()), float(profits_n.max())
    width = (high - low) / inputs.num_bins
    bins = np.minimum(((profits_n - low) / width).astype(np.int64), inputs.num_bins - 1)
    counts = np.bincount(bins, minlength=inputs.num_bins)
    tail = tail_of(-profits_n, inputs.confidence)
    centred = profits_n - profits_n.mean()
    variance = float((centred**2).mean())
    currency = inputs.portfolio.base_currency
    amounts = {
        "var": tail.var,
        "es": tail.es,
        "mean": float(profits_n.mean()),
        "deviation": float(np.std(profits_n, ddof=1)),
        "minimum": low,
        "maximum": high,
    }
    shape = {
        "skewness": float((centred**3).mean()) / variance**1.5,
        "excess_kurtosis": float((centred**4).mean()) / variance**2 - 3.0,
    }
    figures = {
        name: Figure(value=value, unit=currency, decimals=0) for name, value in amounts.items()
    }
    figures |= {name: Figure(value=value, unit="1", decimals=3) for name, value in shape.items()}
    for index, edge in enumerate(low + np.arange(inputs.num_bins + 1) * width):
        figures[f"edge.{index:03d}"] = Figure(value=float(edge), unit=currency, decimals=0)
    for index, count in enumerate(counts):
        figures[f"count.{index:03d}"] = Figure(value=float(count), unit="days", decimals=0)
    return Computation(
        headline="var",
        fields=figures,
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.as_of,
        method="historical",
        parameters={
            "confidence": decimal_text(inputs.confidence),
            "horizon_days": "1",
            "window_days": str(inputs.window_days),
            "num_bins": str(inputs.num_bins),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(QUANTILE_NOTE, BIN_NOTE, *valuation_notes(inputs.portfolio, inputs.assumptions)),
    )
