"""Inputs of the market risk calculators on the real snapshot."""

from tests.finsvc.calculators.real_book import AS_OF, ON_BOOK, Cases

_PROFITS = [str(((day * 7919) % 200 - 100) / 10) for day in range(250)]
_VAR = [str(9 + (day % 5) / 10) for day in range(250)]
_ES = [str(9.5 + (day % 5) / 10) for day in range(250)]
_SERIES = {"profits": _PROFITS, "var": _VAR, "as_of": AS_OF}

BACKTEST_CASES: Cases = (
    ("coverage_test", {"observations": 250, "exceptions": 6, "as_of": AS_OF}),
    ("coverage_test", {"observations": 1043, "exceptions": 17, "as_of": AS_OF}),
    ("var_backtest", {**_SERIES, "confidence": "0.95"}),
    ("book_backtest", {**ON_BOOK, "rows": True}),
    ("es_backtest", {**_SERIES, "es": _ES, "confidence": "0.95", "num_simulations": 10000}),
    (
        "es_backtest",
        {
            **_SERIES,
            "es": _ES,
            "confidence": "0.975",
            "distribution": "student_t",
            "degrees_of_freedom": 5,
            "num_simulations": 10000,
        },
    ),
    (
        "profit_attribution_test",
        {
            "hypothetical": _PROFITS,
            "risk_theoretical": [f"{float(v) + i % 7 - 3:.1f}" for i, v in enumerate(_PROFITS)],
            "as_of": AS_OF,
        },
    ),
)

_SHOCKS = {
    "kind": "shocks",
    "name": "equities -20%, euro -5%",
    "shocks": [
        {"kind": "equity", "fraction": "-0.2"},
        {"kind": "instrument", "target": "AAPL", "fraction": "-0.4"},
        {"kind": "currency", "target": "EUR", "fraction": "-0.05"},
    ],
}
_CRISIS = {
    "kind": "historical",
    "name": "the 2008 crisis",
    "start": "2007-10-09",
    "end": "2009-03-09",
}

TAIL_CASES: Cases = (
    ("tail_risk", ON_BOOK),
    (
        "tail_risk",
        {
            **ON_BOOK,
            "quantile_rule": "linear",
            "scaling": "overlapping",
            "confidence": "0.95",
            "band": "0.9",
        },
    ),
    ("tail_risk", {**ON_BOOK, "shortfall_rule": "fractional", "confidence": "0.9751"}),
    ("tail_risk", {**ON_BOOK, "method": "delta_gamma"}),
    ("tail_risk", {**ON_BOOK, "method": "parametric"}),
    ("tail_risk", {**ON_BOOK, "method": "monte_carlo", "confidence": "0.975"}),
    ("stressed_var", ON_BOOK),
    ("stressed_var", {**ON_BOOK, "scaling": "overlapping", "search_days": 2500}),
    ("var_contributions", ON_BOOK),
    ("var_contributions", {**ON_BOOK, "method": "parametric", "scaling": "overlapping"}),
    ("filtered_var", ON_BOOK),
    ("stress_suite", {**ON_BOOK, "scenarios": [_CRISIS, _SHOCKS]}),
    ("stress_contributions", {**ON_BOOK, "scenario": _SHOCKS}),
    ("reverse_stress", {**ON_BOOK, "loss": "100000"}),
    ("reverse_stress", {**ON_BOOK, "loss": "50000", "direction": "likely"}),
    ("profit_distribution", ON_BOOK),
    (
        "volatility_surface",
        {
            "underlying": "SPX",
            "as_of": AS_OF,
            "quotes": [
                {"option_type": kind, "strike": strike, "expiry": expiry, "price": price}
                for kind, strike, expiry, price in (
                    ("put", "3400", "2023-03-17", "38.5"),
                    ("call", "3800", "2023-03-17", "170.25"),
                    ("call", "4200.5", "2023-03-17", "21"),
                    ("put", "3400", "2023-09-15", "102"),
                    ("call", "3800", "2023-09-15", "330"),
                )
            ],
        },
    ),
)

_FACTORS = {
    "factors": [
        {"name": "EUR/5Y", "delta": "-1200.5", "gamma": "3.25", "variance": "2500"},
        {"name": "USD/5Y", "delta": "800", "gamma": "-1.5", "variance": "1600"},
        {"name": "EURUSD", "delta": "20000", "gamma": "-150", "variance": "0.81"},
        {"name": "unused", "delta": "0", "variance": "0"},
    ],
    "pairs": [
        {"first": "EUR/5Y", "second": "USD/5Y", "covariance": "1400", "gamma": "0.5"},
        {"first": "EURUSD", "second": "USD/5Y", "covariance": "-9.5"},
    ],
    "currency": "EUR",
    "as_of": AS_OF,
}

GIVEN_CASES: Cases = (
    ("profit_series_var", {"profits": _PROFITS, "currency": "USD", "as_of": AS_OF}),
    (
        "profit_series_var",
        {
            "profits": _PROFITS[:101],
            "currency": "EUR",
            "confidence": "0.05",
            "quantile_rule": "profit_inverted_cdf",
            "as_of": AS_OF,
        },
    ),
    ("sensitivity_var", _FACTORS),
    ("sensitivity_var", {**_FACTORS, "method": "delta", "confidence": "0.95"}),
    ("sensitivity_var", {**_FACTORS, "method": "cornish_fisher"}),
    ("sensitivity_var", {**_FACTORS, "method": "monte_carlo", "seed": 7}),
)
