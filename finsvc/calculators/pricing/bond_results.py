"""Bonds, bills and conversion factors as calculators."""

from datetime import date, timedelta
from decimal import Decimal

from scipy.optimize import brentq  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.computation import Computation, Figure
from finsvc.calculators.inputs.base import decimal_text
from finsvc.calculators.inputs.pricing.bonds import (
    BillConvention,
    BillInput,
    BondConvention,
    BondInput,
    BondTerms,
    ConversionFactorInput,
    FutureConvention,
)
from finsvc.calculators.pricing.bonds import (
    Bond,
    accrued,
    build,
    clean_price,
    curvature,
    dirty_price,
    slope,
)
from finsvc.calculators.pricing.daycount import add_months
from finsvc.domain.errors import InputError
from finsvc.domain.market import MarketView

_YIELD_LOW, _YIELD_HIGH = -0.99, 1e7
_YIELD_TOLERANCE = 1e-15
_UNIT = "% of face value"


def solve_yield(bond: Bond, clean: float) -> float:
    """Yield at which the bond is worth a clean price.

    Raises:
        InputError: no yield between -99 % and the largest sensible one gives the price.
    """

    def gap(rate: float) -> float:
        return complex(clean_price(bond, rate)).real - clean

    high = 1.0
    while gap(high) > 0.0 and high < _YIELD_HIGH:
        high *= 4.0
    if gap(_YIELD_LOW) < 0.0 or gap(high) > 0.0:
        raise InputError(
            field="clean_price", expected="a price that some yield gives", actual=f"{clean:.6f}"
        )
    return float(brentq(gap, _YIELD_LOW, high, xtol=_YIELD_TOLERANCE, rtol=1e-14, maxiter=500))


def bond_price(inputs: BondInput, market: MarketView) -> Computation:
    """Price a bond from its yield, or solve the yield of a price.

    Raises:
        InputError: no yield gives the price.
    """
    bond = build(inputs)
    interest = accrued(bond)
    if inputs.yield_rate is not None:
        rate = float(inputs.yield_rate)
        clean = complex(clean_price(bond, rate)).real
    else:
        dirty = inputs.dirty_price
        clean = float(inputs.clean_price or 0) if dirty is None else float(dirty) - interest
        rate = solve_yield(bond, clean)
    value = complex(dirty_price(bond, rate)).real
    modified = -slope(bond, rate) / value
    frequency = 1 if bond.convention.is_annual_yield else bond.convention.frequency
    figures = {
        "clean_price": (clean, _UNIT, 6),
        "dirty_price": (clean + interest, _UNIT, 6),
        "accrued_interest": (interest, _UNIT, 6),
        "yield": (100.0 * rate, "%", 6),
        "modified_duration": (modified, "years", 4),
        "macaulay_duration": (modified * (1.0 + rate / frequency), "years", 4),
        "convexity": (curvature(bond, rate) / value, "years^2", 4),
        "dv01": (-slope(bond, rate) / 10_000.0, _UNIT, 6),
    }
    return Computation(
        headline="clean_price" if inputs.yield_rate is not None else "yield",
        fields={
            name: Figure(value=value, unit=unit, decimals=decimals)
            for name, (value, unit, decimals) in figures.items()
        },
        labels={"subject": f"{_name(inputs)} at settlement {inputs.as_of.isoformat()}"},
        as_of=inputs.as_of,
        method=inputs.convention.value,
        parameters={
            "convention": inputs.convention.value,
            "next_coupon": bond.periods[0].end.isoformat(),
            "coupons_left": str(len(bond.periods)),
        },
        notes=(
            f"The yield compounds {frequency} times a year by the market's convention.",
            "Modified duration and convexity are relative to the dirty price; dv01 is the gain for "
            "100 of face value when the yield falls by a basis point.",
        ),
    )


def _name(terms: BondTerms) -> str:
    coupon = decimal_text(terms.coupon_rate * 100)
    return f"the {coupon} % {terms.convention.value} bond of {terms.maturity.isoformat()}"


_BILL_BASES = {
    BillConvention.US: (360.0, True, BondConvention.US_TREASURY),
    BillConvention.UK: (365.0, False, BondConvention.UK_GILT),
    BillConvention.SWEDISH: (360.0, False, BondConvention.SWEDISH),
    BillConvention.NORWEGIAN: (365.0, True, BondConvention.NORWEGIAN),
}


