from dataclasses import replace

import pytest

from finsvc.domain.calls import ToolCall
from finsvc.validator.direct import is_proposal, mislabelled_arguments, names_argument, speaks_of
from tests.finsvc.factories import call


def direct(calculator: str = "barrier_option", **arguments: str) -> ToolCall:
    return replace(
        call(), name=calculator, calculator=calculator, arguments=arguments, is_direct=True
    )


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("spot 100, strike 105", {"spot": "100", "strike": "105"}),
        ("a spot of 100 and a strike = 105", {"spot": "100", "strike": "105"}),
        ("the 105 strike", {"strike": "105"}),
        ("strike: 105.", {"strike": "105"}),
        ("Strike 105 (not 100)", {"strike": "105"}),
        ("volatility 20%", {"volatility": "20%"}),
        ("coupon rate of 5%", {"coupon_rate": "5%"}),
        ("4 exceptions in 250 observations at 99%", {"observations": "250", "exceptions": "4"}),
        ("105 struck at 100", {"strike": "105"}),
        ("the strike is the call's", {"strike": "105"}),
    ],
)
def test_figure_beside_its_label_is_no_finding(message: str, arguments: dict[str, str]) -> None:
    assert mislabelled_arguments([direct(**arguments)], message) == []


@pytest.mark.parametrize(
    ("message", "arguments", "found"),
    [
        ("spot 100, strike 105", {"spot": "105", "strike": "100"}, ["c1.spot", "c1.strike"]),
        ("spot 100 strike 105", {"spot": "100", "strike": "100"}, ["c1.strike"]),
        ("volatility of 20%, rate 5%", {"volatility": "5%", "rate": "5%"}, ["c1.volatility"]),
        ("coupon-rate 5%, yield 4%", {"coupon_rate": "4%"}, ["c1.coupon_rate"]),
    ],
)
def test_figure_of_another_label_is_found(
    message: str, arguments: dict[str, str], found: list[str]
) -> None:
    assert mislabelled_arguments([direct(**arguments)], message) == found


def test_trained_tools_and_lists_are_not_judged_by_labels() -> None:
    trained = replace(direct(strike="100"), is_direct=False)
    listed = replace(direct("lcr", assets="level1 5"), inputs={"assets": [{"amount": "5"}]})
    assert mislabelled_arguments([trained], "strike 105") == []
    assert mislabelled_arguments([listed], "assets 7") == []


def test_definition_speaks_of_what_it_takes_and_gives() -> None:
    assert speaks_of([direct()], "delta")
    assert speaks_of([direct()], "dividend yield")
    assert not speaks_of([direct()], "correlation")
    assert not speaks_of([replace(direct(), is_direct=False)], "delta")
    assert not speaks_of([replace(direct(), result=None)], "delta")


def test_words_of_an_arguments_name_are_known() -> None:
    made = direct("leverage_ratio", tier1="60m", curve_zero_rate="2%")
    assert names_argument([made], "Tier1")
    assert names_argument([made], "zero")
    assert not names_argument([made], "two")
    assert not names_argument([replace(made, is_direct=False)], "zero")


def test_proposal_is_told_by_its_calculator() -> None:
    assert is_proposal([direct(), direct("rebalancing_proposal")])
    assert not is_proposal([direct(), replace(direct(), calculator="")])
