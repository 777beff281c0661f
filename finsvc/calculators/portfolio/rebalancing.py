"""A rebalancing proposal, judged against a client's mandate. A person always decides.

Trades bring each target's holding to its weight in whole shares, rounded towards the present
holding; holdings without a target and excluded instruments are sold whole. No costs or taxes are
counted. Volatility is the annual sample deviation of the proposed holdings' past daily returns,
cash in other currencies included.

Source: MiFID II, Article 25(2), and Delegated Regulation (EU) 2017/565, Articles 54 and 55.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.factors import build_risk_book, factor_growth
from finsvc.calculators.holdings import fx_known, row_name
from finsvc.calculators.inputs.allocation import RebalancingInput
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.portfolio import (
    CashInput,
    OptionInput,
    PortfolioInput,
    StockInput,
)
from finsvc.calculators.notes import ADJUSTED_PRICES, FX_CARRY
from finsvc.calculators.returns import TRADING_DAYS_PER_YEAR, sample_deviation
from finsvc.domain.errors import InputError, UnsupportedError
from finsvc.domain.identifiers import InstrumentId
from finsvc.domain.market import MarketView

NEEDS_HUMAN = "needs_human"

PROPOSAL_NOTE = "This is a proposal: a person decides; nothing is ordered."
COST_NOTE = "Costs, spreads and taxes are not counted; shares are whole."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Present and proposed shares, prices in the base currency, cash and the book's value."""

    held: Mapping[InstrumentId, Decimal]
    wanted: Mapping[InstrumentId, Decimal]
    price: Mapping[InstrumentId, float]
    cash: float
    value: float

    def trade(self, name: InstrumentId) -> Decimal:
        """Shares to buy, negative to sell."""
        return self.wanted.get(name, Decimal(0)) - self.held.get(name, Decimal(0))

    @property
    def cash_after(self) -> float:
        """Cash once everything is traded at the close."""
        spent = sum(float(self.trade(name)) * price for name, price in self.price.items())
        return self.cash - spent

    @property
    def turnover(self) -> float:
        """Bought plus sold over the book's value."""
        traded = sum(abs(float(self.trade(name))) * price for name, price in self.price.items())
        return traded / self.value

    def weight(self, name: InstrumentId) -> float:
        """Share of an instrument in the book afterwards."""
        return float(self.wanted.get(name, Decimal(0))) * self.price[name] / self.value


def _holdings(portfolio: PortfolioInput) -> dict[InstrumentId, Decimal]:
    held: dict[InstrumentId, Decimal] = {}
    for position in portfolio.positions:
        if isinstance(position, OptionInput):
            raise UnsupportedError(
                field="portfolio.positions", expected="shares and cash alone", actual="options"
            )
        if isinstance(position, StockInput):
            held[position.instrument] = held.get(position.instrument, Decimal(0)) + (
                position.quantity
            )
    return held


def _whole_shares(wanted: float, held: Decimal) -> Decimal:
    """Shares that move from the present holding towards the wanted one in whole steps."""
    change = Decimal(f"{wanted:.9f}") - held
    steps = abs(change).to_integral_value(rounding=ROUND_FLOOR)
    return held + steps.copy_sign(change)


def make_plan(inputs: RebalancingInput, market: MarketView) -> Plan:
    """Trades that bring a book to its targets.

    Raises:
        UnsupportedError: the book holds options.
        InputError: the book is worth nothing, or a target is excluded.
    """
    portfolio = inputs.portfolio
    base = portfolio.base_currency
    held = _holdings(portfolio)
    targets = {target.instrument: target.weight for target in inputs.targets}
    for index, target in enumerate(inputs.targets):
        if target.instrument in inputs.suitability.excluded and target.weight > 0:
            raise InputError(
                field=f"targets.{index}.instrument",
                expected="an instrument that the mandate does not exclude",
                actual=target.instrument,
            )
    price = {
        name: market.close(name, inputs.as_of)
        * fx_known(market, market.currency(name), base, inputs.as_of)
        for name in sorted({*held, *targets})
    }
    cash = sum(
        float(position.amount) * fx_known(market, position.currency, base, inputs.as_of)
        for position in portfolio.positions
        if isinstance(position, CashInput)
    )
    value = cash + sum(float(shares) * price[name] for name, shares in held.items())
    if value <= 0.0:
        raise InputError(
            field="portfolio", expected="a book worth more than nothing", actual=f"{value:.2f}"
        )
    wanted = {
        name: _whole_shares(float(weight) * value / price[name], held.get(name, Decimal(0)))
        for name, weight in targets.items()
        if weight > 0
    }
    return Plan(held=held, wanted=wanted, price=price, cash=cash, value=value)


