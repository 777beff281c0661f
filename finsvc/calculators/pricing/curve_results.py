"""Curves, swaps, forward rate agreements and FX forwards as calculators.

All present values are at ``as_of`` and positive when the contract is worth something to the holder.
"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.pricing.dates import DayCount
from finsvc.calculators.inputs.pricing.rates import (
    CurveInput,
    FraInput,
    FraSide,
    FxForwardInput,
    SwapInput,
    SwapSide,
)
from finsvc.calculators.pricing.calendars import modified_following
from finsvc.calculators.pricing.curves import Curve, build_curve, instruments
from finsvc.calculators.pricing.daycount import add_months, year_fraction
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

_BASIS_POINT = 1e-4
_CURVE_NOTE = "Discount factors are log-linear in time between the dates of the curve."


def discount_curve(inputs: CurveInput, market: MarketView) -> Computation:
    """Build a curve, with the repricing error of every quote.

    Raises:
        InputError: the quotes contradict each other.
    """
    other = inputs.discount_curve
    discount = None if other is None else build_curve(other, inputs.as_of)
    curve = build_curve(inputs, inputs.as_of, discount)
    figures: dict[str, Figure] = {}
    for day in inputs.dates or curve.dates[1:]:
        factor, years = curve.discount(day), (day - inputs.as_of).days / 365.0
        figures[f"discount_factor.{day.isoformat()}"] = Figure(value=factor, unit="1", decimals=8)
        if years > 0.0:
            zero = -100.0 * curve.log_discount(day) / years
            figures[f"zero_rate.{day.isoformat()}"] = Figure(value=zero, unit="%", decimals=6)
    for instrument in instruments(inputs, inputs.as_of):
        error = (instrument.implied(curve, discount) - instrument.rate) / _BASIS_POINT
        figures[f"repricing_error.{instrument.name}"] = Figure(value=error, unit="bp", decimals=8)
    return Computation(
        headline="discount_factor",
        fields=figures,
        labels={"subject": f"the {inputs.currency} discount curve"},
        as_of=inputs.as_of,
        method="bootstrap" if inputs.quotes else "given",
        parameters={"interpolation": "log_linear_discount", "calendar": inputs.calendar.value},
        notes=(_CURVE_NOTE, "Zero rates are continuous, Actual/365 (Fixed)."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """Periods of a leg: dates, and years of each."""

    dates: tuple[date, ...]
    years: tuple[float, ...]


def _leg(inputs: SwapInput, payments_a_year: int, day_count: DayCount) -> _Leg:
    """Lay out periods backwards from maturity; a first one may be short."""
    step, days = 12 // payments_a_year, [inputs.maturity]
    while days[0] > inputs.start:
        days.insert(0, add_months(inputs.maturity, -step * len(days)))
    days[0] = inputs.start
    moved = tuple(modified_following(inputs.calendar, day) for day in days)
    years = tuple(year_fraction(day_count, first, last) for first, last in pairwise(moved))
    return _Leg(dates=moved, years=years)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SwapValue:
    annuity: float
    floating: float

    def worth(self, fixed_rate: float) -> float:
        """Value of paying fixed, for one unit of notional."""
        return self.floating - fixed_rate * self.annuity


def _swap_value(inputs: SwapInput, discount: Curve, forward: Curve) -> _SwapValue:
    fixed = _leg(inputs, inputs.fixed_payments_a_year, inputs.fixed_day_count)
    floating = _leg(inputs, inputs.floating_payments_a_year, inputs.floating_day_count)
    annuity = sum(
        years * discount.discount(day)
        for years, day in zip(fixed.years, fixed.dates[1:], strict=True)
        if day > inputs.as_of
    )
    spread, value = float(inputs.spread), 0.0
    for index, years in enumerate(floating.years):
        start, end = floating.dates[index], floating.dates[index + 1]
        if end <= inputs.as_of:
            continue
        if start < inputs.as_of:
            rate = float(inputs.current_fixing or 0)
        else:
            _require_worth(forward.discount(end), end)
            rate = (forward.discount(start) / forward.discount(end) - 1.0) / years
        value += (rate + spread) * years * discount.discount(end)
    _require_worth(annuity, inputs.maturity)
    return _SwapValue(annuity=annuity, floating=value)


def _require_worth(factor: float, day: date) -> None:
    """Refuse curves that make money of a day worth nothing: no rate follows from it.

    Raises:
        InputError: the discount factor underflows.
    """
    if factor == 0.0:
        raise InputError(
            field="discount_curve",
            expected="curves that leave later money a worth",
            actual=f"a discount factor of zero on {day.isoformat()}",
        )


def interest_rate_swap(inputs: SwapInput, market: MarketView) -> Computation:
    """Value a swap on given curves.

    Raises:
        InputError: a curve cannot be built.
    """
    discount = build_curve(inputs.discount_curve, inputs.as_of)
    forward = build_curve(inputs.forward_curve or inputs.discount_curve, inputs.as_of, discount)
    notional, rate = float(inputs.notional), float(inputs.fixed_rate)
    sign = notional if inputs.side is SwapSide.PAY_FIXED else -notional
    value = _swap_value(inputs, discount, forward)
    up, down = (
        _swap_value(inputs, discount.shifted(move), forward.shifted(move)).worth(rate)
        for move in (_BASIS_POINT, -_BASIS_POINT)
    )
    money = {
        "present_value": sign * value.worth(rate),
        "fixed_leg": -sign * rate * value.annuity,
        "floating_leg": sign * value.floating,
        "annuity": notional * value.annuity,
        "pv01": sign * (up - down) / 2.0,
    }
    fields = {
        name: Figure(value=amount, unit=inputs.currency, decimals=2)
        for name, amount in money.items()
    }
    fields["fair_rate"] = Figure(value=100.0 * value.floating / value.annuity, unit="%", decimals=6)
    return Computation(
        headline="present_value",
        fields=fields,
        labels={"subject": f"the swap to {inputs.maturity.isoformat()}"},
        as_of=inputs.as_of,
        method="discounted_forwards",
        parameters={"fixed_rate": decimal_text(inputs.fixed_rate), "side": inputs.side.value},
        notes=(_CURVE_NOTE, "pv01 is the gain when all zero rates rise by a basis point."),
    )


def forward_rate_agreement(inputs: FraInput, market: MarketView) -> Computation:
    """Value a forward rate agreement, settled at its start at the discount of its own rate.

    Raises:
        InputError: a curve cannot be built.
    """
    discount = build_curve(inputs.discount_curve, inputs.as_of)
    forward = build_curve(inputs.forward_curve or inputs.discount_curve, inputs.as_of, discount)
    years = year_fraction(inputs.day_count, inputs.start, inputs.end)
    sign = float(inputs.notional) * (1.0 if inputs.side is FraSide.BUY else -1.0)
    contract = float(inputs.contract_rate)

    def worth(discount: Curve, forward: Curve) -> tuple[float, float]:
        _require_worth(forward.discount(inputs.end), inputs.end)
        rate = (forward.discount(inputs.start) / forward.discount(inputs.end) - 1.0) / years
        paid = years * (rate - contract) / (1.0 + years * rate)
        return rate, sign * paid * discount.discount(inputs.start)

    rate, value = worth(discount, forward)
    up, down = (
        worth(discount.shifted(move), forward.shifted(move))[1]
        for move in (_BASIS_POINT, -_BASIS_POINT)
    )
    return Computation(
        headline="present_value",
        fields={
            "present_value": Figure(value=value, unit=inputs.currency, decimals=2),
            "pv01": Figure(value=(up - down) / 2.0, unit=inputs.currency, decimals=2),
            "forward_rate": Figure(value=100.0 * rate, unit="%", decimals=6),
        },
        labels={
            "subject": f"the forward rate agreement from {inputs.start.isoformat()} to "
            f"{inputs.end.isoformat()}"
        },
        as_of=inputs.as_of,
        method="discounted_settlement",
        parameters={"contract_rate": decimal_text(inputs.contract_rate), "side": inputs.side.value},
        notes=(_CURVE_NOTE, "Settled at the start, discounted at the forward rate itself."),
    )


def fx_forward(inputs: FxForwardInput, market: MarketView) -> Computation:
    """Value an FX forward by covered interest parity.

    Raises:
        InputError: a curve cannot be built.
    """
    base = build_curve(inputs.base_curve, inputs.as_of)
    quote = build_curve(inputs.quote_curve, inputs.as_of)
    spot_date = inputs.spot_date or inputs.as_of
    _require_worth(quote.discount(inputs.delivery), inputs.delivery)
    growth = base.discount(inputs.delivery) / base.discount(spot_date)
    cost = quote.discount(inputs.delivery) / quote.discount(spot_date)
    forward = float(inputs.spot_rate) * growth / cost
    paid = quote.discount(inputs.delivery)
    value = float(inputs.notional) * (forward - float(inputs.contract_rate)) * paid
    pair = f"{inputs.currency}/{inputs.base_currency}"
    points = forward - float(inputs.spot_rate)
    return Computation(
        headline="present_value",
        fields={
            "present_value": Figure(value=value, unit=inputs.currency, decimals=2),
            "forward_rate": Figure(value=forward, unit=pair, decimals=6),
            "forward_points": Figure(value=points, unit=pair, decimals=6),
            "discount_factor": Figure(value=paid, unit="1", decimals=8),
        },
        labels={"subject": f"the {pair} forward to {inputs.delivery.isoformat()}"},
        as_of=inputs.as_of,
        method="covered_interest_parity",
        parameters={
            "spot_rate": decimal_text(inputs.spot_rate),
            "contract_rate": decimal_text(inputs.contract_rate),
        },
        notes=(_CURVE_NOTE, "A positive notional buys the base currency."),
    )
