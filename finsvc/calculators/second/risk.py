"""Second methods of value at risk and expected shortfall.

Historical: profits position by position, the quantile by pandas. Parametric: the deviation of the
delta-weighted return series instead of the covariance matrix. Monte Carlo: another generator with
antithetic pairs on the triangular factor of the returns themselves (QR instead of Cholesky).
"""

import math
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types
from scipy import integrate  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.risk import (
    ExpectedShortfallInput,
    HistoricalVarInput,
    MonteCarloVarInput,
    ParametricVarInput,
    RiskInput,
    RiskMethod,
    Scaling,
)
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.scenarios import history, profits
from finsvc.calculators.second.valuation import Appraiser
from finsvc.domain.market import MarketView
from finsvc.domain.positions import Portfolio
from finsvc.domain.results import SecondOpinion

Floats = npt.NDArray[np.float64]

# A constant of ours, so that the second stream never equals one seeded by the number alone.
_STREAM = 20_261_101

# The second run must not be the noisier of the two.
_OVERSAMPLING = 3


def _appraiser(inputs: RiskInput, market: MarketView) -> Appraiser:
    return Appraiser(
        market,
        base=inputs.portfolio.base_currency,
        on=inputs.as_of,
        assumptions=inputs.assumptions,
    )


def _moves(inputs: RiskInput, portfolio: Portfolio, market: MarketView) -> pd.DataFrame:
    step = inputs.horizon_days if inputs.scaling is Scaling.OVERLAPPING else 1
    levels = history(portfolio, market, end=inputs.as_of, count=inputs.window_days + step)
    return (levels / levels.shift(step)).iloc[step:]


def _remaining_days(inputs: RiskInput) -> int:
    return 1 if inputs.scaling is Scaling.OVERLAPPING else inputs.horizon_days


def _empirical(losses: Floats, confidence: Decimal) -> tuple[float, float]:
    """Quantile and tail mean; pandas' ``lower`` interpolation at the exact rank."""
    series = pd.Series(losses).sort_values(ignore_index=True)
    # pandas interpolates between rank 0 and n - 1; this is the position of rank ceil(n c).
    position = math.ceil(len(series) * confidence) - 1
    share = position / (len(series) - 1)
    var = float(series.quantile(share, interpolation="nearest"))
    return var, float(series[series >= var].mean())


def historical_losses(inputs: RiskInput, market: MarketView) -> Floats:
    """Losses that past returns would cause today, one for each day of the window."""
    portfolio = inputs.portfolio.to_domain()
    moves = _moves(inputs, portfolio, market)
    return -profits(portfolio, _appraiser(inputs, market), moves)


def horizon_figures(losses: Floats, confidence: Decimal, num_days: int) -> tuple[float, float]:
    """Value at risk and expected shortfall of losses, scaled by the root of time."""
    var, es = _empirical(losses, confidence)
    root = math.sqrt(num_days)
    return var * root, es * root


def _historical_figures(inputs: RiskInput, market: MarketView) -> tuple[float, float]:
    losses = historical_losses(inputs, market)
    return horizon_figures(losses, inputs.confidence, _remaining_days(inputs))


def _parametric_figures(inputs: RiskInput, market: MarketView) -> tuple[float, float]:
    portfolio = inputs.portfolio.to_domain()
    appraiser = _appraiser(inputs, market)
    returns = _moves(inputs, portfolio, market).apply(np.log)
    series = pd.Series(0.0, index=returns.index)
    for position in portfolio.positions:
        worth = appraiser.worth(position)
        if worth.instrument is not None:
            series = series + worth.delta * worth.rate * returns[worth.instrument]
        if worth.currency != portfolio.base_currency:
            series = series + worth.value * worth.rate * returns[f"fx:{worth.currency}"]
    deviation = float(series.std()) * math.sqrt(_remaining_days(inputs))
    normal = NormalDist()
    confidence = float(inputs.confidence)
    quantile = normal.inv_cdf(confidence)
    mean, _ = integrate.quad(
        lambda x: x * normal.pdf(x), quantile, quantile + 40.0, epsabs=0.0, epsrel=1e-11, limit=200
    )
    return quantile * deviation, mean / (1.0 - confidence) * deviation


