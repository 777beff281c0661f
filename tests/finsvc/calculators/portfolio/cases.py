"""Inputs of portfolio analytics on the real snapshot."""

from tests.finsvc.calculators.factories import book, cash, stock
from tests.finsvc.calculators.real_book import AS_OF, BOOK, ON_BOOK, Cases

SHARES = book(
    stock("AAPL", "1500"), stock("XOM", "800"), cash("EUR", "50000"), cash("USD", "25000")
)
_YEAR = {"start": "2021-12-28", "end": AS_OF}
_NAMES = ["AAPL", "XOM", "KO", "MSFT", "JPM", "PG"]
_GROUPS = [
    ("Energy", "0.4", "0.3", "0.12", "0.1"),
    ("Health", "0.25", "0.45", "-0.02", "0.01"),
    ("Banks", "0.35", "0.25", "0.03", "0.04"),
]

PORTFOLIO_CASES: Cases = (
    ("portfolio_performance", {"portfolio": SHARES, **_YEAR, "benchmark": "SPX", "rate": "0.02"}),
    ("portfolio_performance", {"portfolio": SHARES, "start": "2019-01-02", "end": AS_OF}),
    ("return_contributions", {"portfolio": BOOK, **_YEAR}),
    (
        "brinson_attribution",
        {
            "groups": [
                {
                    "name": name,
                    "portfolio_weight": wp,
                    "benchmark_weight": wb,
                    "portfolio_return": rp,
                    "benchmark_return": rb,
                }
                for name, wp, wb, rp, rb in _GROUPS
            ],
            "as_of": AS_OF,
        },
    ),
    ("factor_exposures", {**ON_BOOK, "factors": ["SPX", "XOM"]}),
    ("risk_contributions", ON_BOOK),
    ("efficient_frontier", {"instruments": _NAMES, "as_of": AS_OF, "max_weight": "0.4"}),
    ("efficient_frontier", {"instruments": _NAMES, "as_of": AS_OF, "currency": "EUR"}),
    ("risk_parity", {"instruments": _NAMES, "as_of": AS_OF}),
    (
        "risk_parity",
        {"instruments": _NAMES[:3], "as_of": AS_OF, "budgets": ["0.5", "0.3", "0.2"]},
    ),
    (
        "rebalancing_proposal",
        {
            "portfolio": SHARES,
            "as_of": AS_OF,
            "targets": [
                {"instrument": "MSFT", "weight": "0.3"},
                {"instrument": "AAPL", "weight": "0.25"},
                {"instrument": "KO", "weight": "0.2"},
            ],
            "suitability": {"max_volatility": "0.25", "max_position": "0.35", "min_cash": "0.05"},
        },
    ),
)
