"""Profit and loss between two closes with the positions held constant.

Signs: a profit is positive. For each holding the price effect is the change of its value in its
own currency at the first day's exchange rate, and the FX effect its last value times the change of
the rate; the two add up to the profit and loss exactly, the cross term being part of the FX
effect. Options are revalued at both closes, so that passing time and the realised volatility of
each day are part of the price effect.
"""

import math

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.holdings import value_holdings
from finsvc.calculators.inputs.risk import ProfitAndLossInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.domain.market import MarketView


def profit_and_loss(inputs: ProfitAndLossInput, market: MarketView) -> Computation:
    """Profit and loss from the close of ``start`` to the close of ``end``."""
    before, after = (
        value_holdings(
            inputs.portfolio, market, on=day, assumptions=inputs.assumptions, field=field
        )
        for day, field in ((inputs.start, "start"), (inputs.end, "end"))
    )
    pairs = list(zip(before, after, strict=True))
    price_effects = [(b.value_local - a.value_local) * a.fx_rate for a, b in pairs]
    fx_effects = [b.value_local * (b.fx_rate - a.fx_rate) for a, b in pairs]
    figures = {
        "pnl": math.fsum(price_effects + fx_effects),
        "price_effect": math.fsum(price_effects),
        "fx_effect": math.fsum(fx_effects),
    }
    return Computation(
        headline="pnl",
        fields={
            name: Figure(value=value, unit=inputs.portfolio.base_currency, decimals=0)
            for name, value in figures.items()
        },
        labels={
            "subject": inputs.portfolio.label,
            "start": inputs.start.isoformat(),
            "end": inputs.end.isoformat(),
        },
        as_of=inputs.end,
        method="revaluation",
        parameters={
            "start": inputs.start.isoformat(),
            "end": inputs.end.isoformat(),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "A profit is positive and a loss negative; the positions are held constant between "
            "the two closes.",
            "The FX effect is the last value times the change of the exchange rate.",
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )
