"""Profit attribution test: do the risk model's profits follow the desk's?

Spearman's rank correlation (mean ranks for ties) and the Kolmogorov-Smirnov distance of the two
empirical distributions. A desk is green with a correlation above 0.80 and a distance below 0.09,
red with a correlation below 0.70 or a distance above 0.12, amber otherwise.

Source: MAR32.34 to MAR32.44 of the Basel framework.
"""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.backtest import ProfitAttributionInput
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

GREEN_CORRELATION, RED_CORRELATION = 0.80, 0.70
GREEN_DISTANCE, RED_DISTANCE = 0.09, 0.12
FULL_YEAR = 250


class Zone(StrEnum):
    """Zones of MAR32."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


def mean_ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse]


def rank_correlation(one: Floats, two: Floats) -> float:
    """Spearman's coefficient: the correlation of the mean ranks."""
    first, second = (ranks - ranks.mean() for ranks in (mean_ranks(one), mean_ranks(two)))
    scale = float((first * first).sum()) * float((second * second).sum())
    return float((first * second).sum()) / float(np.sqrt(scale))


def largest_distance(one: Floats, two: Floats) -> float:
    """Kolmogorov-Smirnov distance of two empirical distributions."""
    points = np.concatenate([one, two])
    shares = [
        np.searchsorted(np.sort(side), points, side="right") / len(side) for side in (one, two)
    ]
    return float(np.abs(shares[0] - shares[1]).max())


def zone_of(correlation: float, distance: float) -> Zone:
    """Zone of a desk."""
    if correlation < RED_CORRELATION or distance > RED_DISTANCE:
        return Zone.RED
    if correlation > GREEN_CORRELATION and distance < GREEN_DISTANCE:
        return Zone.GREEN
    return Zone.AMBER


def profit_attribution_test(inputs: ProfitAttributionInput, market: MarketView) -> Computation:
    """Compare risk-theoretical with hypothetical profits."""
    hypothetical = np.array([float(value) for value in inputs.hypothetical])
    theoretical = np.array([float(value) for value in inputs.risk_theoretical])
    correlation = rank_correlation(hypothetical, theoretical)
    distance = largest_distance(hypothetical, theoretical)
    notes = ["The zone needs both the rank correlation and the distance (MAR32.44)."]
    if len(hypothetical) != FULL_YEAR:
        notes.append(f"The rule asks for 250 days; this sample has {len(hypothetical)}.")
    return Computation(
        headline="spearman",
        fields={
            "spearman": Figure(value=correlation, unit="1", decimals=4),
            "kolmogorov_smirnov": Figure(value=distance, unit="1", decimals=4),
        },
        labels={"zone": zone_of(correlation, distance).value},
        as_of=inputs.as_of,
        method="mar32",
        parameters={"days": str(len(hypothetical))},
        notes=tuple(notes),
    )
