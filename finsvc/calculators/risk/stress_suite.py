"""Several stress scenarios on one book, and the positions behind one of them.

Profits are positive, in the base currency; moves are instantaneous and every position is revalued
in full, as in `finsvc.calculators.stress`.
"""

import numpy as np
import numpy.typing as npt

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import RiskBook, build_risk_book
from finsvc.calculators.holdings import row_name
from finsvc.calculators.inputs.risk import HistoricalScenarioInput, ShockScenarioInput
from finsvc.calculators.inputs.tail import StressContributionsInput, StressSuiteInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.risk.scenarios import row_profits
from finsvc.calculators.stress import SIGN_NOTE, historical_growth, shock_growth
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from finsvc.domain.scenarios import HistoricalScenario

Floats = npt.NDArray[np.float64]

MOVE_NOTE = "Moves are applied at once; of several shocks to one price the most specific counts."


def _growth(
    inputs: StressSuiteInput | StressContributionsInput,
    scenario: HistoricalScenarioInput | ShockScenarioInput,
    book: RiskBook,
    market: MarketView,
) -> Floats:
    """Growth of every factor in a scenario, shape (1, F)."""
    wanted = scenario.to_domain()
    if isinstance(wanted, HistoricalScenario):
        return historical_growth(book, market, wanted, as_of=inputs.as_of)
    return shock_growth(book, market, wanted)


def scenario_rows(inputs: StressSuiteInput) -> dict[str, str]:
    """Name of the row of every scenario by the scenario's name.

    Raises:
        InputError: two names become the same row.
    """
    rows: dict[str, str] = {}
    for index, scenario in enumerate(inputs.scenarios):
        row = row_name(scenario.name)
        if row in rows.values():
            raise InputError(
                field=f"scenarios.{index}.name",
                expected="a name that differs from the others in letters or digits",
                actual=repr(scenario.name),
            )
        rows[scenario.name] = row
    return rows


def stress_suite(inputs: StressSuiteInput, market: MarketView) -> Computation:
    """Profit or loss in every scenario, and the worst of them."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    rows = scenario_rows(inputs)
    profits = {
        scenario.name: float(book.profit(_growth(inputs, scenario, book, market))[0])
        for scenario in inputs.scenarios
    }
    worst = min(profits, key=lambda name: profits[name])
    currency = inputs.portfolio.base_currency
    figures = {"worst": Figure(value=profits[worst], unit=currency, decimals=0)}
    for name, profit in profits.items():
        figures[f"pnl.{rows[name]}"] = Figure(value=profit, unit=currency, decimals=0)
    return Computation(
        headline="worst",
        fields=figures,
        labels={"subject": inputs.portfolio.label, "scenario": worst},
        as_of=inputs.as_of,
        method="scenarios",
        parameters={
            "num_scenarios": str(len(rows)),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(SIGN_NOTE, MOVE_NOTE, *valuation_notes(inputs.portfolio, inputs.assumptions)),
    )


def stress_contributions(inputs: StressContributionsInput, market: MarketView) -> Computation:
    """Profit or loss of every row in a scenario; the rows add up to the book's."""
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    growth = _growth(inputs, inputs.scenario, book, market)
    rows = {row: float(profit_n[0]) for row, profit_n in row_profits(inputs, market, book, growth)}
    currency = inputs.portfolio.base_currency
    figures = {"pnl": Figure(value=sum(rows.values()), unit=currency, decimals=0)}
    for row, profit in rows.items():
        figures[f"contribution.{row}"] = Figure(value=profit, unit=currency, decimals=0)
    return Computation(
        headline="pnl",
        fields=figures,
        labels={"subject": inputs.portfolio.label, "scenario": inputs.scenario.name},
        as_of=inputs.as_of,
        method=inputs.scenario.kind,
        parameters=assumption_parameters(inputs.portfolio, inputs.assumptions),
        notes=(SIGN_NOTE, MOVE_NOTE, *valuation_notes(inputs.portfolio, inputs.assumptions)),
    )
