"""Registration of credit weights, valuation adjustment, liquidity and solvency ratios."""

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.capital.credit_sa import credit_rwa
from finsvc.calculators.capital.cva import ba_cva
from finsvc.calculators.capital.liquidity import liquidity_coverage, net_stable_funding
from finsvc.calculators.capital.solvency import capital_ratios, leverage_ratio
from finsvc.calculators.inputs.capital.credit_sa import CreditInput, CreditParameters
from finsvc.calculators.inputs.capital.cva import CvaInput, CvaParameters
from finsvc.calculators.inputs.capital.liquidity import (
    LcrInput,
    LcrParameters,
    NsfrInput,
    NsfrParameters,
)
from finsvc.calculators.inputs.capital.rulebook import named_rule_sets
from finsvc.calculators.inputs.capital.solvency import (
    LeverageInput,
    LeverageParameters,
    RatioInput,
    RatioParameters,
)
from finsvc.calculators.second.capital.credit_sa import confirm_credit_rwa
from finsvc.calculators.second.capital.cva import confirm_ba_cva
from finsvc.calculators.second.capital.liquidity import (
    confirm_liquidity_coverage,
    confirm_net_stable_funding,
)
from finsvc.calculators.second.capital.solvency import (
    confirm_capital_ratios,
    confirm_leverage_ratio,
)
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.tolerances import ANALYTIC

_REPORTING = "reporting currency"
_SURPLUS = "Capital or liquidity above the requirement; a shortfall is negative."


def _money(name: str, meaning: str, *, is_table: bool = False) -> FieldSpec:
    return FieldSpec(
        name=name, unit=_REPORTING, meaning=meaning, tolerance=ANALYTIC, is_table=is_table
    )


def _percent(name: str, meaning: str, *, is_table: bool = False) -> FieldSpec:
    return FieldSpec(name=name, unit="%", meaning=meaning, tolerance=ANALYTIC, is_table=is_table)


CAPITAL_RATIOS: tuple[Calculator, ...] = (
    Calculator(
        name="credit_rwa",
        version="1.0.0",
        summary="Risk-weighted assets by the standardised approach to credit risk.",
        input_model=CreditInput,
        outputs=(
            _money("rwa_total", "Risk-weighted assets of all exposures."),
            _money("capital_total", "Capital of 8 percent of the risk-weighted assets."),
            _money("exposure_total", "Exposure of all rows after conversion."),
            _percent("risk_weight", "Risk weight of an exposure.", is_table=True),
            _money("rwa", "Risk-weighted amount of an exposure.", is_table=True),
        ),
        rule_set=named_rule_sets("sa_credit", CreditParameters),
        formula="RWA = amount x conversion factor x risk weight.",
        source="Basel Framework CRE20.",
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(CreditInput, credit_rwa),
        second=bind_second(CreditInput, confirm_credit_rwa),
    ),
    Calculator(
        name="ba_cva",
        version="1.0.0",
        summary="Capital for credit valuation adjustment risk by the basic approach.",
        input_model=CvaInput,
        outputs=(
            _money("capital_total", "Capital charge of the chosen version."),
            _money("rwa_total", "Risk-weighted assets: 12.5 times the charge."),
            _money("reduced_total", "Capital charge of the reduced version."),
            _money("standalone", "Standalone charge of a counterparty.", is_table=True),
        ),
        rule_set=named_rule_sets("ba_cva", CvaParameters),
        formula=(
            "DS sqrt((rho sum SCVA)^2 + (1 - rho^2) sum SCVA^2); "
            "full: beta K_reduced + (1 - beta) K_hedged."
        ),
        source="Basel Framework MAR50; BCBS 507.",
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(CvaInput, ba_cva),
        second=bind_second(CvaInput, confirm_ba_cva),
    ),
    Calculator(
        name="lcr",
        version="1.0.0",
        summary="Liquidity coverage ratio.",
        input_model=LcrInput,
        outputs=(
            _percent("lcr", "Liquid assets over net outflows of 30 days."),
            _percent("requirement", "Least ratio that the rules allow."),
            _money("surplus", _SURPLUS),
            _money("liquid_assets", "Stock of liquid assets after haircuts and caps."),
            _money("assets_over_caps", "Liquid assets beyond the composition caps."),
            _money("outflows_total", "Weighted outflows."),
            _money("inflows_total", "Weighted inflows, capped."),
            _money("net_outflows", "Outflows less inflows."),
            _money("assets", "Assets of a level after haircuts.", is_table=True),
        ),
        rule_set=named_rule_sets("lcr", LcrParameters),
        formula="liquid assets within their caps / (outflows - min(inflows, 75 % of outflows)).",
        source="BCBS 238; Delegated Regulation (EU) 2015/61.",
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(LcrInput, liquidity_coverage),
        second=bind_second(LcrInput, confirm_liquidity_coverage),
    ),
    Calculator(
        name="nsfr",
        version="1.0.0",
        summary="Net stable funding ratio.",
        input_model=NsfrInput,
        outputs=(
            _percent("nsfr", "Available over required stable funding."),
            _percent("requirement", "Least ratio that the rules allow."),
            _money("surplus", _SURPLUS),
            _money("available_total", "Available stable funding."),
            _money("required_total", "Required stable funding."),
            _money("available", "Weighted amount of a source.", is_table=True),
            _money("required", "Weighted amount of an asset.", is_table=True),
        ),
        rule_set=named_rule_sets("nsfr", NsfrParameters),
        formula="available / required stable funding, each the sum of amount x factor.",
        source="BCBS 295.",
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(NsfrInput, net_stable_funding),
        second=bind_second(NsfrInput, confirm_net_stable_funding),
    ),
    Calculator(
        name="leverage_ratio",
        version="1.0.0",
        summary="Leverage ratio and its exposure measure.",
        input_model=LeverageInput,
        outputs=(
            _percent("leverage_ratio", "Tier 1 capital over the exposure measure."),
            _percent("requirement", "Least ratio, the systemic buffer included."),
            _money("surplus", _SURPLUS),
            _money("exposure_total", "Exposure measure."),
            _money("exposure", "Part of the exposure measure.", is_table=True),
        ),
        rule_set=named_rule_sets("leverage", LeverageParameters),
        formula="tier 1 / (on-balance + derivatives + financing + off-balance exposure).",
        source="Basel Framework LEV20 to LEV40.",
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(LeverageInput, leverage_ratio),
        second=bind_second(LeverageInput, confirm_leverage_ratio),
    ),
    Calculator(
        name="capital_ratios",
        version="1.0.0",
        summary="Capital ratios with buffers and output floor.",
        input_model=RatioInput,
        outputs=(
            _percent("common_equity_ratio", "Common equity over risk-weighted assets."),
            _percent("tier1_ratio", "Tier 1 capital over risk-weighted assets."),
            _percent("total_ratio", "Total capital over risk-weighted assets."),
            _money("rwa_total", "Risk-weighted assets after the output floor."),
            _money("rwa_before_floor", "Risk-weighted assets of the bank's approaches."),
            _money("output_floor", "Floor of the risk-weighted assets."),
            _money("floor_addition", "What the output floor adds."),
            _percent("buffer_requirement", "Combined buffer requirement."),
            _percent("buffer_available", "Common equity left for buffers; negative if short."),
            _percent("payout_limit", "Share of profits that may be paid out."),
            _percent("requirement", "Minimum, pillar 2 and buffers of a tier.", is_table=True),
            _money("surplus", _SURPLUS, is_table=True),
        ),
        rule_set=named_rule_sets("capital_ratios", RatioParameters),
        formula=(
            "capital / max(RWA, floor x standardised RWA); "
            "surplus over minimum, pillar 2 and combined buffer."
        ),
        source="Basel Framework RBC20 to RBC40, RBC90.",
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(RatioInput, capital_ratios),
        second=bind_second(RatioInput, confirm_capital_ratios),
    ),
)
"""Calculators of ratios and credit weights."""
