"""Published bond figures are reproduced, and the second methods agree on every field of them."""

import pytest

from tests.golden.pricing import bond_values as published
from tests.golden.pricing.runner import run
from tests.golden.pricing.tables import Row

LONG_NAMES = {"us_issue": "us_treasury_issue"}


def fraction(percent: str | None) -> str:
    return f"{float(str(percent)) / 100.0:.15f}"


def apart(expected: str | None, calculated: object) -> float:
    return 0.0 if expected is None else abs(float(str(calculated)) - float(expected))


@pytest.mark.parametrize("row", published.BONDS)
def test_bond_figures_of_the_market_are_reproduced(row: Row) -> None:
    convention, issue, maturity, coupon, settlement, first, clean, rate = row[:8]
    document = {
        "as_of": settlement,
        "convention": LONG_NAMES.get(str(convention), convention),
        "issue_date": issue,
        "maturity": maturity,
        "coupon_rate": coupon,
    }
    if first is not None:
        document["first_coupon"] = first
    if clean is not None:
        document["clean_price"] = clean
    else:
        document["yield_rate"] = fraction(rate)
    fields = run("bond_price", document).fields
    names = ("clean_price", "dirty_price", "accrued_interest", "yield")
    for name, expected in zip(names, row[8:12], strict=True):
        error = apart(expected, fields[name].value)
        assert error <= float(str(row[12])), f"{name}: {expected}, {fields[name].value}, {document}"


@pytest.mark.parametrize("row", published.FACTORS)
def test_conversion_factor_of_the_exchange_is_reproduced_exactly(row: Row) -> None:
    names = ("future", "convention", "issue_date", "maturity", "coupon_rate", "as_of")
    document = {**dict(zip(names, row[:6], strict=True)), "notional_rate": row[6]}
    factor = run("conversion_factor", document).fields["conversion_factor"].value
    assert float(factor) == float(str(row[7])), document


@pytest.mark.parametrize("row", published.BILLS)
def test_bill_figures_of_the_market_are_reproduced(row: Row) -> None:
    convention, settlement, maturity, price, quoted, expected_price, expected_yield, tolerance = row
    document = {"as_of": settlement, "convention": convention, "maturity": maturity}
    if price is not None:
        document["price"] = price
    else:
        document["quoted_rate"] = fraction(quoted)
    fields = run("bill_price", document).fields
    assert apart(expected_price, fields["price"].value) <= float(str(tolerance))
    assert apart(expected_yield, fields["yield"].value) <= float(str(tolerance))
