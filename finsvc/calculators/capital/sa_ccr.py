"""Exposure at default of derivatives by the standardised approach (SA-CCR).

Conventions: amounts in the reporting currency; a supervisory delta is positive when the trade gains
with its primary risk factor (rate, exchange rate, credit spread, price). Ten business days are the
least maturity, a year has 250 of them. A volatility or basis transaction has hedging sets of its
own. A margined netting set is capped at its exposure without the margin agreement.
Source: Basel Framework CRE52; BCBS 279.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr  # type: ignore[import-untyped] # ships no types

from finsvc.calculators.capital.report import capital_result, money, number
from finsvc.calculators.capital.sa_ccr_addons import AddOns, add_ons, structure
from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.capital.rulebook import rule_set
from finsvc.calculators.inputs.capital.sa_ccr import (
    CcrClass,
    CcrInput,
    CcrParameters,
    CcrTrade,
    NettingSet,
    OptionTerms,
)
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

_Floats = npt.NDArray[np.float64]

_DURATION_RATE = 0.05
_MARGIN_FACTOR = 1.5
_MULTIPLIER_SLOPE = 1.9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exposure:
    replacement_cost: float
    multiplier: float
    future_exposure: float
    exposure: float


def sa_ccr(inputs: CcrInput, market: MarketView) -> Computation:
    """Compute the exposure at default of every netting set.

    Raises:
        DateOutOfRangeError: no rules are in force on the day.
        InputError: a rating without factor, or an option on a price of zero or less.
    """
    rules = rule_set("sa_ccr", CcrParameters, inputs.jurisdiction, inputs.as_of)
    parameters = rules.parameters
    trades = inputs.trades
    position = {entry.id: idx for idx, entry in enumerate(inputs.netting_sets)}
    sets = np.array([position[trade.netting_set] for trade in trades], dtype=np.int64)
    values = np.bincount(
        sets,
        weights=np.array([trade.market_value for trade in trades], dtype=np.float64),
        minlength=len(position),
    )
    notionals = _adjusted_notionals(trades, parameters) * _deltas(trades, parameters)
    plain = notionals * _time_factors(trades, parameters)
    layout = structure(trades, sets, parameters)
    free = add_ons(layout, plain, parameters, num_sets=len(position))
    periods = _risk_periods(inputs.netting_sets, parameters)
    margined = np.where(np.isnan(periods[sets]), plain, notionals * periods[sets])
    held = add_ons(layout, margined, parameters, num_sets=len(position))
    fields: dict[str, Figure] = {}
    tables: dict[str, Figure] = {}
    total = 0.0
    for idx, entry in enumerate(inputs.netting_sets):
        chosen, used = _chosen(entry, float(values[idx]), (free, held), idx, parameters)
        total += chosen.exposure
        tables[f"ead.{entry.id}"] = money(chosen.exposure, inputs)
        tables[f"replacement_cost.{entry.id}"] = money(chosen.replacement_cost, inputs)
        tables[f"multiplier.{entry.id}"] = number(chosen.multiplier)
        tables[f"pfe.{entry.id}"] = money(chosen.future_exposure, inputs)
        for name, amount in used.by_hedging_set[idx].items():
            tables[f"add_on.{entry.id}:{name}"] = money(amount, inputs)
    fields["ead_total"] = money(total, inputs)
    return capital_result(inputs, rules, headline="ead_total", fields={**fields, **tables})


def _chosen(
    entry: NettingSet,
    value: float,
    candidates: tuple[AddOns, AddOns],
    idx: int,
    parameters: CcrParameters,
) -> tuple[_Exposure, AddOns]:
    """Exposure without the margin agreement, or with it where that is smaller."""
    free, held = candidates
    excess = value - float(entry.collateral)
    alpha = parameters.alpha[entry.counterparty]
    unmargined = _exposure(excess, max(excess, 0.0), free.totals[idx], alpha, parameters)
    if entry.margin is None:
        return unmargined, free
    terms = entry.margin
    uncalled = float(terms.threshold + terms.minimum_transfer - terms.independent_amount)
    cost = max(excess, uncalled, 0.0)
    margined = _exposure(excess, cost, held.totals[idx], alpha, parameters)
    if margined.exposure <= unmargined.exposure:
        return margined, held
    return unmargined, free


def _exposure(
    excess: float, cost: float, add_on: float, alpha: float, parameters: CcrParameters
) -> _Exposure:
    floor = parameters.multiplier_floor
    multiplier = 1.0
    if excess < 0.0:
        decay = np.exp(excess / (_MULTIPLIER_SLOPE * add_on)) if add_on > 0.0 else 0.0
        multiplier = min(1.0, floor + (1.0 - floor) * float(decay))
    future = multiplier * add_on
    return _Exposure(
        replacement_cost=cost,
        multiplier=multiplier,
        future_exposure=future,
        exposure=alpha * (cost + future),
    )


def _adjusted_notionals(trades: tuple[CcrTrade, ...], parameters: CcrParameters) -> _Floats:
    notionals = np.array([trade.notional for trade in trades], dtype=np.float64)
    starts = np.array([trade.start_years for trade in trades], dtype=np.float64)
    has_duration = np.array([trade.end_years is not None for trade in trades], dtype=np.bool_)
    ends = np.array([trade.end_years or 0 for trade in trades], dtype=np.float64)
    least = parameters.maturity_floor_days / parameters.business_days_of_year
    ends = np.maximum(ends, starts + least)
    durations = (np.exp(-_DURATION_RATE * starts) - np.exp(-_DURATION_RATE * ends)) / _DURATION_RATE
    return np.where(has_duration, notionals * durations, notionals)


def _time_factors(trades: tuple[CcrTrade, ...], parameters: CcrParameters) -> _Floats:
    maturities = np.array([trade.maturity_years for trade in trades], dtype=np.float64)
    least = parameters.maturity_floor_days / parameters.business_days_of_year
    return np.sqrt(np.clip(maturities, least, 1.0))


def _risk_periods(sets: tuple[NettingSet, ...], parameters: CcrParameters) -> _Floats:
    """Maturity factor of margined sets, not a number for the others."""
    days = np.array(
        [np.nan if entry.margin is None else entry.margin.risk_period_days for entry in sets],
        dtype=np.float64,
    )
    return _MARGIN_FACTOR * np.sqrt(days / parameters.business_days_of_year)


def _deltas(trades: tuple[CcrTrade, ...], parameters: CcrParameters) -> _Floats:
    deltas = np.array([1.0 if t.direction == "long" else -1.0 for t in trades], dtype=np.float64)
    for idx, trade in enumerate(trades):
        if trade.option is not None:
            deltas[idx] *= _option_delta(trade, trade.option, parameters)
        elif trade.tranche is not None:
            attachment, detachment = trade.tranche.attachment, trade.tranche.detachment
            deltas[idx] *= 15.0 / (
                (1.0 + 14.0 * float(attachment)) * (1.0 + 14.0 * float(detachment))
            )
    return deltas


def _option_delta(trade: CcrTrade, option: OptionTerms, parameters: CcrParameters) -> float:
    """Delta of a bought option: N(d) of a call, -N(-d) of a put, the limit at expiry."""
    price = float(option.price + option.shift)
    strike = float(option.strike + option.shift)
    if price <= 0.0 or strike <= 0.0:
        raise InputError(
            field=f"trades.{trade.id}.option",
            expected="price and strike above zero after the shift",
            actual=f"{price} and {strike}",
        )
    distance = float(np.log(price / strike))
    width = option_volatility(trade, parameters) * float(np.sqrt(float(option.expiry_years)))
    if width > 0.0:
        d = distance / width + 0.5 * width
    else:
        d = 0.0 if distance == 0.0 else float(np.copysign(np.inf, distance))
    return float(ndtr(d)) if option.option_type == "call" else -float(ndtr(-d))


def option_volatility(trade: CcrTrade, parameters: CcrParameters) -> float:
    """Supervisory volatility of a trade's asset class, an annual fraction."""
    if trade.commodity is not None:
        return parameters.commodity_volatility[trade.commodity]
    return {
        CcrClass.INTEREST_RATE: parameters.interest_rate_volatility,
        CcrClass.FX: parameters.fx_volatility,
        CcrClass.CREDIT_SINGLE: parameters.credit_single_volatility,
        CcrClass.CREDIT_INDEX: parameters.credit_index_volatility,
        CcrClass.EQUITY_SINGLE: parameters.equity_single_volatility,
        CcrClass.EQUITY_INDEX: parameters.equity_index_volatility,
    }[trade.asset_class]