def _proposed(inputs: RebalancingInput, plan: Plan) -> PortfolioInput:
    """The book after the trades; what they cost is taken from the base currency's cash."""
    cash = [position for position in inputs.portfolio.positions if isinstance(position, CashInput)]
    shares = [
        StockInput(kind="stock", instrument=name, quantity=quantity)
        for name, quantity in plan.wanted.items()
    ]
    spare = CashInput(kind="cash", currency=inputs.portfolio.base_currency, amount=Decimal(0))
    return inputs.portfolio.model_copy(update={"positions": (*cash, *shares, spare)})


def _volatility(inputs: RebalancingInput, market: MarketView, plan: Plan) -> float:
    book = build_risk_book(
        _proposed(inputs, plan), market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    growth_nf = factor_growth(
        book, market, as_of=inputs.as_of, num_returns=inputs.window_days, step=1
    )
    returns_n = ((growth_nf - 1.0) * book.delta()).sum(axis=1) / plan.value
    return sample_deviation(returns_n) * float(np.sqrt(TRADING_DAYS_PER_YEAR))


def _checks(inputs: RebalancingInput, plan: Plan, volatility: float) -> dict[str, bool]:
    limits = inputs.suitability
    weights = {name: plan.weight(name) for name in plan.price}
    return {
        "volatility": volatility <= float(limits.max_volatility),
        "position": all(weight <= float(limits.max_position) for weight in weights.values()),
        "equity": sum(weights.values()) <= float(limits.max_equity),
        "cash": plan.cash_after / plan.value >= float(limits.min_cash),
        "turnover": plan.turnover <= float(limits.max_turnover),
        "short": all(shares >= 0 for shares in plan.wanted.values()),
    }


def rebalancing_proposal(inputs: RebalancingInput, market: MarketView) -> Computation:
    """Propose trades towards target weights and judge them against the mandate."""
    plan = make_plan(inputs, market)
    volatility = _volatility(inputs, market, plan)
    base = inputs.portfolio.base_currency
    figures = {
        "turnover": Figure(value=plan.turnover * 100.0, unit="%", decimals=2),
        "volatility_after": Figure(value=volatility * 100.0, unit="%", decimals=2),
        "cash_after": Figure(value=plan.cash_after, unit=base, decimals=2),
        "book_value": Figure(value=plan.value, unit=base, decimals=2),
    }
    for name in plan.price:
        row = row_name(name)
        trade = plan.trade(name)
        figures[f"trade.{row}"] = Figure(value=trade, unit="shares", decimals=0)
        figures[f"amount.{row}"] = Figure(
            value=float(trade) * plan.price[name], unit=base, decimals=2
        )
        figures[f"weight_after.{row}"] = Figure(
            value=plan.weight(name) * 100.0, unit="%", decimals=2
        )
    checks = _checks(inputs, plan, volatility)
    failed = [name for name, is_met in checks.items() if not is_met]
    return Computation(
        headline="turnover",
        fields=figures,
        labels={
            "subject": inputs.portfolio.label,
            "verdict": NEEDS_HUMAN,
            "suitability": "breached: " + ", ".join(failed) if failed else "within the mandate",
        },
        as_of=inputs.as_of,
        method="target_weights",
        parameters={
            "targets": "; ".join(
                f"{target.instrument} {decimal_text(target.weight)}" for target in inputs.targets
            ),
            "window_days": str(inputs.window_days),
        },
        notes=(PROPOSAL_NOTE, COST_NOTE, ADJUSTED_PRICES, FX_CARRY),
    )
