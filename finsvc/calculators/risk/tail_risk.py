"""Value at risk and expected shortfall with confidence bands, by four methods and named rules.

Delta-gamma replaces full revaluation by the second-order expansion of every instrument in its price
and its currency's rate, the cross term included: exact for shares and cash, and quick for options.
Bands treat overlapping returns as independent, which makes them too narrow; a note says so.

Signs: positive is a loss, base currency. Formulas of the tail: `finsvc.calculators.risk.bands`.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.black_scholes import sensitivities
from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import InstrumentRisk, RiskBook, build_risk_book, factor_growth
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.risk import RiskInput, Scaling
from finsvc.calculators.inputs.tail import TailMethod, TailRiskInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.returns import covariance
from finsvc.calculators.risk.bands import (
    Interval,
    deviation_band,
    normal_band,
    quantile,
    quantile_band,
    shortfall,
    shortfall_error,
)
from finsvc.calculators.value_at_risk import (
    correlated,
    semidefinite_cholesky,
    standard_normals,
)
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

Floats = npt.NDArray[np.float64]

_METHOD_NOTES = {
    TailMethod.HISTORICAL: "Every past return is applied to today's prices and every position is "
    "revalued in full.",
    TailMethod.DELTA_GAMMA: "Every past return is applied to the second-order expansion of every "
    "position in its price and its currency's rate.",
    TailMethod.PARAMETRIC: "Log returns are taken as jointly normal with mean zero and their "
    "sample covariance; options count with their delta equivalents.",
    TailMethod.MONTE_CARLO: "Log returns are drawn from a joint normal distribution with mean zero "
    "and their sample covariance, and every position is revalued in full.",
}
_OVERLAP_NOTE = (
    "Overlapping returns depend on each other, so the bands, which take them as independent, are "
    "too narrow."
)
CUT_NOTE = "The sample is too small for a band of this level; it ends at the extreme losses."


def step_of(inputs: RiskInput) -> int:
    """Days that one return spans."""
    return inputs.horizon_days if inputs.scaling is Scaling.OVERLAPPING else 1


def book_and_growth(inputs: RiskInput, market: MarketView) -> tuple[RiskBook, Floats]:
    """The book on its factors and their past growth, shape (N, F)."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    growth_nf = factor_growth(
        book, market, as_of=inputs.as_of, num_returns=inputs.window_days, step=step_of(inputs)
    )
    return book, growth_nf


def _local_gamma(risk: InstrumentRisk) -> float:
    """Second derivative of the local value by a relative move of the price."""
    if risk.contracts is None:
        return 0.0
    gamma = float((sensitivities(risk.spot, risk.contracts).gamma * risk.option_units).sum()) * (
        risk.spot * risk.spot
    )
    if not math.isfinite(gamma):
        raise InputError(
            field="method",
            expected="full revaluation for an option at its strike without time or volatility left",
            actual=f"delta_gamma with an infinite gamma on {risk.instrument}",
        )
    return gamma


def delta_gamma_profit(book: RiskBook, growth_nf: Floats) -> Floats:
    """Profit of each scenario by second-order expansion, base currency, shape (N,)."""
    profit_n = np.zeros(len(growth_nf))
    for risk in book.risks:
        move_n = growth_nf[:, risk.factor] - 1.0
        change_n = risk.local_delta() * move_n + 0.5 * _local_gamma(risk) * move_n * move_n
        if risk.currency_factor is not None:
            rate_n = growth_nf[:, risk.currency_factor] - 1.0
            today = float(risk.local_values(np.array([risk.spot]))[0])
            change_n = change_n + rate_n * (today + risk.local_delta() * move_n)
        profit_n += change_n * risk.fx_rate
    for column, value in book.cash.items():
        profit_n += value * (growth_nf[:, column] - 1.0)
    return profit_n


