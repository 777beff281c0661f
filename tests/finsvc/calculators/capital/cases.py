"""Inputs of the capital and liquidity calculators, small enough to read, touching every branch."""

import json
from functools import cache
from pathlib import Path

from tests.finsvc.calculators.real_book import Cases

HEAD = {"as_of": "2027-03-31", "jurisdiction": "basel", "currency": "EUR"}


def head(jurisdiction: str, as_of: str = "2027-03-31") -> dict[str, object]:
    return {"as_of": as_of, "jurisdiction": jurisdiction, "currency": "EUR"}


def exposure(name: str, asset_class: str, pd: str, lgd: str = "0.45", **more: object) -> dict:
    return {"id": name, "asset_class": asset_class, "pd": pd, "lgd": lgd, "ead": "1000", **more}


IRB_ROWS = [
    exposure("corporate", "corporate", "0.01"),
    exposure("small", "corporate", "0.01", annual_sales_millions="12", secured_by="receivables"),
    exposure("large", "bank", "0.002", is_large_financial=True, maturity_years="0.5"),
    exposure("long", "bank", "0.002", "0.1", secured_by="unsecured", maturity_years="7"),
    exposure("free", "sovereign", "0"),
    exposure("home", "residential_mortgage", "0.0001", "0.02", secured_by="real_estate"),
    exposure("card", "qualifying_revolving", "0.0002", is_transactor=False),
    exposure("paid", "qualifying_revolving", "0.02", is_transactor=True),
    exposure("loan", "other_retail", "0.03", "0.3"),
    exposure("lost", "other_retail", "1", el_best_estimate="0.4"),
    exposure("gone", "corporate", "1", "0.1", secured_by="unsecured"),
]


def trade(name: str, asset_class: str, reference: str, **more: object) -> dict[str, object]:
    base = {
        "id": name,
        "netting_set": "A",
        "asset_class": asset_class,
        "reference": reference,
        "notional": "10000",
        "market_value": "10",
        "direction": "long",
        "maturity_years": "3",
    }
    return {**base, **more}


def option(kind: str, price: str, strike: str, years: str, **more: object) -> dict[str, object]:
    return {
        "option_type": kind,
        "price": price,
        "strike": strike,
        "expiry_years": years,
        **more,
    }


