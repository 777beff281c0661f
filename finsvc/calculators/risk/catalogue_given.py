"""Registration of value at risk from figures of another system."""

from collections.abc import Mapping

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.sensitivity import (
    ProfitSeriesVarInput,
    SensitivityMethod,
    SensitivityVarInput,
)
from finsvc.calculators.risk.profit_series import profit_series_var
from finsvc.calculators.risk.sensitivity_var import sensitivity_var
from finsvc.calculators.second.market_risk.sensitivity import (
    confirm_profit_series_var,
    confirm_sensitivity_var,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.tolerances import ANALYTIC, SIMULATED
from finsvc.domain.results import Tolerance

_BY_METHOD: Mapping[str, Tolerance] = {SensitivityMethod.MONTE_CARLO.value: SIMULATED}
_VAR = "Loss not exceeded with the given confidence; positive is a loss."
_ES = "Mean of the losses at least as large as the value at risk; positive is a loss."


def _money(
    name: str,
    meaning: str,
    *,
    by_method: Mapping[str, Tolerance] | None = None,
    is_table: bool = False,
    is_optional: bool = False,
) -> FieldSpec:
    return FieldSpec(
        name=name,
        unit="currency of the inputs",
        meaning=meaning,
        tolerance=ANALYTIC,
        by_method=by_method or {},
        is_table=is_table,
        is_optional=is_optional,
    )


def _shape(name: str, meaning: str) -> FieldSpec:
    return FieldSpec(name=name, unit="1", meaning=meaning, tolerance=ANALYTIC, is_optional=True)


GIVEN: tuple[Calculator, ...] = (
    Calculator(
        name="profit_series_var",
        version="1.0.0",
        summary="Value at risk and expected shortfall of a given series of profits.",
        input_model=ProfitSeriesVarInput,
        outputs=(
            _money("var", _VAR),
            _money("var_low", "Lower end of the band on the value at risk."),
            _money("var_high", "Upper end of the band on the value at risk."),
            _money("es", _ES),
            _money("es_low", "Lower end of the band on the expected shortfall."),
            _money("es_high", "Upper end of the band on the expected shortfall."),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(ProfitSeriesVarInput, profit_series_var),
        second=bind_second(ProfitSeriesVarInput, confirm_profit_series_var),
        formula="VaR = the ceil(n c)-th smallest of n losses, or by another named rule; ES = mean "
        "of the losses at least as large.",
        source="A. McNeil, R. Frey, P. Embrechts (2015), section 2.3; R. Hyndman, Y. Fan (1996).",
    ),
    Calculator(
        name="sensitivity_var",
        version="1.0.0",
        summary="Value at risk of deltas and gammas under a covariance of their factors.",
        input_model=SensitivityVarInput,
        outputs=(
            _money("var", _VAR, by_method=_BY_METHOD),
            _money("es", _ES, by_method=_BY_METHOD, is_optional=True),
            _money("mean", "Mean profit; a loss is negative.", is_optional=True),
            _money("deviation", "Standard deviation of the profit.", is_optional=True),
            _shape("skewness", "Third standardised moment; negative has more losses."),
            _shape("excess_kurtosis", "Fourth standardised moment less 3; positive has fat tails."),
            _money(
                "component",
                "Part of the value at risk that a factor brings; parts add up to it.",
                is_table=True,
            ),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(SensitivityVarInput, sensitivity_var),
        second=bind_second(SensitivityVarInput, confirm_sensitivity_var),
        formula="profit d'x + x'Gx/2, x normal with covariance C: VaR = z_c sqrt(d'Cd + tr(GC)^2/2)"
        " - tr(GC)/2; Cornish-Fisher corrects z_c; Monte Carlo draws x.",
        source="ORE User Guide, parametric value at risk; P. Zangari (1996), RiskMetrics Monitor.",
    ),
)
