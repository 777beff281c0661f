"""Credit default swaps by the ISDA standard model: constant forward and hazard rates by pieces.

Source: ISDA CDS Standard Model 1.8.2 and its notes on the standard contract of 2009: coupons on the
20th of the quarter, protection from the next day, cash settlement after three business days, half a
day added to accrual at default. The settlement amount is positive when the buyer pays.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from scipy.optimize import brentq  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.pricing.dates import CalendarName
from finsvc.calculators.inputs.pricing.rates import CdsInput, CdsSide
from finsvc.calculators.pricing.calendars import add_business_days, following
from finsvc.calculators.pricing.curves import Curve, build_curve
from finsvc.calculators.pricing.daycount import add_months
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

_DAY = timedelta(days=1)
_HALF_DAY = 0.5 / 365.0
_HAZARD_MAX = 1000.0
_BASIS_POINT = 1e-4
_SMALL = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """One premium period; ``days`` are paid over 360."""

    start: date
    end: date
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A standard contract seen on its trade date."""

    on: date
    maturity: date
    recovery: float
    coupons: tuple[Coupon, ...]
    settlement: date
    curve: Curve


def contract(inputs: CdsInput) -> Contract:
    """Lay out the coupons from the one that has begun."""
    days = [inputs.maturity]
    while len(days) == 1 or following(CalendarName.WEEKENDS, days[0]) > inputs.as_of + _DAY:
        days.insert(0, add_months(inputs.maturity, -3 * len(days)))
    ends = [following(CalendarName.WEEKENDS, day) for day in days]
    coupons = [
        Coupon(start=first, end=last, days=(last - first).days) for first, last in pairwise(ends)
    ]
    final = coupons[-1]
    # The last period ends unadjusted and counts its last day.
    coupons[-1] = Coupon(
        start=final.start, end=final.end, days=(inputs.maturity - final.start).days + 1
    )
    return Contract(
        on=inputs.as_of,
        maturity=inputs.maturity,
        recovery=float(inputs.recovery_rate),
        coupons=tuple(coupons),
        settlement=add_business_days(CalendarName.WEEKENDS, inputs.as_of, 3),
        curve=build_curve(inputs.curve, inputs.as_of),
    )


def _first_moment(x: float) -> float:
    """Integral of ``exp(-x s)`` over s from 0 to 1."""
    return 1.0 if x == 0.0 else -math.expm1(-x) / x


def _second_moment(x: float) -> float:
    """Integral of ``s exp(-x s)`` over s from 0 to 1, by its series where it would cancel."""
    if abs(x) < _SMALL:
        return 0.5 - x / 3.0 + x * x / 8.0 - x**3 / 30.0
    return (_first_moment(x) - math.exp(-x)) / x


def _pieces(deal: Contract, first: date, last: date) -> list[date]:
    inner = [day for day in deal.curve.dates if first < day < last]
    return [first, *inner, last]


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """Values for one unit of notional; ``annuity`` is that of a premium of one a year."""

    protection: float
    annuity: float


def legs(deal: Contract, hazard: float) -> Legs:
    """Value both legs at a flat hazard rate."""
    if deal.maturity <= deal.on + _DAY:
        return Legs(protection=0.0, annuity=0.0)

    def survive(day: date) -> float:
        return math.exp(-hazard * (day - deal.on).days / 365.0)

    def piece(first: date, last: date) -> tuple[float, float, float]:
        """Weight at the start, probability of default and total decay of a piece."""
        default = hazard * (last - first).days / 365.0
        rates = deal.curve.log_discount(first) - deal.curve.log_discount(last)
        return deal.curve.discount(first) * survive(first), default, default + rates

    protection = 0.0
    days = _pieces(deal, deal.on, deal.maturity)
    for first, last in pairwise(days):
        weight, default, decay = piece(first, last)
        protection += weight * default * _first_moment(decay)
    annuity = 0.0
    for coupon in deal.coupons:
        paid = deal.curve.discount(coupon.end) * survive(coupon.end - _DAY)
        annuity += coupon.days / 360.0 * paid
        begin = max(coupon.start - _DAY, deal.on)
        days = _pieces(deal, begin, coupon.end - _DAY)
        for first, last in pairwise(days):
            weight, default, decay = piece(first, last)
            since = (first - coupon.start + _DAY).days / 365.0 + _HALF_DAY
            length = (last - first).days / 365.0
            moment = since * _first_moment(decay) + length * _second_moment(decay)
            annuity += weight * default * moment * 365.0 / 360.0
    return Legs(protection=(1.0 - deal.recovery) * protection, annuity=annuity)


