"""Registration of the calculators on dates and bonds."""

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.pricing.bonds import BillInput, BondInput, ConversionFactorInput
from finsvc.calculators.inputs.pricing.dates import YearFractionInput
from finsvc.calculators.pricing.bond_results import bill_price, bond_price, conversion_factor
from finsvc.calculators.pricing.year_fraction import year_fraction_result
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.second.pricing.bonds import confirm_bill, confirm_bond
from finsvc.calculators.second.pricing.dates import confirm_year_fraction
from finsvc.calculators.second.pricing.factors import confirm_conversion_factor
from finsvc.calculators.tolerances import ANALYTIC, EXACT, ROUNDED
from finsvc.domain.results import Tolerance

_FACE = "% of face value"


def _field(name: str, unit: str, meaning: str, tolerance: Tolerance = ANALYTIC) -> FieldSpec:
    return FieldSpec(name=name, unit=unit, meaning=meaning, tolerance=tolerance)


BONDS: tuple[Calculator, ...] = (
    Calculator(
        name="year_fraction",
        version="1.0.0",
        summary="Year fraction between two dates by day count convention.",
        input_model=YearFractionInput,
        outputs=(
            _field("year_fraction", "1", "Years; later ends give more.", ROUNDED),
            _field("days", "days", "Calendar days from start to end.", EXACT),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(YearFractionInput, year_fraction_result),
        second=bind_second(YearFractionInput, confirm_year_fraction),
    ),
    Calculator(
        name="bond_price",
        version="1.0.0",
        summary="Price, accrued interest, yield and duration of a bond by market convention.",
        input_model=BondInput,
        outputs=(
            _field("clean_price", _FACE, "Quoted price."),
            _field("dirty_price", _FACE, "Price paid at settlement, accrued interest included."),
            _field("accrued_interest", _FACE, "Owed to the seller; negative while ex-dividend."),
            _field("yield", "%", "Yield to maturity as the market compounds it."),
            _field("modified_duration", "years", "Relative fall of the price for a rise in yield."),
            _field("macaulay_duration", "years", "Modified duration times one plus the yield."),
            _field("convexity", "years^2", "Relative second derivative of the price."),
            _field("dv01", _FACE, "Gain when the yield falls by one basis point."),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(BondInput, bond_price),
        second=bind_second(BondInput, confirm_bond),
    ),
    Calculator(
        name="bill_price",
        version="1.1.0",
        summary="Price, discount and yield of a treasury bill by market convention.",
        input_model=BillInput,
        outputs=(
            _field("price", _FACE, "Price paid at settlement."),
            _field("discount_rate", "%", "Discount a year over the face value."),
            _field("simple_rate", "%", "Simple interest a year on the price."),
            _field("yield", "%", "Yield of a bond without coupons in the same market."),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(BillInput, bill_price),
        second=bind_second(BillInput, confirm_bill),
    ),
    Calculator(
        name="conversion_factor",
        version="1.0.0",
        summary="Conversion factor of a bond in a futures contract.",
        input_model=ConversionFactorInput,
        outputs=(_field("conversion_factor", "1", "Price factor of the bond at delivery.", EXACT),),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(ConversionFactorInput, conversion_factor),
        second=bind_second(ConversionFactorInput, confirm_conversion_factor),
    ),
)
