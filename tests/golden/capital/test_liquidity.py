"""Liquidity ratios with published results.

Source: ankitjha67/baselkit at 52293ef (Apache-2.0), tests/test_liquidity; figures only. Its rows of
zero outflows or zero required funding give an infinite ratio there and an error here, since no
number is right.
"""

from decimal import Decimal

import pytest

from finsvc.calculators.registry import calculator
from finsvc.domain.errors import InputError
from tests.finsvc.marketdata.factories import real_market
from tests.golden.capital.runs import confirmed, value

HEAD = {"as_of": "2026-06-30", "jurisdiction": "basel", "currency": "EUR"}


def line(name: str, category: str, amount: str) -> dict[str, object]:
    return {"id": name, "category": category, "amount": amount}


def lcr(level1: str, level2a: str, level2b: str, outflow: str, inflow: str) -> dict[str, object]:
    return {
        **HEAD,
        "assets": [
            line("a", "level1", level1),
            line("b", "level2a", level2a),
            line("c", "level2b", level2b),
        ],
        "outflows": [line("o", "other_contractual", outflow)],
        "inflows": [line("i", "other_contractual", inflow)],
    }


@pytest.mark.parametrize(
    ("assets", "expected"),
    [
        (("100", "0", "0"), "100"),
        (("100", "20", "0"), "117"),
        (("50", "0", "100"), "58.8235"),
        (("50", "100", "0"), "83.3333"),
        (("10", "20", "60"), "16.6667"),
    ],
)
def test_stock_of_liquid_assets_is_the_published_one(
    assets: tuple[str, str, str], expected: str
) -> None:
    result = confirmed("lcr", lcr(*assets, "100", "0"))
    assert abs(value(result, "liquid_assets") - Decimal(expected)) <= Decimal("0.001")


@pytest.mark.parametrize(
    ("outflow", "inflow", "expected"), [("100", "50", "50"), ("100", "90", "25")]
)
def test_net_outflows_are_the_published_ones(outflow: str, inflow: str, expected: str) -> None:
    result = confirmed("lcr", lcr("100", "0", "0", outflow, inflow))
    assert value(result, "net_outflows") == Decimal(expected)


@pytest.mark.parametrize(
    ("stock", "ratio", "status"), [("120", 120, "met"), ("80", 80, "breached")]
)
def test_liquidity_coverage_is_the_published_one(stock: str, ratio: int, status: str) -> None:
    result = confirmed("lcr", lcr(stock, "0", "0", "100", "0"))
    assert value(result, "lcr") == ratio
    assert result.labels["status"] == status


def test_liquidity_coverage_without_outflows_is_refused() -> None:
    entry = calculator("lcr")
    inputs = entry.parse(lcr("100", "0", "0", "0", "0"))
    with pytest.raises(InputError, match="net outflows above zero"):
        entry.run(inputs, real_market())


CAPITAL = line("a", "capital", "100")
STABLE = line("b", "retail_stable", "200")


@pytest.mark.parametrize(
    ("available", "required", "expected"),
    [
        ([CAPITAL, STABLE, line("c", "other_under_one_year", "500")], "290", "290"),
        ([CAPITAL, STABLE], "87.5", "290"),
        ([line("c", "other_under_one_year", "1000")], "100", "0"),
    ],
)
def test_available_funding_is_the_published_one(
    available: list[dict[str, object]], required: str, expected: str
) -> None:
    document = {**HEAD, "available": available, "required": [line("r", "other", required)]}
    result = confirmed("nsfr", document)
    assert value(result, "available_total") == Decimal(expected)
    assert value(result, "nsfr") == pytest.approx(Decimal(expected) / Decimal(required) * 100)


def test_required_funding_is_the_published_one() -> None:
    required = [
        line("a", "level1", "50"),
        line("b", "loans_one_year", "100"),
        line("c", "residential_mortgage", "100"),
    ]
    result = confirmed("nsfr", {**HEAD, "available": [CAPITAL], "required": required})
    assert value(result, "required_total") == Decimal("152.5")


def test_net_stable_funding_without_required_funding_is_refused() -> None:
    entry = calculator("nsfr")
    inputs = entry.parse({**HEAD, "available": [CAPITAL], "required": []})
    with pytest.raises(InputError, match="required stable funding above zero"):
        entry.run(inputs, real_market())
