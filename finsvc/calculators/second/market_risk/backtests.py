"""Second methods of backtests: relative entropies, closed forms of the distributions, runs by text.

The likelihood ratio of a binomial sample is twice its size times the relative entropy of the
observed to the assumed share. Chi-square tails come from the error function, the exponential and
the recursion over degrees of freedom; binomial tails are sums of exact integers.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from finsvc.calculators.inputs.backtest import (
    BookBacktestInput,
    CoverageTestInput,
    VarBacktestInput,
)
from finsvc.calculators.second.market_risk.series import book_profits
from finsvc.calculators.second.opinion import opinion
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_METHOD = "relative entropy, closed-form tails, runs of a text of hits and misses"

# Basel Committee (1996) table 2 and MAR32.9 table 1, by number of exceptions.
_INCREMENTS = (*[0.0] * 5, 0.40, 0.50, 0.65, 0.75, 0.85)
_MULTIPLIERS = (*[1.50] * 5, 1.70, 1.76, 1.83, 1.88, 1.92, 2.00)


def chi_square_tail(value: float, degrees: int) -> float:
    """Probability above ``value``, by the recursion that adds two degrees of freedom at a time."""
    if degrees == 0 or value <= 0.0:
        return 0.0 if degrees == 0 and value > 0.0 else 1.0
    half = value / 2.0
    if degrees % 2:
        terms, start = [math.erfc(math.sqrt(half))], 0.5
    else:
        terms, start = [math.exp(-half)], 1.0
    for step in range((degrees - 1) // 2):
        power = start + step
        terms.append(math.exp(power * math.log(half) - half - math.lgamma(power + 1.0)))
    return math.fsum(terms)


def _entropy(hits: int, days: int, p: float) -> float:
    """Likelihood ratio of ``hits`` in ``days`` against the share p."""
    total = 0.0
    for count, share in ((hits, p), (days - hits, 1.0 - p)):
        if count:
            total += count * math.log(count / (days * share))
    # Noise of a perfect fit is none at all.
    return 2.0 * total if 2.0 * total > 1e-9 else 0.0


def _at_most(hits: int, days: int, p: Decimal) -> float:
    """Binomial tail by a sum of logarithms of factorials."""
    low, high = math.log(float(p)), math.log(float(1 - p))
    return math.fsum(
        math.exp(
            math.lgamma(days + 1)
            - math.lgamma(k + 1)
            - math.lgamma(days - k + 1)
            + k * low
            + (days - k) * high
        )
        for k in range(hits + 1)
    )


def _tails(hits: int, days: int, p: Decimal) -> tuple[float, float]:
    """Probability of at most, and of at least, so many hits; the smaller side is summed."""
    if hits > float(days * p):
        above = _upper(hits + 1, days, p)
        return 1.0 - above, _upper(hits, days, p)
    lower = _at_most(hits, days, p)
    return lower, 1.0 - (_at_most(hits - 1, days, p) if hits else 0.0)


def _upper(hits: int, days: int, p: Decimal) -> float:
    """Probability of at least so many hits: at most so many misses of the rest."""
    return _at_most(days - hits, days, 1 - p) if hits <= days else 0.0


def _plus(hits: int, days: int, p: Decimal, cumulative: float) -> float:
    if cumulative < 0.95:
        return 0.0
    if cumulative >= 0.9999:
        return 1.0
    if (days, p) == (250, Decimal("0.01")):
        return _INCREMENTS[hits]
    nominal = _normal_quantile(float(1 - p))
    seen = _normal_quantile(1.0 - hits / days)
    if seen <= 0.0:
        return 1.0
    return min(1.0, max(0.0, 3.0 * (nominal - seen) / seen))


def _normal_quantile(share: float) -> float:
    """Bisection on the error function; 1e-13 wide."""
    low, high = -40.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2.0
        if 0.5 * math.erfc(-middle / math.sqrt(2.0)) < share:
            low = middle
        else:
            high = middle
    return low


def _counted(days: int, hits: int, confidence: Decimal) -> dict[str, float]:
    p = 1 - confidence
    ratio = _entropy(hits, days, float(p))
    cumulative, at_least = _tails(hits, days, p)
    plus = _plus(hits, days, p, cumulative)
    score = (hits - days * float(p)) / math.sqrt(days * float(p) * float(confidence))
    values = {
        "exceptions": float(hits),
        "observations": float(days),
        "expected_exceptions": float(days * p),
        "binomial": score,
        "binomial_p_value": math.erfc(abs(score) / math.sqrt(2.0)),
        "cumulative_probability": cumulative,
        "type_one_probability": at_least,
        "plus_factor": plus,
        "multiplier": 3.0 + plus,
        "pof": ratio,
        "pof_p_value": chi_square_tail(ratio, 1),
    }
    if (days, p) == (250, Decimal("0.01")):
        values["frtb_multiplier"] = _MULTIPLIERS[min(hits, 10)]
    return values


def _with_tail(name: str, ratio: float, degrees: int) -> dict[str, float]:
    return {name: ratio, f"{name}_p_value": chi_square_tail(ratio, degrees)}


def _in_order(hits: Sequence[bool], confidence: Decimal, test_level: Decimal) -> dict[str, float]:
    """All tests, from a text of ``x`` for exceptions and ``.`` for other days."""
    text = "".join("x" if hit else "." for hit in hits)
    p = float(1 - confidence)
    days, count = len(text), text.count("x")
    values = _counted(days, count, confidence)
    follows = {
        pair: len(re.findall(f"(?={re.escape(pair)})", text)) for pair in ("xx", "x.", ".x", "..")
    }
    after_hit, after_miss = follows["xx"] + follows["x."], follows[".x"] + follows[".."]
    share = (follows["xx"] + follows[".x"]) / max(1, after_hit + after_miss)
    clustering = 0.0
    if 0.0 < share < 1.0:
        clustering = sum(
            _entropy(follows[f"{state}x"], total, share)
            for state, total in (("x", after_hit), (".", after_miss))
            if total
        )
    values |= _with_tail("cci", clustering, 1)
    values |= _with_tail("cc", values["pof"] + clustering, 2)
    waits = [len(run) for run in re.findall(r"\.*x", text)]
    if waits:
        spacing = math.fsum(_entropy(1, wait, p) for wait in waits)
        values |= _with_tail("tuff", _entropy(1, waits[0], p), 1)
        values |= _with_tail("tbfi", spacing, count)
        values |= _with_tail("tbf", spacing + values["pof"], count + 1)
    elif (days + 1) * p > 1.0:
        first = _with_tail("tuff", _entropy(1, days + 1, p), 1)
        if first["tuff_p_value"] < 1.0 - float(test_level):
            values |= first
    return values


def confirm_coverage_test(inputs: CoverageTestInput, market: MarketView) -> SecondOpinion:
    """Test counts by relative entropy and closed-form tails."""
    return opinion(_METHOD, _counted(inputs.observations, inputs.exceptions, inputs.confidence))


def confirm_var_backtest(inputs: VarBacktestInput, market: MarketView) -> SecondOpinion:
    """Test series likewise."""
    hits = [profit + var < 0 for profit, var in zip(inputs.profits, inputs.var, strict=True)]
    return opinion(_METHOD, _in_order(hits, inputs.confidence, inputs.test_level))


def confirm_book_backtest(inputs: BookBacktestInput, market: MarketView) -> SecondOpinion:
    """Revalue position by position and take the quantile of each window by partial sorting."""
    count = inputs.days + inputs.window_days
    profits = book_profits(inputs, market, count=count)
    losses = -profits.to_numpy()
    rank = math.ceil(inputs.window_days * inputs.confidence) - 1
    windows = np.lib.stride_tricks.sliding_window_view(losses[:-1], inputs.window_days)
    forecasts = np.partition(windows, rank, axis=1)[:, rank]
    recent = profits.iloc[inputs.window_days :]
    hits = [bool(loss > bound) for loss, bound in zip(-recent, forecasts, strict=True)]
    values = _in_order(hits, inputs.confidence, inputs.test_level)
    values["var_last"] = float(forecasts[-1])
    if inputs.rows:
        for day, profit, bound in zip(recent.index, recent, forecasts, strict=True):
            values[f"profit.{day}"] = float(profit)
            values[f"var.{day}"] = float(bound)
    return opinion(_METHOD, values)
