"""Stressed value at risk: the stretch of history that is worst for today's book.

Every window of ``window_days`` consecutive returns among the last ``search_days`` is measured by
the historical method on today's positions and prices; the largest figure is the answer, the
earliest window on a tie.

Source: Basel Committee, Revisions to the Basel II market risk framework (2009), 718(lxxvi)(i).
"""

import math

import numpy as np

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import build_risk_book, factor_growth
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.tail import ShortfallRule, StressedVarInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.risk.bands import shortfall
from finsvc.calculators.risk.scenarios import scenario_days
from finsvc.calculators.risk.tail_risk import step_of
from finsvc.calculators.risk.windows import rolling_var
from finsvc.calculators.tail import QUANTILE_NOTE, SHORTFALL_NOTE
from finsvc.domain.market import MarketView

SEARCH_NOTE = (
    "Today's book is revalued in full under the returns of every stretch of history of the "
    "window's length; the largest value at risk counts, the earliest stretch on a tie."
)


def stressed_var(inputs: StressedVarInput, market: MarketView) -> Computation:
    """Value at risk and expected shortfall in the worst window, and in the latest one."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    step = step_of(inputs)
    growth_nf = factor_growth(
        book, market, as_of=inputs.as_of, num_returns=inputs.search_days, step=step
    )
    losses_n = -book.profit(growth_nf) * math.sqrt(inputs.horizon_days / step)
    figures_w = rolling_var(losses_n, inputs.confidence, window=inputs.window_days)
    first = int(np.argmax(figures_w))
    worst = float(figures_w[first])
    window_n = np.sort(losses_n[first : first + inputs.window_days])
    es = shortfall(window_n, worst, inputs.confidence, ShortfallRule.TAIL_MEAN)
    days = scenario_days(book, market, as_of=inputs.as_of, count=inputs.search_days)
    figures = {"stressed_var": worst, "stressed_es": es, "current_var": float(figures_w[-1])}
    return Computation(
        headline="stressed_var",
        fields={
            name: Figure(value=value, unit=inputs.portfolio.base_currency, decimals=0)
            for name, value in figures.items()
        },
        labels={
            "subject": inputs.portfolio.label,
            "window_start": str(days[first]),
            "window_end": str(days[first + inputs.window_days - 1]),
        },
        as_of=inputs.as_of,
        method="historical",
        parameters={
            "confidence": decimal_text(inputs.confidence),
            "horizon_days": str(inputs.horizon_days),
            "window_days": str(inputs.window_days),
            "search_days": str(inputs.search_days),
            "scaling": inputs.scaling.value,
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            SEARCH_NOTE,
            QUANTILE_NOTE,
            SHORTFALL_NOTE,
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )
