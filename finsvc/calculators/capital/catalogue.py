"""Registration of the calculators of regulatory capital and liquidity."""

from finsvc.calculators.calculator import Calculator, FieldSpec, bind_compute, bind_second
from finsvc.calculators.capital.frtb import frtb_sa
from finsvc.calculators.capital.irb import irb_rwa
from finsvc.calculators.capital.sa_ccr import sa_ccr
from finsvc.calculators.capital.simm import simm
from finsvc.calculators.inputs.capital.frtb import FrtbInput
from finsvc.calculators.inputs.capital.frtb_rules import FrtbParameters
from finsvc.calculators.inputs.capital.irb import IrbInput, IrbParameters
from finsvc.calculators.inputs.capital.rulebook import named_rule_sets
from finsvc.calculators.inputs.capital.sa_ccr import CcrInput, CcrParameters
from finsvc.calculators.inputs.capital.simm import SimmInput
from finsvc.calculators.second.capital.frtb import confirm_frtb_sa
from finsvc.calculators.second.capital.irb import confirm_irb_rwa
from finsvc.calculators.second.capital.sa_ccr import confirm_sa_ccr
from finsvc.calculators.second.capital.simm import confirm_simm
from finsvc.calculators.second.opinion import SecondKind
from finsvc.calculators.tolerances import ANALYTIC

_REPORTING = "reporting currency"


def _money(name: str, meaning: str, *, is_table: bool = False) -> FieldSpec:
    return FieldSpec(
        name=name, unit=_REPORTING, meaning=meaning, tolerance=ANALYTIC, is_table=is_table
    )


def _dollars(name: str, meaning: str, *, is_table: bool = False) -> FieldSpec:
    return FieldSpec(name=name, unit="USD", meaning=meaning, tolerance=ANALYTIC, is_table=is_table)


def _percent(name: str, meaning: str, *, is_table: bool = False) -> FieldSpec:
    return FieldSpec(name=name, unit="%", meaning=meaning, tolerance=ANALYTIC, is_table=is_table)


CAPITAL: tuple[Calculator, ...] = (
    Calculator(
        name="irb_rwa",
        version="1.0.0",
        summary="Risk-weighted assets by the internal ratings-based approach.",
        input_model=IrbInput,
        outputs=(
            _money("rwa_total", "Risk-weighted assets of all exposures."),
            _money("capital_total", "Capital of 8 percent of the risk-weighted assets."),
            _money("expected_loss_total", "Expected loss of all exposures; a loss is positive."),
            _money("ead_total", "Exposure at default of all exposures."),
            _percent("risk_weight", "Weight of an exposure before scaling.", is_table=True),
            _money("rwa", "Risk-weighted amount of an exposure.", is_table=True),
            _money("expected_loss", "Expected loss; a loss is positive.", is_table=True),
        ),
        rule_set=named_rule_sets("irb", IrbParameters),
        formula=(
            "K = LGD (N((G(PD) + sqrt(R) G(0.999)) / sqrt(1 - R)) - PD) "
            "(1 + (M - 2.5) b) / (1 - 1.5 b); "
            "RWA = 12.5 K EAD."
        ),
        source="Basel Framework CRE31, CRE32.",
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(IrbInput, irb_rwa),
        second=bind_second(IrbInput, confirm_irb_rwa),
    ),
    Calculator(
        name="sa_ccr",
        version="1.0.0",
        summary="Exposure at default of derivatives by the standardised approach (SA-CCR).",
        input_model=CcrInput,
        outputs=(
            _money("ead_total", "Exposure at default of all netting sets."),
            _money("ead", "Exposure at default of a netting set.", is_table=True),
            _money("replacement_cost", "Replacement cost of a netting set.", is_table=True),
            FieldSpec(
                name="multiplier",
                unit="1",
                meaning="Share of the add-on that excess collateral leaves.",
                tolerance=ANALYTIC,
                is_table=True,
            ),
            _money("pfe", "Potential future exposure: multiplier times add-on.", is_table=True),
            _money("add_on", "Add-on of a hedging set of a netting set.", is_table=True),
        ),
        rule_set=named_rule_sets("sa_ccr", CcrParameters),
        formula=(
            "EAD = alpha (RC + multiplier AddOn); "
            "multiplier = min(1, 0.05 + 0.95 exp((V - C) / (1.9 AddOn)))."
        ),
        source="Basel Framework CRE52; BCBS 279.",
        second_kind=SecondKind.REIMPLEMENTATION,
        compute=bind_compute(CcrInput, sa_ccr),
        second=bind_second(CcrInput, confirm_sa_ccr),
    ),
    Calculator(
        name="frtb_sa",
        version="1.0.0",
        summary="Market risk capital by the FRTB standardised approach.",
        input_model=FrtbInput,
        outputs=(
            _money("capital_total", "Capital charge: sensitivities, default and residual risk."),
            _money("sensitivities_total", "Charge of the worst correlation scenario."),
            _money("default_total", "Default risk charge."),
            _money("residual_total", "Residual risk add-on."),
            _money("scenario", "Sensitivities charge of a correlation scenario.", is_table=True),
            _money("charge", "Charge of a class and measure in a scenario.", is_table=True),
            _money("bucket", "Charge of a bucket in the worst scenario.", is_table=True),
            _money(
                "default",
                "Default risk of a bucket; negative where correlation trading hedges.",
                is_table=True,
            ),
        ),
        rule_set=named_rule_sets("frtb", FrtbParameters),
        formula=(
            "max over low, medium, high correlations of the sum of "
            "sqrt(sum K_b^2 + sum gamma S_b S_c) over classes and measures, "
            "plus default and residual risk."
        ),
        source="Basel Framework MAR20 to MAR23.",
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(FrtbInput, frtb_sa),
        second=bind_second(FrtbInput, confirm_frtb_sa),
    ),
    Calculator(
        name="simm",
        version="1.0.0",
        summary="Initial margin from a CRIF; parameters and licence are the operator's.",
        input_model=SimmInput,
        outputs=(
            _dollars("margin_total", "Initial margin, add-ons included."),
            _dollars("standard_total", "Initial margin before add-ons."),
            _dollars("add_on_total", "Add-ons: multipliers, notional factors, fixed amounts."),
            _dollars("product", "Margin of a product class.", is_table=True),
            _dollars("risk_class", "Margin of a risk class in a product class.", is_table=True),
            _dollars("measure", "Margin of a measure of a risk class.", is_table=True),
        ),
        rule_set="the version of the parameter file that the operator supplies",
        formula=(
            "sum over product classes of sqrt(sum psi IM_r IM_s), "
            "IM = delta + vega + curvature + base correlation, plus add-ons."
        ),
        source="ISDA SIMM methodology; parameters need ISDA licence.",
        second_kind=SecondKind.OTHER_ALGORITHM,
        compute=bind_compute(SimmInput, simm),
        second=bind_second(SimmInput, confirm_simm),
    ),
)
"""All calculators of this family."""
