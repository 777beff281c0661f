"""Every contradiction in the inputs of a pricing calculator is refused with its reason."""

import re
from collections.abc import Mapping

import pytest

from finsvc.calculators.inputs.pricing.base import PricingInput
from finsvc.calculators.registry import calculator
from finsvc.domain.errors import InputError
from tests.finsvc.calculators.pricing.cases import (
    AS_OF,
    BOND,
    CALL,
    CDS,
    CURVE,
    FLAT,
    MARKET,
    PUT,
    SWAP,
    TERMS,
)

FORWARD = {
    "as_of": AS_OF,
    "notional": "1",
    "spot_rate": "1",
    "contract_rate": "1",
    "delivery": "2023-12-29",
    "base_curve": FLAT,
    "quote_curve": FLAT,
}
FRA = {
    "as_of": AS_OF,
    "side": "buy",
    "notional": "1",
    "contract_rate": "0",
    "start": "2023-06-28",
    "end": "2023-12-28",
    "discount_curve": FLAT,
}
ASIAN = {**CALL, "averaging": "arithmetic", "fixing_years": ["0.5"]}
FLOATING = {**MARKET, "option_type": "call", "kind": "floating"}
YEARS = {"start": "2022-01-01", "end": "2023-01-01", "convention": "actual_360"}
PAID = {**BOND, "as_of": AS_OF, "convention": "uk_gilt"}
BILL = {"as_of": AS_OF, "convention": "us", "maturity": "2023-03-20", "price": "99"}
SWAPPED = {**SWAP, "side": "pay_fixed", "start": "2023-01-05"}
NODE = {"date": "2024-01-01", "discount_factor": "0.9"}

