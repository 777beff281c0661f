"""Second methods of curves and of what is discounted on them: QuantLib's bootstrap and engines.

Swap quotes need floating coupons at par, which is a setting of the library that is put back under
the same lock as its date.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import ModuleType
from typing import Protocol

from finsvc.calculators.inputs.pricing.dates import CalendarName
from finsvc.calculators.inputs.pricing.rates import (
    CurveInput,
    CurveTerms,
    FraInput,
    FraSide,
    FxForwardInput,
    SwapInput,
    SwapQuote,
    SwapSide,
)
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.pricing.dates import (
    QlDate,
    calendar,
    day_counter,
    python_date,
    ql_date,
)
from finsvc.calculators.second.quantlib_adapter import quantlib
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_ACCURACY = 1e-15
_BASIS_POINT = 1e-4


class QlCurve(Protocol):
    """A yield curve of the library."""

    def discount(self, day: object, extrapolate: bool = ...) -> float:
        """Discount factor."""

    def dates(self) -> tuple[QlDate, ...]:
        """Dates of the curve."""


class QlHelper(Protocol):
    """A quote of the library."""

    def impliedQuote(self) -> float:  # noqa: N802 (the library's name)
        """Rate that the curve gives."""


@contextmanager
def at_par(on: date) -> Iterator[ModuleType]:
    """Lend the library with floating coupons at par."""
    with quantlib(on) as ql:
        ql.IborCoupon.createAtParCoupons()
        try:
            yield ql
        finally:
            ql.IborCoupon.createIndexedCoupons()


def _index(ql: ModuleType, months: int, name: CalendarName, handle: object) -> object:
    """A floating rate that follows the accrual periods of a swap."""
    return ql.IborIndex(
        "floating",
        ql.Period(months, ql.Months),
        0,
        ql.EURCurrency(),
        calendar(ql, name),
        ql.ModifiedFollowing,
        False,
        ql.Actual360(),
        handle,
    )


def _helper(
    ql: ModuleType, terms: CurveTerms, position: int, discount: QlCurve | None
) -> tuple[str, QlHelper]:
    quote = terms.quotes[position]
    open_days, rate = calendar(ql, terms.calendar), float(quote.rate)
    count = day_counter(ql, quote.day_count)
    handle = ql.QuoteHandle(ql.SimpleQuote(rate))
    made: QlHelper
    if isinstance(quote, SwapQuote):
        index = ql.IborIndex(
            "floating",
            ql.Period(12 // (quote.floating_payments_a_year or quote.payments_a_year), ql.Months),
            terms.spot_days,
            ql.EURCurrency(),
            open_days,
            ql.ModifiedFollowing,
            False,
            ql.Actual360(),
        )
        tenor, rule = ql.Period(quote.months, ql.Months), ql.ModifiedFollowing
        frequency = {1: ql.Annual, 2: ql.Semiannual, 4: ql.Quarterly, 12: ql.Monthly}
        fixed = (handle, tenor, open_days, frequency[quote.payments_a_year], rule, count, index)
        more = (ql.QuoteHandle(), ql.Period(0, ql.Days), ql.YieldTermStructureHandle(discount))
        made = ql.SwapRateHelper(*fixed, *(more if terms.is_projection else ()))
        return f"swap_{quote.months}m", made
    if quote.kind == "fra":
        made = ql.FraRateHelper(
            handle,
            quote.start_months,
            quote.end_months,
            terms.spot_days,
            open_days,
            ql.ModifiedFollowing,
            False,
            count,
        )
        return f"fra_{quote.start_months}x{quote.end_months}m", made
    made = ql.DepositRateHelper(
        handle,
        ql.Period(quote.months, ql.Months),
        terms.spot_days,
        open_days,
        ql.ModifiedFollowing,
        False,
        count,
    )
    return f"deposit_{quote.months}m", made


def ql_curve(
    ql: ModuleType, terms: CurveTerms, on: date, discount: QlCurve | None = None
) -> tuple[QlCurve, dict[str, QlHelper]]:
    """Build the library's curve and its quotes by name; ``discount`` where terms ask for it."""
    start, count = ql_date(ql, on), ql.Actual365Fixed()
    curve: QlCurve
    helpers: dict[str, QlHelper] = {}
    if terms.zero_rate is not None:
        curve = ql.FlatForward(start, float(terms.zero_rate), count)
    elif terms.nodes:
        days = [start, *(ql_date(ql, node.date) for node in terms.nodes)]
        factors = [1.0, *(float(node.discount_factor) for node in terms.nodes)]
        made = ql.DiscountCurve(days, factors, count)
        made.enableExtrapolation()
        curve = made
    else:
        places = range(len(terms.quotes))
        helpers = dict(_helper(ql, terms, position, discount) for position in places)
        bootstrap = ql.IterativeBootstrap(_ACCURACY)
        made = ql.PiecewiseLogLinearDiscount(start, list(helpers.values()), count, bootstrap)
        made.enableExtrapolation()
        curve = made
    return curve, helpers


