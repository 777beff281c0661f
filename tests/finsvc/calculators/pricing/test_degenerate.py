"""Options without uncertainty, touched barriers and other edges have the right limit."""

import math
from collections.abc import Mapping

import pytest

from finsvc.calculators.registry import calculator
from finsvc.domain.errors import InputError
from tests.finsvc.calculators.factories import synthetic_market
from tests.finsvc.calculators.pricing.cases import AS_OF, BOND, CALL, CDS, FLAT, MARKET, PUT, SWAP
from tests.golden.pricing.runner import run

# Without volatility the spot of 100 grows at 3 % to 102.27 in nine months, discounted at 5 %.
STILL = {**MARKET, "volatility": "0"}
END, DISCOUNT = 100.0 * math.exp(0.03 * 0.75), math.exp(-0.05 * 0.75)
STILL_CALL = {**STILL, "option_type": "call", "strike": "101"}
STILL_PUT = {**STILL, "option_type": "put", "strike": "103"}
NOW = {**MARKET, "years": "0"}
FALLING = {**STILL, "dividend_yield": "0.09"}
LOW = 100.0 * math.exp(-0.04 * 0.75)
TOUCH = math.exp(-0.05 * math.log(1.01) / 0.03)
AVERAGE = (100.0 + 100.0 * math.exp(0.03 * 0.5)) / 2.0
FIXINGS = {"fixing_years": ["0", "0.5"]}

LIMITS: tuple[tuple[str, Mapping[str, object], float], ...] = (
    ("european_option", STILL_CALL, DISCOUNT * (END - 101.0)),
    ("european_option", {**NOW, "option_type": "put", "strike": "100"}, 0.0),
    (
        "european_option",
        {
            **STILL_CALL,
            "model": "bachelier",
            "dividend_yield": "0",
            "spot": "104",
        },
        DISCOUNT * 3.0,
    ),
    (
        "european_option",
        {**STILL_CALL, "model": "bachelier", "dividend_yield": "0", "spot": "101"},
        0.0,
    ),
    (
        "european_option",
        {**STILL_CALL, "model": "black_76", "dividend_yield": "0", "spot": "104"},
        DISCOUNT * 3.0,
    ),
    ("american_option", {**NOW, "option_type": "put", "strike": "120"}, 20.0),
    ("american_option", {**PUT, "strike": "0"}, 0.0),
    ("american_option", {**CALL, "strike": "0"}, 100.0),
    ("american_option", {**PUT, "spot": "0"}, 105.0),
    (
        "american_option",
        {**STILL_CALL, "dividend_yield": "0.01"},
        100.0 * math.exp(-0.0075) - 101.0 * DISCOUNT,
    ),
    ("digital_option", {**STILL_CALL, "cash": "10"}, 10.0 * DISCOUNT),
    ("digital_option", {**NOW, "option_type": "call", "strike": "100", "cash": "10"}, 5.0),
    ("digital_option", {**STILL_PUT, "payoff": "asset"}, END * DISCOUNT),
    ("digital_option", {**STILL_PUT, "payoff": "gap", "cash": "110"}, DISCOUNT * (110 - END)),
    ("digital_option", {**STILL_CALL, "payoff": "gap", "cash": "90"}, DISCOUNT * (END - 90)),
    ("digital_option", {**STILL_CALL, "style": "at_hit", "cash": "10"}, 10.0 * TOUCH),
    ("digital_option", {**STILL_CALL, "style": "at_hit", "payoff": "asset"}, 101.0 * TOUCH),
    ("digital_option", {**STILL_PUT, "style": "at_hit", "payoff": "asset"}, 100.0),
    ("digital_option", {**STILL_CALL, "style": "at_hit", "strike": "110"}, 0.0),
    ("digital_option", {**STILL_CALL, "style": "at_expiry", "cash": "10"}, 10.0 * DISCOUNT),
    ("digital_option", {**STILL_CALL, "style": "no_touch"}, 0.0),
    ("digital_option", {**STILL_CALL, "style": "no_touch", "strike": "110"}, DISCOUNT),
    (
        "barrier_option",
        {**STILL_CALL, "barrier_kind": "up_out", "barrier": "101", "rebate": "3"},
        3.0 * TOUCH,
    ),
    (
        "barrier_option",
        {**STILL_CALL, "barrier_kind": "down_out", "barrier": "90", "payoff": "asset"},
        END * DISCOUNT,
    ),
    (
        "barrier_option",
        {**STILL_CALL, "barrier_kind": "up_in", "barrier": "101", "payoff": "cash"},
        DISCOUNT,
    ),
    (
        "barrier_option",
        {**STILL_CALL, "barrier_kind": "down_in", "barrier": "90", "rebate": "3"},
        3.0 * DISCOUNT,
    ),
    (
        "barrier_option",
        {**STILL_PUT, "barrier_kind": "down_out", "barrier": "90", "payoff": "cash"},
        DISCOUNT,
    ),
    (
        "barrier_option",
        {
            **STILL_CALL,
            "strike": "110",
            "barrier_kind": "down_out",
            "barrier": "90",
            "payoff": "cash",
        },
        0.0,
    ),
    (
        "barrier_option",
        {
            **NOW,
            "option_type": "call",
            "strike": "100",
            "barrier_kind": "down_out",
            "barrier": "90",
            "payoff": "cash",
        },
        0.5,
    ),
    (
        "double_barrier_option",
        {**STILL_CALL, "barrier_kind": "knock_out", "barrier_low": "90", "barrier_high": "102"},
        0.0,
    ),
    (
        "double_barrier_option",
        {
            **STILL,
            "barrier_kind": "knock_out",
            "barrier_low": "90",
            "barrier_high": "110",
            "payoff": "cash",
        },
        DISCOUNT,
    ),
    (
        "double_barrier_option",
        {**CALL, "barrier_kind": "knock_out", "barrier_low": "101", "barrier_high": "110"},
        0.0,
    ),
    (
        "lookback_option",
        {**STILL, "option_type": "call", "kind": "floating"},
        DISCOUNT * (END - 100),
    ),
    (
        "lookback_option",
        {**FALLING, "option_type": "put", "kind": "floating", "extreme": "105"},
        DISCOUNT * (105.0 - LOW),
    ),
    ("lookback_option", {**STILL_CALL, "kind": "fixed"}, DISCOUNT * (END - 101.0)),
    ("lookback_option", {**STILL_CALL, "kind": "fixed", "extreme": "104"}, DISCOUNT * 3.0),
    (
        "lookback_option",
        {**STILL_PUT, "kind": "fixed", "window_years": "0.75"},
        DISCOUNT * (103.0 - END),
    ),
    (
        "asian_option",
        {**STILL_PUT, "averaging": "arithmetic", **FIXINGS},
        DISCOUNT * (103 - AVERAGE),
    ),
    (
        "asian_option",
        {**STILL_CALL, "averaging": "geometric", "strike": "90"},
        DISCOUNT * (100.0 * math.exp(0.03 * 0.375) - 90.0),
    ),
    (
        "asian_option",
        {
            **STILL,
            "option_type": "call",
            "averaging": "arithmetic",
            "kind": "average_strike",
            **FIXINGS,
        },
        DISCOUNT * (END - AVERAGE),
    ),
    (
        "asian_option",
        {**PUT, "averaging": "arithmetic", "fixing_years": ["0"]},
        DISCOUNT * 5.0,
    ),
)