TRADES = [
    trade("r1", "interest_rate", "USD", end_years="0.5"),
    trade("r2", "interest_rate", "USD", end_years="4", direction="short", market_value="-30"),
    trade("r3", "interest_rate", "USD", start_years="1", end_years="11"),
    trade(
        "r4",
        "interest_rate",
        "EUR",
        start_years="1",
        end_years="11",
        option=option("put", "-0.002", "0.01", "1", shift="0.02"),
    ),
    trade("r5", "interest_rate", "3M/6M", end_years="6", transaction="basis"),
    trade("f1", "fx", "EUR-USD", maturity_years="0.25"),
    trade("f2", "fx", "EUR-USD", option=option("call", "1.1", "1.1", "0")),
    trade("f3", "fx", "EUR-USD", option=option("call", "1.2", "1.1", "0"), direction="short"),
    trade("f4", "fx", "EUR-GBP", option=option("put", "1.2", "1.1", "0.5")),
    trade("c1", "credit_single", "Firm A", rating="AA", end_years="3"),
    trade("c2", "credit_single", "Firm B", rating="B", end_years="5", direction="short"),
    trade(
        "c3",
        "credit_index",
        "CDX.IG",
        rating="IG",
        end_years="5",
        tranche={"attachment": "0.03", "detachment": "0.07"},
    ),
    trade("c4", "credit_index", "CDX.IG", rating="IG", end_years="5", transaction="basis"),
    trade("e1", "equity_single", "X", direction="short"),
    trade("e2", "equity_index", "SPX", option=option("put", "4000", "3800", "1")),
    trade("e3", "equity_index", "SPX", transaction="volatility"),
    trade("e4", "equity_single", "X", option=option("call", "10", "12", "0")),
    trade("m1", "commodity", "Power", commodity="electricity", direction="short"),
    trade("m2", "commodity", "Gas", commodity="energy", option=option("call", "3", "2", "1")),
    trade("m3", "commodity", "Silver", commodity="metals", maturity_years="0.01"),
    trade("m4", "commodity", "Gas-Oil", commodity="energy", transaction="basis"),
    trade(
        "c5",
        "credit_single",
        "Firm A",
        rating="A",
        end_years="0",
        option=option("call", "0.02", "0.02", "2"),
    ),
    trade(
        "e5",
        "credit_index",
        "HY",
        rating="SG",
        end_years="1",
        option=option("call", "0.03", "0.02", "2"),
        market_value="-90",
    ),
]
TERMS = {"threshold": "0", "minimum_transfer": "5", "independent_amount": "150"}
SETS = [
    {"id": "A"},
    {"id": "B", "collateral": "400", "margin": {**TERMS, "risk_period_days": 14}},
    {"id": "C", "counterparty": "non_financial", "collateral": "5"},
    {"id": "D", "margin": {"threshold": "1000000", "risk_period_days": 20}},
    {"id": "E", "collateral": "100"},
]
ALL_TRADES = [
    *TRADES,
    *({**row, "id": f"b{row['id']}", "netting_set": "B"} for row in TRADES),
    *({**row, "id": f"c{row['id']}", "netting_set": "C"} for row in TRADES[:9]),
    *({**row, "id": f"d{row['id']}", "netting_set": "D"} for row in TRADES[::3]),
]

CREDIT_ROWS = [
    {"id": "a", "asset_class": "sovereign", "grade": "A", "amount": "100"},
    {"id": "b", "asset_class": "bank", "grade": "grade_b", "amount": "100"},
    {
        "id": "c",
        "asset_class": "corporate",
        "grade": "BBB",
        "amount": "100",
        "conversion": "commitment",
    },
    {
        "id": "d",
        "asset_class": "retail",
        "grade": "regulatory",
        "amount": "100",
        "is_mismatched": True,
    },
    {
        "id": "e",
        "asset_class": "corporate",
        "grade": "CCC",
        "amount": "100",
        "is_mismatched": True,
        "covered_fraction": "0.4",
        "covered_weight": "0.2",
    },
    {
        "id": "f",
        "asset_class": "residential",
        "amount": "100",
        "loan_to_value": "0.5",
        "counterparty_weight": "0.75",
    },
    {
        "id": "g",
        "asset_class": "residential",
        "amount": "100",
        "loan_to_value": "0.95",
        "counterparty_weight": "0.75",
    },
    {"id": "h", "asset_class": "residential_income", "amount": "100", "loan_to_value": "1.4"},
    {
        "id": "i",
        "asset_class": "commercial",
        "amount": "100",
        "loan_to_value": "0.55",
        "counterparty_weight": "0.5",
    },
    {
        "id": "j",
        "asset_class": "commercial",
        "amount": "100",
        "loan_to_value": "0.75",
        "counterparty_weight": "1",
    },
    {"id": "k", "asset_class": "commercial_income", "amount": "100", "loan_to_value": "0.7"},
    {"id": "l", "asset_class": "equity", "grade": "speculative", "amount": "100"},
    {"id": "m", "asset_class": "retail", "grade": "other", "amount": "100", "is_mismatched": True},
]
SUPPORTED = [
    {
        "id": "s1",
        "asset_class": "corporate",
        "grade": "unrated",
        "amount": "100",
        "sme_owed_total": "1000000",
    },
    {
        "id": "s2",
        "asset_class": "corporate",
        "grade": "unrated",
        "amount": "100",
        "sme_owed_total": "10000000",
    },
    {
        "id": "s3",
        "asset_class": "corporate",
        "grade": "unrated",
        "amount": "100",
        "sme_owed_total": "0",
    },
]

