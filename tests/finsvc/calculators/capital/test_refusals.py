"""What the capital calculators refuse, and the sentence that says so."""

from collections.abc import Mapping

import pytest

from finsvc.calculators.registry import calculator
from finsvc.domain.errors import DateOutOfRangeError, InputError, UnsupportedError
from tests.finsvc.calculators.capital.cases import (
    CREDIT_ROWS,
    CRIF,
    CVA_HEDGES,
    CVA_SETS,
    FRTB,
    HEAD,
    IRB_ROWS,
    LCR,
    LEVERAGE,
    NSFR,
    RATIOS,
    SETS,
    exposure,
    head,
    line,
    option,
    simm_document,
    simm_parameters,
    trade,
)
from tests.finsvc.marketdata.factories import real_market


def refusal(name: str, document: Mapping[str, object]) -> InputError:
    entry = calculator(name)
    with pytest.raises(InputError) as caught:
        entry.run(entry.parse(document), real_market())
    return caught.value


DATED = [
    ("irb_rwa", {"exposures": []}, "2006-12-31", "2023-01-01 to 2199-12-31"),
    ("sa_ccr", {"netting_sets": [], "trades": []}, "2016-12-31", "2017-01-01"),
    ("frtb_sa", {}, "2022-12-31", "2023-01-01"),
    ("credit_rwa", {"exposures": []}, "2022-12-31", "2023-01-01"),
    ("ba_cva", {"version": "reduced", "netting_sets": []}, "2022-12-31", "2023-01-01"),
    ("lcr", LCR, "2014-12-31", "2015-01-01"),
    ("nsfr", NSFR, "2017-12-31", "2018-01-01"),
    ("leverage_ratio", LEVERAGE, "2017-12-31", "2018-01-01"),
    ("capital_ratios", RATIOS, "2022-12-31", "2023-01-01"),
]


@pytest.mark.parametrize(("name", "document", "as_of", "text"), DATED)
def test_rules_outside_their_dates_are_refused(
    name: str, document: Mapping[str, object], as_of: str, text: str
) -> None:
    error = refusal(name, {**head("basel", as_of), **document})
    assert isinstance(error, DateOutOfRangeError)
    assert error.field == "as_of"
    assert text.split(" ")[-1] in str(error)


def test_rules_of_a_jurisdiction_before_it_had_them_are_refused() -> None:
    error = refusal("frtb_sa", head("eu", "2026-12-31"))
    assert "2027-01-01" in str(error)


def irb(*rows: Mapping[str, object]) -> Mapping[str, object]:
    return {**HEAD, "exposures": list(rows)}


def ccr(*rows: Mapping[str, object]) -> Mapping[str, object]:
    return {**HEAD, "netting_sets": SETS, "trades": list(rows)}


def market(**row: object) -> Mapping[str, object]:
    base = {"id": "x", "risk_class": "girr", "bucket": "EUR", "amount": "1"}
    return {**HEAD, "sensitivities": [{**base, **row}]}


def default(**row: object) -> Mapping[str, object]:
    base = {"id": "x", "bucket": "b", "obligor": "o", "direction": "long", "notional": "1"}
    return {**HEAD, "default_positions": [{**base, **row}]}


def credit(**row: object) -> Mapping[str, object]:
    base = {"id": "x", "asset_class": "bank", "amount": "1"}
    return {**HEAD, "exposures": [{**base, **row}]}


RETAIL = exposure("x", "other_retail", "0.1")
SWAP = trade("x", "interest_rate", "USD", end_years="1")
CDS = trade("x", "credit_single", "A", rating="A", end_years="1")
TRANCHE = {"attachment": "0.1", "detachment": "0.2"}
CALL = option("call", "1", "1", "1")

