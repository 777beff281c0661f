"""Second methods of bonds and bills.

Schedules, calendars and day counts are QuantLib's. Each payment is discounted alone, in decimal
arithmetic of 40 digits; yields are found by halving, durations by differences far below rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from types import ModuleType

from finsvc.calculators.inputs.pricing.bond_conventions import (
    CONVENTIONS,
    Accrual,
    Convention,
    First,
    Last,
    Stub,
)
from finsvc.calculators.inputs.pricing.bonds import (
    BillConvention,
    BillInput,
    BondConvention,
    BondInput,
    BondTerms,
)
from finsvc.calculators.inputs.pricing.dates import DayCount
from finsvc.calculators.second.opinion import Number, opinion
from finsvc.calculators.second.pricing.dates import calendar, day_counter, python_date, ql_date
from finsvc.calculators.second.quantlib_adapter import quantlib
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

METHOD = "QuantLib schedule, each payment discounted in decimals"
"""How it is done, in a few words."""

DIGITS = 40
"""Digits of the arithmetic."""

_STEP = Decimal("1e-12")
_HALVINGS = 110
_ONE = Decimal(1)

_STUB_COUNTS = {
    Stub.THIRTY_E: DayCount.THIRTY_E_360,
    Stub.THIRTY_US: DayCount.THIRTY_360_US,
    Stub.ACTUAL_365: DayCount.ACTUAL_365_FIXED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """One coupon: its size in regular coupons, and what the discount to its start needs."""

    start: date
    end: date
    units: Decimal
    is_regular: bool
    late: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A bond at settlement."""

    convention: Convention
    coupon: Decimal
    coupons: tuple[Coupon, ...]
    is_ex: bool
    left: Decimal
    accrued: Decimal
    yield_accrued: Decimal
    left_years: Decimal
    last_years: Decimal


def _years(ql: ModuleType, convention: DayCount, start: date, end: date) -> Decimal:
    counter = day_counter(ql, convention)
    return Decimal(str(counter.yearFraction(ql_date(ql, start), ql_date(ql, end))))