CVA_SETS = [
    {
        "id": "n1",
        "counterparty": "X",
        "sector": "financial",
        "quality": "investment_grade",
        "ead": "1000",
        "maturity_years": "2.5",
    },
    {
        "id": "n2",
        "counterparty": "X",
        "sector": "financial",
        "quality": "investment_grade",
        "ead": "500",
        "maturity_years": "1",
        "discount_factor": "1",
    },
    {
        "id": "n3",
        "counterparty": "Y",
        "sector": "technology",
        "quality": "high_yield",
        "ead": "800",
        "maturity_years": "0",
    },
    {
        "id": "n4",
        "counterparty": "Z",
        "sector": "sovereign",
        "quality": "high_yield",
        "ead": "800",
        "maturity_years": "4",
    },
]
CVA_HEDGES = {
    "single_name_hedges": [
        {
            "id": "h1",
            "counterparty": "X",
            "sector": "financial",
            "quality": "investment_grade",
            "relation": "direct",
            "notional": "600",
            "maturity_years": "3",
        },
        {
            "id": "h2",
            "counterparty": "Z",
            "sector": "public",
            "quality": "high_yield",
            "relation": "sector_region",
            "notional": "100",
            "maturity_years": "2",
        },
    ],
    "index_hedges": [
        {"id": "i1", "risk_weight": "0.03", "notional": "300", "maturity_years": "5"},
    ],
}


def line(name: str, category: str, amount: str) -> dict[str, object]:
    return {"id": name, "category": category, "amount": amount}


LCR = {
    "assets": [
        line("a", "level1", "50"),
        line("b", "level1_covered", "300"),
        line("c", "level2a", "100"),
        line("d", "level2b_rmbs", "40"),
        line("e", "level2b", "40"),
    ],
    "outflows": [line("f", "retail_stable", "1000"), line("g", "financial", "150")],
    "inflows": [line("h", "retail", "500")],
    "unwind": {"level1": "-10", "level2a": "15"},
}
NSFR = {
    "available": [line("a", "capital", "100"), line("b", "retail_stable", "200")],
    "required": [line("c", "level1", "50"), line("d", "loans_one_year", "100")],
}
LEVERAGE = {
    "tier1": "40",
    "on_balance": "900",
    "deductions": "10",
    "central_bank_claims": "100",
    "derivatives_replacement_cost": "5",
    "derivatives_add_on": "20",
    "written_credit": "3",
    "financing_gross": "50",
    "financing_add_on": "2",
    "off_balance": [{"id": "a", "category": "commitment", "notional": "200"}],
    "systemic_buffer": "0.01",
}
RATIOS = {
    "common_equity": "120",
    "additional_tier1": "15",
    "tier2": "20",
    "rwa": {"credit": "700", "market": "100", "operational": "80", "cva": "20"},
    "rwa_standardised": "1500",
    "pillar2": "0.02",
    "countercyclical": "0.01",
    "global_systemic": "0.01",
    "other_systemic": "0.015",
    "systemic_risk": "0.005",
}

FRTB = json.loads((Path(__file__).parent / "frtb_book.json").read_text())
FRTB["sensitivities"] += [
    {
        "id": "inflation",
        "risk_class": "girr",
        "bucket": "EUR",
        "kind": "inflation",
        "amount": "9000",
    },
    {
        "id": "basis-1",
        "risk_class": "girr",
        "bucket": "EUR",
        "kind": "cross_currency",
        "name": "a",
        "amount": "-7000",
    },
    {
        "id": "basis-2",
        "risk_class": "girr",
        "bucket": "EUR",
        "kind": "cross_currency",
        "name": "b",
        "amount": "5000",
    },
    {
        "id": "curve-1",
        "risk_class": "girr",
        "bucket": "EUR",
        "name": "a",
        "tenor_years": "2",
        "amount": "8000",
    },
    {
        "id": "curve-2",
        "risk_class": "girr",
        "bucket": "EUR",
        "name": "b",
        "tenor_years": "30",
        "amount": "-2000",
    },
    {
        "id": "small",
        "risk_class": "equity",
        "measure": "vega",
        "bucket": "9",
        "name": "S",
        "kind": "spot",
        "option_tenor_years": "3",
        "amount": "2000",
    },
]


