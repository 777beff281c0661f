"""Registration of portfolio analytics."""

from decimal import Decimal

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.inputs.allocation import (
    AttributionInput,
    EfficientFrontierInput,
    FactorExposuresInput,
    PerformanceInput,
    RebalancingInput,
    ReturnContributionsInput,
    RiskContributionsInput,
    RiskParityInput,
)
from finsvc.calculators.portfolio.allocation import efficient_frontier, risk_parity
from finsvc.calculators.portfolio.exposures import factor_exposures, risk_contributions
from finsvc.calculators.portfolio.performance import (
    brinson_attribution,
    portfolio_performance,
    return_contributions,
)
from finsvc.calculators.portfolio.rebalancing import rebalancing_proposal
from finsvc.calculators.second.allocation.analytics import (
    confirm_brinson_attribution,
    confirm_factor_exposures,
    confirm_portfolio_performance,
    confirm_return_contributions,
    confirm_risk_contributions,
)
from finsvc.calculators.second.allocation.rebalancing import confirm_rebalancing_proposal
from finsvc.calculators.second.allocation.weights import (
    confirm_efficient_frontier,
    confirm_risk_parity,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.tolerances import ANALYTIC, EXACT
from finsvc.domain.results import Tolerance, ToleranceKind

# Interior-point weights of flat optima: half a hundredth of a point; their volatility agrees
# far better, since it is flat there.
WEIGHT = Tolerance(kind=ToleranceKind.ABSOLUTE, amount=Decimal("0.005"))
OPTIMUM = Tolerance(kind=ToleranceKind.RELATIVE, amount=Decimal("1e-5"))

_BASE = "base currency"


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


_PERFORMANCE = (
    Calculator(
        name="portfolio_performance",
        version="1.0.0",
        summary="Return, volatility, ratios and drawdown of a constant book, against a benchmark.",
        input_model=PerformanceInput,
        outputs=(
            _field("total_return", "%", "Return of the period; a gain is positive."),
            _field("annual_return", "%", "Compound return for 252 trading days."),
            _field("max_drawdown", "%", "Largest fall from a peak; a fall is positive."),
            _field("volatility", "%", "Annual standard deviation.", is_optional=True),
            _field("sharpe", "1", "Mean excess return over volatility.", is_optional=True),
            _field("sortino", "1", "Mean excess return over its downside.", is_optional=True),
            _field("benchmark_return", "%", "Return of the benchmark.", is_optional=True),
            _field("tracking_error", "%", "Annual deviation from it.", is_optional=True),
            _field("information_ratio", "1", "Mean active return over it.", is_optional=True),
            _field("beta", "1", "Slope of the returns on the benchmark's.", is_optional=True),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(PerformanceInput, portfolio_performance),
        second=bind_second(PerformanceInput, confirm_portfolio_performance),
        formula="R = V_T / V_0 - 1; Sharpe = 252 mean(r - f) / (sd(r) sqrt(252)).",
        source="W. Sharpe (1966); F. Sortino, R. van der Meer (1991).",
    ),
    Calculator(
        name="return_contributions",
        version="1.0.0",
        summary="Positions behind the return of a constant book.",
        input_model=ReturnContributionsInput,
        outputs=(
            _field("total_return", "%", "Return of the period, the sum of the rows."),
            _field("contribution", "%", "Points that a position added.", is_table=True),
        ),
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(ReturnContributionsInput, return_contributions),
        second=bind_second(ReturnContributionsInput, confirm_return_contributions),
        formula="(V_i(T) - V_i(0)) / V(0).",
        source="C. Bacon (2008), Practical Portfolio Performance Measurement and Attribution.",
    ),
    Calculator(
        name="brinson_attribution",
        version="1.0.0",
        summary="Active return divided into allocation, selection and interaction.",
        input_model=AttributionInput,
        outputs=(
            _field("active_return", "%", "Portfolio's less benchmark's return."),
            _field("allocation_total", "%", "Part from the weights of groups."),
            _field("selection_total", "%", "Part from returns within groups."),
            _field("interaction_total", "%", "Part from both together."),
            _field("allocation", "%", "Part of a group's weight.", is_table=True),
            _field("selection", "%", "Part of a group's return.", is_table=True),
            _field("interaction", "%", "Part of both in a group.", is_table=True),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(AttributionInput, brinson_attribution),
        second=bind_second(AttributionInput, confirm_brinson_attribution),
        formula="allocation (w_p - w_b)(r_b - R_b); selection w_b (r_p - r_b); interaction "
        "(w_p - w_b)(r_p - r_b).",
        source="G. Brinson, N. Fachler (1985).",
    ),
)

_ALLOCATION = (
    Calculator(
        name="factor_exposures",
        version="1.0.0",
        summary="Exposures of a book to factor instruments by regression.",
        input_model=FactorExposuresInput,
        outputs=(
            _field("r_squared", "1", "Explained share of the variance."),
            _field("alpha", "%", "Annual mean return that the factors leave."),
            _field("residual_volatility", "%", "Annual deviation that they leave."),
            _field("beta", "1", "Slope on a factor.", is_table=True),
            _field("t_value", "1", "Slope over its standard error.", is_table=True),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(FactorExposuresInput, factor_exposures),
        second=bind_second(FactorExposuresInput, confirm_factor_exposures),
        formula="r = a + sum(b_k f_k) + e, least squares over daily simple returns.",
        source="W. Sharpe (1964); E. Fama, K. French (1993).",
    ),
    Calculator(
        name="risk_contributions",
        version="1.0.0",
        summary="Positions behind a book's volatility.",
        input_model=RiskContributionsInput,
        outputs=(
            _field("volatility", "%", "Annual deviation, the sum of the contributions."),
            _field("diversification_ratio", "1", "Sum of the rows' deviations over the whole's."),
            _field("contribution", "%", "A position's part; a hedge is negative.", is_table=True),
            _field("share", "%", "The part in percent of the whole.", is_table=True),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(RiskContributionsInput, risk_contributions),
        second=bind_second(RiskContributionsInput, confirm_risk_contributions),
        formula="cov(r_i, r) / sd(r).",
        source="R. Litterman (1996), Hot spots and hedges.",
    ),
    Calculator(
        name="efficient_frontier",
        version="1.0.0",
        summary="Portfolios of least variance for rising means.",
        input_model=EfficientFrontierInput,
        outputs=(
            _field("return", "%", "Annual mean of a point.", OPTIMUM, is_table=True),
            _field("volatility", "%", "Annual deviation of a point.", OPTIMUM, is_table=True),
            _field("weight", "%", "Weight of an instrument at a point.", WEIGHT, is_table=True),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(EfficientFrontierInput, efficient_frontier),
        second=bind_second(EfficientFrontierInput, confirm_efficient_frontier),
        formula="min w' C w, sum(w) = 1, low <= w <= high, m' w = target; active sets.",
        source="H. Markowitz (1952); J. Nocedal, S. Wright (2006), section 16.5.",
    ),
    Calculator(
        name="risk_parity",
        version="1.0.0",
        summary="Weights under which instruments bear risk in given proportions.",
        input_model=RiskParityInput,
        outputs=(
            _field("volatility", "%", "Annual deviation.", OPTIMUM),
            _field("weight", "%", "Weight of an instrument.", WEIGHT, is_table=True),
            _field("risk_share", "%", "Share of the risk.", WEIGHT, is_table=True),
        ),
        second_kind=SecondKind.LIBRARY,
        compute=bind_compute(RiskParityInput, risk_parity),
        second=bind_second(RiskParityInput, confirm_risk_parity),
        formula="min w' C w / 2 - sum(b ln w), scaled to sum(w) = 1; coordinate descent.",
        source="F. Spinu (2013); T. Griveau-Billion, J. Richard, T. Roncalli (2013).",
    ),
    Calculator(
        name="rebalancing_proposal",
        version="1.0.0",
        summary="Trades towards target weights, judged against a mandate; a person decides.",
        input_model=RebalancingInput,
        outputs=(
            _field("turnover", "%", "Bought plus sold in percent of the book."),
            _field("volatility_after", "%", "Annual deviation of the proposed book."),
            _field("cash_after", _BASE, "Cash after the trades."),
            _field("book_value", _BASE, "Value of the book."),
            _field("trade", "shares", "Shares to buy; negative to sell.", EXACT, is_table=True),
            _field("amount", _BASE, "Amount to spend; negative to receive.", is_table=True),
            _field("weight_after", "%", "Weight in the proposed book.", is_table=True),
        ),
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(RebalancingInput, rebalancing_proposal),
        second=bind_second(RebalancingInput, confirm_rebalancing_proposal),
        rule_set="MiFID II Article 25(2); Delegated Regulation (EU) 2017/565 Articles 54 and 55",
        formula="shares = w V / price, whole steps from the present holding.",
        source="Delegated Regulation (EU) 2017/565, Articles 54 and 55.",
        needs_human=True,
    ),
)

PORTFOLIO: tuple[Calculator, ...] = (*_PERFORMANCE, *_ALLOCATION)
"""Performance, attribution, exposures, allocation and rebalancing."""
