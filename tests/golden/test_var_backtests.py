"""Published figures of backtests.

Sources: MathWorks, Risk Management Toolbox documentation, pages ``varbacktest.pof``, ``.tuff``,
``.cci``, ``.bin``, ``.tl`` and ``.tbf`` (example data EquityIndex, 1,043 days) and ``esbacktest``;
P. Kupiec (1995), table of non-rejection regions; Basel Committee (1996), table 2; MAR32.9 table 1.
The page of ``tbf`` gives no series, so its two probabilities are checked from its statistics.
"""

import itertools
from decimal import Decimal

import numpy as np
import pytest

from finsvc.calculators.risk.coverage import (
    LikelihoodRatio,
    binomial_score,
    independence,
    proportion_of_failures,
    traffic_light,
    waiting_time,
)
from finsvc.calculators.risk.shortfall_backtest import simulated_statistics
from finsvc.calculators.second.market_risk.backtests import chi_square_tail
from tests.finsvc.calculators.factories import run


def five_digits(value: float) -> float:
    return float(f"{value:.5g}")


@pytest.mark.parametrize(
    ("exceptions", "p", "ratio", "p_value"),
    [
        (57, 0.05, 0.46147, 0.49694),
        (17, 0.01, 3.5118, 0.060933),
        (59, 0.05, 0.91023, 0.34005),
        (12, 0.01, 0.22768, 0.63325),
        (22, 0.01, 9.8298, 0.0017171),
    ],
)
def test_proportion_of_failures_of_mathworks(
    exceptions: int, p: float, ratio: float, p_value: float
) -> None:
    test = proportion_of_failures(1043, exceptions, p)
    assert (five_digits(test.statistic), five_digits(test.p_value)) == (ratio, p_value)


def test_time_until_first_failure_of_mathworks() -> None:
    test = waiting_time(58, 0.05)
    assert (five_digits(test.statistic), five_digits(test.p_value)) == (1.7354, 0.18773)


def exceptions_with(n00: int, n10: int, n01: int, n11: int) -> list[bool]:
    """A series with these transitions: clusters of hits between runs of misses."""
    assert n10 == n01
    runs = [True] * (n11 + 1) + [False]
    series = [False] * (n00 - (n01 - 1) + n01 - n10 + 1)
    series += runs
    for _ in range(n01 - 1):
        series += [True, False]
    return series


def test_independence_of_mathworks() -> None:
    series = np.array(exceptions_with(932, 53, 53, 4))
    pairs = list(itertools.pairwise(series))
    counts = [pairs.count((a, b)) for a in (False, True) for b in (False, True)]
    assert counts[1:] == [53, 53, 4]
    series = np.concatenate([np.zeros(932 - counts[0], dtype=bool), series])
    test = independence(series)
    assert len(series) == 1043
    assert (five_digits(test.statistic), five_digits(test.p_value)) == (0.25866, 0.61104)


def test_tails_of_the_times_between_failures_of_mathworks() -> None:
    for statistic, degrees, p_value in ((88.491, 57, 0.0047475), (88.952, 58, 0.0055565)):
        first = LikelihoodRatio(statistic=statistic, degrees=degrees).p_value
        assert first == pytest.approx(p_value, rel=2e-4)
        assert chi_square_tail(statistic, degrees) == pytest.approx(first, rel=1e-10)


def test_binomial_score_of_mathworks() -> None:
    score, p_value = binomial_score(1043, 57, 0.05)
    assert (five_digits(score), five_digits(p_value)) == (0.68905, 0.49079)


@pytest.mark.parametrize(
    ("exceptions", "p", "zone", "figures"),
    [
        (57, 0.05, "green", (0.77913, 0.26396, 0.0)),
        (17, 0.01, "yellow", (0.97991, 0.03686, 0.26582)),
    ],
)
def test_traffic_light_of_mathworks(
    exceptions: int, p: float, zone: str, figures: tuple[float, ...]
) -> None:
    light = traffic_light(1043, exceptions, p)
    found = (light.cumulative, light.type_one, light.plus_factor)
    assert light.zone.value == zone
    assert tuple(five_digits(value) for value in found) == figures


# Kupiec's regions at a test level of 95 %: the open interval of exceptions that is not rejected.
KUPIEC_REGIONS = [
    # The source prints "N < 7"; its own statistic rejects zero exceptions (5.13 against 3.84).
    (0.01, {255: (0, 7), 510: (1, 11), 1000: (4, 17)}),
    (0.025, {255: (2, 12), 510: (6, 21), 1000: (15, 36)}),
    (0.05, {255: (6, 21), 510: (16, 36), 1000: (37, 65)}),
    (0.075, {255: (11, 28), 510: (27, 51), 1000: (59, 92)}),
    (0.10, {255: (16, 36), 510: (38, 65), 1000: (81, 120)}),
]


@pytest.mark.parametrize(
    ("p", "days", "region"),
    [(p, days, region) for p, regions in KUPIEC_REGIONS for days, region in regions.items()],
)
def test_non_rejection_region_of_kupiec(p: float, days: int, region: tuple[int, int]) -> None:
    accepted = [
        count
        for count in range(days // 2)
        if proportion_of_failures(days, count, p).p_value >= 0.05
    ]
    assert (accepted[0] - 1, accepted[-1] + 1) == region


BASEL = [8.11, 28.58, 54.32, 75.81, 89.22, 95.88, 98.63, 99.60, 99.89, 99.97, 99.99]
PLUS = [0.0, 0.0, 0.0, 0.0, 0.0, 0.40, 0.50, 0.65, 0.75, 0.85, 1.0]
MULTIPLIERS = ["1.5", "1.5", "1.5", "1.5", "1.5", "1.7", "1.76", "1.83", "1.88", "1.92", "2"]


@pytest.mark.parametrize("exceptions", range(11))
def test_zone_and_multiplier_of_the_basel_committee(exceptions: int) -> None:
    result = run("coverage_test", observations=250, exceptions=exceptions, as_of="2022-12-30")
    percent = float(result.fields["cumulative_probability"].value) * 100
    # The Committee cuts 99.994 to 99.99 and rounds the others.
    assert percent == pytest.approx(BASEL[exceptions], abs=0.006)
    zone = "green" if exceptions < 5 else "yellow" if exceptions < 10 else "red"
    assert result.labels["zone"] == zone
    assert float(result.fields["plus_factor"].value) == PLUS[exceptions]
    assert result.fields["frtb_multiplier"].value == Decimal(MULTIPLIERS[exceptions])


@pytest.mark.parametrize(
    ("degrees", "p_value", "critical"), [(None, 0.0054099, -0.34639), (3, 0.018566, -0.42986)]
)
def test_unconditional_shortfall_test_of_mathworks(
    degrees: int | None, p_value: float, critical: float
) -> None:
    # 1,966 days at 97.5 %, statistic -0.38265, test level 99 %; both sides are simulated.
    # The source interpolates in a table of its own simulations.
    simulated = simulated_statistics(1966, 0.025, degrees, num_simulations=40_000, seed=1)
    share = float((simulated <= -0.38265).mean())
    assert share == pytest.approx(p_value, rel=0.12)
    assert float(np.quantile(simulated, 0.01)) == pytest.approx(critical, abs=0.005)