def accrued_years(deal: Contract) -> float:
    """Premium that has accrued by the day after trading, in years of 360 days."""
    first = deal.coupons[0]
    return max((deal.on + _DAY - first.start).days, 0) / 360.0


def settlement_amount(deal: Contract, hazard: float, coupon: float) -> float:
    """What the buyer pays at cash settlement for one unit of notional, accrued premium netted."""
    value = legs(deal, hazard)
    paid = deal.curve.discount(deal.settlement)
    return (value.protection - coupon * value.annuity) / paid + coupon * accrued_years(deal)


def implied_hazard(deal: Contract, spread: float) -> float:
    """Flat hazard rate at which a contract with the spread as coupon costs nothing.

    Raises:
        InputError: the contract is over, or no hazard rate up to 1,000 gives the spread.
    """
    if spread == 0.0:
        return 0.0
    if legs(deal, 0.0).annuity == 0.0:
        raise InputError(
            field="maturity", expected="a day after protection starts", actual=str(deal.maturity)
        )

    def gap(hazard: float) -> float:
        return settlement_amount(deal, hazard, spread)

    high = 0.1
    while gap(high) < 0.0 and high < _HAZARD_MAX:
        high *= 2.0
    if gap(high) < 0.0 or gap(0.0) > 0.0:
        raise InputError(
            field="spread", expected="a spread that some hazard rate gives", actual=f"{spread:.6g}"
        )
    return float(brentq(gap, 0.0, high, xtol=1e-16, rtol=1e-15, maxiter=500))


def credit_default_swap(inputs: CdsInput, market: MarketView) -> Computation:
    """Value a standard contract from its conventional spread or a hazard rate.

    Raises:
        InputError: the curve cannot be built or the spread has no hazard rate.
    """
    deal = contract(inputs)
    hazard = float(inputs.hazard_rate or 0)
    if inputs.spread is not None:
        hazard = implied_hazard(deal, float(inputs.spread))
    coupon, notional = float(inputs.coupon_rate), float(inputs.notional)
    sign = notional if inputs.side is CdsSide.BUY_PROTECTION else -notional
    value = legs(deal, hazard)
    accrued = coupon * accrued_years(deal)
    amount = settlement_amount(deal, hazard, coupon)
    paid = deal.curve.discount(deal.settlement)
    money = {
        "settlement_amount": sign * amount,
        "accrued_premium": notional * accrued,
        "clean_upfront": sign * (amount + accrued),
        "protection_leg": notional * value.protection,
        "risky_annuity": notional * value.annuity,
    }
    fields = {
        name: Figure(value=item, unit=inputs.currency, decimals=2) for name, item in money.items()
    }
    if value.annuity:
        fair = value.protection / (value.annuity - accrued_years(deal) * paid)
        bumped = settlement_amount(deal, implied_hazard(deal, fair + _BASIS_POINT), coupon)
        gain = sign * (bumped - amount) * paid
        fields["cs01"] = Figure(value=gain, unit=inputs.currency, decimals=2)
        fields["fair_spread"] = Figure(value=fair / _BASIS_POINT, unit="bp", decimals=4)
    fields["hazard_rate"] = Figure(value=100.0 * hazard, unit="%", decimals=6)
    return Computation(
        headline="settlement_amount",
        fields=fields,
        labels={"subject": f"the credit default swap to {inputs.maturity.isoformat()}"},
        as_of=inputs.as_of,
        method="isda_standard_model",
        parameters={
            "coupon_rate": decimal_text(inputs.coupon_rate),
            "recovery_rate": decimal_text(inputs.recovery_rate),
            "settlement": deal.settlement.isoformat(),
        },
        notes=(
            "The settlement amount is positive when the holder pays it; accrued premium is netted.",
            "cs01 is the gain when the flat spread rises by a basis point.",
        ),
    )
