from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finsvc.agents.arguments.choices import parse_method
from finsvc.agents.arguments.currencies import parse_amount, parse_currency, parse_pair
from finsvc.agents.arguments.dates import DateContext, parse_date, parse_period
from finsvc.agents.arguments.durations import parse_horizon_days, parse_window_days
from finsvc.agents.arguments.instruments import parse_instrument
from finsvc.agents.arguments.levels import parse_confidence, parse_threshold
from finsvc.agents.arguments.limit_names import parse_limit_name
from finsvc.agents.arguments.options import parse_expiry, parse_strike
from finsvc.agents.arguments.portfolios import PortfolioContext, parse_portfolio
from finsvc.agents.arguments.scenarios import parse_scenario
from finsvc.agents.arguments.spans import Parsed, read_span
from finsvc.books.shelf import BookShelf
from finsvc.domain.errors import InputError
from tests.finsvc.marketdata.factories import real_market

AS_OF = date(2022, 12, 28)
DATES = DateContext(
    as_of=AS_OF,
    roll=lambda day: real_market().last_trading_day(day, instruments=("SPX",), uses_fx=False),
)
PORTFOLIOS = PortfolioContext(
    books=BookShelf(Path("no-such-folder"), real_market()), market=real_market(), as_of=AS_OF
)
PARSERS: list[Callable[[str], Parsed[object]]] = [
    parse_method,
    parse_amount,
    lambda text: parse_currency(text, field="to"),
    parse_pair,
    lambda text: parse_date(text, field="as_of", context=DATES),
    lambda text: parse_period(text, context=DATES),
    parse_horizon_days,
    parse_window_days,
    parse_instrument,
    parse_confidence,
    parse_threshold,
    lambda text: parse_limit_name(text, limits=()),
    lambda text: parse_expiry(text, as_of=AS_OF),
    parse_strike,
    lambda text: parse_portfolio(text, context=PORTFOLIOS),
    parse_scenario,
]
FRAGMENT_TEXT = (
    "5 10 99 2022 1,000 0.5 5m 1.5bn %"
    " percent - + / . , ; : ( ) ' and or of to the per in a"
    " EUR usd euro dollars $ \u20ac AAPL Apple S&P 500 shares short long day days week month year"
    " quarter Q1 H2 end since past last June Mar 30 31 1st to-date ago million half hundred one"
    " two down up fall equities tech covid call strike sample book limit 9999 0 1e9 \u0665 \u00b2"
)
FRAGMENTS = FRAGMENT_TEXT.split()


@settings(max_examples=400)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=7).map(" ".join))
def test_any_wording_is_a_value_or_an_input_error(text: str) -> None:
    for parse in PARSERS:
        try:
            outcome: object = parse(text)
        except InputError as error:
            outcome = error
        assert isinstance(outcome, Parsed | InputError)


@given(st.text(max_size=30))
def test_any_text_is_a_value_or_an_input_error(text: str) -> None:
    for parse in PARSERS:
        try:
            outcome: object = parse(text)
        except InputError as error:
            outcome = error
        assert isinstance(outcome, Parsed | InputError)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  the  Sample\u00a0Book ", "sample book"),
        ("\u201c99%\u201d", "99%"),
        ("Apple\u2019s", "apple's"),
        ("equities \u221220%", "equities -20%"),
        ("99%.", "99%"),
        ("AAPL?", "aapl"),
        ("its VaR limit", "var limit"),
    ],
)
def test_span_is_cleaned_but_kept_as_written(text: str, clean: str) -> None:
    span = read_span(text, field="x", expected="y")
    assert span.text == clean
    assert span.written == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "?",
        "\u0663",
        "x\u00b2",
        "\u2460",
        "\u216b",
        "a\u200bb",
        "\x07",
        "\ufeffx",
    ],
)
def test_span_without_meaning_or_with_other_numerals_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^x: expected"):
        read_span(text, field="x", expected="y")
