"""Second methods of the shortfall backtest and of the profit attribution test.

The shortfall's statistic is summed exactly in fractions; its null distribution is simulated by the
number of exceptions (binomial) and their sizes (PCG64), not day by day. Ranks and distances come
from scipy's statistics.
"""

import math
from fractions import Fraction

import numpy as np
from scipy import integrate, stats  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.backtest import EsBacktestInput, ProfitAttributionInput
from finsvc.calculators.second.opinion import opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

# A constant of ours, so that the second stream never equals one seeded by the number alone.
_STREAM = 20_261_102


def _null_statistics(inputs: EsBacktestInput, num_simulations: int) -> list[float]:
    days, tail = len(inputs.profits), float(1 - inputs.confidence)
    degrees = inputs.degrees_of_freedom
    law = stats.norm() if degrees is None else stats.t(degrees)
    bound = float(law.ppf(tail))
    shortfall, _ = integrate.quad(lambda x: -x * law.pdf(x), -math.inf, bound, epsrel=1e-10)
    generator = np.random.Generator(np.random.PCG64([inputs.seed, _STREAM]))
    counts = generator.binomial(days, tail, size=num_simulations)
    # Uniform on the open interval: the quantile at zero would be infinite.
    shares = (1.0 - generator.random(int(counts.sum()))) * tail
    sums = np.add.reduceat(
        np.append(law.ppf(shares), 0.0), np.minimum(np.cumsum(counts) - counts, len(shares))
    )
    sums[counts == 0] = 0.0
    return [1.0 + float(total) / (shortfall * days) for total in sums]


def confirm_es_backtest(inputs: EsBacktestInput, market: MarketView) -> SecondOpinion:
    """Sum exactly and simulate the null distribution another way."""
    total, count = Fraction(0), 0
    for profit, var, es in zip(inputs.profits, inputs.var, inputs.es, strict=True):
        if profit + var < 0:
            total += Fraction(profit) / Fraction(es)
            count += 1
    expected = Fraction(1 - inputs.confidence) * len(inputs.profits)
    statistic = float(1 + total / expected)
    runs = 2 * inputs.num_simulations
    simulated = sorted(_null_statistics(inputs, runs))
    share = sum(value <= statistic for value in simulated) / runs
    level = float(1 - inputs.test_level)
    rank = max(1, math.floor(runs * level))
    # Half the number of runs of the first method's noise, plus its own.
    widening = math.sqrt(1.5 / inputs.num_simulations)
    spread = max(2, math.ceil(3 * math.sqrt(runs * level * (1 - level))))
    low, high = max(0, rank - 1 - spread), min(runs - 1, rank - 1 + spread)
    density = (high - low) / runs / max(1e-300, simulated[high] - simulated[low])
    # A share of zero still has the uncertainty of one run in all.
    certain = max(share * (1 - share), 1.0 / inputs.num_simulations)
    values = {
        "unconditional": statistic,
        "p_value": share,
        "critical_value": simulated[rank - 1],
        "exceptions": float(count),
        "observations": float(len(inputs.profits)),
    }
    if count:
        values["conditional"] = float(1 + total / count)
    errors = {
        "p_value": math.sqrt(certain) * widening,
        "critical_value": math.sqrt(level * (1 - level)) * widening / density,
    }
    return opinion("exact sums, simulation of counts and sizes (PCG64)", values, errors)


def confirm_profit_attribution_test(
    inputs: ProfitAttributionInput, market: MarketView
) -> SecondOpinion:
    """Take scipy's rank correlation and two-sample distance."""
    one = [float(value) for value in inputs.hypothetical]
    two = [float(value) for value in inputs.risk_theoretical]
    values = {
        "spearman": float(stats.spearmanr(one, two).statistic),
        "kolmogorov_smirnov": float(stats.ks_2samp(one, two, method="asymp").statistic),
    }
    return opinion("scipy's spearmanr and ks_2samp", values)
