"""Registration of the backtests."""

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.backtest import (
    BookBacktestInput,
    CoverageTestInput,
    EsBacktestInput,
    ProfitAttributionInput,
    VarBacktestInput,
)
from finsvc.calculators.risk.attribution_test import profit_attribution_test
from finsvc.calculators.risk.backtests import book_backtest, coverage_test, var_backtest
from finsvc.calculators.risk.shortfall_backtest import es_backtest
from finsvc.calculators.second.market_risk.backtests import (
    confirm_book_backtest,
    confirm_coverage_test,
    confirm_var_backtest,
)
from finsvc.calculators.second.market_risk.shortfall import (
    confirm_es_backtest,
    confirm_profit_attribution_test,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.tolerances import ANALYTIC, EXACT, SIMULATED
from finsvc.domain.results import Tolerance

_BASE = "base currency"
_SUPERVISORY = "Basel framework, MAR32 and MAR99 (2019)"
_FORMULA = (
    "POF = 2 T KL(x/T || 1-c), chi-square(1); TUFF = the same of one waiting time n; CCI = "
    "likelihood ratio of two transition probabilities against one; CC = POF + CCI, chi-square(2); "
    "TBFI = sum of waiting-time ratios, chi-square(x); TBF = POF + TBFI, chi-square(x + 1)."
)
_SOURCE = (
    "P. Kupiec (1995); P. Christoffersen (1998); M. Haas (2001); Basel Committee (1996), "
    "Supervisory framework for the use of backtesting; MAR32.9; MAR99.34."
)


def _pure(
    name: str,
    meaning: str,
    tolerance: Tolerance = ANALYTIC,
    *,
    unit: str = "1",
    is_optional: bool = False,
) -> FieldSpec:
    return FieldSpec(
        name=name, unit=unit, meaning=meaning, tolerance=tolerance, is_optional=is_optional
    )


def _test(name: str, title: str) -> tuple[FieldSpec, FieldSpec]:
    return (
        _pure(name, f"Likelihood ratio of {title}; zero is a perfect fit.", is_optional=True),
        _pure(f"{name}_p_value", f"Probability of {title} at least as bad.", is_optional=True),
    )


_COUNTED = (
    _pure("exceptions", "Days with a loss above the value at risk.", EXACT),
    _pure("observations", "Days tested.", EXACT, unit="days"),
    _pure("expected_exceptions", "Exceptions that a correct model has on average."),
    _pure("binomial", "Standard deviations above the expected number; too many are positive."),
    _pure("binomial_p_value", "Two-sided probability of the binomial score."),
    _pure("cumulative_probability", "Probability of at most so many exceptions."),
    _pure("type_one_probability", "Probability of at least so many under a correct model."),
    _pure("plus_factor", "Addition to the capital factor of 3."),
    _pure("multiplier", "Capital factor with its addition."),
    _pure("frtb_multiplier", "Multiplier of MAR32.9.", is_optional=True),
    *_test("pof", "the share of exceptions (Kupiec)"),
)
_IN_ORDER = (
    *_COUNTED,
    *_test("tuff", "the time until the first exception (Kupiec)"),
    *_test("cci", "the independence of exceptions (Christoffersen)"),
    *_test("cc", "conditional coverage (Christoffersen)"),
    *_test("tbfi", "the times between exceptions (Haas)"),
    *_test("tbf", "the times between and the share of exceptions (Haas)"),
)

BACKTESTS: tuple[Calculator, ...] = (
    Calculator(
        name="coverage_test",
        version="1.0.0",
        summary="Kupiec test, traffic light and multipliers of a number of exceptions.",
        input_model=CoverageTestInput,
        outputs=_COUNTED,
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(CoverageTestInput, coverage_test),
        second=bind_second(CoverageTestInput, confirm_coverage_test),
        rule_set=_SUPERVISORY,
        formula=_FORMULA,
        source=_SOURCE,
    ),
    Calculator(
        name="var_backtest",
        version="1.0.0",
        summary="Backtest of value at risk: Kupiec, Christoffersen, TUFF, Haas, traffic light.",
        input_model=VarBacktestInput,
        outputs=_IN_ORDER,
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(VarBacktestInput, var_backtest),
        second=bind_second(VarBacktestInput, confirm_var_backtest),
        rule_set=_SUPERVISORY,
        formula=_FORMULA,
        source=_SOURCE,
    ),
    Calculator(
        name="book_backtest",
        version="1.0.0",
        summary="Backtest of a book's historical value at risk on its own past returns.",
        input_model=BookBacktestInput,
        outputs=(
            *_IN_ORDER,
            FieldSpec(
                name="var_last",
                unit=_BASE,
                meaning="Value at risk forecast for the last day; positive is a loss.",
                tolerance=ANALYTIC,
            ),
            FieldSpec(
                name="profit",
                unit=_BASE,
                meaning="Hypothetical profit of a day; a loss is negative.",
                tolerance=ANALYTIC,
                is_table=True,
            ),
            FieldSpec(
                name="var",
                unit=_BASE,
                meaning="Value at risk forecast for a day; positive is a loss.",
                tolerance=ANALYTIC,
                is_table=True,
            ),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(BookBacktestInput, book_backtest),
        second=bind_second(BookBacktestInput, confirm_book_backtest),
        rule_set=_SUPERVISORY,
        formula=_FORMULA,
        source=_SOURCE,
    ),
    Calculator(
        name="es_backtest",
        version="1.0.0",
        summary="Backtest of expected shortfall by the tests of Acerbi and Szekely.",
        input_model=EsBacktestInput,
        outputs=(
            _pure("unconditional", "Test 2: negative where shortfalls were too small."),
            _pure("conditional", "Test 1: the same given the exceptions.", is_optional=True),
            _pure("p_value", "Simulated probability of a statistic at most as large.", SIMULATED),
            _pure("critical_value", "Statistic below which the test rejects.", SIMULATED),
            _pure("exceptions", "Days with a loss above the value at risk.", EXACT),
            _pure("observations", "Days tested.", EXACT, unit="days"),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(EsBacktestInput, es_backtest),
        second=bind_second(EsBacktestInput, confirm_es_backtest),
        formula="Z2 = 1 + sum(X I / ES) / (T (1-c)); Z1 = 1 + sum(X I / ES) / sum(I).",
        source="C. Acerbi, B. Szekely (2014), Backtesting expected shortfall.",
    ),
    Calculator(
        name="profit_attribution_test",
        version="1.0.0",
        summary="Rank correlation and distance of risk-theoretical and hypothetical profits.",
        input_model=ProfitAttributionInput,
        outputs=(
            _pure("spearman", "Rank correlation, from -1 to 1."),
            _pure("kolmogorov_smirnov", "Largest distance of the distributions, from 0 to 1."),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(ProfitAttributionInput, profit_attribution_test),
        second=bind_second(ProfitAttributionInput, confirm_profit_attribution_test),
        rule_set=_SUPERVISORY,
        formula="Spearman's rho of mean ranks; KS = max |F_hypothetical - F_theoretical|.",
        source="MAR32.34 to MAR32.44.",
    ),
)
