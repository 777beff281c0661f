"""Quantiles by named rules, and bands that cover the true figures with a stated probability.

A band on an empirical quantile is a pair of order statistics whose ranks leave at most half of the
remaining probability on each side under the binomial distribution: exact for any continuous law. A
band on an expected shortfall is asymptotically normal. A parametric figure is a multiple of a
deviation estimated from n - 1 degrees of freedom, so its band is that of chi-square.

Source: R. Hyndman, Y. Fan (1996), Sample quantiles in statistical packages; H. David, H. Nagaraja,
Order Statistics (2003), §7.1; R. Rockafellar, S. Uryasev (2002) for the fractional tail mean.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.special import (  # type: ignore[import-untyped] # scipy ships no types
    bdtr,
    chdtri,
    ndtri,
)

from finsvc.calculators.inputs.tail import QuantileRule, ShortfallRule

Floats = npt.NDArray[np.float64]

# Rank of the quantile at c of n losses is (n + a) c + b, counted from one.
_RANK_TERMS = {
    QuantileRule.HAZEN: (Fraction(0), Fraction(1, 2)),
    QuantileRule.WEIBULL: (Fraction(1), Fraction(0)),
    QuantileRule.LINEAR: (Fraction(-1), Fraction(1)),
    QuantileRule.MEDIAN_UNBIASED: (Fraction(1, 3), Fraction(1, 3)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Ends of a band; ``is_cut`` says that the sample is too small for an end of that level."""

    low: float
    high: float
    is_cut: bool = False


def quantile(ordered_n: Floats, confidence: Decimal, rule: QuantileRule) -> float:
    """Quantile of ascending losses; ranks are exact, so that equal inputs never straddle one."""
    count = len(ordered_n)
    if rule is QuantileRule.INVERTED_CDF:
        return float(ordered_n[math.ceil(count * confidence) - 1])
    if rule is QuantileRule.PROFIT_INVERTED_CDF:
        return float(ordered_n[math.floor(count * confidence)])
    extra, shift = _RANK_TERMS[rule]
    rank = min(max((count + extra) * Fraction(confidence) + shift, Fraction(1)), Fraction(count))
    below = math.floor(rank)
    weight = float(rank - below)
    low, high = ordered_n[below - 1], ordered_n[min(below, count - 1)]
    return float(low + weight * (high - low))


def shortfall(ordered_n: Floats, var: float, confidence: Decimal, rule: ShortfallRule) -> float:
    """Expected shortfall of ascending losses beyond a value at risk."""
    if rule is ShortfallRule.TAIL_MEAN:
        tail = ordered_n[ordered_n >= var]
        return var + float((tail - var).mean())
    worst = Fraction(1 - confidence) * len(ordered_n)
    whole = math.floor(worst)
    # The confidence is above zero, so a loss at the edge is always left.
    edge = len(ordered_n) - whole
    total = float(ordered_n[edge:].sum()) + float(worst - whole) * float(ordered_n[edge - 1])
    return total / float(worst)


def quantile_ranks(count: int, confidence: Decimal, band: Decimal) -> tuple[int, int, bool]:
    """Ranks, counted from one, of the ends of a band, and whether an end was cut."""
    level, side = float(confidence), float(1 - band) / 2.0
    ranks = np.arange(count + 1)
    below = bdtr(ranks, count, level)
    # The j-th loss lies above the quantile with the probability of fewer than j below it.
    low = int(np.searchsorted(below, side, side="right"))
    high = int(np.searchsorted(below, 1.0 - side, side="left")) + 1
    return max(1, low), min(count, high), low < 1 or high > count


def quantile_band(ordered_n: Floats, confidence: Decimal, band: Decimal) -> Interval:
    """Band of a quantile of ascending losses."""
    low, high, is_cut = quantile_ranks(len(ordered_n), confidence, band)
    return Interval(low=float(ordered_n[low - 1]), high=float(ordered_n[high - 1]), is_cut=is_cut)


def normal_band(value: float, standard_error: float, band: Decimal) -> Interval:
    """Band of an asymptotically normal figure."""
    reach = float(ndtri(0.5 + float(band) / 2.0)) * standard_error
    return Interval(low=value - reach, high=value + reach)


def deviation_band(value: float, num_returns: int, band: Decimal) -> Interval:
    """Band of a multiple of a deviation that was estimated from so many normal returns."""
    degrees = num_returns - 1
    side = float(1 - band) / 2.0
    ends = [
        value * math.sqrt(degrees / float(chdtri(degrees, tail))) for tail in (side, 1.0 - side)
    ]
    return Interval(low=min(ends), high=max(ends))


def shortfall_error(ordered_n: Floats, var: float, es: float, confidence: Decimal) -> float:
    """Asymptotic standard error of an expected shortfall.

    Source: A. McNeil, R. Frey, P. Embrechts, Quantitative Risk Management (2015), §9.2.
    """
    level = float(confidence)
    tail = ordered_n[ordered_n >= var]
    variance = float(np.var(tail)) + level * (es - var) ** 2
    return math.sqrt(variance / (len(ordered_n) * (1.0 - level)))