@pytest.mark.parametrize(("name", "document", "expected"), LIMITS)
def test_option_without_uncertainty_has_the_limit(
    name: str, document: Mapping[str, object], expected: float
) -> None:
    price = float(run(name, document).fields["price"].value)
    assert price == pytest.approx(expected, rel=1e-9, abs=1e-12)


AGREEING: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("european_option", {**CALL, "rate": "-0.02", "dividend_yield": "-0.01"}),
    ("american_option", {**CALL, "dividend_yield": "0"}),
    ("american_option", {**PUT, "rate": "-0.01"}),
    ("american_option", {**PUT, "strike": "150"}),
    ("american_option", {**PUT, "volatility": "0.05", "years": "3", "dividend_yield": "0"}),
    ("digital_option", {**CALL, "strike": "90", "style": "at_hit", "cash": "15"}),
    ("digital_option", {**CALL, "strike": "90", "style": "at_hit", "payoff": "asset"}),
    ("digital_option", {**CALL, "strike": "90", "style": "at_expiry", "cash": "15"}),
    ("digital_option", {**PUT, "style": "at_expiry", "payoff": "asset"}),
    ("digital_option", {**PUT, "style": "no_touch"}),
    ("barrier_option", {**CALL, "barrier_kind": "down_out", "barrier": "100", "rebate": "3"}),
    ("barrier_option", {**CALL, "barrier_kind": "up_in", "barrier": "95"}),
    (
        "double_barrier_option",
        {**CALL, "barrier_kind": "knock_in", "barrier_low": "101", "barrier_high": "110"},
    ),
    (
        "double_barrier_option",
        {
            **CALL,
            "strike": "130",
            "barrier_kind": "knock_out",
            "barrier_low": "90",
            "barrier_high": "110",
        },
    ),
    (
        "double_barrier_option",
        {
            **MARKET,
            "barrier_kind": "knock_in",
            "barrier_low": "90",
            "barrier_high": "110",
            "payoff": "cash",
        },
    ),
    (
        "lookback_option",
        {**MARKET, "option_type": "call", "kind": "floating", "dividend_yield": "0.04995"},
    ),
    ("lookback_option", {**CALL, "kind": "fixed", "extreme": "110"}),
    (
        "asian_option",
        {
            **CALL,
            "averaging": "arithmetic",
            **FIXINGS,
            "past_fixings": 3,
            "past_average": "98",
        },
    ),
    (
        "asian_option",
        {
            **CALL,
            "strike": "50",
            "averaging": "arithmetic",
            **FIXINGS,
            "past_fixings": 3,
            "past_average": "98",
        },
    ),
    (
        "asian_option",
        {
            **PUT,
            "averaging": "geometric",
            **FIXINGS,
            "past_fixings": 3,
            "past_average": "98",
        },
    ),
    (
        "asian_option",
        {
            **MARKET,
            "option_type": "call",
            "averaging": "arithmetic",
            "kind": "average_strike",
            "fixing_years": ["0.25", "0.75"],
        },
    ),
    ("asian_option", {**CALL, "averaging": "geometric", "strike": "100000"}),
    (
        "asian_option",
        {
            **MARKET,
            "option_type": "put",
            "averaging": "arithmetic",
            "kind": "average_strike",
            "fixing_years": ["0.75"],
        },
    ),
)