def _sample_losses(inputs: TailRiskInput, market: MarketView) -> tuple[Floats, float]:
    """Losses of a sample and the factor that brings them to the horizon."""
    book, growth_nf = book_and_growth(inputs, market)
    scale = inputs.horizon_days / step_of(inputs)
    if inputs.method is TailMethod.HISTORICAL:
        return -book.profit(growth_nf), math.sqrt(scale)
    if inputs.method is TailMethod.DELTA_GAMMA:
        return -delta_gamma_profit(book, growth_nf), math.sqrt(scale)
    root_ff = semidefinite_cholesky(covariance(np.log(growth_nf)) * scale)
    normals_nf = standard_normals(inputs.seed, inputs.num_paths, book.num_factors)
    return -book.profit(np.exp(correlated(normals_nf, root_ff))), 1.0


def _sampled(inputs: TailRiskInput, market: MarketView) -> tuple[float, float, Interval, Interval]:
    losses_n, factor = _sample_losses(inputs, market)
    ordered_n = np.sort(losses_n) * factor
    var = quantile(ordered_n, inputs.confidence, inputs.quantile_rule)
    es = shortfall(ordered_n, var, inputs.confidence, inputs.shortfall_rule)
    error = shortfall_error(ordered_n, var, es, inputs.confidence)
    var_band = quantile_band(ordered_n, inputs.confidence, inputs.band)
    return var, es, var_band, normal_band(es, error, inputs.band)


def _parametric(
    inputs: TailRiskInput, market: MarketView
) -> tuple[float, float, Interval, Interval]:
    book, growth_nf = book_and_growth(inputs, market)
    delta_f = book.delta()
    variance = float((delta_f[:, None] * covariance(np.log(growth_nf)) * delta_f).sum())
    # Rounding can leave a perfectly hedged book a hair below zero.
    deviation = math.sqrt(max(variance, 0.0) * inputs.horizon_days / step_of(inputs))
    score = float(ndtri(float(inputs.confidence)))
    density = math.exp(-0.5 * score * score) / math.sqrt(2.0 * math.pi)
    var, es = score * deviation, density / float(1 - inputs.confidence) * deviation
    bands = [deviation_band(value, inputs.window_days, inputs.band) for value in (var, es)]
    return var, es, bands[0], bands[1]


def _parameters(inputs: TailRiskInput) -> dict[str, str]:
    found = {
        "confidence": decimal_text(inputs.confidence),
        "horizon_days": str(inputs.horizon_days),
        "window_days": str(inputs.window_days),
        "scaling": inputs.scaling.value,
        "band": decimal_text(inputs.band),
    }
    if inputs.method is not TailMethod.PARAMETRIC:
        found |= {
            "quantile_rule": inputs.quantile_rule.value,
            "shortfall_rule": inputs.shortfall_rule.value,
        }
    if inputs.method is TailMethod.MONTE_CARLO:
        found |= {"num_paths": str(inputs.num_paths), "seed": str(inputs.seed)}
    return found | assumption_parameters(inputs.portfolio, inputs.assumptions)


def tail_risk(inputs: TailRiskInput, market: MarketView) -> Computation:
    """Value at risk and expected shortfall with bands."""
    measure = _parametric if inputs.method is TailMethod.PARAMETRIC else _sampled
    var, es, var_band, es_band = measure(inputs, market)
    figures = {
        "var": var,
        "var_low": var_band.low,
        "var_high": var_band.high,
        "es": es,
        "es_low": es_band.low,
        "es_high": es_band.high,
    }
    notes = ["A positive figure is a loss.", _METHOD_NOTES[inputs.method]]
    if inputs.scaling is Scaling.OVERLAPPING and inputs.horizon_days > 1:
        notes.append(_OVERLAP_NOTE)
    if var_band.is_cut:
        notes.append(CUT_NOTE)
    return Computation(
        headline="var",
        fields={
            name: Figure(value=value, unit=inputs.portfolio.base_currency, decimals=0)
            for name, value in figures.items()
        },
        labels={"subject": inputs.portfolio.label},
        as_of=inputs.as_of,
        method=inputs.method.value,
        parameters=_parameters(inputs),
        notes=(*notes, *valuation_notes(inputs.portfolio, inputs.assumptions)),
    )