def confirm_curve(inputs: CurveInput, market: MarketView) -> SecondOpinion:
    """Discount factors and zero rates by the library's bootstrap."""
    with at_par(inputs.as_of) as ql:
        other = inputs.discount_curve
        discount = None if other is None else ql_curve(ql, other, inputs.as_of)[0]
        curve, helpers = ql_curve(ql, inputs, inputs.as_of, discount)
        days = inputs.dates or tuple(python_date(day) for day in curve.dates()[1:])
        values: dict[str, float] = {}
        for day in days:
            factor = curve.discount(ql_date(ql, day), True)
            values[f"discount_factor.{day.isoformat()}"] = factor
            if day > inputs.as_of:
                years = (day - inputs.as_of).days / 365.0
                rate = ql.InterestRate.impliedRate(
                    1.0 / factor, ql.Actual365Fixed(), ql.Continuous, ql.Annual, years
                )
                values[f"zero_rate.{day.isoformat()}"] = 100.0 * rate.rate()
        names = [_name(quote) for quote in inputs.quotes]
        for name, quote in zip(names, inputs.quotes, strict=True):
            gap = helpers[name].impliedQuote() - float(quote.rate)
            values[f"repricing_error.{name}"] = gap / _BASIS_POINT
    return opinion("QuantLib piecewise log-linear curve", values)


def _name(quote: object) -> str:
    kind, months = getattr(quote, "kind", ""), getattr(quote, "months", 0)
    if kind == "fra":
        return f"fra_{getattr(quote, 'start_months', 0)}x{getattr(quote, 'end_months', 0)}m"
    return f"{kind}_{months}m"


def _shifted(ql: ModuleType, curve: QlCurve, shift: float) -> QlCurve:
    spread = ql.QuoteHandle(ql.SimpleQuote(shift))
    moved = ql.ZeroSpreadedTermStructure(ql.YieldTermStructureHandle(curve), spread)
    moved.enableExtrapolation()
    handle: QlCurve = ql.YieldTermStructureHandle(moved)
    return handle


def _slope(value: Callable[[float], float]) -> float:
    return (value(_BASIS_POINT) - value(-_BASIS_POINT)) / 2.0


def confirm_swap(inputs: SwapInput, market: MarketView) -> SecondOpinion:
    """QuantLib's swap and discounting engine."""
    with at_par(inputs.as_of) as ql:
        discount, _ = ql_curve(ql, inputs.discount_curve, inputs.as_of)
        projected = inputs.forward_curve or inputs.discount_curve
        forward, _ = ql_curve(ql, projected, inputs.as_of, discount)

        def swap(shift: float) -> object:
            return _ql_swap(ql, inputs, _shifted(ql, discount, shift), _shifted(ql, forward, shift))

        base = _results(swap(0.0))
        sign = -1.0 if inputs.side is SwapSide.PAY_FIXED else 1.0
        values = {
            "present_value": base["npv"],
            "fixed_leg": base["fixed"],
            "floating_leg": base["floating"],
            "annuity": sign * base["bps"] / _BASIS_POINT,
            "fair_rate": 100.0 * base["fair"],
            "pv01": _slope(lambda shift: _results(swap(shift))["npv"]),
        }
    return opinion("QuantLib VanillaSwap", values)


class _Swap(Protocol):
    def NPV(self) -> float: ...  # noqa: N802 (the library's name)

    def fairRate(self) -> float: ...  # noqa: N802 (the library's name)

    def fixedLegNPV(self) -> float: ...  # noqa: N802 (the library's name)

    def fixedLegBPS(self) -> float: ...  # noqa: N802 (the library's name)

    def floatingLegNPV(self) -> float: ...  # noqa: N802 (the library's name)


