"""Fixed-rate bonds: schedule, accrued interest, price from yield and its derivatives.

Prices are for 100 of face value. A yield compounds as the convention says; a complex yield
carries a derivative, as in `finsvc.calculators.pricing.normal`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from finsvc.calculators.inputs.pricing.bond_conventions import (
    CONVENTIONS,
    Accrual,
    Convention,
    First,
    Last,
    Stub,
)
from finsvc.calculators.inputs.pricing.bonds import BondTerms
from finsvc.calculators.inputs.pricing.dates import DayCount
from finsvc.calculators.pricing.calendars import add_business_days, following
from finsvc.calculators.pricing.daycount import add_months, is_month_end, year_fraction
from finsvc.domain.errors import InputError

Scalar = float | complex

_EPSILON = 1e-30


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One coupon period; ``units`` is its coupon in regular coupons."""

    start: date
    end: date
    units: float
    is_regular: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """A bond seen from its settlement date: the periods that are left, the current one first."""

    convention: Convention
    coupon: float
    settlement: date
    periods: tuple[Period, ...]
    roll: int
    payments: tuple[date, ...]


def build(terms: BondTerms) -> Bond:
    """Lay out the coupons after settlement.

    Raises:
        InputError: the first coupon is no coupon date counted back from maturity.
    """
    convention = CONVENTIONS[terms.convention]
    months = 12 // convention.frequency
    roll = 31 if convention.keeps_month_end and is_month_end(terms.maturity) else terms.maturity.day
    dates = [terms.maturity]
    floor = terms.first_coupon or terms.issue_date
    while dates[0] > floor:
        dates.insert(0, add_months(terms.maturity, -months * len(dates), roll=roll))
    if dates[0] < floor:
        dates = _with_stub(dates, convention, terms)
    elif terms.first_coupon is not None:
        dates.insert(0, terms.issue_date)
    periods = [_period(first, last, roll, convention) for first, last in pairwise(dates)]
    left = [period for period in periods if period.end > terms.as_of]
    paid = [left[0].start, *(period.end for period in left)]
    if convention.pays_adjusted:
        paid = [following(convention.calendar, day) for day in paid]
    return Bond(
        convention=convention,
        coupon=100.0 * float(terms.coupon_rate) / convention.frequency,
        settlement=terms.as_of,
        periods=tuple(left),
        roll=roll,
        payments=tuple(paid),
    )


def _with_stub(dates: list[date], convention: Convention, terms: BondTerms) -> list[date]:
    """Cut the first regular period at the issue, or join it with the second where that is usual."""
    if terms.first_coupon is not None:
        raise InputError(
            field="first_coupon",
            expected=f"a coupon date counted back from maturity, such as {dates[1].isoformat()}",
            actual=terms.first_coupon.isoformat(),
        )
    if convention.has_long_first and len(dates) > 2:
        return [terms.issue_date, *dates[2:]]
    return [terms.issue_date, *dates[1:]]


def _period(start: date, end: date, roll: int, convention: Convention) -> Period:
    months = 12 // convention.frequency
    quasi = add_months(end, -months, roll=roll)
    if start == quasi:
        return Period(start=start, end=end, units=1.0, is_regular=True)
    return Period(
        start=start, end=end, units=_stub_units(start, end, roll, convention), is_regular=False
    )


