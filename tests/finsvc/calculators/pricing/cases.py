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
PRICING_CASES = (*OPTION_CASES, *BOND_CASES)