REFUSED = [
    ("irb_rwa", irb(IRB_ROWS[0], IRB_ROWS[0]), "distinct ids"),
    ("irb_rwa", irb(exposure("x", "qualifying_revolving", "0.1")), "is_transactor"),
    ("irb_rwa", irb({**RETAIL, "annual_sales_millions": "3"}), "annual_sales_millions"),
    ("irb_rwa", irb({**RETAIL, "el_best_estimate": "0.1"}), "el_best_estimate"),
    ("irb_rwa", irb({**RETAIL, "is_large_financial": True}), "is_large_financial"),
    ("irb_rwa", irb({**RETAIL, "sme_owed_total": "3"}), "no supporting factor"),
    ("irb_rwa", irb(exposure("x", "sovereign", "0.000001")), "maturity adjustment is defined"),
    ("irb_rwa", irb({**RETAIL, "pd": "1.1"}), "less than or equal to 1"),
    ("sa_ccr", ccr({**SWAP, "netting_set": "Q"}), "known netting set of trade x"),
    ("sa_ccr", ccr(trade("x", "interest_rate", "USD")), "end_years of rates"),
    ("sa_ccr", ccr({**SWAP, "start_years": "2"}), "at least start_years"),
    ("sa_ccr", ccr({**SWAP, "rating": "A"}), "rating of credit"),
    ("sa_ccr", ccr({**SWAP, "commodity": "metals"}), "commodity group"),
    ("sa_ccr", ccr({**CDS, "option": CALL, "tranche": TRANCHE}), "not both"),
    ("sa_ccr", ccr({**SWAP, "tranche": TRANCHE}), "tranche of credit"),
    ("sa_ccr", ccr({**CDS, "rating": "ZZ"}), "trades.x.rating: expected one of AAA"),
    ("sa_ccr", ccr({**SWAP, "option": option("call", "-1", "1", "1")}), "trades.x.option"),
    ("frtb_sa", market(), "sensitivities.x.tenor_years"),
    ("frtb_sa", market(tenor_years="7"), "sensitivities.x.tenor_years"),
    ("frtb_sa", market(bucket="3"), "sensitivities.x.bucket"),
    ("frtb_sa", market(kind="dividend"), "sensitivities.x.kind"),
    ("frtb_sa", market(tenor_years="1", option_tenor_years="1"), "nothing in a delta"),
    ("frtb_sa", market(measure="vega", tenor_years="1"), "sensitivities.x.option_tenor_years"),
    ("frtb_sa", market(measure="vega", option_tenor_years="1"), "sensitivities.x.tenor_years"),
    ("frtb_sa", market(risk_class="fx"), "other than the reporting currency"),
    (
        "frtb_sa",
        market(risk_class="fx", measure="vega", option_tenor_years="1"),
        "pair of currencies",
    ),
    ("frtb_sa", market(risk_class="equity"), "sensitivities.x.bucket"),
    ("frtb_sa", market(risk_class="equity", bucket="1"), "sensitivities.x.name"),
    ("frtb_sa", market(risk_class="equity", bucket="1", name="A"), "one of spot, repo"),
    (
        "frtb_sa",
        market(risk_class="csr_nonsec", bucket="1", name="A", kind="bond", tenor_years="2"),
        "sensitivities.x.tenor_years",
    ),
    (
        "frtb_sa",
        {
            **HEAD,
            "curvature": [
                {"id": "x", "risk_class": "equity", "bucket": "99", "up": "1", "down": "1"}
            ],
        },
        "curvature.x.bucket",
    ),
    ("frtb_sa", {**HEAD, "sensitivities": FRTB["sensitivities"][:1] * 2}, "distinct ids"),
    ("frtb_sa", default(), "either a rating or a risk_weight"),
    ("frtb_sa", default(rating="Z"), "default_positions.x.rating"),
    ("frtb_sa", default(portfolio="sec_ctp"), "risk_weight and gross_jtd of securitisations"),
    ("frtb_sa", default(rating="A", gross_jtd="-1"), "sign of the direction"),
    (
        "frtb_sa",
        {
            **HEAD,
            "default_positions": [
                {"id": "a", "bucket": "b", "obligor": "o", "direction": "long", "rating": "A"},
                {"id": "x", "bucket": "b", "obligor": "o", "direction": "long", "rating": "B"},
            ],
        },
        "one weight for all positions of obligor o",
    ),
    ("credit_rwa", credit(), "exposures.x.grade"),
    ("credit_rwa", credit(grade="A", conversion="half"), "exposures.x.conversion"),
    ("credit_rwa", credit(grade="A", loan_to_value="1"), "loan_to_value of real estate"),
    ("credit_rwa", credit(grade="A", covered_weight="1"), "covered_weight together"),
    ("credit_rwa", credit(grade="A", sme_owed_total="1"), "no supporting factor"),
    ("credit_rwa", credit(asset_class="commercial", loan_to_value="1"), "counterparty_weight"),
    ("credit_rwa", {**HEAD, "exposures": CREDIT_ROWS[:1] * 2}, "distinct ids"),
    (
        "ba_cva",
        {**HEAD, "version": "reduced", "netting_sets": CVA_SETS, **CVA_HEDGES},
        "no hedges in the reduced version",
    ),
    (
        "ba_cva",
        {**HEAD, "version": "full", "netting_sets": [], **CVA_HEDGES},
        "known counterparty of hedge h1",
    ),
    (
        "ba_cva",
        {**HEAD, "version": "full", "netting_sets": [{**CVA_SETS[0], "sector": "moon"}]},
        "netting_sets.n1.sector",
    ),
    ("lcr", {**HEAD, **LCR, "assets": [line("x", "gold", "1")]}, "assets.x.category"),
    ("nsfr", {**HEAD, **NSFR, "required": [line("x", "gold", "1")]}, "required.x.category"),
    ("leverage_ratio", {**HEAD, "tier1": "1", "on_balance": "0"}, "exposure above zero"),
    (
        "leverage_ratio",
        {
            **HEAD,
            **LEVERAGE,
            "off_balance": [{"id": "x", "category": "moon", "notional": "1"}],
        },
        "off_balance.x.category",
    ),
    ("capital_ratios", {**HEAD, "common_equity": "1", "rwa": {}}, "assets above zero"),
    ("capital_ratios", {**HEAD, **RATIOS, "applies_floor_cap": True}, "no cap is in force"),
    (
        "capital_ratios",
        {**head("eu", "2030-01-01"), **RATIOS, "applies_floor_cap": True},
        "no cap is in force",
    ),
]


