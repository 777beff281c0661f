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
