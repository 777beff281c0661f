"""Registration of the calculators on the tail of a book, its parts and its stresses."""

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.surface import VolatilitySurfaceInput
from finsvc.calculators.inputs.tail import (
    FilteredVarInput,
    ProfitDistributionInput,
    ReverseStressInput,
    StressContributionsInput,
    StressedVarInput,
    StressSuiteInput,
    TailMethod,
    TailRiskInput,
    VarContributionsInput,
)
from finsvc.calculators.risk.contributions import var_contributions
from finsvc.calculators.risk.distribution import profit_distribution
from finsvc.calculators.risk.filtered import filtered_var
from finsvc.calculators.risk.reverse_stress import reverse_stress
from finsvc.calculators.risk.stress_suite import stress_contributions, stress_suite
from finsvc.calculators.risk.stressed import stressed_var
from finsvc.calculators.risk.surface import volatility_surface
from finsvc.calculators.risk.tail_risk import tail_risk
from finsvc.calculators.second.market_risk.stress import (
    confirm_reverse_stress,
    confirm_stress_contributions,
    confirm_stress_suite,
    confirm_var_contributions,
)
from finsvc.calculators.second.market_risk.surface import confirm_volatility_surface
from finsvc.calculators.second.market_risk.tails import (
    confirm_filtered_var,
    confirm_profit_distribution,
    confirm_stressed_var,
    confirm_tail_risk,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.tolerances import (
    ANALYTIC,
    EXACT,
    FITTED,
    FITTED_SHARE,
    IMPLIED,
    QUOTIENT,
    SIMULATED,
)
from finsvc.domain.results import Tolerance

_BASE = "base currency"
_QUANTILE = "VaR = the ceil(n c)-th smallest of n losses; ES = mean of the losses at least as large"


def _money(
    name: str,
    meaning: str,
    tolerance: Tolerance = ANALYTIC,
    *,
    is_table: bool = False,
    is_optional: bool = False,
) -> FieldSpec:
    return FieldSpec(
        name=name,
        unit=_BASE,
        meaning=meaning,
        tolerance=tolerance,
        is_table=is_table,
        is_optional=is_optional,
    )


def _banded(name: str, meaning: str) -> FieldSpec:
    return FieldSpec(
        name=name,
        unit=_BASE,
        meaning=meaning,
        tolerance=ANALYTIC,
        by_method={TailMethod.MONTE_CARLO.value: SIMULATED},
    )


TAIL: tuple[Calculator, ...] = (
    Calculator(
        name="tail_risk",
        version="1.0.0",
        summary="Value at risk and expected shortfall with confidence bands, by four methods.",
        input_model=TailRiskInput,
        outputs=(
            _banded("var", "Loss not exceeded with the given confidence; positive is a loss."),
            _banded("var_low", "Lower end of the band of the value at risk."),
            _banded("var_high", "Upper end of the band of the value at risk."),
            _banded("es", "Expected shortfall; positive is a loss."),
            _banded("es_low", "Lower end of the band of the expected shortfall."),
            _banded("es_high", "Upper end of the band of the expected shortfall."),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(TailRiskInput, tail_risk),
        second=bind_second(TailRiskInput, confirm_tail_risk),
        formula=f"{_QUANTILE}, or the named rules; bands are binomial order statistics for VaR, "
        "asymptotic normal for ES, chi-square for the parametric method; delta-gamma: "
        "d x + g x^2 / 2 with the cross term of price and rate.",
        source="R. Hyndman, Y. Fan (1996); H. David, H. Nagaraja (2003), section 7.1; "
        "R. Rockafellar, S. Uryasev (2002); A. McNeil, R. Frey, P. Embrechts (2015).",
    ),
    Calculator(
        name="stressed_var",
        version="1.0.0",
        summary="Stressed value at risk with a search for the worst window of history.",
        input_model=StressedVarInput,
        outputs=(
            _money("stressed_var", "Value at risk in the worst window; positive is a loss."),
            _money("stressed_es", "Expected shortfall in that window; positive is a loss."),
            _money("current_var", "Value at risk in the latest window; positive is a loss."),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(StressedVarInput, stressed_var),
        second=bind_second(StressedVarInput, confirm_stressed_var),
        rule_set="Basel 2.5, 718(lxxvi)(i) (2009)",
        formula=f"max over windows of the historical VaR; {_QUANTILE}.",
        source="Basel Committee (2009), Revisions to the Basel II market risk framework.",
    ),
    Calculator(
        name="var_contributions",
        version="1.0.0",
        summary="Component, marginal and incremental value at risk by position.",
        input_model=VarContributionsInput,
        outputs=(
            _money("var", "Value at risk, the sum of the components; positive is a loss."),
            _money("component", "A position's part; negative is a hedge.", is_table=True),
            FieldSpec(
                name="marginal",
                unit="1",
                meaning="Component for one unit of the position's market value.",
                tolerance=QUOTIENT,
                is_table=True,
            ),
            _money("incremental", "Value at risk with less that without it.", is_table=True),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(VarContributionsInput, var_contributions),
        second=bind_second(VarContributionsInput, confirm_var_contributions),
        formula="component = position times the derivative of VaR (Euler): its loss in the "
        "quantile's scenario, or z cov(P_i, P) / sd(P); incremental = VaR(P) - VaR(P - P_i).",
        source="D. Tasche (1999); W. Hallerbach (2003).",
    ),
    Calculator(
        name="filtered_var",
        version="1.0.0",
        summary="One-day value at risk by GARCH-filtered historical simulation.",
        input_model=FilteredVarInput,
        outputs=(
            _money("var", "Filtered value at risk; positive is a loss.", FITTED),
            _money("es", "Filtered expected shortfall; positive is a loss.", FITTED),
            _money("unfiltered_var", "Plain historical value at risk; positive is a loss."),
            _money("volatility", "Standard deviation of tomorrow's profit.", FITTED),
            _money("volatility_mean", "Root mean square of the past profits."),
            FieldSpec(
                name="alpha",
                unit="1",
                meaning="Weight of yesterday's squared profit.",
                tolerance=FITTED_SHARE,
            ),
            FieldSpec(
                name="beta",
                unit="1",
                meaning="Weight of yesterday's variance.",
                tolerance=FITTED_SHARE,
            ),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(FilteredVarInput, filtered_var),
        second=bind_second(FilteredVarInput, confirm_filtered_var),
        formula="h_t = omega + alpha r_(t-1)^2 + beta h_(t-1); scenarios r_t sqrt(h_(T+1) / h_t); "
        f"{_QUANTILE}.",
        source="T. Bollerslev (1986); G. Barone-Adesi, K. Giannopoulos, L. Vosper (1999).",
    ),
    Calculator(
        name="stress_suite",
        version="1.0.0",
        summary="Profit or loss in several stress scenarios, and the worst of them.",
        input_model=StressSuiteInput,
        outputs=(
            _money("worst", "Profit or loss in the worst scenario; a loss is negative."),
            _money("pnl", "Profit or loss in a scenario; a loss is negative.", is_table=True),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(StressSuiteInput, stress_suite),
        second=bind_second(StressSuiteInput, confirm_stress_suite),
        formula="V(moved prices and rates) - V(today), every position revalued in full.",
        source="Basel Committee (2018), Stress testing principles, d450.",
    ),
    Calculator(
        name="stress_contributions",
        version="1.0.0",
        summary="Positions behind the profit or loss of one stress scenario.",
        input_model=StressContributionsInput,
        outputs=(
            _money("pnl", "Profit or loss, the sum of the rows; a loss is negative."),
            _money("contribution", "Profit or loss of a position.", is_table=True),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(StressContributionsInput, stress_contributions),
        second=bind_second(StressContributionsInput, confirm_stress_contributions),
        formula="V_i(moved) - V_i(today) of every position; the rows add up.",
        source="Basel Committee (2018), Stress testing principles, d450.",
    ),
    Calculator(
        name="reverse_stress",
        version="1.0.0",
        summary="The smallest move of the market that loses a given amount.",
        input_model=ReverseStressInput,
        outputs=(
            FieldSpec(
                name="move",
                unit="% of prices, or one-day standard deviations towards the loss",
                meaning="Smallest move that loses the amount; a fall of prices is negative.",
                tolerance=ANALYTIC,
                is_optional=True,
            ),
            _money("pnl", "Profit or loss at the move; a loss is negative.", is_optional=True),
            _money("worst_searched", "Smallest profit on the whole line; a loss is negative."),
            FieldSpec(
                name="factor",
                unit="%",
                meaning="Move of a price or rate at the point; a rise is positive.",
                tolerance=ANALYTIC,
                is_table=True,
            ),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(ReverseStressInput, reverse_stress),
        second=bind_second(ReverseStressInput, confirm_reverse_stress),
        formula="smallest |k| with P(k) = -loss; likely direction: -C d / sqrt(d' C d).",
        source="T. Breuer, M. Jandacka, K. Rheinberger, M. Summer (2009).",
    ),
    Calculator(
        name="profit_distribution",
        version="1.0.0",
        summary="Histogram, quantile and moments of one-day profits under past returns.",
        input_model=ProfitDistributionInput,
        outputs=(
            _money("var", "Loss not exceeded with the given confidence; positive is a loss."),
            _money("es", "Expected shortfall; positive is a loss."),
            _money("mean", "Mean profit; a loss is negative."),
            _money("deviation", "Sample standard deviation of the profit."),
            _money("minimum", "Smallest profit; a loss is negative."),
            _money("maximum", "Largest profit."),
            FieldSpec(
                name="skewness",
                unit="1",
                meaning="Third standardised moment; negative has the longer tail of losses.",
                tolerance=ANALYTIC,
            ),
            FieldSpec(
                name="excess_kurtosis",
                unit="1",
                meaning="Fourth standardised moment less 3; positive has fat tails.",
                tolerance=ANALYTIC,
            ),
            _money("edge", "Lower edge of a bin, and the upper edge of the last.", is_table=True),
            FieldSpec(
                name="count",
                unit="days",
                meaning="Days whose profit falls into a bin.",
                tolerance=EXACT,
                is_table=True,
            ),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(ProfitDistributionInput, profit_distribution),
        second=bind_second(ProfitDistributionInput, confirm_profit_distribution),
        formula="equal bins from the smallest to the largest profit; moments with n below.",
        source="A. McNeil, R. Frey, P. Embrechts (2015), section 2.",
    ),
    Calculator(
        name="volatility_surface",
        version="1.0.0",
        summary="Implied volatilities of quoted options by expiry and strike.",
        input_model=VolatilitySurfaceInput,
        outputs=(
            FieldSpec(
                name="spot",
                unit="quote currency of the instrument",
                meaning="Adjusted close of the underlying.",
                tolerance=EXACT,
            ),
            FieldSpec(
                name="vol",
                unit="%",
                meaning="Annual implied volatility of a quote.",
                tolerance=IMPLIED,
                is_table=True,
            ),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(VolatilitySurfaceInput, volatility_surface),
        second=bind_second(VolatilitySurfaceInput, confirm_volatility_surface),
        formula="BSM(volatility) = price, solved by bisection.",
        source="F. Black, M. Scholes (1973); R. Merton (1973).",
    ),
)
