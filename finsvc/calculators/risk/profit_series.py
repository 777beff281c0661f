"""Value at risk and expected shortfall of a series of profits that another system computed.

Signs: profits are positive, the figures are losses. Formulas: `finsvc.calculators.risk.bands`.
"""

import numpy as np

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.sensitivity import ProfitSeriesVarInput
from finsvc.calculators.risk.bands import (
    normal_band,
    quantile,
    quantile_band,
    shortfall,
    shortfall_error,
)
from finsvc.calculators.risk.tail_risk import CUT_NOTE
from finsvc.domain.market import MarketView


def profit_series_var(inputs: ProfitSeriesVarInput, _market: MarketView) -> Computation:
    """Tail of a series of profits, with bands."""
    ordered_n = np.sort(-np.array([float(value) for value in inputs.profits]))
    var = quantile(ordered_n, inputs.confidence, inputs.quantile_rule)
    es = shortfall(ordered_n, var, inputs.confidence, inputs.shortfall_rule)
    var_band = quantile_band(ordered_n, inputs.confidence, inputs.band)
    error = shortfall_error(ordered_n, var, es, inputs.confidence)
    es_band = normal_band(es, error, inputs.band)
    figures = {
        "var": var,
        "var_low": var_band.low,
        "var_high": var_band.high,
        "es": es,
        "es_low": es_band.low,
        "es_high": es_band.high,
    }
    notes = ("A positive figure is a loss.", *((CUT_NOTE,) if var_band.is_cut else ()))
    return Computation(
        headline="var",
        fields={
            name: Figure(value=value, unit=inputs.currency, decimals=0)
            for name, value in figures.items()
        },
        labels={"subject": f"{len(ordered_n)} profits"},
        as_of=inputs.as_of,
        method="historical",
        parameters={
            "confidence": decimal_text(inputs.confidence),
            "num_profits": str(len(ordered_n)),
            "quantile_rule": inputs.quantile_rule.value,
            "shortfall_rule": inputs.shortfall_rule.value,
            "band": decimal_text(inputs.band),
        },
        notes=notes,
    )