def _stub_units(start: date, end: date, roll: int, convention: Convention) -> float:
    frequency = convention.frequency
    if convention.stub is Stub.ACTUAL_365:
        return (end - start).days / 365.0 * frequency
    if convention.stub is Stub.THIRTY_E:
        return year_fraction(DayCount.THIRTY_E_360, start, end) * frequency
    if convention.stub is Stub.THIRTY_US:
        return year_fraction(DayCount.THIRTY_360_US, start, end) * frequency
    return _regular_parts(start, end, end, roll, 12 // frequency)


def _regular_parts(start: date, until: date, end: date, roll: int, months: int) -> float:
    """Regular periods between two dates, rolled back from the end of a stub."""
    total, last = 0.0, end
    while last > start:
        first = add_months(last, -months, roll=roll)
        days = (min(until, last) - max(start, first)).days
        total += max(days, 0) / (last - first).days
        last = first
    return total


def accrued_share(bond: Bond, rule: Accrual) -> float:
    """Part of the current coupon that has accrued at settlement."""
    period, settlement = bond.periods[0], bond.settlement
    frequency = bond.convention.frequency
    days, full = (settlement - period.start).days, (period.end - period.start).days
    if rule is Accrual.THIRTY_US:
        return year_fraction(DayCount.THIRTY_360_US, period.start, settlement) / year_fraction(
            DayCount.THIRTY_360_US, period.start, period.end
        )
    if not period.is_regular:
        if rule is Accrual.DAYS_SPLIT and period.units > 1.0:
            parts = _regular_parts(period.start, settlement, period.end, bond.roll, 12 // frequency)
            return parts / period.units
        return days / full
    if rule is Accrual.THIRTY_BACK:
        return 1.0 - frequency * year_fraction(DayCount.THIRTY_E_360, settlement, period.end)
    if rule is Accrual.ACTUAL_365:
        if days >= 365.0 / frequency:
            return 1.0 - (full - days) * frequency / 365.0
        return frequency * days / 365.0
    return days / full


def is_ex_dividend(bond: Bond) -> bool:
    """Whether the next coupon goes to the seller."""
    convention, end = bond.convention, bond.periods[0].end
    if not convention.ex_days:
        return False
    if convention.counts_business_days:
        return bond.settlement > add_business_days(convention.calendar, end, -convention.ex_days)
    return bond.settlement >= end - timedelta(days=convention.ex_days)


def accrued(bond: Bond, rule: Accrual | None = None) -> float:
    """Accrued interest; negative while ex-dividend."""
    share = accrued_share(bond, rule or bond.convention.accrual)
    interest = bond.coupon * bond.periods[0].units * (share - is_ex_dividend(bond))
    decimals = bond.convention.accrued_decimals
    return interest if decimals is None else round(interest, decimals)


def _delay(bond: Bond, index: int) -> float:
    """Days that a coupon is paid late, as a part of the days between payments."""
    period = bond.periods[index]
    late = (bond.payments[index + 1] - period.end).days
    return late / (bond.payments[index + 1] - bond.payments[index]).days


def _first_discount(bond: Bond, rate: Scalar, factor: Scalar) -> Scalar:
    """Discount from the next coupon to settlement."""
    convention, period = bond.convention, bond.periods[0]
    frequency = convention.frequency
    left = (1.0 - accrued_share(bond, convention.yield_accrual)) * (
        1.0 if period.is_regular else period.units
    )
    years = (period.end - bond.settlement).days / 365.0
    if len(bond.periods) == 1 and convention.last is not Last.COMPOUND:
        if convention.last is Last.SIMPLE_365:
            return 1.0 / (1.0 + years * rate)
        late = _delay(bond, 0) if convention.last is Last.SIMPLE_PAID else 0.0
        return 1.0 / (1.0 + (left + late) * rate / frequency)
    if convention.first is First.SIMPLE:
        if left > 1.0:
            return factor / (1.0 + (left - 1.0) * rate / frequency)
        return 1.0 / (1.0 + left * rate / frequency)
    if convention.first is First.COMPOUND_STUB_365 and not period.is_regular:
        return factor**years
    return factor**left


def dirty_price(bond: Bond, rate: Scalar) -> Scalar:
    """Price with accrued interest by the yield accrual, from a yield as a fraction."""
    convention = bond.convention
    frequency = convention.frequency
    if convention.is_annual_yield:
        factor: Scalar = (1.0 + rate) ** (-1.0 / frequency)
    else:
        factor = 1.0 / (1.0 + rate / frequency)
    discount = _first_discount(bond, rate, factor)
    first, *others = bond.periods
    total = discount * (0.0 if is_ex_dividend(bond) else bond.coupon * first.units)
    step = discount
    for index, period in enumerate(others, start=1):
        is_last = index == len(others)
        whole = factor if period.is_regular else factor**period.units
        if is_last and convention.final_simple_30e:
            years = year_fraction(DayCount.THIRTY_E_360, period.start, period.end)
            whole = 1.0 / (1.0 + years * rate)
        late = whole ** (1.0 + _delay(bond, index)) if convention.pays_adjusted else whole
        total = total + bond.coupon * period.units * step * late
        step = step * (late if is_last else whole)
    return total + 100.0 * step


def clean_price(bond: Bond, rate: Scalar) -> Scalar:
    """Quoted price: the dirty price less the interest accrued by the rule of the yield."""
    return dirty_price(bond, rate) - accrued(bond, bond.convention.yield_accrual)


def slope(bond: Bond, rate: float) -> float:
    """Derivative of the price in the yield, exact to rounding."""
    return complex(dirty_price(bond, complex(rate, _EPSILON))).imag / _EPSILON


def curvature(bond: Bond, rate: float) -> float:
    """Second derivative of the price in the yield: a difference of exact slopes."""
    step = 2e-4 * (1.0 + abs(rate))
    far = slope(bond, rate - 2 * step) - slope(bond, rate + 2 * step)
    return (far + 8.0 * (slope(bond, rate + step) - slope(bond, rate - step))) / (12.0 * step)
