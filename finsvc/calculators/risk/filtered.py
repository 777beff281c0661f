"""Filtered historical simulation: past profits, rescaled to the volatility of tomorrow.

The profits of today's book under past one-day returns follow a GARCH(1,1); each is divided by its
day's deviation and multiplied by that of the next day. The figures are the empirical tail of these
rescaled profits.

Source: G. Barone-Adesi, K. Giannopoulos, L. Vosper (1999), VaR without correlations for portfolios
of derivative securities; J. Hull, A. White (1998).
"""

import math

import numpy as np

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import build_risk_book, factor_growth
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.tail import FilteredVarInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.risk.garch import fit
from finsvc.calculators.risk.scenarios import require_movement
from finsvc.calculators.tail import QUANTILE_NOTE, SHORTFALL_NOTE, tail_of
from finsvc.domain.market import MarketView

FILTER_NOTE = (
    "Each past day's profit of today's book is scaled by the ratio of tomorrow's to that day's "
    "GARCH(1,1) volatility; the model is fitted by maximum likelihood with mean zero."
)


def filtered_var(inputs: FilteredVarInput, market: MarketView) -> Computation:
    """One-day value at risk and expected shortfall by filtered historical simulation."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    growth_nf = factor_growth(
        book, market, as_of=inputs.as_of, num_returns=inputs.window_days, step=1
    )
    profits_n = book.profit(growth_nf)
    require_movement(profits_n)
    model = fit(profits_n)
    scaled_n = profits_n * np.sqrt(model.next_variance / model.variances_n)
    tail = tail_of(-scaled_n, inputs.confidence)
    unfiltered = tail_of(-profits_n, inputs.confidence)
    currency = inputs.portfolio.base_currency
    amounts = {
        "var": tail.var,
        "es": tail.es,
        "unfiltered_var": unfiltered.var,
        "volatility": math.sqrt(model.next_variance),
        "volatility_mean": math.sqrt(float((profits_n * profits_n).mean())),
    }
    shares = {"alpha": model.alpha, "beta": model.beta}
    return Computation(
        headline="var",
        fields={
            **{
                name: Figure(value=value, unit=currency, decimals=0)
                for name, value in amounts.items()
            },
            **{name: Figure(value=value, unit="1", decimals=4) for name, value in shares.items()},
        },
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.as_of,
        method="filtered_historical",
        parameters={
            "confidence": decimal_text(inputs.confidence),
            "horizon_days": "1",
            "window_days": str(inputs.window_days),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            FILTER_NOTE,
            QUANTILE_NOTE,
            SHORTFALL_NOTE,
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )
