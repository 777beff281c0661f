"""Likelihood ratio tests of exceptions, the binomial test and the Basel zones.

An exception is a day whose loss is strictly larger than its value at risk. With p = 1 - confidence
and T days of which x are exceptions:

* proportion of failures (Kupiec): 2 ln of the likelihood at x/T over that at p, chi-square with 1;
* time until the first failure (Kupiec) n: the same of one geometric waiting time, chi-square 1;
* independence (Christoffersen): one transition probability against two, chi-square 1;
* conditional coverage: the sum of the first and the third, chi-square 2;
* time between failures (Haas): geometric waiting times of all exceptions, chi-square x; with the
  first test added, chi-square x + 1.

Terms 0 ln 0 are zero, so that samples without or with nothing but exceptions have their limits.

Source: P. Kupiec (1995), Techniques for verifying the accuracy of risk measurement models;
P. Christoffersen (1998), Evaluating interval forecasts; M. Haas (2001), New methods in backtesting;
Basel Committee (1996), Supervisory framework for the use of backtesting; MAR32.9, MAR99.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import (  # type: ignore[import-untyped] # scipy ships no types
    bdtr,
    bdtrc,
    chdtrc,
    ndtr,
    ndtri,
    xlogy,
)

Bools = npt.NDArray[np.bool_]

# MAR99.34 (plus factors on 3) and MAR32.9 table 1 (multipliers) for 250 days at 99 %.
PLUS_FACTORS = {5: 0.40, 6: 0.50, 7: 0.65, 8: 0.75, 9: 0.85}
FRTB_ADD_ONS = {5: 0.20, 6: 0.26, 7: 0.33, 8: 0.38, 9: 0.42}
BASE_FACTOR, FRTB_BASE = 3.0, 1.5
PLUS_FACTOR_MAX, FRTB_ADD_ON_MAX = 1.0, 0.5
TABLE_DAYS, TABLE_PROBABILITY = 250, 0.01

# Cumulative probabilities where the yellow and the red zone begin.
YELLOW_FROM, RED_FROM = 0.95, 0.9999

PERFECT_FIT = 1e-9
"""Statistics up to this are rounding noise of a perfect fit."""


class Zone(StrEnum):
    """Traffic light of the Basel Committee."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodRatio:
    """A statistic and its probability under the null hypothesis of a correct model."""

    statistic: float
    degrees: int

    @property
    def p_value(self) -> float:
        """Probability of a statistic at least as large."""
        return float(chdtrc(self.degrees, self.statistic))

    def __add__(self, other: "LikelihoodRatio") -> "LikelihoodRatio":
        """Statistics of independent tests add, and so do their degrees of freedom."""
        return LikelihoodRatio(
            statistic=self.statistic + other.statistic, degrees=self.degrees + other.degrees
        )


def _log_likelihood(probability: float, misses: float, hits: float) -> float:
    return float(xlogy(misses, 1.0 - probability) + xlogy(hits, probability))


def _ratio(null: float, fitted: float, degrees: int = 1) -> LikelihoodRatio:
    statistic = -2.0 * (null - fitted)
    # A perfect fit comes out as rounding noise, whose root the probability would show.
    return LikelihoodRatio(statistic=statistic if statistic > PERFECT_FIT else 0.0, degrees=degrees)


def proportion_of_failures(num_days: int, num_exceptions: int, p: float) -> LikelihoodRatio:
    """Kupiec's test of the share of exceptions."""
    misses = num_days - num_exceptions
    return _ratio(
        _log_likelihood(p, misses, num_exceptions),
        _log_likelihood(num_exceptions / num_days, misses, num_exceptions),
    )


def waiting_time(days: int, p: float) -> LikelihoodRatio:
    """Kupiec's test of one waiting time until an exception, ``days`` ≥ 1."""
    return _ratio(_log_likelihood(p, days - 1, 1), _log_likelihood(1.0 / days, days - 1, 1))


def first_failure(exceptions: Bools, p: float, test_level: float) -> LikelihoodRatio | None:
    """Test of the time until the first exception.

    Without any exception the test is undecided (None), unless even an exception on the next day
    would come too late to pass.
    """
    hits = np.flatnonzero(exceptions)
    if len(hits):
        return waiting_time(int(hits[0]) + 1, p)
    next_day = len(exceptions) + 1
    earliest = waiting_time(next_day, p)
    if next_day > 1.0 / p and earliest.p_value < 1.0 - test_level:
        return earliest
    return None


