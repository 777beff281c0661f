"""Second methods of banded, stressed and filtered figures and of the histogram.

Quantiles come from numpy's own rules, ranks of bands from scipy's binomial distribution, bands of
deviations from its chi-square; sensitivities from QuantLib, the GARCH fit from arch.
"""

import math
from decimal import Decimal
from importlib import import_module
from typing import Literal, Protocol, cast

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types
from scipy import stats  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.risk import MonteCarloVarInput, RiskInput, Scaling
from finsvc.calculators.inputs.sensitivity import ProfitSeriesVarInput
from finsvc.calculators.inputs.tail import (
    FilteredVarInput,
    ProfitDistributionInput,
    QuantileRule,
    ShortfallRule,
    StressedVarInput,
    TailMethod,
    TailRiskInput,
)
from finsvc.calculators.second.market_risk.expansion import expanded_profits
from finsvc.calculators.second.market_risk.series import book_profits, past_moves, weighted_returns
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.risk import simulated_losses
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

Floats = npt.NDArray[np.float64]

_NUMPY_RULES: dict[QuantileRule, Literal["hazen", "weibull", "linear", "median_unbiased"]] = {
    QuantileRule.HAZEN: "hazen",
    QuantileRule.WEIBULL: "weibull",
    QuantileRule.LINEAR: "linear",
    QuantileRule.MEDIAN_UNBIASED: "median_unbiased",
}


class GarchLibrary(Protocol):
    """What the adapter of arch offers; it is slow to import."""

    def fit(self, returns: Floats) -> tuple[float, float, Floats, float]:
        """Fit alpha and beta; return them, the variances and tomorrow's variance."""


def _step(inputs: RiskInput) -> int:
    return inputs.horizon_days if inputs.scaling is Scaling.OVERLAPPING else 1


def _root(inputs: RiskInput) -> float:
    return math.sqrt(inputs.horizon_days / _step(inputs))


def _worst_share(losses: Floats, var: float, confidence: Decimal, rule: ShortfallRule) -> float:
    if rule is ShortfallRule.TAIL_MEAN:
        return float(losses[losses >= var].mean())
    # Rockafellar and Uryasev: the value at risk and the mean excess over it.
    return var + float(np.maximum(losses - var, 0.0).mean()) / float(1 - confidence)


def _band_ranks(count: int, confidence: Decimal, band: Decimal) -> tuple[int, int]:
    law = stats.binom(count, float(confidence))
    side = float(1 - band) / 2.0
    counts = np.arange(count + 1)
    low = int((law.cdf(counts) <= side).sum())
    high = int((law.cdf(counts) < 1.0 - side).sum()) + 1
    return max(low, 1), min(high, count)


def sample_figures(
    inputs: TailRiskInput | ProfitSeriesVarInput, losses: Floats
) -> dict[str, float]:
    """Value at risk, expected shortfall and their bands of a sample of losses."""
    ordered = np.sort(losses)
    count = len(ordered)
    # numpy multiplies a rank as a float; these are exact.
    if inputs.quantile_rule is QuantileRule.INVERTED_CDF:
        var = float(ordered[math.ceil(count * inputs.confidence) - 1])
    elif inputs.quantile_rule is QuantileRule.PROFIT_INVERTED_CDF:
        var = float(ordered[-max(1, math.ceil(count * (1 - inputs.confidence)))])
    else:
        method = _NUMPY_RULES[inputs.quantile_rule]
        var = float(np.quantile(ordered, float(inputs.confidence), method=method))
    es = _worst_share(ordered, var, inputs.confidence, inputs.shortfall_rule)
    low, high = _band_ranks(count, inputs.confidence, inputs.band)
    tail = ordered[ordered >= var]
    level = float(inputs.confidence)
    spread = float(np.mean((tail - tail.mean()) ** 2)) + level * (es - var) ** 2
    reach = float(stats.norm.ppf((1 + float(inputs.band)) / 2))
    reach *= math.sqrt(spread / (count * (1.0 - level)))
    return {
        "var": var,
        "var_low": float(ordered[low - 1]),
        "var_high": float(ordered[high - 1]),
        "es": es,
        "es_low": es - reach,
        "es_high": es + reach,
    }


def _parametric_figures(inputs: TailRiskInput, market: MarketView) -> dict[str, float]:
    series = weighted_returns(inputs, market, count=inputs.window_days, step=_step(inputs))
    deviation = float(series.std()) * _root(inputs)
    level = float(inputs.confidence)
    law = stats.norm()
    score = float(law.ppf(level))
    multiples = {"var": score, "es": float(law.pdf(score)) / (1.0 - level)}
    degrees, side = inputs.window_days - 1, float(1 - inputs.band) / 2.0
    ends = [
        math.sqrt(degrees / float(stats.gamma.ppf(p, degrees / 2, scale=2.0)))
        for p in (1.0 - side, side)
    ]
    values: dict[str, float] = {}
    for name, multiple in multiples.items():
        reaches = sorted(multiple * deviation * end for end in ends)
        values |= {
            name: multiple * deviation,
            f"{name}_low": reaches[0],
            f"{name}_high": reaches[1],
        }
    return values