REFUSED: tuple[tuple[str, Mapping[str, object], str], ...] = (
    ("european_option", {**CALL, "strike": "1e3"}, "15 integer digits"),
    ("european_option", {**CALL, "strike": True}, "decimal as a string"),
    ("european_option", {**CALL, "strike": 1.5}, "decimal as a string"),
    ("european_option", {**CALL, "expiry": "2023-01-01"}, "exactly one of expiry and years"),
    ("european_option", {**TERMS, "option_type": "call", "strike": "1"}, "exactly one of expiry"),
    (
        "european_option",
        {**TERMS, "option_type": "call", "strike": "1", "expiry": "2020-01-01"},
        "on or after as_of",
    ),
    ("european_option", {**CALL, "model": "black_76"}, "no dividend_yield"),
    ("european_option", {**CALL, "spot": "0"}, "spot > 0"),
    ("european_option", {**CALL, "strike": "-1"}, "strike >= 0"),
    ("digital_option", {**CALL, "payoff": "gap", "style": "at_hit"}, "European style"),
    (
        "barrier_option",
        {**CALL, "barrier_kind": "up_in", "barrier": "120", "payoff": "cash", "rebate": "1"},
        "no rebate",
    ),
    (
        "double_barrier_option",
        {**CALL, "barrier_kind": "knock_in", "barrier_low": "120", "barrier_high": "110"},
        "barrier_low below barrier_high",
    ),
    (
        "double_barrier_option",
        {**MARKET, "barrier_kind": "knock_in", "barrier_low": "80", "barrier_high": "110"},
        "option_type and strike",
    ),
    ("lookback_option", {**FLOATING, "strike": "100"}, "none for floating"),
    ("lookback_option", {**FLOATING, "extreme": "101"}, "the spot has not passed"),
    ("lookback_option", {**FLOATING, "window_years": "2"}, "within the life"),
    ("lookback_option", {**FLOATING, "fraction": "2"}, "partial floating"),
    (
        "lookback_option",
        {**PUT, "kind": "fixed", "window_years": "0.2", "extreme": "99"},
        "no extreme before the window",
    ),
    ("asian_option", {**ASIAN, "kind": "average_strike"}, "a strike for average-price"),
    ("asian_option", {**ASIAN, "past_fixings": 2}, "past_average exactly when"),
    ("asian_option", {**ASIAN, "fixing_years": ["0.5", "0.4"]}, "ascending order"),
    ("asian_option", {**ASIAN, "fixing_years": ["0.9"]}, "within the life"),
    ("asian_option", {**CALL, "averaging": "arithmetic"}, "fixing_years unless"),
    (
        "asian_option",
        {
            **MARKET,
            "option_type": "call",
            "averaging": "geometric",
            "kind": "average_strike",
            "fixing_years": ["0.5"],
            "past_fixings": 1,
            "past_average": "100",
        },
        "no past fixings for an average strike",
    ),
    ("year_fraction", {**YEARS, "end": "2021-01-01"}, "start on or before end"),
    ("year_fraction", {**YEARS, "reference_end": "2023-01-01"}, "both reference dates"),
    ("year_fraction", {**YEARS, "frequency": 5}, "divides twelve"),
    ("year_fraction", {**YEARS, "convention": "actual_actual_icma"}, "frequency of the coupons"),
    (
        "year_fraction",
        {**YEARS, "reference_start": "2023-01-01", "reference_end": "2022-01-01"},
        "reference_start before reference_end",
    ),
    ("bond_price", {**PAID, "as_of": "2032-01-01", "yield_rate": "0"}, "settlement"),
    ("bond_price", {**PAID, "first_coupon": "2019-01-01", "yield_rate": "0"}, "first_coupon after"),
    ("bond_price", PAID, "exactly one of clean_price"),
    ("bill_price", {**BILL, "maturity": AS_OF}, "before maturity"),
    ("bill_price", {**BILL, "quoted_rate": "0.01"}, "exactly one of price"),
    (
        "discount_curve",
        {
            "as_of": AS_OF,
            "quotes": [{"kind": "fra", "start_months": 3, "end_months": 3, "rate": "0"}],
        },
        "start_months before end_months",
    ),
    (
        "discount_curve",
        {"as_of": AS_OF, "quotes": [{"kind": "swap", "months": 7, "rate": "0"}]},
        "whole payment periods",
    ),
    ("discount_curve", {"as_of": AS_OF}, "exactly one of quotes"),
    ("discount_curve", {"as_of": AS_OF, "nodes": [NODE, NODE]}, "ascending order of date"),
    (
        "discount_curve",
        {"as_of": AS_OF, "nodes": [{**NODE, "date": "2020-01-01"}]},
        "nodes after as_of",
    ),
    ("discount_curve", {"as_of": AS_OF, **FLAT, "dates": ["2020-01-01"]}, "on or after as_of"),
    ("discount_curve", {"as_of": AS_OF, **FLAT}, "dates where the curve has none"),
    ("interest_rate_swap", {**SWAPPED, "start": "2031-01-01"}, "start before maturity"),
    ("interest_rate_swap", {**SWAPPED, "start": "2022-01-05"}, "current_fixing exactly when"),
    ("forward_rate_agreement", {**FRA, "end": "2023-06-28"}, "as_of <= start < end"),
    ("fx_forward", {**FORWARD, "spot_date": "2024-01-01"}, "as_of <= spot_date <= delivery"),
    ("fx_forward", {**FORWARD, "currency": "EUR"}, "two different currencies"),
    (
        "credit_default_swap",
        {**CDS, "maturity": "2022-12-20", "spread": "0", "curve": FLAT},
        "maturity after as_of",
    ),
    (
        "credit_default_swap",
        {**CDS, "maturity": "2027-12-21", "spread": "0", "curve": FLAT},
        "20th of March",
    ),
    ("credit_default_swap", {**CDS, "curve": FLAT}, "exactly one of spread and hazard_rate"),
)


@pytest.mark.parametrize(("name", "document", "reason"), REFUSED)
def test_contradictory_input_is_refused_with_its_reason(
    name: str, document: Mapping[str, object], reason: str
) -> None:
    with pytest.raises(InputError, match=re.escape(reason)):
        calculator(name).parse(document)


def test_number_given_as_decimal_is_brought_to_one_form() -> None:
    entry = calculator("european_option")
    first = entry.parse({**CALL, "strike": "105.000"})
    again = entry.parse(first.model_dump())
    assert first == again
    assert isinstance(again, PricingInput)
    assert again.document()["strike"] == "105"


def test_curve_of_the_quotes_is_the_same_input_as_itself() -> None:
    entry = calculator("discount_curve")
    inputs = entry.parse({"as_of": AS_OF, **CURVE})
    assert entry.parse(dict(inputs.document())) == inputs
