"""Backtest of expected shortfall: the statistics of Acerbi and Szekely.

With profit X, value at risk v and expected shortfall e of each day, and I marking exceptions:
the unconditional statistic is 1 + sum(X I / e) / (T (1 - c)), the conditional one
1 + sum(X I / e) / sum(I). Both are near zero for a correct model and negative where shortfalls
were too small. Critical values are simulated under independent profits of the named distribution,
whose scale does not matter; a day is simulated as a uniform number of which only the tail counts.

Source: C. Acerbi, B. Szekely (2014), Backtesting expected shortfall, Risk, tests 1 and 2.
"""

import math
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from scipy.special import (  # type: ignore[import-untyped] # scipy ships no types
    gammaln,
    ndtri,
    stdtrit,
)

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.backtest import EsBacktestInput, NullDistribution
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.risk.backtests import EXCEPTION_NOTE, LEVEL_NOTE
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

_BLOCK = 2_000_000
"""Uniform numbers held at a time, 16 MB."""

SIGN_NOTE = "A negative statistic says that losses beyond the value at risk exceeded the shortfall."


def shortfall_of(tail: float, degrees: int | None) -> float:
    """Expected shortfall of a standard normal or Student loss beyond its upper ``tail``."""
    if degrees is None:
        quantile = float(ndtri(tail))
        return math.exp(-0.5 * quantile * quantile) / math.sqrt(2.0 * math.pi) / tail
    quantile = float(stdtrit(degrees, tail))
    log_scale = gammaln((degrees + 1) / 2) - gammaln(degrees / 2)
    density = math.exp(float(log_scale)) / math.sqrt(degrees * math.pi)
    density *= (1.0 + quantile * quantile / degrees) ** (-(degrees + 1) / 2)
    return float(density * (degrees + quantile * quantile) / (degrees - 1) / tail)


def simulated_statistics(
    num_days: int, tail: float, degrees: int | None, *, num_simulations: int, seed: int
) -> Floats:
    """Unconditional statistic of correct models, shape (num_simulations,).

    Philox4x64 keyed by the seed, 53-bit uniforms; rows are filled in order, so that the block size
    changes nothing.
    """
    generator = np.random.Philox(key=seed)
    shortfall = shortfall_of(tail, degrees)
    statistics = np.empty(num_simulations)
    rows = max(1, _BLOCK // num_days)
    for start in range(0, num_simulations, rows):
        count = min(rows, num_simulations - start)
        bits = generator.random_raw(count * num_days)
        uniforms = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        hits = np.flatnonzero(uniforms < tail)
        worst = uniforms[hits]
        profits = ndtri(worst) if degrees is None else stdtrit(degrees, worst)
        sums = np.bincount(hits // num_days, weights=profits, minlength=count)
        statistics[start : start + count] = 1.0 + sums / (shortfall * num_days * tail)
    return statistics


def _statistics(inputs: EsBacktestInput) -> tuple[int, float, float | None]:
    """Exceptions, unconditional and conditional statistic; None without exceptions."""
    profits = np.array([float(value) for value in inputs.profits])
    shortfalls = np.array([float(value) for value in inputs.es])
    pairs = zip(inputs.profits, inputs.var, strict=True)
    exceptions = np.array([-profit > var for profit, var in pairs])
    count = int(exceptions.sum())
    total = float((profits[exceptions] / shortfalls[exceptions]).sum())
    expected = len(profits) * float(1 - inputs.confidence)
    return count, 1.0 + total / expected, 1.0 + total / count if count else None


def es_backtest(inputs: EsBacktestInput, market: MarketView) -> Computation:
    """Backtest expected shortfall with simulated critical values."""
    count, unconditional, conditional = _statistics(inputs)
    simulated = simulated_statistics(
        len(inputs.profits),
        float(1 - inputs.confidence),
        inputs.degrees_of_freedom,
        num_simulations=inputs.num_simulations,
        seed=inputs.seed,
    )
    share = float((simulated <= unconditional).mean())
    rank = max(1, math.floor(inputs.num_simulations * (1 - inputs.test_level)))
    critical = float(np.partition(simulated, rank - 1)[rank - 1])
    figures = {
        "unconditional": Figure(value=unconditional, unit="1", decimals=4),
        "p_value": Figure(value=share, unit="1", decimals=4),
        "critical_value": Figure(value=critical, unit="1", decimals=4),
        "exceptions": Figure(value=Decimal(count), unit="1", decimals=0),
        "observations": Figure(value=Decimal(len(inputs.profits)), unit="days", decimals=0),
    }
    if conditional is not None:
        figures["conditional"] = Figure(value=conditional, unit="1", decimals=4)
    parameters = {
        "confidence": decimal_text(inputs.confidence),
        "test_level": decimal_text(inputs.test_level),
        "distribution": inputs.distribution.value,
        "num_simulations": str(inputs.num_simulations),
        "seed": str(inputs.seed),
    }
    if inputs.distribution is NullDistribution.STUDENT_T:
        parameters["degrees_of_freedom"] = str(inputs.degrees_of_freedom)
    verdict = "reject" if share < float(1 - inputs.test_level) else "accept"
    return Computation(
        headline="unconditional",
        fields=figures,
        labels={"verdict": verdict},
        as_of=inputs.as_of,
        method="acerbi_szekely",
        parameters=parameters,
        notes=(SIGN_NOTE, EXCEPTION_NOTE, LEVEL_NOTE),
    )
