"""Stress tests: profit or loss when prices and rates move as in history or as told.

The move is instantaneous and every position is revalued in full; times to expiry, volatilities
and rates stay. Signs: a profit is positive, a loss negative, in the base currency.
"""

from datetime import date

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import RiskBook, build_risk_book
from finsvc.calculators.holdings import fx_known
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.risk import StressTestInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.scenarios import HistoricalScenario, Shock, ShockKind, ShockScenario

Floats = npt.NDArray[np.float64]

SIGN_NOTE = "A profit is positive and a loss negative."


def historical_growth(
    book: RiskBook, market: MarketView, scenario: HistoricalScenario, *, as_of: date
) -> Floats:
    """Growth of every factor between two closes of history, shape (1, F).

    Raises:
        InputError: the stretch ends after ``as_of``, or a price is missing at one of its ends.
    """
    if scenario.end > as_of:
        raise InputError(
            field="scenario.end",
            expected=f"a date not after the as-of date {as_of.isoformat()}",
            actual=scenario.end.isoformat(),
        )
    growth = [
        market.close(name, scenario.end, field="scenario.end")
        / market.close(name, scenario.start, field="scenario.start")
        for name in book.instruments
    ]
    growth += [
        fx_known(market, code, book.base, scenario.end)
        / fx_known(market, code, book.base, scenario.start)
        for code in book.currencies
    ]
    return np.array([growth], dtype=np.float64)


def _equity_fraction(
    instrument: InstrumentId, market: MarketView, shocks: dict[tuple[ShockKind, str | None], float]
) -> float:
    """Relative move of one price: the most specific shock wins."""
    for key in (
        (ShockKind.INSTRUMENT, str(instrument)),
        (ShockKind.SECTOR, market.sector(instrument)),
        (ShockKind.EQUITY, None),
    ):
        if key in shocks:
            return shocks[key]
    return 0.0


def shock_growth(book: RiskBook, market: MarketView, scenario: ShockScenario) -> Floats:
    """Growth of every factor under shocks, shape (1, F)."""
    shocks = {(shock.kind, shock.target): float(shock.fraction) for shock in scenario.shocks}
    growth = [1.0 + _equity_fraction(name, market, shocks) for name in book.instruments]
    base = 1.0 + shocks.get((ShockKind.CURRENCY, str(book.base)), 0.0)
    growth += [
        (1.0 + shocks.get((ShockKind.CURRENCY, str(code)), 0.0)) / base for code in book.currencies
    ]
    return np.array([growth], dtype=np.float64)


def _reaches(shock: Shock, book: RiskBook, market: MarketView, *, as_of: date) -> bool:
    """Whether a shock moves anything in the book; unknown names are errors."""
    if shock.kind is ShockKind.EQUITY:
        return bool(book.instruments)
    if shock.kind is ShockKind.SECTOR:
        return any(market.sector(name) == shock.target for name in book.instruments)
    if shock.kind is ShockKind.INSTRUMENT:
        market.name(InstrumentId(str(shock.target)))
        return shock.target in book.instruments
    fx_known(market, CurrencyCode(str(shock.target)), book.base, as_of)
    return shock.target in (*book.currencies, book.base)


def _shock_text(shock: Shock) -> str:
    target = "" if shock.target is None else f" {shock.target}"
    return f"{shock.kind.value}{target} {decimal_text(shock.fraction * 100)} %"


def stress_test(inputs: StressTestInput, market: MarketView) -> Computation:
    """Profit or loss of a portfolio in a scenario."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    scenario = inputs.scenario.to_domain()
    notes: list[str] = [SIGN_NOTE]
    if isinstance(scenario, HistoricalScenario):
        growth = historical_growth(book, market, scenario, as_of=inputs.as_of)
        parameters = {
            "scenario_start": scenario.start.isoformat(),
            "scenario_end": scenario.end.isoformat(),
        }
        notes.append("The relative moves of the stretch of history are applied at once.")
    else:
        growth = shock_growth(book, market, scenario)
        parameters = {"shocks": "; ".join(_shock_text(shock) for shock in scenario.shocks)}
        notes.append("Of several shocks to one price the most specific one counts.")
        notes += [
            f"The shock {_shock_text(shock)} reaches nothing in {inputs.portfolio.label}."
            for shock in scenario.shocks
            if not _reaches(shock, book, market, as_of=inputs.as_of)
        ]
    parameters |= assumption_parameters(inputs.portfolio, inputs.assumptions)
    return Computation(
        headline="pnl",
        fields={
            "pnl": Figure(
                value=float(book.profit(growth)[0]),
                unit=inputs.portfolio.base_currency,
                decimals=0,
            )
        },
        labels={"subject": inputs.portfolio.label, "scenario": scenario.name},
        as_of=inputs.as_of,
        method=inputs.scenario.kind,
        parameters=parameters,
        notes=(*notes, *valuation_notes(inputs.portfolio, inputs.assumptions)),
    )
