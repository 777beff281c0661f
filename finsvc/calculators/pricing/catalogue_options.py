"""Registration of the option calculators."""

from decimal import Decimal

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.pricing.options import (
    AmericanOptionInput,
    AsianOptionInput,
    BarrierOptionInput,
    DigitalOptionInput,
    DoubleBarrierOptionInput,
    EuropeanOptionInput,
    LookbackOptionInput,
)
from finsvc.calculators.pricing.asian_options import asian_option
from finsvc.calculators.pricing.path_options import (
    barrier_option,
    double_barrier_option,
    lookback_option,
)
from finsvc.calculators.pricing.vanilla_options import (
    american_option,
    digital_option,
    european_option,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.second.pricing.asian import confirm_asian
from finsvc.calculators.second.pricing.double_barrier import confirm_double_barrier
from finsvc.calculators.second.pricing.options import (
    confirm_american,
    confirm_barrier,
    confirm_digital,
    confirm_european,
    confirm_lookback,
)
from finsvc.calculators.tolerances import ANALYTIC, SIMULATED
from finsvc.domain.results import Tolerance, ToleranceKind

_MONEY = "currency of the inputs"

STATED = Tolerance(kind=ToleranceKind.STANDARD_ERRORS, amount=Decimal(4))
"""Four times the numerical error that the second method states for itself."""


def _outputs(tolerance: Tolerance) -> tuple[FieldSpec, ...]:
    meanings = (
        ("price", _MONEY, "Value of one unit; what the holder could sell it for is positive."),
        ("delta", "1", "Change of the price for one currency unit of the underlying."),
        ("gamma", "1", "Change of delta for one currency unit of the underlying."),
        ("vega", _MONEY, "Change of the price for one point of volatility."),
        ("theta", _MONEY, "Change of the price for one calendar day passing."),
        ("rho", _MONEY, "Change of the price for one point of the rate."),
        ("dividend_rho", _MONEY, "Change of the price for one point of the dividend yield."),
    )
    return tuple(
        FieldSpec(
            name=name,
            unit=unit,
            meaning=meaning,
            tolerance=tolerance,
            is_optional=name != "price",
        )
        for name, unit, meaning in meanings
    )


OPTIONS: tuple[Calculator, ...] = (
    Calculator(
        name="european_option",
        version="1.0.0",
        summary="Price and Greeks of a European option on given market data.",
        input_model=EuropeanOptionInput,
        outputs=_outputs(ANALYTIC),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(EuropeanOptionInput, european_option),
        second=bind_second(EuropeanOptionInput, confirm_european),
    ),
    Calculator(
        name="american_option",
        version="1.0.0",
        summary="Price and Greeks of an American option by its exercise boundary.",
        input_model=AmericanOptionInput,
        outputs=_outputs(STATED),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(AmericanOptionInput, american_option),
        second=bind_second(AmericanOptionInput, confirm_american),
    ),
    Calculator(
        name="digital_option",
        version="1.0.0",
        summary="Price and Greeks of a digital, gap or touch option.",
        input_model=DigitalOptionInput,
        outputs=_outputs(STATED),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(DigitalOptionInput, digital_option),
        second=bind_second(DigitalOptionInput, confirm_digital),
    ),
    Calculator(
        name="barrier_option",
        version="1.0.0",
        summary="Price and Greeks of an option with one barrier.",
        input_model=BarrierOptionInput,
        outputs=_outputs(STATED),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(BarrierOptionInput, barrier_option),
        second=bind_second(BarrierOptionInput, confirm_barrier),
    ),
    Calculator(
        name="double_barrier_option",
        version="1.0.0",
        summary="Price and Greeks of a claim between two barriers.",
        input_model=DoubleBarrierOptionInput,
        outputs=_outputs(STATED),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(DoubleBarrierOptionInput, double_barrier_option),
        second=bind_second(DoubleBarrierOptionInput, confirm_double_barrier),
    ),
    Calculator(
        name="lookback_option",
        version="1.0.0",
        summary="Price and Greeks of a lookback option.",
        input_model=LookbackOptionInput,
        outputs=_outputs(STATED),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(LookbackOptionInput, lookback_option),
        second=bind_second(LookbackOptionInput, confirm_lookback),
    ),
    Calculator(
        name="asian_option",
        version="1.0.0",
        summary="Price and Greeks of an option on an average.",
        input_model=AsianOptionInput,
        outputs=_outputs(SIMULATED),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(AsianOptionInput, asian_option),
        second=bind_second(AsianOptionInput, confirm_asian),
    ),
)
