"""Backtests of value at risk: from counts, from series, and of a book's own history.

Profits are positive, a value at risk is a positive loss, and an exception is a day with a loss
strictly larger than its value at risk. Formulas and sources: `finsvc.calculators.risk.coverage`.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import build_risk_book, factor_growth
from finsvc.calculators.inputs.backtest import (
    BookBacktestInput,
    CoverageTestInput,
    VarBacktestInput,
)
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.risk.coverage import (
    BASE_FACTOR,
    LikelihoodRatio,
    TrafficLight,
    between_failures,
    binomial_score,
    first_failure,
    independence,
    proportion_of_failures,
    traffic_light,
)
from finsvc.calculators.risk.scenarios import scenario_days
from finsvc.calculators.risk.windows import rolling_var
from finsvc.domain.market import MarketView

Bools = npt.NDArray[np.bool_]

EXCEPTION_NOTE = "An exception is a day with a loss strictly larger than its value at risk."
LEVEL_NOTE = (
    "A test rejects the model when its probability value is below one minus the test level."
)
TABLE_NOTE = (
    "Multipliers are those of the Basel tables for 250 days at 99 %; for other samples the plus "
    "factor follows the tables' rationale and the FRTB multiplier is not defined."
)
CONSTANT_BOOK_NOTE = (
    "Today's book at today's prices is revalued under every past day's returns; a day's value at "
    "risk is the empirical quantile of the days of the window before it."
)


def _pure(value: float) -> Figure:
    return Figure(value=value, unit="1", decimals=4)


def _test_figures(name: str, ratio: LikelihoodRatio | None) -> dict[str, Figure]:
    if ratio is None:
        return {}
    return {name: _pure(ratio.statistic), f"{name}_p_value": _pure(ratio.p_value)}


def _verdict(ratio: LikelihoodRatio | None, test_level: float) -> str:
    if ratio is None:
        return "undecided"
    return "reject" if ratio.p_value < 1.0 - test_level else "accept"


def _count_figures(
    num_days: int, num_exceptions: int, p: float, light: TrafficLight
) -> dict[str, Figure]:
    score, score_p_value = binomial_score(num_days, num_exceptions, p)
    figures = {
        "exceptions": Figure(value=Decimal(num_exceptions), unit="1", decimals=0),
        "observations": Figure(value=Decimal(num_days), unit="days", decimals=0),
        "expected_exceptions": Figure(value=num_days * p, unit="1", decimals=2),
        "binomial": _pure(score),
        "binomial_p_value": _pure(score_p_value),
        "cumulative_probability": _pure(light.cumulative),
        "type_one_probability": _pure(light.type_one),
        "plus_factor": _pure(light.plus_factor),
        "multiplier": _pure(BASE_FACTOR + light.plus_factor),
    }
    if light.frtb_multiplier is not None:
        figures["frtb_multiplier"] = _pure(light.frtb_multiplier)
    return figures


def _counted(
    num_days: int, num_exceptions: int, p: float, test_level: float
) -> tuple[dict[str, Figure], dict[str, str]]:
    """Figures and labels of the tests that need counts alone."""
    light = traffic_light(num_days, num_exceptions, p)
    kupiec = proportion_of_failures(num_days, num_exceptions, p)
    figures = _count_figures(num_days, num_exceptions, p, light)
    figures |= _test_figures("pof", kupiec)
    binomial_p_value = float(figures["binomial_p_value"].value)
    labels = {
        "zone": light.zone.value,
        "pof": _verdict(kupiec, test_level),
        "binomial": "reject" if binomial_p_value < 1.0 - test_level else "accept",
    }
    return figures, labels


def _in_order(
    exceptions: Bools, p: float, test_level: float
) -> tuple[dict[str, Figure], dict[str, str]]:
    """Figures and labels of all tests on a series of days."""
    num_days, num_exceptions = len(exceptions), int(exceptions.sum())
    figures, labels = _counted(num_days, num_exceptions, p, test_level)
    kupiec = proportion_of_failures(num_days, num_exceptions, p)
    clustering = independence(exceptions)
    spacing = between_failures(exceptions, p)
    tests = {
        "tuff": first_failure(exceptions, p, test_level),
        "cci": clustering,
        "cc": kupiec + clustering,
        "tbfi": spacing,
        "tbf": None if spacing is None else kupiec + spacing,
    }
    for name, ratio in tests.items():
        figures |= _test_figures(name, ratio)
        labels[name] = _verdict(ratio, test_level)
    return figures, labels


def _computation(
    figures: Mapping[str, Figure],
    labels: Mapping[str, str],
    *,
    inputs: CoverageTestInput | VarBacktestInput | BookBacktestInput,
    as_of: date,
    method: str,
    parameters: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
) -> Computation:
    return Computation(
        headline="exceptions",
        fields=figures,
        labels=labels,
        as_of=as_of,
        method=method,
        parameters={
            "confidence": decimal_text(inputs.confidence),
            "test_level": decimal_text(inputs.test_level),
            **(parameters or {}),
        },
        notes=(EXCEPTION_NOTE, LEVEL_NOTE, TABLE_NOTE, *notes),
    )


def coverage_test(inputs: CoverageTestInput, market: MarketView) -> Computation:
    """Test a number of exceptions: Kupiec, binomial, traffic light and multipliers."""
    p = float(1 - inputs.confidence)
    figures, labels = _counted(inputs.observations, inputs.exceptions, p, float(inputs.test_level))
    return _computation(figures, labels, inputs=inputs, as_of=inputs.as_of, method="counts")


def var_backtest(inputs: VarBacktestInput, market: MarketView) -> Computation:
    """Backtest forecasts of value at risk against profits."""
    pairs = zip(inputs.profits, inputs.var, strict=True)
    exceptions = np.array([-profit > var for profit, var in pairs])
    figures, labels = _in_order(exceptions, float(1 - inputs.confidence), float(inputs.test_level))
    return _computation(figures, labels, inputs=inputs, as_of=inputs.as_of, method="series")


def book_backtest(inputs: BookBacktestInput, market: MarketView) -> Computation:
    """Backtest the historical value at risk of a book on its own hypothetical profits."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    count = inputs.days + inputs.window_days
    growth_nf = factor_growth(book, market, as_of=inputs.as_of, num_returns=count, step=1)
    profits_n = book.profit(growth_nf)
    # The window of a day ends on the day before.
    forecasts = rolling_var(-profits_n[:-1], inputs.confidence, window=inputs.window_days)
    profits = profits_n[inputs.window_days :]
    exceptions = -profits > forecasts
    figures, labels = _in_order(exceptions, float(1 - inputs.confidence), float(inputs.test_level))
    currency = inputs.portfolio.base_currency
    figures["var_last"] = Figure(value=float(forecasts[-1]), unit=currency, decimals=0)
    days = scenario_days(book, market, as_of=inputs.as_of, count=inputs.days)
    labels |= {
        "subject": inputs.portfolio.label,
        "first_day": str(days[0]),
        "exception_days": ", ".join(str(day) for day in days[exceptions]) or "none",
    }
    if inputs.rows:
        for day, profit, forecast in zip(days, profits, forecasts, strict=True):
            figures[f"profit.{day}"] = Figure(value=float(profit), unit=currency, decimals=0)
            figures[f"var.{day}"] = Figure(value=float(forecast), unit=currency, decimals=0)
    return _computation(
        figures,
        labels,
        inputs=inputs,
        as_of=inputs.as_of,
        method="historical",
        parameters={
            "days": str(inputs.days),
            "window_days": str(inputs.window_days),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(CONSTANT_BOOK_NOTE, *valuation_notes(inputs.portfolio, inputs.assumptions)),
    )
