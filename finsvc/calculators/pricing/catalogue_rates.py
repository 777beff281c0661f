"""Registration of the calculators on curves, swaps, forwards and credit."""

from decimal import Decimal

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.pricing.rates import (
    CdsInput,
    CurveInput,
    FraInput,
    FxForwardInput,
    SwapInput,
)
from finsvc.calculators.pricing.cds import credit_default_swap
from finsvc.calculators.pricing.curve_results import (
    discount_curve,
    forward_rate_agreement,
    fx_forward,
    interest_rate_swap,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.second.pricing.cds import confirm_cds
from finsvc.calculators.second.pricing.curves import (
    confirm_curve,
    confirm_fra,
    confirm_fx_forward,
    confirm_swap,
)
from finsvc.calculators.tolerances import ANALYTIC
from finsvc.domain.results import Tolerance, ToleranceKind

_MONEY = "currency of the inputs"

CASH = Tolerance(kind=ToleranceKind.ABSOLUTE, amount=Decimal("0.005"))
"""Half a hundredth of the currency: what rounding to cents may move."""

REPRICED = Tolerance(kind=ToleranceKind.ABSOLUTE, amount=Decimal("0.000001"))
"""A millionth of a basis point, in which both bootstraps reprice their quotes."""


def _field(
    name: str,
    unit: str,
    meaning: str,
    tolerance: Tolerance = ANALYTIC,
    *,
    is_table: bool = False,
    is_optional: bool = False,
) -> FieldSpec:
    return FieldSpec(
        name=name,
        unit=unit,
        meaning=meaning,
        tolerance=tolerance,
        is_table=is_table,
        is_optional=is_optional,
    )


RATES: tuple[Calculator, ...] = (
    Calculator(
        name="discount_curve",
        version="1.1.0",
        summary="Discount factors and zero rates, with the repricing error of every quote.",
        input_model=CurveInput,
        outputs=(
            _field("discount_factor", "1", "Value of one unit paid on the date.", is_table=True),
            _field("zero_rate", "%", "Continuous rate to the date.", is_table=True),
            _field(
                "repricing_error",
                "bp",
                "Rate of the curve less quote.",
                REPRICED,
                is_table=True,
            ),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(CurveInput, discount_curve),
        second=bind_second(CurveInput, confirm_curve),
    ),
    Calculator(
        name="interest_rate_swap",
        version="1.1.0",
        summary="Value, fair rate and rate sensitivity of an interest rate swap.",
        input_model=SwapInput,
        outputs=(
            _field("present_value", _MONEY, "Worth to the holder.", CASH),
            _field("fixed_leg", _MONEY, "Fixed payments; received is positive.", CASH),
            _field("floating_leg", _MONEY, "Floating payments; received is positive.", CASH),
            _field("annuity", _MONEY, "Value of a fixed rate of one."),
            _field("pv01", _MONEY, "Gain when zero rates rise by a basis point.", CASH),
            _field("fair_rate", "%", "Fixed rate at which the swap is worth nothing."),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(SwapInput, interest_rate_swap),
        second=bind_second(SwapInput, confirm_swap),
    ),
    Calculator(
        name="forward_rate_agreement",
        version="1.1.0",
        summary="Value and forward rate of a forward rate agreement.",
        input_model=FraInput,
        outputs=(
            _field("present_value", _MONEY, "Worth to the holder.", CASH),
            _field("pv01", _MONEY, "Gain when zero rates rise by a basis point.", CASH),
            _field("forward_rate", "%", "Simple rate that the curve implies."),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(FraInput, forward_rate_agreement),
        second=bind_second(FraInput, confirm_fra),
    ),
    Calculator(
        name="fx_forward",
        version="1.1.0",
        summary="Value, forward rate and points of an FX forward.",
        input_model=FxForwardInput,
        outputs=(
            _field("present_value", _MONEY, "Worth to the buyer of the base currency.", CASH),
            _field("forward_rate", "quote/base", "Rate at which the forward costs nothing."),
            _field("forward_points", "quote/base", "Forward less spot."),
            _field("discount_factor", "1", "Value of one quote unit at delivery."),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(FxForwardInput, fx_forward),
        second=bind_second(FxForwardInput, confirm_fx_forward),
    ),
    Calculator(
        name="credit_default_swap",
        version="1.1.0",
        summary="Settlement amount and sensitivities of a credit default swap, ISDA standard.",
        input_model=CdsInput,
        outputs=(
            _field("settlement_amount", _MONEY, "Paid by the holder at settlement.", CASH),
            _field("accrued_premium", _MONEY, "Premium accrued by the day after the trade.", CASH),
            _field("clean_upfront", _MONEY, "Settlement amount before accrued premium.", CASH),
            _field("protection_leg", _MONEY, "Value of the protection.", CASH),
            _field("risky_annuity", _MONEY, "Value of a premium of one a year."),
            _field(
                "cs01",
                _MONEY,
                "Gain when the spread rises by 1 bp.",
                CASH,
                is_optional=True,
            ),
            _field("fair_spread", "bp", "Spread at which it costs nothing.", is_optional=True),
            _field("hazard_rate", "%", "Flat rate of default, Actual/365."),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(CdsInput, credit_default_swap),
        second=bind_second(CdsInput, confirm_cds),
    ),
)