def bill_price(inputs: BillInput, market: MarketView) -> Computation:
    """Price a bill from its quote or the quote from its price; the yield is that of a zero bond.

    Raises:
        InputError: a discount so large that the price is not positive.
    """
    base, is_discount, convention = _BILL_BASES[inputs.convention]
    years = (inputs.maturity - inputs.as_of).days / base
    if inputs.price is not None:
        price = float(inputs.price)
    else:
        rate = float(inputs.quoted_rate or 0)
        price = 100.0 * (1.0 - rate * years) if is_discount else 100.0 / (1.0 + rate * years)
    if price <= 0.0:
        raise InputError(
            field="quoted_rate", expected="a rate that leaves a price", actual=f"{price:.6f}"
        )
    rates = {
        "discount_rate": (1.0 - price / 100.0) / years,
        "simple_rate": (100.0 / price - 1) / years,
    }
    bond = build(
        BondTerms(
            as_of=inputs.as_of,
            currency=inputs.currency,
            convention=convention,
            issue_date=_regular_start(inputs.as_of, inputs.maturity),
            maturity=inputs.maturity,
            coupon_rate=Decimal(0),
        )
    )
    rates["yield"] = solve_yield(bond, price)
    fields = {"price": Figure(value=price, unit=_UNIT, decimals=6)}
    fields |= {
        name: Figure(value=100.0 * rate, unit="%", decimals=4) for name, rate in rates.items()
    }
    return Computation(
        headline="price" if inputs.price is None else "yield",
        fields=fields,
        labels={"subject": f"the {inputs.convention.value} bill of {inputs.maturity.isoformat()}"},
        as_of=inputs.as_of,
        method="discount" if is_discount else "simple",
        parameters={"convention": inputs.convention.value, "day_count_base": f"{base:.0f}"},
        notes=("The yield is that of a bond without coupons in the same market.",),
    )


def _regular_start(settlement: date, maturity: date) -> date:
    """A date on the grid of annual steps back from maturity, on or before settlement."""
    years = 1
    while add_months(maturity, -12 * years) > settlement:
        years += 1
    return add_months(maturity, -12 * years)


def conversion_factor(inputs: ConversionFactorInput, market: MarketView) -> Computation:
    """Conversion factor of a bond in a futures contract, rounded as the exchange publishes it."""
    bond = build(inputs)
    coupon, notional = float(inputs.coupon_rate), float(inputs.notional_rate)
    if inputs.future is FutureConvention.ICE_GILT:
        value, decimals = complex(clean_price(bond, notional)).real / 100.0, 7
    elif inputs.future is FutureConvention.EUREX_EURO:
        value, decimals = _eurex_euro(bond, inputs.maturity, coupon, notional), 6
    elif inputs.future is FutureConvention.EUREX_SWISS:
        value, decimals = _eurex_swiss(inputs.as_of, inputs.maturity, coupon, notional), 6
    else:
        is_long = inputs.future is FutureConvention.CME_LONG
        value = _cme(inputs.as_of, inputs.maturity, (coupon, notional), is_long=is_long)
        decimals = 4
    rounded = round(Decimal(f"{value:.12f}"), decimals)
    return Computation(
        headline="conversion_factor",
        fields={"conversion_factor": Figure(value=rounded, unit="1", decimals=decimals)},
        labels={"subject": f"{_name(inputs)} in a {inputs.future.value} contract"},
        as_of=inputs.as_of,
        method=inputs.future.value,
        parameters={"notional_rate": decimal_text(inputs.notional_rate)},
        notes=(f"Rounded to {decimals} places as the exchange does.",),
    )


def _months_between(start: date, end: date) -> int:
    """Whole months from one date to another."""
    months = 12 * (end.year - start.year) + end.month - start.month
    return months if end.day >= start.day else months - 1


def _cme(first: date, maturity: date, rates: tuple[float, float], *, is_long: bool) -> float:
    """CME's formula on whole years and months from the first delivery day; months by quarters."""
    coupon, notional = rates
    years, months = divmod(_months_between(first.replace(day=1), maturity), 12)
    months = months // 3 * 3 if is_long else months
    part = months if months < 7 else (3 if is_long else months - 6)
    base = 1.0 + notional / 2.0
    last = base ** -(2.0 * years + (months >= 7))
    whole = coupon / 2.0 + last + coupon / notional * (1.0 - last)
    return float(base ** (-part / 6.0) * whole - coupon / 2.0 * (6 - part) / 6.0)


def _eurex_euro(bond: Bond, maturity: date, coupon: float, notional: float) -> float:
    """Eurex's formula on actual days between coupon anniversaries."""
    following_coupon, delivery = bond.periods[0].end, bond.settlement
    last_coupon = bond.periods[0].start
    year_before, two_before = (add_months(following_coupon, -12 * k) for k in (1, 2))

    def year_days(days: int) -> int:
        later = days < 0
        start = year_before if later else two_before
        return ((following_coupon if later else year_before) - start).days

    since = (year_before - delivery).days
    carried = (year_before - last_coupon).days
    time = 1.0 + since / year_days(since)
    share = carried / year_days(carried)
    years = round((maturity - following_coupon).days / 365.25)
    base = 1.0 + notional
    whole = coupon * share + coupon / notional * (base - base**-years) + base**-years
    return float(base**-time * whole - coupon * (share - since / year_days(since)))


def _eurex_swiss(delivery: date, maturity: date, coupon: float, notional: float) -> float:
    """Eurex's formula on whole years and whole months to maturity."""
    years, months = divmod(_months_between(delivery, maturity - timedelta(days=1)), 12)
    part, base = months / 12.0, 1.0 + notional
    whole = coupon / notional * (base - base**-years) + base**-years
    return float(base**-part * whole - coupon * (1.0 - part))
