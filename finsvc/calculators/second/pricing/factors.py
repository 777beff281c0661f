"""Second method of conversion factors: the cash flows behind each exchange's formula."""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from types import ModuleType

from finsvc.calculators.inputs.pricing.bond_conventions import CONVENTIONS
from finsvc.calculators.inputs.pricing.bonds import ConversionFactorInput, FutureConvention
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.pricing.bonds import DIGITS, METHOD, coupons_left, ledger, value
from finsvc.calculators.second.pricing.dates import python_date, ql_date
from finsvc.calculators.second.quantlib_adapter import quantlib
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_ONE = Decimal(1)


def confirm_conversion_factor(inputs: ConversionFactorInput, market: MarketView) -> SecondOpinion:
    """Conversion factors by discounting the cash flows that each formula stands for."""
    with quantlib(inputs.as_of) as ql, localcontext() as context:
        context.prec = DIGITS
        if inputs.future is FutureConvention.ICE_GILT:
            book = ledger(ql, inputs)
            factor = (value(book, inputs.notional_rate) - book.yield_accrued) / 100
            return opinion(METHOD, {"conversion_factor": round(factor, 7)})
        if inputs.future is FutureConvention.EUREX_EURO:
            return opinion(METHOD, {"conversion_factor": round(_euro(ql, inputs), 6)})
        if inputs.future is FutureConvention.EUREX_SWISS:
            return opinion(METHOD, {"conversion_factor": round(_swiss(ql, inputs), 6)})
        return opinion(METHOD, {"conversion_factor": round(_american(ql, inputs), 4)})


def _later(ql: ModuleType, day: date, months: int) -> date:
    moved = ql.NullCalendar().advance(ql_date(ql, day), months, ql.Months)
    return python_date(moved)


def _whole_months(ql: ModuleType, start: date, end: date) -> int:
    """Months that can be added to a day without passing another."""
    months = 0
    while _later(ql, start, months + 1) <= end:
        months += 1
    return months


def _flows(coupon: Decimal, rate: Decimal, first: Decimal, count: int) -> Decimal:
    """Value of ``count`` payments one period apart, the first after ``first`` periods, and one."""
    base = _ONE + rate
    total = sum((coupon * base ** -(first + k) for k in range(count)), Decimal(0))
    return total + base ** -(first + count - 1)


def _american(ql: ModuleType, inputs: ConversionFactorInput) -> Decimal:
    months = _whole_months(ql, inputs.as_of.replace(day=1), inputs.maturity)
    if inputs.future is FutureConvention.CME_LONG:
        months -= months % 3
    half, rate = inputs.coupon_rate / 2, inputs.notional_rate / 2
    periods, rest = divmod(months, 6)
    if rest == 0:
        return _flows(half, rate, _ONE, periods)
    # The next coupon comes after the odd months; what of it belongs to the seller is taken off.
    first = Decimal(rest) / 6
    return _flows(half, rate, first, periods + 1) - half * (_ONE - first)


def _swiss(ql: ModuleType, inputs: ConversionFactorInput) -> Decimal:
    months = _whole_months(ql, inputs.as_of, inputs.maturity - timedelta(days=1))
    years, rest = divmod(months, 12)
    first = Decimal(rest) / 12
    coupon = inputs.coupon_rate
    return _flows(coupon, inputs.notional_rate, first, years + 1) - coupon * (_ONE - first)


def _euro(ql: ModuleType, inputs: ConversionFactorInput) -> Decimal:
    coupon = coupons_left(ql, inputs, CONVENTIONS[inputs.convention])[0]
    years = [_later(ql, coupon.end, -12 * k) for k in range(3)]

    def part(day: date) -> Decimal:
        """Years from a day to the anniversary before the next coupon, negative after it."""
        days = Decimal((years[1] - day).days)
        length = (years[0] - years[1]).days if days < 0 else (years[1] - years[2]).days
        return days / Decimal(length)

    first, carried = part(inputs.as_of), part(coupon.start)
    count = round((inputs.maturity - coupon.end).days / 365.25)
    rate, base = inputs.notional_rate, _ONE + inputs.notional_rate
    flows = _flows(inputs.coupon_rate, rate, _ONE + first, count + 1)
    partial = inputs.coupon_rate * carried * base ** -(_ONE + first)
    return flows + partial - inputs.coupon_rate * (carried - first)
