"""Registration of the risk calculators: value at risk, expected shortfall."""

from collections.abc import Mapping

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.risk import (
    ExpectedShortfallInput,
    HistoricalVarInput,
    MonteCarloVarInput,
    ParametricVarInput,
    RiskMethod,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.second.risk import (
    confirm_expected_shortfall,
    confirm_historical_var,
    confirm_monte_carlo_var,
    confirm_parametric_var,
)
from finsvc.calculators.tolerances import ANALYTIC, SIMULATED
from finsvc.calculators.value_at_risk import (
    expected_shortfall,
    historical_var,
    monte_carlo_var,
    parametric_var,
)
from finsvc.domain.results import Tolerance

_BASE = "base currency"
_BY_METHOD: Mapping[str, Tolerance] = {RiskMethod.MONTE_CARLO.value: SIMULATED}


def _var(tolerance: Tolerance, by_method: Mapping[str, Tolerance] | None = None) -> FieldSpec:
    return FieldSpec(
        name="var",
        unit=_BASE,
        meaning="Loss not exceeded with the given confidence; positive is a loss.",
        tolerance=tolerance,
        by_method=by_method or {},
    )


def _standard_error(*, is_optional: bool) -> FieldSpec:
    return FieldSpec(
        name="standard_error",
        unit=_BASE,
        meaning="Standard error of the headline from the finite number of paths.",
        tolerance=SIMULATED,
        is_optional=is_optional,
    )


RISK: tuple[Calculator, ...] = (
    Calculator(
        name="historical_var",
        version="1.0.0",
        summary="Historical value at risk by full revaluation.",
        input_model=HistoricalVarInput,
        outputs=(_var(ANALYTIC),),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(HistoricalVarInput, historical_var),
        second=bind_second(HistoricalVarInput, confirm_historical_var),
        formula="the ceil(n c)-th smallest of n losses under past returns; scaled times sqrt(h).",
        source="Basel Committee (2009), 718(lxxvi); A. McNeil, R. Frey, P. Embrechts (2015).",
    ),
    Calculator(
        name="parametric_var",
        version="1.0.0",
        summary="Parametric (variance-covariance) value at risk.",
        input_model=ParametricVarInput,
        outputs=(_var(ANALYTIC),),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(ParametricVarInput, parametric_var),
        second=bind_second(ParametricVarInput, confirm_parametric_var),
        formula="z_c sqrt(d' C d h), d delta equivalents, C the covariance of log returns.",
        source="RiskMetrics Technical Document (1996).",
    ),
    Calculator(
        name="monte_carlo_var",
        version="1.0.0",
        summary="Monte Carlo value at risk by full revaluation.",
        input_model=MonteCarloVarInput,
        outputs=(_var(SIMULATED), _standard_error(is_optional=False)),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(MonteCarloVarInput, monte_carlo_var),
        second=bind_second(MonteCarloVarInput, confirm_monte_carlo_var),
        formula="the ceil(n c)-th smallest of n losses under N(0, C h) log returns.",
        source="P. Glasserman (2003), Monte Carlo Methods in Financial Engineering, section 9.",
    ),
    Calculator(
        name="expected_shortfall",
        version="1.0.0",
        summary="Expected shortfall: historical, parametric or Monte Carlo.",
        input_model=ExpectedShortfallInput,
        outputs=(
            FieldSpec(
                name="es",
                unit=_BASE,
                meaning="Mean of the losses at least as large as the value at risk; positive is "
                "a loss.",
                tolerance=ANALYTIC,
                by_method=_BY_METHOD,
            ),
            _var(ANALYTIC, _BY_METHOD),
            _standard_error(is_optional=True),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(ExpectedShortfallInput, expected_shortfall),
        second=bind_second(ExpectedShortfallInput, confirm_expected_shortfall),
        formula="mean of the losses at least as large as the value at risk; normal: "
        "phi(z_c) / (1 - c) sqrt(d' C d h).",
        source="C. Acerbi, D. Tasche (2002); MAR33.2.",
    ),
)
