"""Second method of stress tests: moves written out per price, profit position by position."""

from datetime import date

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.inputs.portfolio import PortfolioCalculation
from finsvc.calculators.inputs.risk import StressTestInput
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.scenarios import foreign, profits, traded
from finsvc.calculators.second.valuation import Appraiser
from finsvc.domain.identifiers import CurrencyCode
from finsvc.domain.market import MarketView
from finsvc.domain.positions import Portfolio
from finsvc.domain.results import SecondOpinion
from finsvc.domain.scenarios import HistoricalScenario, ShockKind, ShockScenario


def _known(market: MarketView, code: CurrencyCode, base: CurrencyCode, day: date) -> float:
    return float(market.fx_rates(code, base, np.array([day], dtype="datetime64[D]"))[0])


def _history(
    portfolio: Portfolio, market: MarketView, scenario: HistoricalScenario
) -> dict[str, float]:
    moves: dict[str, float] = {}
    for name in traded(portfolio):
        closes = market.closes_between(name, scenario.start, scenario.end).values
        moves[name] = float(closes[-1]) / float(closes[0])
    for code in foreign(portfolio, market):
        ends = [
            _known(market, portfolio.base_currency, code, day)
            for day in (scenario.start, scenario.end)
        ]
        moves[f"fx:{code}"] = ends[0] / ends[1]
    return moves


def _shocks(portfolio: Portfolio, market: MarketView, scenario: ShockScenario) -> dict[str, float]:
    """Apply shocks from the general to the specific, the later overwriting the earlier."""
    names = traded(portfolio)
    moves: dict[str, float] = dict.fromkeys(names, 1.0)
    for kind in (ShockKind.EQUITY, ShockKind.SECTOR, ShockKind.INSTRUMENT):
        for shock in scenario.shocks:
            if shock.kind is not kind:
                continue
            for name in names:
                target = market.sector(name) if kind is ShockKind.SECTOR else name
                if kind is ShockKind.EQUITY or target == shock.target:
                    moves[name] = float(1 + shock.fraction)
    worth = {
        shock.target: 1 + shock.fraction
        for shock in scenario.shocks
        if shock.kind is ShockKind.CURRENCY
    }
    base = worth.get(portfolio.base_currency, 1)
    for code in foreign(portfolio, market):
        moves[f"fx:{code}"] = float(worth.get(code, 1) / base)
    return moves


def stress_profit(
    inputs: PortfolioCalculation, market: MarketView, scenario: HistoricalScenario | ShockScenario
) -> float:
    """Profit or loss of a portfolio in a scenario, base currency."""
    portfolio = inputs.portfolio.to_domain()
    if isinstance(scenario, HistoricalScenario):
        moves = _history(portfolio, market, scenario)
    else:
        moves = _shocks(portfolio, market, scenario)
    appraiser = Appraiser(
        market,
        base=portfolio.base_currency,
        on=inputs.as_of,
        assumptions=inputs.assumptions,
    )
    return float(profits(portfolio, appraiser, pd.DataFrame(moves, index=[0]))[0])


def confirm_stress_test(inputs: StressTestInput, market: MarketView) -> SecondOpinion:
    """Revalue position by position."""
    profit = stress_profit(inputs, market, inputs.scenario.to_domain())
    return opinion("revaluation position by position", {"pnl": profit})