@cache
def simm_parameters(horizon: str = "ten_days") -> dict[str, object]:
    path = Path(__file__).parents[3] / "golden" / "capital" / f"simm_2_5_{horizon}.json"
    document: dict[str, object] = json.loads(path.read_text())["parameters"]
    return document


CRIF = [
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_IRCurve",
        "qualifier": "USD",
        "bucket": "1",
        "label1": "2w",
        "label2": "OIS",
        "amount_usd": "4000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_IRCurve",
        "qualifier": "USD",
        "bucket": "1",
        "label1": "10y",
        "label2": "Libor3m",
        "amount_usd": "-900000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_Inflation",
        "qualifier": "USD",
        "amount_usd": "-2000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_XCcyBasis",
        "qualifier": "EUR",
        "amount_usd": "5000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_IRVol",
        "qualifier": "JPY",
        "label1": "5y",
        "amount_usd": "-100000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_InflationVol",
        "qualifier": "JPY",
        "label1": "2w",
        "amount_usd": "40000000",
    },
    {"product_class": "RatesFX", "risk_type": "Risk_FX", "qualifier": "USD", "amount_usd": "9"},
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_FX",
        "qualifier": "EUR",
        "amount_usd": "6000000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_FX",
        "qualifier": "BRL",
        "amount_usd": "-300000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_FXVol",
        "qualifier": "USDEUR",
        "label1": "3m",
        "amount_usd": "30000000",
    },
    {
        "product_class": "RatesFX",
        "risk_type": "Risk_FXVol",
        "qualifier": "EURBRL",
        "label1": "3m",
        "amount_usd": "-5000000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_CreditQ",
        "qualifier": "ISIN:A",
        "bucket": "2",
        "label1": "5y",
        "label2": "USD",
        "amount_usd": "500000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_CreditQ",
        "qualifier": "ISIN:A",
        "bucket": "2",
        "label1": "1y",
        "label2": "USD",
        "amount_usd": "-100000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_CreditQ",
        "qualifier": "ISIN:B",
        "bucket": "residual",
        "label1": "5y",
        "amount_usd": "300000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_CreditVol",
        "qualifier": "ISIN:B",
        "bucket": "Residual",
        "label1": "5y",
        "amount_usd": "-300000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_CreditVol",
        "qualifier": "ISIN:B",
        "bucket": "7",
        "label1": "5y",
        "amount_usd": "-300000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_BaseCorr",
        "qualifier": "CDX IG",
        "amount_usd": "500000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_CreditNonQ",
        "qualifier": "ISIN:C",
        "bucket": "1",
        "label1": "2y",
        "label2": "CMBX",
        "amount_usd": "3000000",
    },
    {
        "product_class": "Credit",
        "risk_type": "Risk_CreditVolNonQ",
        "qualifier": "ISIN:C",
        "bucket": "1",
        "label1": "2y",
        "label2": "CMBX",
        "amount_usd": "3000000",
    },
    {
        "product_class": "Equity",
        "risk_type": "Risk_Equity",
        "qualifier": "ISIN:D",
        "bucket": "4",
        "amount_usd": "20000000",
    },
    {
        "product_class": "Equity",
        "risk_type": "Risk_Equity",
        "qualifier": "ISIN:E",
        "bucket": "4",
        "amount_usd": "-2000000",
    },
    {
        "product_class": "Equity",
        "risk_type": "Risk_Equity",
        "qualifier": "ISIN:F",
        "bucket": "5",
        "amount_usd": "-2000000",
    },
    {
        "product_class": "Equity",
        "risk_type": "Risk_EquityVol",
        "qualifier": "VIX",
        "bucket": "12",
        "label1": "3m",
        "amount_usd": "400000",
    },
    {
        "product_class": "Equity",
        "risk_type": "Risk_EquityVol",
        "qualifier": "ISIN:D",
        "bucket": "4",
        "label1": "1y",
        "amount_usd": "400000",
    },
    {
        "product_class": "Commodity",
        "risk_type": "Risk_Commodity",
        "qualifier": "Coal",
        "bucket": "1",
        "amount_usd": "700000",
    },
    {
        "product_class": "Commodity",
        "risk_type": "Risk_CommodityVol",
        "qualifier": "Coal",
        "bucket": "1",
        "label1": "6m",
        "amount_usd": "-700000",
    },
    {"risk_type": "Param_ProductClassMultiplier", "qualifier": "Equity", "amount_usd": "1.2"},
    {"risk_type": "Param_AddOnNotionalFactor", "qualifier": "Alpha", "amount_usd": "12.5"},
    {"risk_type": "Notional", "qualifier": "Alpha", "amount_usd": "-80000000"},
    {"risk_type": "Param_AddOnFixedAmount", "amount_usd": "1000000"},
]


