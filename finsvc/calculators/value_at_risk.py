"""Value at risk and expected shortfall: historical, parametric and Monte Carlo.

Signs: a positive figure is a loss in the base currency; a negative one says that even the bad
outcome is a profit. Historical and Monte Carlo revalue every position in full; parametric uses
delta equivalents. All three share the factors of `finsvc.calculators.factors`.

The h-day figure: ``sqrt_time`` takes one-day returns and multiplies the risk by √h (historical:
the figure itself; parametric and Monte Carlo: the covariance by h); ``overlapping`` takes h-day
returns starting on every day of the window.

Source: Basel Committee, Revisions to the Basel II market risk framework (2009), 718(lxxvi).
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import RiskBook, build_risk_book, factor_growth
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.risk import (
    ExpectedShortfallInput,
    HistoricalVarInput,
    MonteCarloVarInput,
    ParametricVarInput,
    RiskInput,
    RiskMethod,
    Scaling,
)
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.returns import covariance
from finsvc.calculators.tail import QUANTILE_NOTE, SHORTFALL_NOTE, Tail, tail_of
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

_SCALING_NOTES = {
    Scaling.SQRT_TIME: "The risk over several days is that of one day times the root of time.",
    Scaling.OVERLAPPING: "The returns span the whole horizon and overlap.",
}
_METHOD_NOTES = {
    RiskMethod.HISTORICAL: "Every past return is applied to today's prices and every position is "
    "revalued in full.",
    RiskMethod.PARAMETRIC: "Log returns are taken as jointly normal with mean zero and their "
    "sample covariance; options count with their delta equivalents.",
    RiskMethod.MONTE_CARLO: "Log returns are drawn from a joint normal distribution with mean zero "
    "and their sample covariance, and every position is revalued in full.",
}


def _step(inputs: RiskInput) -> int:
    return inputs.horizon_days if inputs.scaling is Scaling.OVERLAPPING else 1


def _book_and_growth(inputs: RiskInput, market: MarketView) -> tuple[RiskBook, Floats]:
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    growth_nf = factor_growth(
        book, market, as_of=inputs.as_of, num_returns=inputs.window_days, step=_step(inputs)
    )
    return book, growth_nf


def historical_tail(inputs: RiskInput, market: MarketView) -> Tail:
    """Tail of the losses that past returns would cause today."""
    book, growth_nf = _book_and_growth(inputs, market)
    tail = tail_of(-book.profit(growth_nf), inputs.confidence)
    factor = math.sqrt(inputs.horizon_days / _step(inputs))
    return Tail(
        var=tail.var * factor,
        es=tail.es * factor,
        var_standard_error=tail.var_standard_error * factor,
        es_standard_error=tail.es_standard_error * factor,
    )


def parametric_tail(inputs: RiskInput, market: MarketView) -> Tail:
    """Tail of a normal distribution of the delta-equivalent loss; no sampling error."""
    book, growth_nf = _book_and_growth(inputs, market)
    delta_f = book.delta()
    covariance_ff = covariance(np.log(growth_nf))
    variance = float((delta_f[:, None] * covariance_ff * delta_f).sum())
    # Rounding can leave a perfectly hedged book a hair below zero.
    deviation = math.sqrt(max(variance, 0.0) * inputs.horizon_days / _step(inputs))
    quantile = float(ndtri(float(inputs.confidence)))
    density = math.exp(-0.5 * quantile * quantile) / math.sqrt(2.0 * math.pi)
    return Tail(
        var=quantile * deviation,
        es=density / float(1 - inputs.confidence) * deviation,
        var_standard_error=0.0,
        es_standard_error=0.0,
    )


def semidefinite_cholesky(covariance_ff: Floats) -> Floats:
    """Lower triangular root of a covariance that may be singular, shape (F, F).

    A factor without variance of its own (a constant price, or one that follows others exactly)
    gets a zero column instead of an error.
    """
    size = len(covariance_ff)
    root_ff = np.zeros_like(covariance_ff)
    floor = 1e-12 * np.diag(covariance_ff)
    for column in range(size):
        known = root_ff[column:, :column]
        rest = covariance_ff[column:, column] - (known * root_ff[column, :column]).sum(axis=1)
        if rest[0] > floor[column]:
            root_ff[column:, column] = rest / math.sqrt(rest[0])
    return root_ff


def standard_normals(seed: int, num_rows: int, num_columns: int) -> Floats:
    """Independent standard normals, shape (num_rows, num_columns).

    Philox4x64 keyed by the seed, 53-bit uniforms at the centre of their cell, inverse normal
    distribution: no part depends on the version of a library's sampler.
    """
    bits = np.random.Philox(key=seed).random_raw(num_rows * num_columns)
    uniforms = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.asarray(ndtri(uniforms), dtype=np.float64).reshape(num_rows, num_columns)


def correlated(normals_nf: Floats, root_ff: Floats) -> Floats:
    """Multiply column by column: elementwise sums have the same bits on every machine."""
    correlated_nf = np.zeros_like(normals_nf)
    for column in range(len(root_ff)):
        for source in range(column + 1):
            correlated_nf[:, column] += root_ff[column, source] * normals_nf[:, source]
    return correlated_nf


def monte_carlo_tail(inputs: RiskInput, market: MarketView, *, num_paths: int, seed: int) -> Tail:
    """Tail of the losses under simulated joint normal log returns."""
    book, growth_nf = _book_and_growth(inputs, market)
    scale = inputs.horizon_days / _step(inputs)
    root_ff = semidefinite_cholesky(covariance(np.log(growth_nf)) * scale)
    normals_nf = standard_normals(seed, num_paths, book.num_factors)
    simulated_nf = np.exp(correlated(normals_nf, root_ff))
    return tail_of(-book.profit(simulated_nf), inputs.confidence)


def _computation(
    inputs: RiskInput,
    method: RiskMethod,
    *,
    headline: str,
    figures: dict[str, float],
    extra: dict[str, str],
    notes: tuple[str, ...],
) -> Computation:
    currency = inputs.portfolio.base_currency
    parameters = {
        "confidence": decimal_text(inputs.confidence),
        "horizon_days": str(inputs.horizon_days),
        "window_days": str(inputs.window_days),
        "scaling": inputs.scaling.value,
        **extra,
        **assumption_parameters(inputs.portfolio, inputs.assumptions),
    }
    return Computation(
        headline=headline,
        fields={
            name: Figure(value=value, unit=currency, decimals=0) for name, value in figures.items()
        },
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.as_of,
        method=method.value,
        parameters=parameters,
        notes=(
            *notes,
            _METHOD_NOTES[method],
            _SCALING_NOTES[inputs.scaling],
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )


def historical_var(inputs: HistoricalVarInput, market: MarketView) -> Computation:
    """Historical value at risk by full revaluation."""
    tail = historical_tail(inputs, market)
    return _computation(
        inputs,
        RiskMethod.HISTORICAL,
        headline="var",
        figures={"var": tail.var},
        extra={},
        notes=(QUANTILE_NOTE,),
    )


def parametric_var(inputs: ParametricVarInput, market: MarketView) -> Computation:
    """Parametric (variance-covariance) value at risk."""
    tail = parametric_tail(inputs, market)
    return _computation(
        inputs,
        RiskMethod.PARAMETRIC,
        headline="var",
        figures={"var": tail.var},
        extra={},
        notes=("The value at risk is a normal quantile; a positive figure is a loss.",),
    )


def monte_carlo_var(inputs: MonteCarloVarInput, market: MarketView) -> Computation:
    """Monte Carlo value at risk with its standard error."""
    tail = monte_carlo_tail(inputs, market, num_paths=inputs.num_paths, seed=inputs.seed)
    return _computation(
        inputs,
        RiskMethod.MONTE_CARLO,
        headline="var",
        figures={"var": tail.var, "standard_error": tail.var_standard_error},
        extra={"num_paths": str(inputs.num_paths), "seed": str(inputs.seed)},
        notes=(QUANTILE_NOTE,),
    )


def expected_shortfall(inputs: ExpectedShortfallInput, market: MarketView) -> Computation:
    """Expected shortfall by the chosen method, with the value at risk it builds on."""
    extra: dict[str, str] = {}
    if inputs.method is RiskMethod.HISTORICAL:
        tail = historical_tail(inputs, market)
    elif inputs.method is RiskMethod.PARAMETRIC:
        tail = parametric_tail(inputs, market)
    else:
        tail = monte_carlo_tail(inputs, market, num_paths=inputs.num_paths, seed=inputs.seed)
        extra = {"num_paths": str(inputs.num_paths), "seed": str(inputs.seed)}
    figures = {"es": tail.es, "var": tail.var}
    if inputs.method is RiskMethod.MONTE_CARLO:
        figures["standard_error"] = tail.es_standard_error
    return _computation(
        inputs,
        inputs.method,
        headline="es",
        figures=figures,
        extra=extra,
        notes=(QUANTILE_NOTE, SHORTFALL_NOTE),
    )
