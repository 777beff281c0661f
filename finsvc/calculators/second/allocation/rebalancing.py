"""Second method of the rebalancing proposal: trades in exact fractions, volatility by pandas."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd  # type: ignore[import-untyped] # pandas ships no types

from finsvc.calculators.inputs.allocation import RebalancingInput
from finsvc.calculators.inputs.portfolio import CashInput, StockInput
from finsvc.calculators.second.market_risk.series import past_moves
from finsvc.calculators.second.opinion import opinion
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion


def _rate(inputs: RebalancingInput, market: MarketView, code: CurrencyCode) -> Fraction:
    days = np.array([inputs.as_of], dtype="datetime64[D]")
    return Fraction(float(market.fx_rates(code, inputs.portfolio.base_currency, days)[0]))


def _volatility(
    inputs: RebalancingInput,
    market: MarketView,
    wanted: dict[InstrumentId, Fraction],
    value: float,
) -> float:
    """Deviation of the proposed book's value along the moves of shares and foreign cash."""
    kept: list[StockInput | CashInput] = [
        position for position in inputs.portfolio.positions if isinstance(position, CashInput)
    ]
    kept += [
        StockInput.model_validate({"kind": "stock", "instrument": name, "quantity": "1"})
        for name in wanted
    ]
    spare = CashInput.model_validate(
        {"kind": "cash", "currency": inputs.portfolio.base_currency, "amount": "0"}
    )
    proposed = inputs.model_copy(
        update={"portfolio": inputs.portfolio.model_copy(update={"positions": (*kept, spare)})}
    )
    moves = past_moves(proposed, market, count=inputs.window_days) - 1.0
    series = pd.Series(0.0, index=moves.index)
    for position in kept:
        if isinstance(position, CashInput):
            code, amount = position.currency, float(position.amount)
        else:
            code = market.currency(position.instrument)
            amount = float(wanted[position.instrument]) * market.close(
                position.instrument, inputs.as_of
            )
            series = series + moves[position.instrument] * amount * float(
                _rate(inputs, market, code)
            )
        if code != inputs.portfolio.base_currency:
            series = series + moves[f"fx:{code}"] * amount * float(_rate(inputs, market, code))
    return float(series.std()) / value * math.sqrt(252)


def confirm_rebalancing_proposal(inputs: RebalancingInput, market: MarketView) -> SecondOpinion:
    """Count shares in exact fractions."""
    held: dict[InstrumentId, Fraction] = {}
    cash = Fraction(0)
    positions = inputs.portfolio.positions
    for share in (position for position in positions if isinstance(position, StockInput)):
        held[share.instrument] = held.get(share.instrument, Fraction(0)) + Fraction(share.quantity)
    for amount in (position for position in positions if isinstance(position, CashInput)):
        cash += Fraction(amount.amount) * _rate(inputs, market, amount.currency)
    weights = {target.instrument: Fraction(target.weight) for target in inputs.targets}
    prices = {
        name: Fraction(market.close(name, inputs.as_of))
        * _rate(inputs, market, market.currency(name))
        for name in held.keys() | weights.keys()
    }
    value = cash + sum((shares * prices[name] for name, shares in held.items()), Fraction(0))
    trades: dict[InstrumentId, Fraction] = {}
    for name, price in prices.items():
        present = held.get(name, Fraction(0))
        if weights.get(name, Fraction(0)) == 0:
            trades[name] = -present
            continue
        # Nine places, as shares are counted before whole steps are taken.
        aim = Fraction(round(weights[name] * value / price * 10**9), 10**9)
        trades[name] = Fraction(math.trunc(aim - present))
    wanted = {
        name: held.get(name, Fraction(0)) + trade
        for name, trade in trades.items()
        if weights.get(name, Fraction(0)) > 0
    }
    spent = sum((trade * prices[name] for name, trade in trades.items()), Fraction(0))
    turned = sum((abs(trade) * prices[name] for name, trade in trades.items()), Fraction(0))
    values = {
        "turnover": float(100 * turned / value),
        "cash_after": float(cash - spent),
        "book_value": float(value),
        "volatility_after": 100.0 * _volatility(inputs, market, wanted, float(value)),
    }
    for name, trade in trades.items():
        row = name.replace(".", "_").replace("^", "_")
        values[f"trade.{row}"] = float(trade)
        values[f"amount.{row}"] = float(trade * prices[name])
        after = wanted.get(name, Fraction(0)) * prices[name] / value
        values[f"weight_after.{row}"] = float(100 * after)
    return opinion("exact fractions, pandas deviation", values)