def _schedule(ql: ModuleType, terms: BondTerms, convention: Convention) -> list[date]:
    tenor = ql.Period(12 // convention.frequency, ql.Months)
    is_end = convention.keeps_month_end and ql.Date.isEndOfMonth(ql_date(ql, terms.maturity))

    def dates(first: date | None) -> list[date]:
        schedule = ql.Schedule(
            ql_date(ql, terms.issue_date),
            ql_date(ql, terms.maturity),
            tenor,
            ql.NullCalendar(),
            ql.Unadjusted,
            ql.Unadjusted,
            ql.DateGeneration.Backward,
            is_end,
            ql.Date() if first is None else ql_date(ql, first),
        )
        return [python_date(day) for day in schedule]

    first = terms.first_coupon
    if first == terms.maturity:
        return [terms.issue_date, terms.maturity]
    found = dates(first)
    is_short = _before(ql, found[1], convention, is_end=is_end) != found[0]
    if first is None and convention.has_long_first and is_short and len(found) > 2:
        found = [found[0], *found[2:]]
    return found


def _before(ql: ModuleType, day: date, convention: Convention, *, is_end: bool) -> date:
    tenor = ql.Period(-12 // convention.frequency, ql.Months)
    moved = ql.NullCalendar().advance(ql_date(ql, day), tenor, ql.Unadjusted, is_end)
    return python_date(moved)


def _units(ql: ModuleType, start: date, end: date, before: date, convention: Convention) -> Decimal:
    if start == before:
        return _ONE
    frequency = Decimal(convention.frequency)
    if convention.stub in _STUB_COUNTS:
        return _years(ql, _STUB_COUNTS[convention.stub], start, end) * frequency
    return _parts(start, end, end, lambda day: _back(ql, day, convention))


def _back(ql: ModuleType, day: date, convention: Convention) -> date:
    is_end = convention.keeps_month_end and bool(ql.Date.isEndOfMonth(ql_date(ql, day)))
    return _before(ql, day, convention, is_end=is_end)


def _parts(start: date, until: date, end: date, back: Callable[[date], date]) -> Decimal:
    """Regular periods from the start of a stub until a day, counted day by day."""
    total, edge = Decimal(0), end
    while edge > start:
        before = back(edge)
        length = (edge - before).days
        inside = [
            before + timedelta(days=k)
            for k in range(length)
            if start <= before + timedelta(days=k) < until
        ]
        total += Decimal(len(inside)) / Decimal(length)
        edge = before
    return total


def _share(
    ql: ModuleType, rule: Accrual, coupon: Coupon, on: date, convention: Convention
) -> Decimal:
    """Part of the coupon that has accrued."""
    frequency = Decimal(convention.frequency)
    days, full = Decimal((on - coupon.start).days), Decimal((coupon.end - coupon.start).days)
    if rule is Accrual.THIRTY_US:
        whole = _years(ql, DayCount.THIRTY_360_US, coupon.start, coupon.end)
        return _years(ql, DayCount.THIRTY_360_US, coupon.start, on) / whole
    if rule is Accrual.DAYS_SPLIT and coupon.units > 1:
        parts = _parts(coupon.start, on, coupon.end, lambda day: _back(ql, day, convention))
        return parts / coupon.units
    if coupon.is_regular and rule is Accrual.THIRTY_BACK:
        return _ONE - frequency * _years(ql, DayCount.THIRTY_E_360, on, coupon.end)
    if coupon.is_regular and rule is Accrual.ACTUAL_365:
        counter = day_counter(ql, DayCount.ACTUAL_365_CANADIAN)
        start, end = ql_date(ql, coupon.start), ql_date(ql, coupon.end)
        if days == 0:
            return Decimal(0)
        fraction = counter.yearFraction(start, ql_date(ql, on), start, end)
        return Decimal(str(fraction)) * frequency
    return days / full


def coupons_left(ql: ModuleType, terms: BondTerms, convention: Convention) -> tuple[Coupon, ...]:
    """Coupons after settlement, the current one first."""
    dates = _schedule(ql, terms, convention)
    open_days = calendar(ql, convention.calendar)
    is_end = convention.keeps_month_end and bool(ql.Date.isEndOfMonth(ql_date(ql, terms.maturity)))

    def paid(day: date) -> date:
        if not convention.pays_adjusted:
            return day
        return python_date(open_days.adjust(ql_date(ql, day), ql.Following))

    coupons = []
    for start, end in pairwise(dates):
        before = _before(ql, end, convention, is_end=is_end)
        late = Decimal((paid(end) - end).days) / Decimal((paid(end) - paid(start)).days)
        units = _units(ql, start, end, before, convention)
        is_regular = start == before
        coupons.append(Coupon(start=start, end=end, units=units, is_regular=is_regular, late=late))
    return tuple(coupon for coupon in coupons if coupon.end > terms.as_of)


def _is_ex(ql: ModuleType, convention: Convention, end: date, on: date) -> bool:
    if convention.ex_days == 0:
        return False
    if not convention.counts_business_days:
        return (end - on).days <= convention.ex_days
    open_days = calendar(ql, convention.calendar)
    last = open_days.advance(ql_date(ql, end), -convention.ex_days, ql.Days)
    return on > python_date(last)


def ledger(ql: ModuleType, terms: BondTerms) -> Ledger:
    """Lay out what is left of a bond."""
    convention = CONVENTIONS[terms.convention]
    coupons = coupons_left(ql, terms, convention)
    current = coupons[0]
    is_ex = _is_ex(ql, convention, current.end, terms.as_of)
    coupon = Decimal(100) * terms.coupon_rate / convention.frequency
    shares = [
        _share(ql, rule, current, terms.as_of, convention)
        for rule in (convention.accrual, convention.yield_accrual)
    ]
    interest = [coupon * current.units * (share - int(is_ex)) for share in shares]
    if convention.accrued_decimals is not None:
        interest = [round(item, convention.accrued_decimals) for item in interest]
    final = coupons[-1]
    return Ledger(
        convention=convention,
        coupon=coupon,
        coupons=coupons,
        is_ex=is_ex,
        left=(_ONE - shares[1]) * current.units,
        accrued=interest[0],
        yield_accrued=interest[1],
        left_years=Decimal((current.end - terms.as_of).days) / 365,
        last_years=_years(ql, DayCount.THIRTY_E_360, final.start, final.end),
    )


def _to_first(book: Ledger, rate: Decimal) -> Decimal:
    """Discount of the first payment left."""
    convention, left, frequency = book.convention, book.left, book.convention.frequency
    base = _period_base(book, rate)
    if len(book.coupons) == 1 and convention.last is not Last.COMPOUND:
        if convention.last is Last.SIMPLE_365:
            return _ONE / (_ONE + rate * book.left_years)
        late = book.coupons[0].late if convention.last is Last.SIMPLE_PAID else Decimal(0)
        return _ONE / (_ONE + rate * (left + late) / frequency)
    if convention.first is First.SIMPLE:
        whole = max(0, int(left > 1))
        return base**-whole / (_ONE + rate * (left - whole) / frequency)
    if convention.first is First.COMPOUND_STUB_365 and not book.coupons[0].is_regular:
        return base**-book.left_years
    return base**-left


def _period_base(book: Ledger, rate: Decimal) -> Decimal:
    frequency = book.convention.frequency
    if book.convention.is_annual_yield:
        return (_ONE + rate) ** (_ONE / frequency)
    return _ONE + rate / frequency


def value(book: Ledger, rate: Decimal) -> Decimal:
    """Dirty price by the accrual of the yield."""
    base, start = _period_base(book, rate), _to_first(book, rate)
    total = Decimal(0) if book.is_ex else start * book.coupon * book.coupons[0].units
    final = start
    for index, coupon in enumerate(book.coupons[1:], start=1):
        periods = sum((item.units for item in book.coupons[1:index]), Decimal(0))
        own = coupon.units
        if book.convention.pays_adjusted:
            own *= _ONE + coupon.late
        discount = start * base ** -(periods + own)
        if index == len(book.coupons) - 1 and book.convention.final_simple_30e:
            discount = start * base**-periods / (_ONE + rate * book.last_years)
        total += discount * book.coupon * coupon.units
        final = discount
    return total + 100 * final


def solve(book: Ledger, clean: Decimal) -> Decimal:
    """Yield of a clean price, by halving the interval."""
    low, high = Decimal("-0.99"), _ONE
    while value(book, high) - book.yield_accrued > clean:
        high *= 4
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if value(book, middle) - book.yield_accrued > clean:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def confirm_bond(inputs: BondInput, market: MarketView) -> SecondOpinion:
    """Price, yield and their derivatives."""
    with quantlib(inputs.as_of) as ql, localcontext() as context:
        context.prec = DIGITS
        book = ledger(ql, inputs)
        if inputs.yield_rate is not None:
            rate = inputs.yield_rate
        elif inputs.clean_price is not None:
            rate = solve(book, inputs.clean_price)
        else:
            rate = solve(book, (inputs.dirty_price or Decimal(0)) - book.accrued)
        dirty, up, down = (value(book, rate + move) for move in (Decimal(0), _STEP, -_STEP))
        slope, bend = (up - down) / (2 * _STEP), (up - 2 * dirty + down) / _STEP**2
        clean = dirty - book.yield_accrued
        frequency = 1 if book.convention.is_annual_yield else book.convention.frequency
        modified = -slope / dirty
        values: dict[str, Number] = {
            "clean_price": clean,
            "dirty_price": clean + book.accrued,
            "accrued_interest": book.accrued,
            "yield": 100 * rate,
            "modified_duration": modified,
            "macaulay_duration": modified * (_ONE + rate / frequency),
            "convexity": bend / dirty,
            "dv01": -slope / 10_000,
        }
        return opinion(METHOD, values)


def confirm_bill(inputs: BillInput, market: MarketView) -> SecondOpinion:
    """Rates of a bill from its price, and the other way round, in decimals."""
    base, is_discount, convention = {
        BillConvention.US: (360, True, BondConvention.US_TREASURY),
        BillConvention.UK: (365, False, BondConvention.UK_GILT),
        BillConvention.SWEDISH: (360, False, BondConvention.SWEDISH),
        BillConvention.NORWEGIAN: (365, True, BondConvention.NORWEGIAN),
    }[inputs.convention]
    with quantlib(inputs.as_of) as ql, localcontext() as context:
        context.prec = DIGITS
        days = Decimal((inputs.maturity - inputs.as_of).days)
        rate = inputs.quoted_rate or Decimal(0)
        price = inputs.price
        if price is None:
            paid = 100 - 100 * rate * days / base
            price = paid if is_discount else 100 * base / (base + rate * days)
        years = int(days) // 365 + 2
        issue = python_date(
            ql.NullCalendar().advance(ql_date(ql, inputs.maturity), -years, ql.Years)
        )
        zero = BondTerms(
            as_of=inputs.as_of,
            convention=convention,
            issue_date=issue,
            maturity=inputs.maturity,
            coupon_rate=Decimal(0),
        )
        return opinion(
            METHOD,
            {
                "price": price,
                "discount_rate": (100 - price) * base / days,
                "simple_rate": 100 * (100 - price) / price * base / days,
                "yield": 100 * solve(ledger(ql, zero), price),
            },
        )
