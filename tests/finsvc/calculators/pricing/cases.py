"""Documents of the pricing calculators, each confirmed field by field in ``test_registry``."""

from collections.abc import Mapping

from finsvc.calculators.inputs.pricing.bonds import BondConvention

AS_OF = "2022-12-28"
TERMS = {
    "as_of": AS_OF,
    "spot": "100",
    "rate": "0.05",
    "dividend_yield": "0.02",
    "volatility": "0.25",
}
MARKET = {**TERMS, "years": "0.75"}
CALL = {**MARKET, "option_type": "call", "strike": "105"}
PUT = {**MARKET, "option_type": "put", "strike": "105"}
MONTHS = [f"0.{12500000 * k:08d}" for k in range(1, 7)]

OPTION_CASES: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("european_option", CALL),
    (
        "european_option",
        {**TERMS, "option_type": "put", "strike": "105", "expiry": "2024-02-10", "currency": "EUR"},
    ),
    ("european_option", {**PUT, "model": "black_76", "dividend_yield": "0"}),
    (
        "european_option",
        {
            **CALL,
            "model": "bachelier",
            "dividend_yield": "0",
            "spot": "-0.5",
            "strike": "0.25",
            "volatility": "1.5",
        },
    ),
    ("european_option", {**CALL, "volatility": "0", "strike": "90"}),
    ("european_option", {**CALL, "strike": "0"}),
    ("european_option", {**CALL, "years": "0", "strike": "100"}),
    ("american_option", PUT),
    ("american_option", {**CALL, "dividend_yield": "0.08"}),
    ("american_option", {**PUT, "volatility": "0"}),
    ("digital_option", {**PUT, "cash": "10"}),
    ("digital_option", {**CALL, "payoff": "asset"}),
    ("digital_option", {**CALL, "payoff": "gap", "cash": "102"}),
    ("digital_option", {**CALL, "style": "at_hit", "cash": "15"}),
    ("digital_option", {**PUT, "strike": "92", "style": "at_expiry", "payoff": "asset"}),
    ("digital_option", {**PUT, "strike": "92", "style": "no_touch", "cash": "15"}),
    (
        "barrier_option",
        {**CALL, "barrier_kind": "down_out", "barrier": "90", "rebate": "3"},
    ),
    ("barrier_option", {**PUT, "barrier_kind": "up_in", "barrier": "112", "rebate": "3"}),
    (
        "barrier_option",
        {**CALL, "barrier_kind": "up_out", "barrier": "130", "payoff": "cash", "cash": "15"},
    ),
    ("barrier_option", {**PUT, "barrier_kind": "down_in", "barrier": "90", "payoff": "asset"}),
    (
        "double_barrier_option",
        {**CALL, "barrier_kind": "knock_out", "barrier_low": "80", "barrier_high": "130"},
    ),
    (
        "double_barrier_option",
        {**PUT, "barrier_kind": "knock_in", "barrier_low": "80", "barrier_high": "130"},
    ),
    (
        "double_barrier_option",
        {
            **MARKET,
            "barrier_kind": "knock_out",
            "barrier_low": "80",
            "barrier_high": "130",
            "payoff": "cash",
            "cash": "10",
        },
    ),
    ("lookback_option", {**MARKET, "option_type": "call", "kind": "floating", "extreme": "95"}),
    ("lookback_option", {**PUT, "kind": "fixed"}),
    (
        "lookback_option",
        {
            **MARKET,
            "option_type": "put",
            "kind": "floating",
            "extreme": "104",
            "window_years": "0.3",
            "fraction": "0.97",
        },
    ),
    ("lookback_option", {**CALL, "kind": "fixed", "window_years": "0.3"}),
    ("asian_option", {**CALL, "averaging": "geometric"}),
    ("asian_option", {**PUT, "averaging": "geometric", "fixing_years": MONTHS}),
    (
        "asian_option",
        {
            **MARKET,
            "option_type": "call",
            "averaging": "geometric",
            "kind": "average_strike",
            "fixing_years": MONTHS,
        },
    ),
    ("asian_option", {**PUT, "averaging": "arithmetic", "fixing_years": MONTHS}),
    (
        "asian_option",
        {
            **MARKET,
            "option_type": "put",
            "averaging": "arithmetic",
            "kind": "average_strike",
            "fixing_years": ["0", *MONTHS],
        },
    ),
)
BOND = {"issue_date": "2020-06-07", "maturity": "2031-12-07", "coupon_rate": "0.0425"}
BOND_CASES: tuple[tuple[str, Mapping[str, object]], ...] = (
    (
        "year_fraction",
        {"start": AS_OF, "end": "2024-03-15", "convention": "actual_actual_isda"},
    ),
    *(
        (
            "bond_price",
            {**BOND, "as_of": "2022-11-30", "convention": str(convention), "yield_rate": "0.0387"},
        )
        for convention in BondConvention
    ),
    (
        "bond_price",
        {**BOND, "as_of": AS_OF, "convention": "uk_gilt", "clean_price": "104.25"},
    ),
    (
        "bond_price",
        {**BOND, "as_of": AS_OF, "convention": "canadian", "dirty_price": "104.25"},
    ),
    ("bill_price", {"as_of": AS_OF, "convention": "uk", "maturity": "2023-03-20", "price": "99.1"}),
    (
        "bill_price",
        {"as_of": AS_OF, "convention": "us", "maturity": "2023-03-20", "quoted_rate": "0.041"},
    ),
    *(
        (
            "conversion_factor",
            {
                **BOND,
                "as_of": AS_OF,
                "convention": convention,
                "future": future,
                "notional_rate": "0.06",
            },
        )
        for future, convention in (
            ("cme_short", "us_treasury"),
            ("cme_long", "us_treasury"),
            ("eurex_euro", "german_bund"),
            ("eurex_swiss", "swiss_eidgenosse"),
            ("ice_gilt", "uk_gilt"),
        )
    ),
)
DEPOSITS = {1: "0.003081", 3: "0.007163", 6: "0.012413", 12: "0.015488"}
SWAPS = {2: "0.011907", 3: "0.01699", 5: "0.02444", 7: "0.028967", 10: "0.03279", 30: "0.037605"}
QUOTES: tuple[Mapping[str, object], ...] = (
    *({"kind": "deposit", "months": months, "rate": rate} for months, rate in DEPOSITS.items()),
    {"kind": "fra", "start_months": 6, "end_months": 9, "rate": "0.0171"},
    *({"kind": "swap", "months": 12 * years, "rate": rate} for years, rate in SWAPS.items()),
)
CURVE: Mapping[str, object] = {"quotes": QUOTES}
FLAT: Mapping[str, object] = {"zero_rate": "0.021"}
SWAP = {
    "as_of": AS_OF,
    "notional": "1000000",
    "fixed_rate": "0.03",
    "maturity": "2030-06-30",
    "discount_curve": CURVE,
}
CDS = {"as_of": AS_OF, "notional": "10000000", "maturity": "2028-06-20", "recovery_rate": "0.4"}
NODES = (
    {"date": "2023-12-28", "discount_factor": "0.98"},
    {"date": "2026-12-28", "discount_factor": "0.91"},
)
# Overnight swaps discount; swaps of another floating rate then fix what that rate is worth.
OVERNIGHT: Mapping[str, object] = {
    "quotes": tuple(
        {
            "kind": "swap",
            "months": months,
            "rate": rate,
            "payments_a_year": 1,
            "day_count": "actual_360",
        }
        for months, rate in ((12, "0.0295"), (24, "0.0281"), (60, "0.0262"), (120, "0.0271"))
    ),
    "calendar": "target",
}
PROJECTION: Mapping[str, object] = {
    "quotes": (
        {"kind": "deposit", "months": 6, "rate": "0.0268"},
        {"kind": "fra", "start_months": 6, "end_months": 12, "rate": "0.0331"},
        *(
            {
                "kind": "swap",
                "months": 12 * years,
                "rate": rate,
                "payments_a_year": 1,
                "day_count": "30e_360",
                "floating_payments_a_year": 2,
            }
            for years, rate in ((2, "0.0322"), (3, "0.0315"), (5, "0.0307"), (10, "0.0309"))
        ),
    ),
    "calendar": "target",
    "swaps_discounted_on": "discount_curve",
}
RATE_CASES: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("discount_curve", {"as_of": AS_OF, **CURVE}),
    ("discount_curve", {"as_of": AS_OF, "nodes": NODES, "dates": [AS_OF, "2025-03-01"]}),
    ("discount_curve", {"as_of": AS_OF, "zero_rate": "-0.01", "dates": ["2030-01-01"]}),
    ("discount_curve", {"as_of": AS_OF, **PROJECTION, "discount_curve": OVERNIGHT}),
    ("interest_rate_swap", {**SWAP, "side": "pay_fixed", "start": "2023-01-05"}),
    (
        "interest_rate_swap",
        {
            **SWAP,
            "side": "pay_fixed",
            "start": "2022-12-30",
            "maturity": "2027-12-30",
            "discount_curve": OVERNIGHT,
            "forward_curve": PROJECTION,
        },
    ),
    (
        "interest_rate_swap",
        {
            **SWAP,
            "side": "receive_fixed",
            "start": "2021-06-30",
            "current_fixing": "0.0254",
            "spread": "0.001",
            "floating_payments_a_year": 4,
            "forward_curve": {"nodes": NODES},
        },
    ),
    (
        "forward_rate_agreement",
        {
            "as_of": AS_OF,
            "side": "sell",
            "notional": "1000000",
            "contract_rate": "0.02",
            "start": "2023-06-28",
            "end": "2023-12-28",
            "discount_curve": CURVE,
        },
    ),
    (
        "fx_forward",
        {
            "as_of": AS_OF,
            "notional": "-1000000",
            "spot_rate": "1.0640",
            "contract_rate": "1.0725",
            "spot_date": "2022-12-30",
            "delivery": "2023-12-29",
            "base_curve": FLAT,
            "quote_curve": CURVE,
        },
    ),
    ("credit_default_swap", {**CDS, "spread": "0.0245", "curve": CURVE}),
    (
        "credit_default_swap",
        {**CDS, "side": "sell_protection", "hazard_rate": "0.031", "curve": FLAT},
    ),
)
PRICING_CASES = (*OPTION_CASES, *BOND_CASES, *RATE_CASES)