def simulated_losses(inputs: RiskInput, market: MarketView, *, num_pairs: int, seed: int) -> Floats:
    """Losses of antithetic pairs of normal log returns, shape (2 * num_pairs,)."""
    portfolio = inputs.portfolio.to_domain()
    returns = _moves(inputs, portfolio, market).apply(np.log)
    if returns.shape[1] == 0:
        return np.zeros(2 * num_pairs)
    centred = (returns - returns.mean()).to_numpy()
    factor: Floats = np.asarray(np.linalg.qr(centred, mode="r"))
    # The factor is unique once its diagonal is positive.
    triangle = factor * np.where(np.diag(factor) < 0.0, -1.0, 1.0)[:, None]
    triangle = triangle * math.sqrt(_remaining_days(inputs) / (len(centred) - 1))
    generator = np.random.Generator(np.random.PCG64([seed, _STREAM]))
    half = generator.standard_normal((num_pairs, len(triangle))) @ triangle
    moves = pd.DataFrame(np.exp(np.concatenate([half, -half])), columns=returns.columns)
    return -profits(portfolio, _appraiser(inputs, market), moves)


def _quantile_density(losses: Floats, var: float) -> float:
    """Density of the losses at the quantile by a Gaussian kernel of normal-reference width.

    Infinite for constant losses. scipy's estimator refuses losses that differ by noise alone.
    """
    width = 1.06 * float(losses.std()) * math.pow(len(losses), -0.2)
    if width == 0.0:
        return math.inf
    kernel = np.exp(-0.5 * ((losses - var) / width) ** 2)
    return float(kernel.mean()) / (width * math.sqrt(2.0 * math.pi))


def _monte_carlo(
    inputs: RiskInput, market: MarketView, *, num_paths: int, seed: int, headline: str
) -> SecondOpinion:
    """Values with the standard errors of their difference to a run of ``num_paths`` plain paths.

    Antithetic pairs can halve the effective number of paths (symmetric payoffs), so this run of
    ``_OVERSAMPLING`` times as many adds up to 2 / _OVERSAMPLING of the variance. A standard error
    is itself uncertain by the number of order statistics that a density is read from: three
    standard deviations of the rank to each side.
    """
    num_pairs = (_OVERSAMPLING * num_paths + 1) // 2
    losses = simulated_losses(inputs, market, num_pairs=num_pairs, seed=seed)
    confidence = float(inputs.confidence)
    var, es = _empirical(losses, inputs.confidence)
    tail = losses[losses >= var]
    var_error = math.sqrt(confidence * (1.0 - confidence) / num_paths)
    var_error = var_error / _quantile_density(losses, var)
    es_variance = float(tail.var()) + confidence * (es - var) ** 2
    es_error = math.sqrt(es_variance / (num_paths * (1.0 - confidence)))
    own = es_error if headline == "es" else var_error
    widening = math.sqrt(1.0 + 2.0 / _OVERSAMPLING)
    num_ordered = 6.0 * math.sqrt(num_paths * confidence * (1.0 - confidence))
    values = {"var": var, "standard_error": own}
    errors = {
        "var": var_error * widening,
        "standard_error": own * widening / math.sqrt(num_ordered),
    }
    if headline == "es":
        values["es"] = es
        errors["es"] = es_error * widening
    return opinion("antithetic simulation on the QR factor of the returns (PCG64)", values, errors)


def confirm_historical_var(inputs: HistoricalVarInput, market: MarketView) -> SecondOpinion:
    """Revalue position by position and take pandas' quantile."""
    var, _ = _historical_figures(inputs, market)
    return opinion("revaluation position by position, pandas quantile", {"var": var})


def confirm_parametric_var(inputs: ParametricVarInput, market: MarketView) -> SecondOpinion:
    """Take the deviation of the weighted return series; deltas by QuantLib."""
    var, _ = _parametric_figures(inputs, market)
    return opinion("deviation of the weighted return series, QuantLib deltas", {"var": var})


def confirm_monte_carlo_var(inputs: MonteCarloVarInput, market: MarketView) -> SecondOpinion:
    """Simulate again with another generator."""
    return _monte_carlo(
        inputs, market, num_paths=inputs.num_paths, seed=inputs.seed, headline="var"
    )


def confirm_expected_shortfall(inputs: ExpectedShortfallInput, market: MarketView) -> SecondOpinion:
    """Confirm by the second method of the chosen method."""
    if inputs.method is RiskMethod.MONTE_CARLO:
        return _monte_carlo(
            inputs, market, num_paths=inputs.num_paths, seed=inputs.seed, headline="es"
        )
    if inputs.method is RiskMethod.PARAMETRIC:
        var, es = _parametric_figures(inputs, market)
        method = "weighted return series, tail mean by quadrature"
        return opinion(method, {"var": var, "es": es})
    var, es = _historical_figures(inputs, market)
    return opinion("revaluation position by position, pandas quantile", {"var": var, "es": es})