def simm_document(horizon: str = "ten_days", **changes: object) -> dict[str, object]:
    return {
        "as_of": "2023-06-30",
        "calculation_currency": "USD",
        "isda_licence": "held",
        "parameters": simm_parameters(horizon),
        "crif": CRIF,
        **changes,
    }


CAPITAL_CASES: Cases = (
    ("irb_rwa", {**HEAD, "exposures": IRB_ROWS}),
    ("irb_rwa", {**head("uk"), "exposures": IRB_ROWS}),
    ("irb_rwa", {**head("basel", "2020-06-30"), "exposures": IRB_ROWS}),
    (
        "irb_rwa",
        {
            **head("eu"),
            "exposures": [
                exposure("small", "corporate", "0.01", sme_owed_total="2000000"),
                exposure("middle", "corporate", "0.01", sme_owed_total="4000000"),
                exposure("none", "corporate", "0.01", sme_owed_total="0"),
            ],
        },
    ),
    ("sa_ccr", {**HEAD, "netting_sets": SETS, "trades": ALL_TRADES}),
    ("sa_ccr", {**head("uk"), "netting_sets": SETS, "trades": ALL_TRADES}),
    ("frtb_sa", {**HEAD, **FRTB}),
    ("frtb_sa", {**head("uk"), **FRTB}),
    ("frtb_sa", head("eu")),
    ("credit_rwa", {**HEAD, "exposures": CREDIT_ROWS}),
    ("credit_rwa", {**head("eu"), "exposures": [*CREDIT_ROWS, *SUPPORTED]}),
    ("ba_cva", {**HEAD, "version": "full", "netting_sets": CVA_SETS, **CVA_HEDGES}),
    ("ba_cva", {**head("eu"), "version": "reduced", "netting_sets": CVA_SETS}),
    ("lcr", {**HEAD, **LCR}),
    ("lcr", {**head("eu"), **LCR}),
    ("nsfr", {**HEAD, **NSFR}),
    ("nsfr", {**head("uk"), **NSFR}),
    ("leverage_ratio", {**HEAD, **LEVERAGE}),
    ("leverage_ratio", {**head("uk"), **LEVERAGE}),
    ("capital_ratios", {**HEAD, **RATIOS}),
    ("capital_ratios", {**head("eu"), **RATIOS, "applies_floor_cap": True}),
    ("capital_ratios", {**head("uk"), **RATIOS, "rwa_standardised": None}),
    ("simm", simm_document()),
    ("simm", simm_document("one_day", calculation_currency="BRL")),
)