def _simulated(inputs: TailRiskInput, market: MarketView) -> SecondOpinion:
    """Antithetic simulation; a figure's standard error is read from the width of its own band."""
    plain = {name: getattr(inputs, name) for name in MonteCarloVarInput.model_fields}
    single = MonteCarloVarInput(**plain)
    losses = simulated_losses(
        single, market, num_pairs=(3 * inputs.num_paths + 1) // 2, seed=inputs.seed
    )
    values = sample_figures(inputs, losses)
    ordered = np.sort(losses)
    low, high = _band_ranks(inputs.num_paths, inputs.confidence, inputs.band)
    # Ends of the band of a sample of the first method's size, as quantiles of the larger one.
    for name, rank in (("var_low", low), ("var_high", high)):
        position = min(len(ordered) - 1, max(0, round(rank / inputs.num_paths * len(ordered))))
        values[name] = float(ordered[position])
    scale = math.sqrt(len(ordered) / inputs.num_paths)
    reach = (values["es_high"] - values["es"]) * scale
    values["es_low"], values["es_high"] = values["es"] - reach, values["es"] + reach
    score = float(stats.norm.ppf((1 + float(inputs.band)) / 2))
    widening = math.sqrt(1.0 + 2.0 / 3.0) / score
    var_error = (values["var_high"] - values["var_low"]) / 2.0 * widening
    es_error = reach * widening
    # Density falls outwards, so the upper end is noisier than the figure, the lower one less.
    errors = {
        "var": var_error,
        "var_low": var_error,
        "var_high": 1.5 * var_error,
        "es": es_error,
        "es_low": 1.5 * es_error,
        "es_high": 1.5 * es_error,
    }
    return opinion("antithetic simulation on the QR factor of the returns (PCG64)", values, errors)


def confirm_tail_risk(inputs: TailRiskInput, market: MarketView) -> SecondOpinion:
    """Confirm by the second method of the chosen method."""
    if inputs.method is TailMethod.MONTE_CARLO:
        return _simulated(inputs, market)
    if inputs.method is TailMethod.PARAMETRIC:
        values = _parametric_figures(inputs, market)
        return opinion("deviation of the weighted return series, QuantLib deltas", values)
    count, step = inputs.window_days, _step(inputs)
    if inputs.method is TailMethod.DELTA_GAMMA:
        profits = expanded_profits(
            inputs, market, past_moves(inputs, market, count=count, step=step)
        )
    else:
        profits = book_profits(inputs, market, count=count, step=step).to_numpy()
    values = sample_figures(inputs, -profits * _root(inputs))
    return opinion("position by position, numpy quantiles, scipy ranks", values)


def confirm_stressed_var(inputs: StressedVarInput, market: MarketView) -> SecondOpinion:
    """Sort every window on its own."""
    profits = book_profits(inputs, market, count=inputs.search_days, step=_step(inputs))
    losses = pd.Series(-profits.to_numpy() * _root(inputs))
    rank = math.ceil(inputs.window_days * inputs.confidence) - 1
    windows = losses.rolling(inputs.window_days)
    share = rank / max(1, inputs.window_days - 1)
    found = windows.quantile(share, interpolation="nearest").dropna()
    last = int(found.idxmax())
    window = np.sort(losses[last - inputs.window_days + 1 : last + 1].to_numpy())
    worst = float(window[rank])
    values = {
        "stressed_var": worst,
        "stressed_es": float(window[window >= worst].mean()),
        "current_var": float(found.iloc[-1]),
    }
    return opinion("position by position, pandas rolling quantile", values)


def confirm_filtered_var(inputs: FilteredVarInput, market: MarketView) -> SecondOpinion:
    """Fit by arch and rescale."""
    library = cast("GarchLibrary", import_module("finsvc.calculators.second.arch_adapter"))
    losses = -book_profits(inputs, market, count=inputs.window_days).to_numpy()
    alpha, beta, variances, tomorrow = library.fit(losses)
    scaled = losses / np.sqrt(variances) * math.sqrt(tomorrow)
    values = {"alpha": alpha, "beta": beta, "volatility": math.sqrt(tomorrow)}
    values["volatility_mean"] = float(np.sqrt(np.mean(np.square(losses))))
    rank = math.ceil(len(losses) * inputs.confidence) - 1
    values["var"] = float(np.sort(scaled)[rank])
    values["unfiltered_var"] = float(np.sort(losses)[rank])
    values["es"] = float(scaled[scaled >= values["var"]].mean())
    return opinion("position by position, arch", values)


def confirm_profit_distribution(
    inputs: ProfitDistributionInput, market: MarketView
) -> SecondOpinion:
    """Count with numpy and take scipy's moments."""
    profits = book_profits(inputs, market, count=inputs.window_days).to_numpy()
    counts, edges = np.histogram(profits, bins=inputs.num_bins)
    losses = np.sort(-profits)
    var = float(losses[math.ceil(len(losses) * inputs.confidence) - 1])
    values = {
        "var": var,
        "es": float(losses[losses >= var].mean()),
        "mean": float(np.mean(profits)),
        "deviation": float(stats.tstd(profits)),
        "minimum": float(profits.min()),
        "maximum": float(profits.max()),
        "skewness": float(stats.skew(profits)),
        "excess_kurtosis": float(stats.kurtosis(profits)),
    }
    values |= {f"edge.{index:03d}": float(edge) for index, edge in enumerate(edges)}
    values |= {f"count.{index:03d}": float(count) for index, count in enumerate(counts)}
    return opinion("position by position, numpy histogram, scipy moments", values)
