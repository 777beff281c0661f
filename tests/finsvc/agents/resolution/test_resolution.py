"""What the spans of every tool resolve to: inputs, defaults that the answer states, notes."""

from dataclasses import dataclass, field

import pytest

from finsvc.agents.catalogue import TOOLS
from finsvc.agents.executor import RESOLVERS
from finsvc.agents.resolution.context import Draft, Resolved
from finsvc.calculators.registry import calculator
from finsvc.domain.errors import (
    DateOutOfRangeError,
    InputError,
    NonTradingDayError,
    UnknownNameError,
)
from tests.finsvc.conftest import MarketData

LAST = "2022-12-28"
LAST_FX = "2026-10-30"


def resolve(data: MarketData, tool: str, spans: dict[str, str], *, message: str = "") -> Resolved:
    assert spans.keys() <= TOOLS[tool].arguments.keys()
    draft = Draft(spans, message=message, market=data.market, books=data.books)
    return RESOLVERS[tool](draft)


@pytest.mark.parametrize(
    ("message", "end"),
    [
        ("max drawdown of JPM since 2007", LAST),
        ("max drawdown of JPM from 2007 onwards", LAST),
        ("max drawdown of JPM in 2007", "2007-12-31"),
        ("from the desk: max drawdown of JPM, 2007", "2007-12-31"),
    ],
)
def test_year_after_since_runs_to_the_last_date(data: MarketData, message: str, end: str) -> None:
    spans = {"instrument": "JPM", "start": "2007"}
    resolved = resolve(data, "drawdown", spans, message=message)
    assert (resolved.inputs["start"], resolved.inputs["end"]) == ("2006-12-29", end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Spans of a call and what they become; ``inputs`` names only what matters here."""

    tool: str
    spans: dict[str, str]
    inputs: dict[str, object]
    calculator: str = ""
    defaults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    book: str = ""


BOOK = {"portfolio": "sample book"}
AS_OF = f"as-of date {LAST}"
ROWS = [
    Row(
        tool="value_at_risk",
        spans={
            "portfolio": "5m USD of KO",
            "confidence": "97.5 percent",
            "horizon": "two weeks",
            "method": "monte carlo",
            "as_of": "30 June 2022",
        },
        calculator="monte_carlo_var",
        inputs={"as_of": "2022-06-30", "confidence": "0.975", "horizon_days": 10},
        notes=(
            "The amount is 81,862 shares of KO at the close of 2022-06-30, 61.078 USD, "
            "rounded down.",
            "The horizon 'two weeks' is read as 10 trading days.",
        ),
    ),
    Row(
        tool="value_at_risk",
        spans={"portfolio": "3m EUR", "as_of": "2024-06-28"},
        inputs={"as_of": "2024-06-28", "confidence": "0.99", "horizon_days": 10},
        defaults=("confidence 99%", "horizon 10 trading days", "method historical simulation"),
    ),
    Row(
        tool="value_at_risk",
        spans={"portfolio": "3m EUR", "method": "parametric", "confidence": "99%"},
        calculator="parametric_var",
        inputs={"as_of": LAST_FX},
        defaults=(f"as-of date {LAST_FX}", "horizon 10 trading days"),
    ),
    Row(
        tool="value_at_risk",
        spans={**BOOK, "as_of": "last year"},
        inputs={"as_of": "2021-12-31"},
        defaults=("confidence 99%", "horizon 10 trading days", "method historical simulation"),
        notes=(
            "The as_of 'last year' is counted from 2022-12-28, the last date of the data, "
            "and read as 2021-12-31.",
        ),
        book="sample",
    ),
    Row(
        tool="expected_shortfall",
        spans={**BOOK, "method": "parametric", "horizon": "1d"},
        calculator="expected_shortfall",
        inputs={"method": "parametric", "horizon_days": 1, "confidence": "0.99"},
        defaults=(AS_OF, "confidence 99%"),
        book="sample",
    ),
    Row(
        tool="stress_test",
        spans={"portfolio": "100 KO shares", "scenario": "EUR +5%"},
        inputs={
            "scenario": {
                "kind": "shocks",
                "name": "EUR +5%",
                "shocks": [{"kind": "currency", "target": "EUR", "fraction": "0.05"}],
            }
        },
        defaults=(AS_OF,),
        labels={"scenario": "EUR +5%"},
    ),
    Row(
        tool="stress_test",
        spans={**BOOK, "scenario": "financial crisis"},
        inputs={
            "scenario": {
                "kind": "historical",
                "name": "the 2008 financial crisis",
                "start": "2007-10-09",
                "end": "2009-03-09",
            }
        },
        defaults=(AS_OF,),
        notes=(
            "The scenario 2008 financial crisis runs from the close of 2007-10-09 to the close of "
            "2009-03-09.",
        ),
        labels={"scenario": "the 2008 financial crisis"},
        book="sample",
    ),
    Row(
        tool="exposure",
        spans=BOOK,
        inputs={"by": "currency", "as_of": LAST},
        defaults=(AS_OF, "grouping by currency"),
        labels={"by": "currency"},
        book="sample",
    ),
    Row(
        tool="exposure",
        spans={**BOOK, "by": "single name", "as_of": "yesterday"},
        inputs={"by": "instrument", "as_of": "2022-12-27"},
        notes=(
            "The as_of 'yesterday' is counted from 2022-12-28, the last date of the data, and "
            "read as 2022-12-27.",
        ),
        labels={"by": "instrument"},
        book="sample",
    ),
    Row(
        tool="profit_and_loss",
        spans={"portfolio": "5m USD of KO", "start": "2022-06-30", "end": "2022-09-30"},
        inputs={"start": "2022-06-30", "end": "2022-09-30"},
        notes=(
            "The amount is 81,862 shares of KO at the close of 2022-06-30, 61.078 USD, "
            "rounded down.",
        ),
        labels={"start": "2022-06-30", "end": "2022-09-30"},
    ),
    Row(
        tool="profit_and_loss",
        spans={**BOOK, "start": "2022"},
        inputs={"start": "2021-12-31", "end": LAST},
        notes=("2022 is read up to 2022-12-28, the last date of the data.",),
        labels={"start": "2021-12-31", "end": LAST},
        book="sample",
    ),
    Row(
        tool="profit_and_loss",
        spans={"portfolio": "3m EUR", "start": "2024-06-28", "end": "2024-09-30"},
        inputs={"start": "2024-06-28", "end": "2024-09-30"},
        labels={"start": "2024-06-28", "end": "2024-09-30"},
    ),
    Row(
        tool="option_price",
        spans={
            "underlying": "Apple",
            "option_type": "call",
            "strike": "150",
            "expiry": "2023-03-17",
            "as_of": "2022-11-30",
        },
        inputs={"underlying": "AAPL", "option_type": "call", "strike": "150"},
    ),
    Row(
        tool="option_greek",
        spans={
            "greek": "vega",
            "underlying": "SPX",
            "option_type": "puts",
            "strike": "3,800",
            "expiry": "March 2023",
        },
        calculator="option_price",
        inputs={"strike": "3800", "expiry": "2023-03-17", "option_type": "put"},
        defaults=(AS_OF,),
        notes=("The expiry 'March 2023' is read as the third Friday of the month, 2023-03-17.",),
        labels={"greek": "vega"},
    ),
    Row(
        tool="price",
        spans={"instrument": "coca-cola", "as_of": "2022-06-30"},
        calculator="close",
        inputs={"instrument": "KO", "as_of": "2022-06-30"},
    ),
    Row(
        tool="price_change",
        spans={"instrument": "KO", "start": "Q1 2022"},
        inputs={"start": "2021-12-31", "end": "2022-03-31"},
        notes=("Q1 2022 is read from the close of 2021-12-31 to the close of 2022-03-31.",),
        labels={"start": "2021-12-31", "end": "2022-03-31"},
    ),
    Row(
        tool="volatility",
        spans={"instrument": "KO", "window": "one year", "as_of": "2020-03-31"},
        inputs={"window_days": 252, "as_of": "2020-03-31"},
        notes=("The window 'one year' is read as 252 trading days.",),
    ),
    Row(
        tool="correlation",
        spans={"first": "KO", "second": "the S&P 500", "window": "3 months"},
        inputs={"first": "KO", "second": "SPX", "window_days": 63},
        defaults=(AS_OF,),
        notes=("The window '3 months' is read as 63 trading days.",),
    ),
    Row(
        tool="beta",
        spans={"instrument": "KO", "benchmark": "Apple"},
        inputs={"benchmark": "AAPL", "window_days": 250},
        defaults=(AS_OF, "window 250 trading days"),
        labels={"benchmark": "Apple"},
    ),
    Row(
        tool="drawdown",
        spans={"instrument": "KO"},
        inputs={"start": "1990-01-02", "end": LAST},
        defaults=("period 1990-01-02 to 2022-12-28, all the data",),
    ),
    Row(
        tool="drawdown",
        spans={"instrument": "KO", "start": "2020-01-02", "end": "2020-12-31"},
        inputs={"start": "2020-01-02", "end": "2020-12-31"},
        labels={"start": "2020-01-02", "end": "2020-12-31"},
    ),
    Row(
        tool="convert_currency",
        spans={"amount": "\u20ac5m", "from": "EUR", "to": "USD"},
        calculator="fx_convert",
        inputs={"amount": "5000000", "from_currency": "EUR", "to_currency": "USD"},
        defaults=(f"as-of date {LAST_FX}",),
    ),
    Row(
        tool="convert_currency",
        spans={"amount": "2,500,000", "from": "pounds", "to": "yen", "as_of": "2022-06-30"},
        calculator="fx_convert",
        inputs={"from_currency": "GBP", "to_currency": "JPY", "as_of": "2022-06-30"},
    ),
    Row(
        tool="fx_rate",
        spans={"pair": "dollars per euro"},
        inputs={"base": "EUR", "quote": "USD"},
        defaults=(f"as-of date {LAST_FX}",),
    ),
    Row(
        tool="limit_check",
        spans={**BOOK, "limit": "VaR limit"},
        inputs={
            "limits": [
                {
                    "name": "value-at-risk",
                    "metric": "value_at_risk",
                    "scope": None,
                    "threshold": "750000",
                    "unit": "USD",
                    "confidence": "0.99",
                    "horizon_days": 10,
                }
            ]
        },
        defaults=(AS_OF,),
        book="sample",
    ),
    Row(
        tool="large_exposures",
        spans=BOOK,
        inputs={"threshold": "0.1"},
        defaults=(AS_OF, "threshold 10% of the value"),
        book="sample",
    ),
    Row(
        tool="large_exposures",
        spans={**BOOK, "threshold": "7.5 percent"},
        inputs={"threshold": "0.075"},
        defaults=(AS_OF,),
        book="sample",
    ),
    Row(
        tool="positions",
        spans={**BOOK, "as_of": "2022-06-30"},
        inputs={"as_of": "2022-06-30"},
        book="sample",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.tool}-{'-'.join(row.spans.values())}")
def test_spans_resolve_to_inputs_defaults_and_notes(row: Row, data: MarketData) -> None:
    resolved = resolve(data, row.tool, row.spans)
    if row.calculator:
        assert resolved.calculator == row.calculator
    assert {name: resolved.inputs[name] for name in row.inputs} == row.inputs
    assert resolved.defaults == row.defaults
    assert resolved.notes == row.notes
    assert resolved.labels == row.labels
    assert resolved.book == row.book
    calculator(resolved.calculator).parse(dict(resolved.inputs))


def test_every_tool_has_a_row() -> None:
    assert {row.tool for row in ROWS} == set(TOOLS) == set(RESOLVERS)


PUT = {"underlying": "SPX", "option_type": "put", "strike": "4000"}


@pytest.mark.parametrize(
    ("tool", "spans", "error", "message"),
    [
        ("value_at_risk", {"portfolio": "EUR/USD"}, InputError, "a position with its size"),
        ("value_at_risk", {"portfolio": "unicorn book"}, UnknownNameError, "portfolio"),
        (
            "value_at_risk",
            {"portfolio": "5m USD of KO", "as_of": "2022-12-25"},
            NonTradingDayError,
            "as_of: expected a trading day",
        ),
        (
            "value_at_risk",
            {"portfolio": "5m USD of KO", "as_of": "2024-06-28"},
            DateOutOfRangeError,
            "as_of: expected a date from",
        ),
        ("value_at_risk", {**BOOK, "confidence": "120%"}, InputError, "confidence"),
        ("value_at_risk", {**BOOK, "method": "tarot"}, InputError, "method"),
        ("stress_test", {**BOOK, "scenario": "doom"}, InputError, "scenario"),
        ("exposure", {**BOOK, "by": "mood"}, InputError, "by"),
        ("option_price", {**PUT, "expiry": "March 2020"}, InputError, "expiry"),
        ("option_price", {**PUT, "strike": "-1", "expiry": "June 2023"}, InputError, "strike"),
        ("price", {"instrument": "Tesla"}, UnknownNameError, "instrument"),
        ("drawdown", {"instrument": "KO", "end": "2022-06-30"}, InputError, "start"),
        (
            "convert_currency",
            {"amount": "\u00a35m", "from": "EUR", "to": "USD"},
            InputError,
            "amount: expected an amount in EUR, got one in GBP",
        ),
        (
            "convert_currency",
            {"amount": "5m", "from": "XYZ", "to": "USD"},
            UnknownNameError,
            "from",
        ),
        ("fx_rate", {"pair": "EUR/XXX"}, InputError, "pair"),
        ("limit_check", {"portfolio": "100 KO shares"}, InputError, "a book that has limits"),
        ("limit_check", {**BOOK, "limit": "unicorn"}, UnknownNameError, "limit"),
        ("large_exposures", {**BOOK, "threshold": "much"}, InputError, "threshold"),
    ],
)
def test_span_that_is_not_understood_is_named(
    tool: str,
    spans: dict[str, str],
    error: type[InputError],
    message: str,
    data: MarketData,
) -> None:
    with pytest.raises(error, match=message):
        resolve(data, tool, spans)


def test_required_span_that_is_missing_is_named(data: MarketData) -> None:
    with pytest.raises(InputError, match="instrument: expected a value, got nothing"):
        resolve(data, "price", {})