def _results(swap: object) -> dict[str, float]:
    made: _Swap = swap  # type: ignore[assignment] # the library ships no types
    return {
        "npv": made.NPV(),
        "fixed": made.fixedLegNPV(),
        "floating": made.floatingLegNPV(),
        "bps": made.fixedLegBPS(),
        "fair": made.fairRate(),
    }


def _ql_swap(ql: ModuleType, inputs: SwapInput, discount: object, forward: object) -> object:
    open_days = calendar(ql, inputs.calendar)

    def schedule(payments_a_year: int) -> object:
        return ql.Schedule(
            ql_date(ql, inputs.start),
            ql_date(ql, inputs.maturity),
            ql.Period(12 // payments_a_year, ql.Months),
            open_days,
            ql.ModifiedFollowing,
            ql.ModifiedFollowing,
            ql.DateGeneration.Backward,
            False,
        )

    months = 12 // inputs.floating_payments_a_year
    index = _index(ql, months, inputs.calendar, forward)
    is_payer = inputs.side is SwapSide.PAY_FIXED
    swap = ql.VanillaSwap(
        ql.Swap.Payer if is_payer else ql.Swap.Receiver,
        float(inputs.notional),
        schedule(inputs.fixed_payments_a_year),
        float(inputs.fixed_rate),
        day_counter(ql, inputs.fixed_day_count),
        schedule(inputs.floating_payments_a_year),
        index,
        float(inputs.spread),
        day_counter(ql, inputs.floating_day_count),
    )
    ql.IndexManager.instance().clearHistories()
    if inputs.current_fixing is not None:
        for flow in swap.floatingLeg():
            fixing = ql.as_floating_rate_coupon(flow).fixingDate()
            if fixing < ql_date(ql, inputs.as_of):
                index.addFixing(fixing, float(inputs.current_fixing), True)  # type: ignore[attr-defined] # the library ships no types
    swap.setPricingEngine(ql.DiscountingSwapEngine(discount, False))
    return swap


def confirm_fra(inputs: FraInput, market: MarketView) -> SecondOpinion:
    """Two zero bonds and the contract's interest, on QuantLib's curves."""
    with at_par(inputs.as_of) as ql:
        discount, _ = ql_curve(ql, inputs.discount_curve, inputs.as_of)
        projected = inputs.forward_curve or inputs.discount_curve
        forward, _ = ql_curve(ql, projected, inputs.as_of, discount)
        count = day_counter(ql, inputs.day_count)
        start, end = ql_date(ql, inputs.start), ql_date(ql, inputs.end)
        years = count.yearFraction(start, end)
        sign = float(inputs.notional) * (1.0 if inputs.side is FraSide.BUY else -1.0)

        def value(shift: float) -> float:
            paid, ahead = (_shifted(ql, curve, shift) for curve in (discount, forward))
            growth = ahead.discount(start, True) / ahead.discount(end, True)
            fixed = 1.0 + years * float(inputs.contract_rate)
            return sign * paid.discount(start, True) * (1.0 - fixed / growth)

        ratio = forward.discount(start, True) / forward.discount(end, True)
        rate = ql.InterestRate.impliedRate(ratio, ql.Actual365Fixed(), ql.Simple, ql.Annual, years)
        values = {
            "present_value": value(0.0),
            "pv01": _slope(value),
            "forward_rate": 100.0 * rate.rate(),
        }
    return opinion("zero bonds on QuantLib curves", values)


def confirm_fx_forward(inputs: FxForwardInput, market: MarketView) -> SecondOpinion:
    """Both cash flows discounted in their own currencies, on QuantLib's curves."""
    with at_par(inputs.as_of) as ql:
        base, _ = ql_curve(ql, inputs.base_curve, inputs.as_of)
        quote, _ = ql_curve(ql, inputs.quote_curve, inputs.as_of)
        spot_day = ql_date(ql, inputs.spot_date or inputs.as_of)
        delivery = ql_date(ql, inputs.delivery)
        paid = quote.discount(delivery, True)
        # Spot delivered later than today is worth this much today.
        spot = float(inputs.spot_rate) * quote.discount(spot_day, True)
        spot /= base.discount(spot_day, True)
        bought = float(inputs.notional) * base.discount(delivery, True) * spot
        sold = float(inputs.notional) * float(inputs.contract_rate) * paid
        forward = base.discount(delivery, True) * spot / paid
        values = {
            "present_value": bought - sold,
            "forward_rate": forward,
            "forward_points": forward - float(inputs.spot_rate),
            "discount_factor": paid,
        }
    return opinion("both legs on QuantLib curves", values)
