"""Limits at the edges, properties and other forms of input of the capital calculators."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest

from finsvc.domain.results import CalculatorResult
from tests.finsvc.calculators.capital.cases import (
    CRIF,
    CVA_SETS,
    FRTB,
    HEAD,
    LEVERAGE,
    RATIOS,
    TRADES,
    exposure,
    head,
    line,
    option,
    simm_document,
    trade,
)
from tests.finsvc.calculators.capital.large import crif, sensitivities, trades
from tests.golden.capital.runs import confirmed, value


def irb(*rows: Mapping[str, object]) -> CalculatorResult:
    return confirmed("irb_rwa", {**HEAD, "exposures": list(rows)})


def test_certain_and_impossible_default_weigh_nothing_without_an_estimate() -> None:
    result = irb(exposure("sure", "corporate", "1"), exposure("never", "sovereign", "0"))
    assert value(result, "rwa_total") == 0
    assert value(result, "expected_loss.sure") == 450
    assert value(result, "expected_loss.never") == 0


def test_defaulted_exposure_weighs_its_unexpected_loss() -> None:
    result = irb(exposure("x", "bank", "1", "0.5", el_best_estimate="0.4"))
    assert value(result, "risk_weight.x") == 125


def test_no_exposures_weigh_nothing() -> None:
    assert value(irb(), "rwa_total") == 0
    assert value(confirmed("credit_rwa", {**HEAD, "exposures": []}), "rwa_total") == 0


def test_sa_ccr_of_an_empty_netting_set_is_its_replacement_cost() -> None:
    sets = [{"id": "A"}, {"id": "B", "collateral": "-100"}, {"id": "C", "collateral": "100"}]
    result = confirmed("sa_ccr", {**HEAD, "netting_sets": sets, "trades": []})
    assert value(result, "ead.A") == 0
    assert value(result, "ead.B") == 140
    assert value(result, "ead.C") == 0
    assert value(result, "multiplier.C") == Decimal("0.05")


def test_sa_ccr_without_netting_sets_is_zero() -> None:
    result = confirmed("sa_ccr", {**HEAD, "netting_sets": [], "trades": []})
    assert value(result, "ead_total") == 0


@pytest.mark.parametrize(
    ("kind", "price", "delta"),
    [("call", "2", "1"), ("call", "0.5", "0"), ("put", "2", "0"), ("put", "0.5", "-1")],
)
def test_option_at_expiry_has_the_delta_of_its_payoff(kind: str, price: str, delta: str) -> None:
    row = trade("x", "fx", "EUR-USD", option=option(kind, price, "1", "0"), maturity_years="1")
    result = confirmed("sa_ccr", {**HEAD, "netting_sets": [{"id": "A"}], "trades": [row]})
    assert value(result, "add_on.A:fx:EUR-USD") == abs(Decimal(delta)) * 400


def test_sa_ccr_names_of_references_never_collide() -> None:
    rows = [trade("x", "fx", "EUR/USD"), trade("y", "fx", "EUR-USD")]
    result = confirmed("sa_ccr", {**HEAD, "netting_sets": [{"id": "A"}], "trades": rows})
    assert {"add_on.A:fx:EUR:2f:USD", "add_on.A:fx:EUR-USD"} <= set(result.fields)


def test_sa_ccr_does_not_depend_on_the_order_of_trades() -> None:
    document = {**HEAD, "netting_sets": [{"id": "A"}], "trades": TRADES}
    other = {**document, "trades": TRADES[::-1]}
    assert confirmed("sa_ccr", document).fields == confirmed("sa_ccr", other).fields


def test_frtb_of_nothing_is_zero() -> None:
    result = confirmed("frtb_sa", HEAD)
    assert value(result, "capital_total") == 0
    assert result.labels["rule_set"] == "basel-frtb-sa"


def test_frtb_of_a_perfect_hedge_is_zero() -> None:
    rows = [
        {"id": "a", "risk_class": "fx", "bucket": "USD", "amount": "1000000.01"},
        {"id": "b", "risk_class": "fx", "bucket": "USD", "amount": "-1000000.01"},
        *(
            {
                "id": f"i{bucket}",
                "risk_class": "csr_nonsec",
                "bucket": "17",
                "name": name,
                "kind": "cds",
                "tenor_years": "5",
                "amount": amount,
            }
            for bucket, (name, amount) in enumerate((("A", "333.33"), ("B", "-333.33")))
        ),
    ]
    result = confirmed("frtb_sa", {**HEAD, "sensitivities": rows})
    # Names of an index bucket move together under high correlations.
    assert value(result, "scenario.high") == 0
    assert value(result, "scenario.medium") > 0


def test_frtb_scales_with_the_book() -> None:
    def scaled(factor: int) -> CalculatorResult:
        rows = [
            {**row, "amount": str(Decimal(row["amount"]) * factor)} for row in FRTB["sensitivities"]
        ]
        return confirmed("frtb_sa", {**HEAD, "sensitivities": rows})

    once, twice = value(scaled(1), "capital_total"), value(scaled(2), "capital_total")
    assert twice == pytest.approx(2 * once)


def test_frtb_with_sums_beyond_charges_holds_them_and_stays_real() -> None:
    # Forty longs in one bucket and forty shorts in its neighbour: the sums of the buckets exceed
    # their charges so far that the cross term makes the total negative.
    rows = [
        {
            "id": f"{bucket}-{name}",
            "risk_class": "csr_nonsec",
            "bucket": str(bucket),
            "name": f"{name}",
            "kind": "bond",
            "tenor_years": "5",
            "amount": amount,
        }
        for bucket, amount in ((1, "200"), (2, "-100"))
        for name in range(40)
    ]
    result = confirmed("frtb_sa", {**HEAD, "sensitivities": rows})
    # Both charges are equal, and their held sums cancel but for the correlation of buckets.
    charge = 40 * (Decimal("0.35") + Decimal("0.65") / 40).sqrt()
    expected = charge * (2 - 2 * Decimal("0.75")).sqrt()
    assert value(result, "scenario.medium") == pytest.approx(expected)


def test_frtb_counts_renminbi_as_one_liquid_currency() -> None:
    rows = [{"id": "a", "risk_class": "fx", "bucket": "CNH", "amount": "100"}]
    charge = value(confirmed("frtb_sa", {**HEAD, "sensitivities": rows}), "capital_total")
    assert charge == pytest.approx(Decimal("10.6066017178"))


def test_defaulted_short_of_junior_rank_does_not_hedge_a_senior_short() -> None:
    def charge(long: str, short: str) -> Decimal:
        rows = [
            {"id": "l", "seniority": long, "direction": "long"},
            {"id": "s", "seniority": short, "direction": "short"},
        ]
        base = {"bucket": "b", "obligor": "o", "rating": "B", "notional": "100"}
        positions = [{**base, **row, "loss_given_default": "1"} for row in rows]
        return value(
            confirmed("frtb_sa", {**HEAD, "default_positions": positions}), "default_total"
        )

    assert charge("senior", "equity") == 0
    assert charge("equity", "senior") == 15


def test_position_already_lost_has_no_jump_to_default() -> None:
    row = {"id": "x", "bucket": "b", "obligor": "o", "rating": "B", "notional": "100"}
    lost = {**row, "direction": "long", "pnl": "-90"}
    result = confirmed("frtb_sa", {**HEAD, "default_positions": [lost]})
    assert value(result, "default_total") == 0


def test_given_jump_to_default_counts_for_its_maturity() -> None:
    row = {"id": "x", "bucket": "b", "obligor": "o", "rating": "B", "direction": "short"}
    short = {**row, "gross_jtd": "-100", "maturity_years": "0.1"}
    long = {**row, "id": "y", "direction": "long", "gross_jtd": "0", "obligor": "p"}
    result = confirmed("frtb_sa", {**HEAD, "default_positions": [short, long]})
    assert value(result, "default_total") == 0


def test_cva_of_nothing_is_zero_and_perfect_hedge_leaves_the_floor() -> None:
    nothing = {**HEAD, "version": "reduced", "netting_sets": []}
    assert value(confirmed("ba_cva", nothing), "capital_total") == 0
    size = {"notional": "714.285714285714", "maturity_years": "2.5"}
    hedge = {key: CVA_SETS[0][key] for key in ("counterparty", "sector", "quality")}
    hedges = [{**hedge, **size, "id": "h", "relation": "direct", "notional": "714.28571429"}]
    document = {**HEAD, "version": "full", "netting_sets": CVA_SETS[:1]}
    result = confirmed("ba_cva", {**document, "single_name_hedges": hedges})
    quarter = value(result, "reduced_total") / 4
    assert value(result, "capital_total") == pytest.approx(quarter, rel=Decimal("1e-8"))


def test_lcr_of_more_inflows_than_cap_counts_a_quarter_of_outflows() -> None:
    document = {
        **HEAD,
        "assets": [line("a", "level1", "10")],
        "outflows": [line("o", "financial", "100")],
        "inflows": [line("i", "financial", "500")],
    }
    assert value(confirmed("lcr", document), "lcr") == 40


def test_lcr_minimum_was_phased_in() -> None:
    rows = {"assets": [line("a", "level1", "80")], "outflows": [line("o", "financial", "100")]}
    for year, status in (("2017", "met"), ("2018", "breached"), ("2026", "breached")):
        result = confirmed("lcr", {**head("basel", f"{year}-06-30"), **rows})
        assert result.labels["status"] == status


def test_leverage_below_the_minimum_is_a_breach() -> None:
    result = confirmed("leverage_ratio", {**HEAD, **LEVERAGE, "tier1": "-1"})
    assert result.labels["status"] == "breached"
    assert value(result, "leverage_ratio") < 0


@pytest.mark.parametrize(
    ("equity", "status", "payout"),
    [("20", "breached", "0"), ("70", "in_buffer", "0"), ("80", "in_buffer", "0"),
     ("90", "in_buffer", "20"), ("100", "in_buffer", "40"), ("115", "in_buffer", "60"),
     ("300", "met", "100")],
)  # fmt: skip
def test_payout_follows_the_quarter_of_the_buffer_that_is_met(
    equity: str, status: str, payout: str
) -> None:
    result = confirmed("capital_ratios", {**HEAD, **RATIOS, "common_equity": equity})
    assert (result.labels["status"], value(result, "payout_limit")) == (status, Decimal(payout))


def test_output_floor_rises_over_the_years() -> None:
    floors = [
        value(confirmed("capital_ratios", {**head("eu", day), **RATIOS}), "output_floor")
        for day in ("2025-06-30", "2027-06-30", "2031-06-30")
    ]
    assert floors == [750, 900, Decimal("1087.5")]


def text_of(rows: list[dict[str, str]], delimiter: str) -> str:
    names = {
        "ProductClass": "product_class",
        "RiskType": "risk_type",
        "Qualifier": "qualifier",
        "Bucket": "bucket",
        "Label1": "label1",
        "Label2": "label2",
        "Amount": "nothing",
        "AmountUSD": "amount_usd",
        "TradeID": "nothing",
    }
    lines = [delimiter.join(names)]
    lines += [delimiter.join(row.get(field, "") for field in names.values()) for row in rows]
    return "\n".join(lines) + "\n\n"


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_crif_text_and_rows_give_the_same_margin(delimiter: str) -> None:
    rows = confirmed("simm", simm_document())
    text = confirmed("simm", simm_document(crif=text_of(CRIF, delimiter)))
    assert rows.fields == text.fields
    assert rows.inputs_digest == text.inputs_digest


def test_simm_of_an_empty_crif_is_zero() -> None:
    assert value(confirmed("simm", simm_document(crif=[])), "margin_total") == 0


def test_simm_of_add_ons_alone_has_no_standard_margin() -> None:
    result = confirmed("simm", simm_document(crif=CRIF[26:]))
    assert value(result, "standard_total") == 0
    assert value(result, "add_on_total") == 11_000_000


def test_simm_curvature_of_offsetting_vegas_is_zero() -> None:
    vega = {**CRIF[9], "amount_usd": "5"}
    rows = [vega, {**vega, "amount_usd": "-5"}]
    result = confirmed("simm", simm_document(crif=rows))
    assert value(result, "margin_total") == 0


@pytest.mark.parametrize("count", [1, 37, 400])
@pytest.mark.parametrize(
    ("name", "make"), [("frtb_sa", sensitivities), ("sa_ccr", trades), ("simm", crif)]
)
def test_random_books_are_confirmed_in_every_field(
    name: str, make: Callable[[int], Mapping[str, object]], count: int
) -> None:
    assert confirmed(name, make(count)).fields


def test_lcr_of_the_eu_knows_more_assets_and_deposits() -> None:
    document = {
        **head("eu"),
        "assets": [
            line("a", "level1", "100"),
            line("b", "level2b_covered", "10"),
            line("c", "level2b_consumer", "10"),
        ],
        "outflows": [line("o", "retail_higher_one", "1000")],
    }
    assert value(confirmed("lcr", document), "liquid_assets") == Decimal("113.5")