@pytest.mark.parametrize(("name", "document"), AGREEING)
def test_edge_of_an_option_is_confirmed(name: str, document: Mapping[str, object]) -> None:
    assert run(name, document).fields["price"].value >= 0


@pytest.mark.parametrize(
    ("document", "twin", "twin_document"),
    [
        ({"option_type": "put", "kind": "floating", "window_years": "0"}, "put", {"strike": "100"}),
        (
            {"option_type": "call", "kind": "fixed", "strike": "105", "window_years": "0.75"},
            "call",
            {},
        ),
    ],
)
def test_lookback_with_an_empty_window_is_a_plain_option(
    document: Mapping[str, object], twin: str, twin_document: Mapping[str, object]
) -> None:
    entry = calculator("lookback_option")
    price = entry.run(entry.parse({**MARKET, **document}), synthetic_market()).fields["price"]
    plain = run("european_option", {**CALL, **twin_document, "option_type": twin}).fields["price"]
    assert float(price.value) == pytest.approx(float(plain.value), rel=1e-11)


@pytest.mark.parametrize(("window", "full"), [("0.75", {}), ("0", {"kind": "fixed"})])
def test_lookback_with_a_full_window_is_a_full_lookback(
    window: str, full: Mapping[str, object]
) -> None:
    terms = {**MARKET, "option_type": "call", "kind": "floating", **full}
    if full:
        terms["strike"] = "105"
    entry = calculator("lookback_option")
    windowed = entry.run(entry.parse({**terms, "window_years": window}), synthetic_market())
    assert windowed.fields == entry.run(entry.parse(terms), synthetic_market()).fields


REFUSED: tuple[tuple[str, Mapping[str, object], str], ...] = (
    ("american_option", {**PUT, "rate": "-0.01", "dividend_yield": "-0.03"}, "single exercise"),
    (
        "digital_option",
        {**CALL, "rate": "-0.2", "dividend_yield": "-0.2", "style": "at_hit"},
        "rate of at least",
    ),
    (
        "barrier_option",
        {
            **CALL,
            "rate": "-0.2",
            "dividend_yield": "-0.2",
            "barrier_kind": "up_out",
            "barrier": "120",
            "rebate": "1",
        },
        "rate of at least",
    ),
    (
        "lookback_option",
        {
            **MARKET,
            "option_type": "call",
            "kind": "floating",
            "window_years": "0.75",
            "fraction": "1.1",
        },
        "window that ends before expiry",
    ),
    (
        "bond_price",
        {
            **BOND,
            "as_of": "2020-11-30",
            "convention": "us_treasury",
            "first_coupon": "2020-11-30",
            "yield_rate": "0",
        },
        "counted back from maturity",
    ),
    (
        "bond_price",
        {**BOND, "as_of": "2031-12-01", "convention": "us_treasury", "clean_price": "100000"},
        "a price that some yield gives",
    ),
    (
        "bill_price",
        {"as_of": AS_OF, "convention": "us", "maturity": "2024-12-20", "quoted_rate": "0.9"},
        "leaves a price",
    ),
    (
        "discount_curve",
        {"as_of": AS_OF, "quotes": [{"kind": "deposit", "months": 3, "rate": "0.01"}] * 2},
        "end on different days",
    ),
    (
        "discount_curve",
        {"as_of": AS_OF, "quotes": [{"kind": "swap", "months": 720, "rate": "-0.99"}]},
        "some discount factor gives",
    ),
    (
        "forward_rate_agreement",
        {
            "as_of": AS_OF,
            "side": "buy",
            "notional": "1",
            "contract_rate": "0",
            "start": "2023-06-28",
            "end": "2023-12-28",
            "discount_curve": {"nodes": [{"date": "2020-01-01", "discount_factor": "0.9"}]},
        },
        "a date after",
    ),
    (
        "credit_default_swap",
        {**CDS, "as_of": "2028-06-19", "spread": "0.01", "curve": FLAT},
        "after protection starts",
    ),
    (
        "credit_default_swap",
        {**CDS, "spread": "99", "curve": {"zero_rate": "99"}},
        "some hazard rate gives",
    ),
)


