"""Limit checks: how much of every limit a book uses, and whether one is breached.

A limit is breached when the measured amount is strictly greater than its threshold. Value at risk
and expected shortfall are historical; losses are positive and a measured profit counts as zero.
Exposures are absolute net delta-equivalent amounts. A limit without a scope bounds every member on
its own and shows the largest; cash is no instrument and no sector, and the base currency bears no
currency risk, so these are members only when a limit names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.exposure import CASH_SECTOR, gross_exposure, group_exposures
from finsvc.calculators.factors import build_risk_book
from finsvc.calculators.holdings import Holding, fx_known, value_holdings
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.book import ExposureKey, LimitCheckInput, LimitInput
from finsvc.calculators.inputs.risk import HistoricalVarInput
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.calculators.stress import historical_growth
from finsvc.calculators.value_at_risk import historical_tail
from finsvc.domain.errors import InputError
from finsvc.domain.identifiers import CurrencyCode, InstrumentId
from finsvc.domain.limits import LimitMetric
from finsvc.domain.market import MarketView
from finsvc.domain.scenarios import HISTORICAL_SCENARIOS

BREACH = "breach"
NO_BREACH = "no breach"

_KEYS: Mapping[LimitMetric, ExposureKey] = {
    LimitMetric.INSTRUMENT_EXPOSURE: ExposureKey.INSTRUMENT,
    LimitMetric.SECTOR_EXPOSURE: ExposureKey.SECTOR,
    LimitMetric.CURRENCY_EXPOSURE: ExposureKey.CURRENCY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Amount in the base currency and the member that it belongs to, if any."""

    amount: float
    member: str | None


def _tail_loss(limit: LimitInput, inputs: LimitCheckInput, market: MarketView) -> _Measured:
    tail = historical_tail(
        HistoricalVarInput(
            portfolio=inputs.portfolio,
            as_of=inputs.as_of,
            assumptions=inputs.assumptions,
            confidence=limit.confidence,
            horizon_days=limit.horizon_days,
            window_days=inputs.window_days,
        ),
        market,
    )
    loss = tail.var if limit.metric is LimitMetric.VALUE_AT_RISK else tail.es
    return _Measured(amount=max(loss, 0.0), member=None)


def _stress_loss(limit: LimitInput, inputs: LimitCheckInput, market: MarketView) -> _Measured:
    book = build_risk_book(
        inputs.portfolio, market, as_of=inputs.as_of, assumptions=inputs.assumptions
    )
    scenario = HISTORICAL_SCENARIOS[str(limit.scope)]
    growth = historical_growth(book, market, scenario, as_of=inputs.as_of)
    return _Measured(amount=max(-float(book.profit(growth)[0]), 0.0), member=scenario.name)


def _check_scope(limit: LimitInput, inputs: LimitCheckInput, market: MarketView) -> None:
    """Refuse a scope that names no instrument or currency, so that a typing error is no pass."""
    if limit.scope is None:
        return
    if limit.metric is LimitMetric.INSTRUMENT_EXPOSURE:
        market.name(InstrumentId(limit.scope))
    if limit.metric is LimitMetric.CURRENCY_EXPOSURE:
        base = inputs.portfolio.base_currency
        fx_known(market, CurrencyCode(limit.scope), base, inputs.as_of)


def _exposure(
    limit: LimitInput, inputs: LimitCheckInput, market: MarketView, holdings: tuple[Holding, ...]
) -> _Measured:
    _check_scope(limit, inputs, market)
    groups = group_exposures(holdings, _KEYS[limit.metric], market)
    if limit.scope is not None:
        member = limit.scope if limit.scope in groups else f"{limit.scope}: nothing held"
        return _Measured(amount=abs(groups.get(limit.scope, 0.0)), member=member)
    uncounted = {CASH_SECTOR, str(inputs.portfolio.base_currency)}
    uncounted |= {name for name in groups if name.startswith("cash:")}
    members = {name: abs(amount) for name, amount in groups.items() if name not in uncounted}
    if not members:
        return _Measured(amount=0.0, member=None)
    name = next(iter(members))
    return _Measured(amount=members[name], member=name)


def _in_unit(
    amount: float, limit: LimitInput, inputs: LimitCheckInput, market: MarketView, gross: float
) -> float:
    if limit.unit == "%":
        if gross <= 0.0:
            raise InputError(field="portfolio", expected="a gross exposure above zero", actual="0")
        return amount / gross * 100.0
    base = inputs.portfolio.base_currency
    return amount * fx_known(market, base, CurrencyCode(limit.unit), inputs.as_of)


def limit_check(inputs: LimitCheckInput, market: MarketView) -> Computation:
    """Check a portfolio against its limits; the rows are utilisations in percent."""
    holdings = value_holdings(
        inputs.portfolio, market, on=inputs.as_of, assumptions=inputs.assumptions
    )
    gross = gross_exposure(holdings)
    fields: dict[str, Figure] = {}
    amounts: dict[str, Figure] = {}
    labels = {"subject": inputs.portfolio.label, "status": NO_BREACH}
    for limit in inputs.limits:
        if limit.metric in _KEYS:
            measured = _exposure(limit, inputs, market, holdings)
        elif limit.metric is LimitMetric.STRESS_LOSS:
            measured = _stress_loss(limit, inputs, market)
        else:
            measured = _tail_loss(limit, inputs, market)
        amount = _in_unit(measured.amount, limit, inputs, market, gross)
        threshold = float(limit.threshold)
        status = BREACH if amount > threshold else NO_BREACH
        if status == BREACH:
            labels["status"] = BREACH
        member = "" if measured.member is None else f"{measured.member}, "
        labels[f"limits.{limit.name}"] = f"{limit.name} ({member}{status})"
        fields[f"limits.{limit.name}"] = Figure(
            value=amount / threshold * 100.0, unit="%", decimals=1
        )
        decimals = 2 if limit.unit == "%" else 0
        amounts[f"measured.{limit.name}"] = Figure(value=amount, unit=limit.unit, decimals=decimals)
    return Computation(
        headline="limits",
        fields={**fields, **amounts},
        labels=labels,
        as_of=inputs.as_of,
        method="utilisation",
        parameters={
            "window_days": str(inputs.window_days),
            **{
                f"threshold.{limit.name}": f"{decimal_text(limit.threshold)} {limit.unit}"
                for limit in inputs.limits
            },
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "A utilisation is the measured amount in percent of the limit; above 100 % is a "
            "breach.",
            "Value at risk and expected shortfall are historical; a profit counts as zero.",
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )
