from decimal import Decimal

import pytest

from finsvc.validator.free_text.units import factor, unit_of


@pytest.mark.parametrize(
    ("word", "unit", "step"),
    [
        ("bps", "%", "0.01"),
        ("percent", "%", "1"),
        ("euros", "EUR", "1"),
        ("£", "GBP", "1"),
        ("share", "shares", "1"),
        ("trading days", "days", "1"),
        ("months", "days", "21"),
    ],
)
def test_name_of_a_unit_is_read(word: str, unit: str, step: str) -> None:
    assert unit_of(word) == (unit, Decimal(step))


@pytest.mark.parametrize(
    ("stated", "wanted", "times"),
    [("USD", "USD", "1"), ("", "1", "1"), ("%", "1", "0.01")],
)
def test_units_that_fit_convert(stated: str, wanted: str, times: str) -> None:
    assert factor(stated, wanted) == Decimal(times)


@pytest.mark.parametrize(("stated", "wanted"), [("", "USD"), ("EUR", "USD"), ("1", "%")])
def test_units_that_do_not_fit_have_no_factor(stated: str, wanted: str) -> None:
    assert factor(stated, wanted) is None
