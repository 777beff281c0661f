from pathlib import Path

import pytest

from finsvc.agents.arguments.limit_names import parse_limit_name
from finsvc.books.shelf import BookShelf
from finsvc.domain.errors import UnknownNameError
from finsvc.domain.limits import Limit
from tests.finsvc.marketdata.factories import real_market


@pytest.fixture
def limits(tmp_path: Path) -> tuple[Limit, ...]:
    return BookShelf(tmp_path, real_market()).load("sample").limits


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("value-at-risk", ["value-at-risk"]),
        ("value at risk limit", ["value-at-risk"]),
        ("VaR limit", ["value-at-risk"]),
        ("VaR", ["value-at-risk"]),
        ("the VaR limit", ["value-at-risk"]),
        ("its VaR cap", ["value-at-risk"]),
        ("var limits", ["value-at-risk"]),
        ("ES limit", ["expected-shortfall"]),
        ("expected shortfall", ["expected-shortfall"]),
        ("CVaR limit", ["expected-shortfall"]),
        ("single-name limit", ["single-name"]),
        ("single name limit", ["single-name"]),
        ("Single-Name cap", ["single-name"]),
        ("concentration limit", ["single-name"]),
        ("position limit", ["single-name"]),
        ("issuer limit", ["single-name"]),
        ("sector limit", ["sector"]),
        ("the sector limits", ["sector"]),
        ("industry limit", ["sector"]),
        ("sector", ["sector"]),
        ("euro limit", ["euro"]),
        ("Euro", ["euro"]),
        ("sterling limit", ["sterling"]),
        ("yen cap", ["yen"]),
        ("currency limit", ["euro", "sterling", "yen"]),
        ("FX limits", ["euro", "sterling", "yen"]),
        ("currency limits", ["euro", "sterling", "yen"]),
        ("stress limit", ["financial-crisis-loss", "covid-loss"]),
        ("covid loss limit", ["covid-loss"]),
        ("covid-loss", ["covid-loss"]),
        ("financial crisis loss", ["financial-crisis-loss"]),
        ("financial_crisis_loss limit", ["financial-crisis-loss"]),
    ],
)
def test_limit_is_found(limits: tuple[Limit, ...], text: str, names: list[str]) -> None:
    assert [limit.name for limit in parse_limit_name(text, limits=limits).value] == names


@pytest.mark.parametrize("text", ["all limits", "any limit", "the limits", "limits", "every limit"])
def test_all_limits_are_meant(limits: tuple[Limit, ...], text: str) -> None:
    assert parse_limit_name(text, limits=limits).value == limits


@pytest.mark.parametrize(
    "text", ["leverage limit", "delta", "drawdown limit", "country cap", "eur", "value"]
)
def test_unknown_limit_lists_those_of_the_book(limits: tuple[Limit, ...], text: str) -> None:
    with pytest.raises(UnknownNameError, match="a known limit") as caught:
        parse_limit_name(text, limits=limits)
    assert caught.value.known == tuple(limit.name for limit in limits)


def test_metric_that_no_limit_bounds_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="none"):
        parse_limit_name("VaR limit", limits=())
