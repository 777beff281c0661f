"""Exposures, holdings and concentrations of a portfolio.

Signs: long is positive, short negative. An exposure is a market value, for options the delta
equivalent (delta times spot times units of the underlying). ``exposure_total`` is the net sum of
the rows, ``exposure_gross`` the sum of absolute amounts over distinct holdings. All amounts are in
the base currency.
"""

import math
from collections.abc import Iterable

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.holdings import Holding, quantity_of, row_name, value_holdings
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.book import (
    ExposureInput,
    ExposureKey,
    LargeExposuresInput,
    PositionsInput,
)
from finsvc.calculators.notes import assumption_parameters, valuation_notes
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView
from finsvc.domain.positions import CashPosition, StockPosition

DELTA_NOTE = "Exposures are net, long minus short; options count with their delta equivalents."
CASH_SECTOR = "Cash"


def _group(holding: Holding, by: ExposureKey, market: MarketView) -> str:
    """Display name of the group that a holding belongs to."""
    if by is ExposureKey.CURRENCY:
        return str(holding.currency)
    if holding.instrument is None:
        return CASH_SECTOR if by is ExposureKey.SECTOR else f"cash:{holding.currency}"
    if by is ExposureKey.SECTOR:
        return market.sector(holding.instrument)
    return str(holding.instrument)


def _display(group: str) -> str:
    """How answers call a group: ``cash:EUR`` is "EUR cash"."""
    return f"{group.removeprefix('cash:')} cash" if group.startswith("cash:") else group


def largest_first(amounts: dict[str, float]) -> dict[str, float]:
    """Sort by absolute amount, descending; equal amounts by name."""
    return dict(sorted(amounts.items(), key=lambda entry: (-abs(entry[1]), entry[0])))


def group_exposures(
    holdings: Iterable[Holding], by: ExposureKey, market: MarketView
) -> dict[str, float]:
    """Net delta-equivalent exposure of every group by display name, largest first."""
    members: dict[str, list[float]] = {}
    for holding in holdings:
        members.setdefault(_group(holding, by, market), []).append(holding.delta)
    return largest_first({name: math.fsum(amounts) for name, amounts in members.items()})


def gross_exposure(holdings: Iterable[Holding]) -> float:
    """Sum of absolute delta-equivalent amounts over distinct holdings."""
    return math.fsum(abs(holding.delta) for holding in holdings)


def _holdings(
    inputs: ExposureInput | PositionsInput | LargeExposuresInput, market: MarketView
) -> tuple[Holding, ...]:
    return value_holdings(inputs.portfolio, market, on=inputs.as_of, assumptions=inputs.assumptions)


def exposure(inputs: ExposureInput, market: MarketView) -> Computation:
    """Exposure of a portfolio by currency, sector or instrument."""
    base = inputs.portfolio.base_currency
    holdings = _holdings(inputs, market)
    groups = group_exposures(holdings, inputs.by, market)
    fields = {
        f"exposure.{row_name(name)}": Figure(value=amount, unit=base, decimals=0)
        for name, amount in groups.items()
    }
    total = math.fsum(holding.delta for holding in holdings)
    fields["exposure_total"] = Figure(value=total, unit=base, decimals=0)
    fields["exposure_gross"] = Figure(value=gross_exposure(holdings), unit=base, decimals=0)
    return Computation(
        headline="exposure",
        fields=fields,
        labels={
            "subject": inputs.portfolio.label,
            "by": inputs.by.value,
            **{f"exposure.{row_name(name)}": _display(name) for name in groups},
        },
        as_of=inputs.as_of,
        method="delta_equivalent",
        parameters={
            "by": inputs.by.value,
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(DELTA_NOTE, *valuation_notes(inputs.portfolio, inputs.assumptions)),
    )


def holding_label(holding: Holding) -> str:
    """How answers name a holding: what it is and how much of it."""
    position = holding.position
    amount = f"{quantity_of(position):,f}"
    if isinstance(position, CashPosition):
        return f"{position.currency} cash ({amount} {position.currency})"
    if isinstance(position, StockPosition):
        return f"{position.instrument} ({amount} shares)"
    terms = f"{decimal_text(position.strike)} {position.option_type.value}"
    return (
        f"{position.underlying} {terms} {position.expiry.isoformat()} "
        f"({amount} contracts of {decimal_text(position.multiplier)})"
    )


def positions(inputs: PositionsInput, market: MarketView) -> Computation:
    """Every holding with its market value in the base currency, in order of name."""
    base = inputs.portfolio.base_currency
    holdings = _holdings(inputs, market)
    fields = {
        f"positions.{holding.row}": Figure(value=holding.value, unit=base, decimals=0)
        for holding in holdings
    }
    total = math.fsum(holding.value for holding in holdings)
    fields["positions_total"] = Figure(value=total, unit=base, decimals=0)
    return Computation(
        headline="positions",
        fields=fields,
        labels={
            "subject": inputs.portfolio.label,
            **{f"positions.{holding.row}": holding_label(holding) for holding in holdings},
        },
        as_of=inputs.as_of,
        method="market_value",
        parameters=assumption_parameters(inputs.portfolio, inputs.assumptions),
        notes=(
            "Amounts are market values in the base currency; a short position is negative.",
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )


def book_value(holdings: Iterable[Holding]) -> float:
    """Net market value of a portfolio, which shares are measured by.

    Raises:
        InputError: the value is not positive, so that no share of it is meaningful.
    """
    value = math.fsum(holding.value for holding in holdings)
    if value <= 0.0:
        raise InputError(
            field="portfolio", expected="a net market value above zero", actual=f"{value:.2f}"
        )
    return value


def large_exposures(inputs: LargeExposuresInput, market: MarketView) -> Computation:
    """Instruments and foreign cash whose exposure exceeds a share of the portfolio's value."""
    base = inputs.portfolio.base_currency
    holdings = _holdings(inputs, market)
    value = book_value(holdings)
    groups = group_exposures(
        [holding for holding in holdings if holding.instrument or holding.currency != base],
        ExposureKey.INSTRUMENT,
        market,
    )
    limit = float(inputs.threshold) * value
    large = {name: amount for name, amount in groups.items() if abs(amount) > limit}
    fields = {
        f"exposures.{row_name(name)}": Figure(value=amount / value * 100.0, unit="%", decimals=2)
        for name, amount in large.items()
    }
    fields["book_value"] = Figure(value=value, unit=base, decimals=0)
    labels = {
        "subject": inputs.portfolio.label,
        **{f"exposures.{row_name(name)}": _display(name) for name in large},
    }
    if not large:
        labels["exposures"] = "none"
    return Computation(
        headline="exposures",
        fields=fields,
        labels=labels,
        as_of=inputs.as_of,
        method="delta_equivalent",
        parameters={
            "threshold": decimal_text(inputs.threshold),
            **assumption_parameters(inputs.portfolio, inputs.assumptions),
        },
        notes=(
            "An exposure is large when its absolute net amount exceeds the threshold times the "
            "net market value of the book; cash in the base currency does not count.",
            DELTA_NOTE,
            *valuation_notes(inputs.portfolio, inputs.assumptions),
        ),
    )