def independence(exceptions: Bools) -> LikelihoodRatio:
    """Christoffersen's test that an exception does not depend on that of the day before."""
    before, after = exceptions[:-1], exceptions[1:]
    n11 = int((before & after).sum())
    n01 = int((~before & after).sum())
    n10 = int((before & ~after).sum())
    n00 = len(after) - n11 - n01 - n10
    share = (n01 + n11) / max(1, len(after))
    after_miss = n01 / max(1, n00 + n01)
    after_hit = n11 / max(1, n10 + n11)
    return _ratio(
        _log_likelihood(share, n00 + n10, n01 + n11),
        _log_likelihood(after_miss, n00, n01) + _log_likelihood(after_hit, n10, n11),
    )


def between_failures(exceptions: Bools, p: float) -> LikelihoodRatio | None:
    """Haas' test of all waiting times; None without an exception."""
    hits = np.flatnonzero(exceptions)
    if not len(hits):
        return None
    total = LikelihoodRatio(statistic=0.0, degrees=0)
    for days in np.diff(hits, prepend=-1):
        total = total + waiting_time(int(days), p)
    return total


def binomial_score(num_days: int, num_exceptions: int, p: float) -> tuple[float, float]:
    """Normal approximation of the binomial test: the score and its two-sided probability."""
    score = (num_exceptions - num_days * p) / math.sqrt(num_days * p * (1.0 - p))
    return score, 2.0 * float(ndtr(-abs(score)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficLight:
    """Zone and multipliers; ``cumulative`` is the probability of at most so many exceptions.

    ``type_one`` is the probability of at least so many under a correct model. ``plus_factor`` adds
    to 3 (Basel 1996), ``frtb_multiplier`` is that of MAR32.9.
    """

    zone: Zone
    cumulative: float
    type_one: float
    plus_factor: float
    frtb_multiplier: float | None


def _plus_factor(num_days: int, num_exceptions: int, p: float, zone: Zone) -> float:
    """Add-on to the factor of 3: the table for 250 days at 99 %, its rationale elsewhere.

    The table brings a model whose exceptions are x in T back to its nominal level for normal
    profits: 3 times the ratio of the two normal quantiles, less 3.
    """
    if zone is Zone.GREEN:
        return 0.0
    if zone is Zone.RED:
        return PLUS_FACTOR_MAX
    if num_days == TABLE_DAYS and p == TABLE_PROBABILITY:
        return PLUS_FACTORS[num_exceptions]
    observed = -float(ndtri(num_exceptions / num_days))
    if observed <= 0.0:
        return PLUS_FACTOR_MAX
    excess = BASE_FACTOR * (-float(ndtri(p)) / observed - 1.0)
    return min(PLUS_FACTOR_MAX, max(0.0, excess))


def _frtb_multiplier(num_days: int, num_exceptions: int, p: float, zone: Zone) -> float | None:
    if num_days != TABLE_DAYS or p != TABLE_PROBABILITY:
        return None
    if zone is Zone.RED:
        return FRTB_BASE + FRTB_ADD_ON_MAX
    return FRTB_BASE + FRTB_ADD_ONS.get(num_exceptions, 0.0)


def traffic_light(num_days: int, num_exceptions: int, p: float) -> TrafficLight:
    """Zone of a number of exceptions by its cumulative binomial probability."""
    cumulative = float(bdtr(num_exceptions, num_days, p))
    if cumulative < YELLOW_FROM:
        zone = Zone.GREEN
    else:
        zone = Zone.YELLOW if cumulative < RED_FROM else Zone.RED
    return TrafficLight(
        zone=zone,
        cumulative=cumulative,
        type_one=1.0 if num_exceptions == 0 else float(bdtrc(num_exceptions - 1, num_days, p)),
        plus_factor=_plus_factor(num_days, num_exceptions, p, zone),
        frtb_multiplier=_frtb_multiplier(num_days, num_exceptions, p, zone),
    )
