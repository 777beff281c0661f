from decimal import Decimal

import pytest

from finsvc.books.limits_csv import parse_limits
from finsvc.domain.errors import InputError
from finsvc.domain.limits import Limit, LimitMetric
from tests.finsvc.marketdata.factories import real_market

HEADER = "name,metric,scope,threshold,unit,confidence,horizon_days\n"


def parse(text: str) -> tuple[Limit, ...]:
    return parse_limits(text.encode(), source="book.limits.csv", reference=real_market())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            "VaR,value_at_risk,,750000,USD,0.99,10",
            Limit(
                name="VaR",
                metric=LimitMetric.VALUE_AT_RISK,
                scope=None,
                threshold=Decimal(750000),
                unit="USD",
                confidence=Decimal("0.99"),
                horizon_days=10,
            ),
        ),
        (
            "Tech,sector_exposure,information technology,35.5,%,,",
            Limit(
                name="Tech",
                metric=LimitMetric.SECTOR_EXPOSURE,
                scope="Information Technology",
                threshold=Decimal("35.5"),
                unit="%",
            ),
        ),
        (
            "Any,instrument_exposure,,15,%,,",
            Limit(
                name="Any",
                metric=LimitMetric.INSTRUMENT_EXPOSURE,
                scope=None,
                threshold=Decimal(15),
                unit="%",
            ),
        ),
        (
            "Apple,instrument_exposure,aapl,1000000,USD,,",
            Limit(
                name="Apple",
                metric=LimitMetric.INSTRUMENT_EXPOSURE,
                scope="AAPL",
                threshold=Decimal(1000000),
                unit="USD",
            ),
        ),
        (
            "Euro,currency_exposure,eur,1,gbp,,",
            Limit(
                name="Euro",
                metric=LimitMetric.CURRENCY_EXPOSURE,
                scope="EUR",
                threshold=Decimal(1),
                unit="GBP",
            ),
        ),
        (
            "Crisis,stress_loss,financial_crisis,3000000,USD,,",
            Limit(
                name="Crisis",
                metric=LimitMetric.STRESS_LOSS,
                scope="financial_crisis",
                threshold=Decimal(3000000),
                unit="USD",
            ),
        ),
    ],
)
def test_limit_of_every_metric_is_read(row: str, expected: Limit) -> None:
    assert parse(HEADER + row) == (expected,)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",value_at_risk,,1,USD,0.99,10", "name"),
        ("single name,value_at_risk,,1,USD,0.99,10", "name"),
        ("10,value_at_risk,,1,USD,0.99,10", "name"),
        ("x,vega,,1,USD,,", "metric"),
        ("x,value_at_risk,AAPL,1,USD,0.99,10", "scope"),
        ("x,value_at_risk,,1,USD,,10", "confidence"),
        ("x,value_at_risk,,1,USD,99,10", "confidence"),
        ("x,value_at_risk,,1,USD,1,10", "confidence"),
        ("x,value_at_risk,,1,USD,0.99,", "horizon_days"),
        ("x,value_at_risk,,1,USD,0.99,1.5", "horizon_days"),
        ("x,value_at_risk,,1,USD,0.99,251", "horizon_days"),
        ("x,value_at_risk,,-1,USD,0.99,10", "threshold"),
        ("x,value_at_risk,,1,XXX,0.99,10", "unit"),
        ("x,value_at_risk,,1,,0.99,10", "unit"),
        ("x,stress_loss,,1,USD,,", "scope"),
        ("x,stress_loss,1987,1,USD,,", "scope"),
        ("x,sector_exposure,Tech,1,USD,,", "scope"),
        ("x,currency_exposure,XXX,1,USD,,", "scope"),
        ("x,instrument_exposure,TSLA,1,USD,,", "scope"),
        ("x,instrument_exposure,AAPL,1,USD,0.99,", "confidence"),
    ],
)
def test_wrong_limit_is_refused_with_row_and_column(row: str, column: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(HEADER + row)
    assert caught.value.field == f"book.limits.csv row 2, column {column}"


def test_limit_name_used_twice_is_refused() -> None:
    with pytest.raises(InputError, match="row 3, column name"):
        parse(HEADER + "a,instrument_exposure,,15,%,,\nA,sector_exposure,,15,%,,\n")


def test_file_without_limits_is_refused() -> None:
    with pytest.raises(InputError, match="at least one limit"):
        parse(HEADER)