@pytest.mark.parametrize(("name", "document", "text"), REFUSED)
def test_input_that_cannot_be_computed_names_the_field(
    name: str, document: Mapping[str, object], text: str
) -> None:
    assert text in str(refusal(name, document))


def test_supporting_factor_without_rules_is_unsupported() -> None:
    assert isinstance(refusal("irb_rwa", irb({**RETAIL, "sme_owed_total": "3"})), UnsupportedError)


def row(**changes: object) -> Mapping[str, object]:
    return simm_document(crif=[CRIF[0], {**CRIF[0], **changes}])


UNMAPPED = [
    (row(risk_type="Risk_Weather"), "crif row 2.risk_type"),
    (row(product_class="Rates"), "crif row 2.product_class"),
    (row(qualifier=""), "crif row 2.qualifier"),
    (row(qualifier="DOLLAR"), "crif row 2.qualifier"),
    (row(label1="7y"), "crif row 2.label1"),
    (row(risk_type="Risk_FX", qualifier="EURUSD"), "crif row 2.qualifier"),
    (row(risk_type="Risk_FXVol", qualifier="EUR", label1="1y"), "pair of currencies"),
    (row(risk_type="Risk_FXVol", qualifier="EURUSD", label1="soon"), "crif row 2.label1"),
    (row(risk_type="Risk_FXVol", qualifier="EURUSD", label1="0y"), "tenor above zero"),
    (row(risk_type="Risk_FXVol", qualifier="EURUSD", label1=""), "crif row 2.label1"),
    (row(risk_type="Risk_Equity", bucket="99"), "crif row 2.bucket"),
    (row(risk_type="Risk_CreditQ", bucket="1", label1=""), "crif row 2.label1"),
    (row(risk_type="Param_ProductClassMultiplier", amount_usd="0.5"), "multiplier of at least 1"),
    (simm_document(crif=[{**CRIF[27]}, {**CRIF[27]}]), "one factor for each product"),
    (simm_document(isda_licence="none"), "isda_licence"),
    (simm_document(as_of="2024-06-30"), "2022-12-03 to 2023-12-01"),
    (simm_document(parameters={"version": "2.5"}), "parameters.effective_from"),
    (simm_document(crif="RiskType\nRisk_FX\n"), "RiskType and AmountUSD"),
    (simm_document(crif="RiskType,AmountUSD\nRisk_FX,much\n"), "row 1 of the CRIF"),
    (simm_document(crif="RiskType,AmountUSD\nRisk_FX,NaN\n"), "row 1 of the CRIF"),
    (simm_document(crif=""), "RiskType and AmountUSD"),
]


@pytest.mark.parametrize(("document", "text"), UNMAPPED)
def test_crif_row_that_cannot_be_mapped_is_named(document: Mapping[str, object], text: str) -> None:
    assert text in str(refusal("simm", document))


def test_simm_parameters_are_not_shipped() -> None:
    document = {key: item for key, item in simm_document().items() if key != "parameters"}
    assert "parameters: expected a value" in str(refusal("simm", document))
    assert simm_parameters()["version"] == "2.5"


def without_entry(parameters: Mapping[str, object], risk: str, table: str) -> dict[str, object]:
    part = parameters[risk]
    assert isinstance(part, Mapping)
    return {**parameters, risk: {**part, table: {}}}


def test_simm_parameters_that_lack_an_entry_are_refused() -> None:
    parameters = without_entry(simm_parameters(), "rates", "weights")
    error = refusal("simm", simm_document(parameters=parameters))
    assert "parameters: expected an entry for" in str(error)


def test_simm_correlations_that_are_not_square_are_refused() -> None:
    rates = simm_parameters()["rates"]
    assert isinstance(rates, Mapping)
    parameters = {**simm_parameters(), "rates": {**rates, "tenors": rates["tenors"][:-1]}}
    error = refusal("simm", simm_document(parameters=parameters))
    assert "tenor_correlation of 11 rows and columns" in str(error)
