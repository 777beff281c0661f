"""Quantiles and tail means of simulated losses.

Losses are positive. The value at risk at confidence c of n equally likely losses is the ⌈n·c⌉-th
smallest: the lower empirical quantile, numpy's ``inverted_cdf``; n·c is computed exactly. The
expected shortfall is the mean of the losses at least as large. So the expected shortfall is never
below the value at risk.

Source: A. McNeil, R. Frey, P. Embrechts, Quantitative Risk Management (2015), §2.2 and §2.3;
standard errors are the asymptotic ones of §9.2 with the density taken from order statistics.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

QUANTILE_NOTE = (
    "The value at risk is the lower empirical quantile (inverted_cdf) of the losses: the "
    "ceil(n * confidence)-th smallest of n; a positive figure is a loss."
)
SHORTFALL_NOTE = (
    "The expected shortfall is the mean of the losses at least as large as the value at risk; a "
    "positive figure is a loss."
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Value at risk, expected shortfall and their standard errors, in the unit of the losses."""

    var: float
    es: float
    var_standard_error: float
    es_standard_error: float


def tail_of(losses_n: Floats, confidence: Decimal) -> Tail:
    """Measure the tail of equally likely losses, N ≥ 1."""
    ordered_n = np.sort(losses_n)
    count = len(ordered_n)
    rank = math.ceil(count * confidence)
    var = float(ordered_n[rank - 1])
    tail = ordered_n[ordered_n >= var]
    excess = tail - var
    es = var + float(excess.mean())
    level = float(confidence)
    spread = math.sqrt(count * level * (1.0 - level))
    # Three spreads to each side: fewer order statistics make the estimate itself noisy.
    low = max(1, math.floor(rank - 3.0 * spread))
    high = min(count, math.ceil(rank + 3.0 * spread))
    width = float(ordered_n[high - 1] - ordered_n[low - 1])
    var_error = spread * width / max(1, high - low)
    es_variance = float(np.var(tail)) + level * (es - var) ** 2
    return Tail(
        var=var,
        es=es,
        var_standard_error=var_error,
        es_standard_error=math.sqrt(es_variance / (count * (1.0 - level))),
    )