@pytest.mark.parametrize(("name", "document", "reason"), REFUSED)
def test_case_without_an_answer_is_refused(
    name: str, document: Mapping[str, object], reason: str
) -> None:
    entry = calculator(name)
    inputs = entry.parse(document)
    with pytest.raises(InputError, match=reason):
        entry.run(inputs, synthetic_market())


def test_credit_default_swap_without_risk_costs_its_coupons() -> None:
    fields = run("credit_default_swap", {**CDS, "spread": "0", "curve": FLAT}).fields
    assert fields["hazard_rate"].value == 0
    assert fields["protection_leg"].value == 0
    assert fields["settlement_amount"].value < 0


@pytest.mark.parametrize(
    "document",
    [
        {"convention": "icma_semi_annual", "first_coupon": "2020-12-07", "clean_price": "101"},
        {"convention": "icma_annual", "first_coupon": "2031-12-07", "clean_price": "101"},
        {"convention": "us_treasury", "clean_price": "0.5"},
    ],
)
def test_unusual_bond_is_confirmed(document: Mapping[str, object]) -> None:
    assert run("bond_price", {**BOND, "as_of": "2020-11-30", **document}).fields["yield"].value > 0


def test_swap_without_a_fixed_rate_is_its_floating_leg() -> None:
    fields = run(
        "interest_rate_swap",
        {**SWAP, "side": "receive_fixed", "start": "2023-01-05", "fixed_rate": "0"},
    ).fields
    assert fields["fixed_leg"].value == 0
    assert fields["present_value"].value == fields["floating_leg"].value < 0


BETWEEN: dict[str, str] = {
    "as_of": "2022-12-28",
    "spot": "100",
    "rate": "0.05",
    "dividend_yield": "0.02",
    "volatility": "0.25",
    "years": "0.75",
    "barrier_kind": "knock_out",
    "barrier_low": "80",
    "barrier_high": "130",
}


@pytest.mark.parametrize("kind", ["knock_out", "knock_in"])
@pytest.mark.parametrize("option_type", ["call", "put"])
@pytest.mark.parametrize("strike", ["0.5", "70", "80", "130", "150", "300"])
def test_double_barrier_with_a_strike_outside_is_confirmed(
    kind: str, option_type: str, strike: str
) -> None:
    document = {"option_type": option_type, "strike": strike, "barrier_kind": kind}
    run("double_barrier_option", {**BETWEEN, **document})


def between(**changes: str) -> float:
    return float(run("double_barrier_option", {**BETWEEN, **changes}).fields["price"].value)


def test_double_barrier_call_below_the_corridor_is_linear_in_its_strike() -> None:
    # What survives ends above the lower barrier, so each unit of strike costs the survival's cash.
    calls = [between(option_type="call", strike=strike) for strike in ("10", "20", "80")]
    cash = between(payoff="cash", cash="1")
    assert calls[0] - calls[1] == pytest.approx(10 * cash, rel=1e-9)
    assert calls[1] - calls[2] == pytest.approx(60 * cash, rel=1e-9)


def test_double_cash_of_a_spot_outside_is_certain_to_live() -> None:
    born = between(barrier_kind="knock_in", payoff="cash", cash="10", spot="135")
    assert born == pytest.approx(10 * DISCOUNT)


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("lookback_option", {"kind": "fixed", "window_years": "0.3", "rate": "50"}),
        ("european_option", {"rate": "-1", "years": "1000"}),
        ("asian_option", {"averaging": "arithmetic", "fixing_years": ["0.5", "0.75"]}),
    ],
)
def test_terms_beyond_the_floats_are_refused(name: str, terms: Mapping[str, object]) -> None:
    extreme = {"volatility": "0.0001" if name == "lookback_option" else "100"}
    entry = calculator(name)
    document = {**MARKET, **extreme, "option_type": "call", "strike": "105", **terms}
    with pytest.raises(InputError, match="volatility: expected"):
        entry.run(entry.parse(document), synthetic_market())


def test_bill_of_a_century_is_refused() -> None:
    document = {"as_of": AS_OF, "convention": "uk", "maturity": "2122-12-28", "price": "99"}
    with pytest.raises(InputError, match="a bill of at most 1100 days"):
        run("bill_price", document)
