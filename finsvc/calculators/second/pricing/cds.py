"""Second method of credit default swaps: QuantLib's ISDA engine."""

from datetime import timedelta
from types import ModuleType
from typing import Protocol

from finsvc.calculators.inputs.pricing.rates import CdsInput, CdsSide
from finsvc.calculators.second.opinion import opinion
from finsvc.calculators.second.pricing.curves import at_par, ql_curve
from finsvc.calculators.second.pricing.dates import ql_date
from finsvc.domain.market import MarketView
from finsvc.domain.results import SecondOpinion

_BASIS_POINT = 1e-4
_HAZARD_MAX = 1000.0
_HALVINGS = 60


class _Swap(Protocol):
    def setPricingEngine(self, engine: object) -> None: ...  # noqa: N802 (the library's name)

    def NPV(self) -> float: ...  # noqa: N802 (the library's name)

    def defaultLegNPV(self) -> float: ...  # noqa: N802 (the library's name)

    def couponLegBPS(self) -> float: ...  # noqa: N802 (the library's name)


class _Deal:
    """A contract of the library on one curve."""

    def __init__(self, ql: ModuleType, inputs: CdsInput) -> None:
        self.ql, self.inputs = ql, inputs
        curve, _ = ql_curve(ql, inputs.curve, inputs.as_of)
        if inputs.curve.zero_rate is not None:
            # The engine wants the pieces of the curve; a flat one has none.
            curve = ql.FlatForward(
                ql_date(ql, inputs.as_of), float(inputs.curve.zero_rate), ql.Actual365Fixed()
            )
        self.curve = ql.YieldTermStructureHandle(curve)
        self.recovery = float(inputs.recovery_rate)
        on = ql_date(ql, inputs.as_of)
        # The library counts the extra last day only where coupons come before the last.
        self.schedule = ql.Schedule(
            ql.NullCalendar().advance(on, -4, ql.Months),
            ql_date(ql, inputs.maturity),
            ql.Period(3, ql.Months),
            ql.WeekendsOnly(),
            ql.Following,
            ql.Unadjusted,
            ql.DateGeneration.CDS,
            False,
        )
        tomorrow = ql_date(ql, inputs.as_of + timedelta(days=1))
        begun = [day for day in list(self.schedule)[:-1] if day <= tomorrow]
        self.accrued = float(ql.Actual360().yearFraction(begun[-1], tomorrow))
        settlement = ql.WeekendsOnly().advance(on, 3, ql.Days)
        self.discount = float(self.curve.discount(settlement))

    def swap(self, coupon: float) -> _Swap:
        """A contract with a coupon, bought."""
        ql, inputs = self.ql, self.inputs
        on = ql_date(ql, inputs.as_of)
        made: _Swap = ql.CreditDefaultSwap(
            ql.Protection.Buyer,
            1.0,
            0.0,
            coupon,
            self.schedule,
            ql.Following,
            ql.Actual360(),
            True,
            True,
            on,
            ql.WeekendsOnly().advance(on, 3, ql.Days),
            ql.FaceValueClaim(),
            ql.Actual360(True),
            False,
            on,
            3,
        )
        return made

    def hazard(self, spread: float) -> float:
        """Hazard rate at which a contract with the spread as coupon costs nothing, by halving."""
        low, high = 0.0, 0.1
        if spread == 0.0:
            return 0.0
        while self.worth(spread, high) < 0.0 and high < _HAZARD_MAX:
            high *= 2.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            if self.worth(spread, middle) < 0.0:
                low = middle
            else:
                high = middle
        return (low + high) / 2.0

    def worth(self, coupon: float, hazard: float) -> float:
        """Value of a bought contract, the accrued premium given back at settlement."""
        rebate = coupon * self.accrued * self.discount
        return self.priced(coupon, hazard).NPV() + rebate

    def priced(self, coupon: float, hazard: float) -> _Swap:
        """A contract with its engine."""
        ql = self.ql
        on = ql_date(ql, self.inputs.as_of)
        flat = ql.FlatHazardRate(on, ql.QuoteHandle(ql.SimpleQuote(hazard)), ql.Actual365Fixed())
        engine = ql.IsdaCdsEngine(
            ql.DefaultProbabilityTermStructureHandle(flat),
            self.recovery,
            self.curve,
            False,
            ql.IsdaCdsEngine.Taylor,
            ql.IsdaCdsEngine.HalfDayBias,
            ql.IsdaCdsEngine.Piecewise,
        )
        made = self.swap(coupon)
        made.setPricingEngine(engine)
        return made


def confirm_cds(inputs: CdsInput, market: MarketView) -> SecondOpinion:
    """Price the contract with the library's engine."""
    with at_par(inputs.as_of) as ql:
        deal = _Deal(ql, inputs)
        hazard = float(inputs.hazard_rate or 0)
        if inputs.spread is not None:
            hazard = deal.hazard(float(inputs.spread))
        coupon, notional = float(inputs.coupon_rate), float(inputs.notional)
        unit = deal.priced(1.0, hazard)
        annuity = -unit.couponLegBPS() / _BASIS_POINT
        worth = deal.worth(coupon, hazard)
        amount, accrued = worth / deal.discount, coupon * deal.accrued
        sign = notional if inputs.side is CdsSide.BUY_PROTECTION else -notional
        values = {
            "settlement_amount": sign * amount,
            "accrued_premium": notional * accrued,
            "clean_upfront": sign * (amount + accrued),
            "protection_leg": notional * unit.defaultLegNPV(),
            "risky_annuity": notional * annuity,
            "hazard_rate": 100.0 * hazard,
        }
        if annuity:
            fair = unit.defaultLegNPV() / (annuity - deal.accrued * deal.discount)
            moved = deal.worth(coupon, deal.hazard(fair + _BASIS_POINT))
            values["cs01"] = sign * (moved - worth)
            values["fair_spread"] = fair / _BASIS_POINT
    return opinion("QuantLib IsdaCdsEngine", values)
