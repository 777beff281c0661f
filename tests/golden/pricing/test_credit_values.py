"""Settlement amounts of standard credit default swaps as Markit's converter gives them.

Source: the tests of the ISDA engine in the test suite of QuantLib at commit 2a13d455
(creditdefaultswap.cpp), with Markit's rates of 21 May 2009 and 26 July 2021, accrued premium from
the examples of the ISDA CDS Standard Model.
"""

import pytest

from tests.golden.pricing.runner import run

DEPOSITS = {1: 0.003081, 2: 0.005525, 3: 0.007163, 6: 0.012413, 9: 0.014, 12: 0.015488}
SWAPS = {
    **{2: 0.011907, 3: 0.01699, 4: 0.021198, 5: 0.02444, 6: 0.026937, 7: 0.028967, 8: 0.030504},
    **{9: 0.031719, 10: 0.03279, 12: 0.034535, 15: 0.036217, 20: 0.036981, 25: 0.037246},
    30: 0.037605,
}
EURO_DEPOSITS = {1: -0.0056, 3: -0.00544, 6: -0.00519, 12: -0.00493}
EURO_SWAPS = {
    **{2: -0.00482, 3: -0.00442, 4: -0.00399, 5: -0.00352, 6: -0.00297, 7: -0.00237, 8: -0.00176},
    **{9: -0.00114, 10: -0.00054, 12: 0.00057, 15: 0.00188, 20: 0.00294, 30: 0.00282},
}
# maturity, spread: settlement amounts at recoveries of 20 % and 40 %, for 10 million at 1 %.
MARKIT = (
    ("2010-06-20", "0.001", -97798.29358, -97776.11889),
    ("2010-06-20", "0.1", 914971.5977, 894985.6298),
    ("2011-06-20", "0.001", -186921.3594, -186839.8148),
    ("2011-06-20", "0.1", 1646623.672, 1579803.626),
    ("2012-06-20", "0.001", -274298.9203, -274122.4725),
    ("2012-06-20", "0.1", 2279730.93, 2147972.527),
    ("2016-06-20", "0.001", -592420.2297, -591571.2294),
    ("2016-06-20", "0.1", 3993550.206, 3545843.418),
    ("2019-06-20", "0.001", -797501.1422, -795915.9787),
    ("2019-06-20", "0.1", 4702034.688, 4042340.999),
)
CASES = [
    (maturity, spread, recovery, value)
    for maturity, spread, low, high in MARKIT
    for recovery, value in (("0.2", low), ("0.4", high))
]
ACCRUED = (
    ("2009-03-18", 24166.67),
    ("2009-03-19", 0.0),
    ("2009-03-20", 277.78),
    ("2009-03-23", 1111.11),
    ("2009-06-19", 25555.56),
    ("2009-06-20", 25833.33),
    ("2009-06-21", 0.0),
    ("2009-06-22", 277.78),
    ("2014-06-18", 25277.78),
    ("2014-06-19", 25555.56),
)


def curve(
    deposits: dict[int, float], swaps: dict[int, float], payments: int
) -> dict[str, list[dict[str, object]]]:
    quotes: list[dict[str, object]] = [
        {"kind": "deposit", "months": months, "rate": f"{rate:.8f}"}
        for months, rate in deposits.items()
    ]
    quotes += [
        {"kind": "swap", "months": 12 * y, "rate": f"{rate:.8f}", "payments_a_year": payments}
        for y, rate in swaps.items()
    ]
    return {"quotes": quotes}


@pytest.mark.parametrize(("maturity", "spread", "recovery", "expected"), CASES)
def test_settlement_amount_of_markit_is_reproduced(
    maturity: str, spread: str, recovery: str, expected: float
) -> None:
    document = {
        "as_of": "2009-05-21",
        "notional": "10000000",
        "maturity": maturity,
        "spread": spread,
        "recovery_rate": recovery,
        "curve": curve(DEPOSITS, SWAPS, 2),
    }
    amount = float(run("credit_default_swap", document).fields["settlement_amount"].value)
    assert abs(amount / expected - 1.0) < 1e-8


def test_settlement_amount_at_negative_rates_is_reproduced() -> None:
    document = {
        "as_of": "2021-07-26",
        "currency": "EUR",
        "notional": "1000000",
        "maturity": "2026-06-20",
        "spread": "0.006713",
        "recovery_rate": "0.4",
        "curve": curve(EURO_DEPOSITS, EURO_SWAPS, 1),
    }
    fields = run("credit_default_swap", document).fields
    # The published figure is the value on the trade date; settlement is three days later.
    assert abs(float(fields["settlement_amount"].value) / -16070.7 - 1.0) < 1e-4
    assert float(fields["accrued_premium"].value) == pytest.approx(1000.0, abs=1e-6)


@pytest.mark.parametrize(("trade_date", "expected"), ACCRUED)
def test_accrued_premium_of_the_standard_model_is_reproduced(
    trade_date: str, expected: float
) -> None:
    document = {
        "as_of": trade_date,
        "notional": "10000000",
        "maturity": "2014-06-20",
        "hazard_rate": "0.01",
        "recovery_rate": "0.4",
        "curve": {"zero_rate": "0.01"},
    }
    accrued = float(run("credit_default_swap", document).fields["accrued_premium"].value)
    assert abs(accrued - expected) < 0.005
