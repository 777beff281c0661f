from decimal import Decimal

import pytest

from finsvc.validator.free_text.amounts import find_amounts


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("48,212 USD", "48212", "USD"),
        ("$48.2 thousand", "48200", "USD"),
        ("US$5bn", "5000000000", "USD"),
        ("EUR -5m", "-5000000", "EUR"),
        ("minus 12 bps", "-0.12", "%"),
        ("3.1 per cent", "3.1", "%"),
        ("12.5 percentage points", "12.5", "%"),
        ("two hundred and five million dollars", "205000000", "USD"),
        ("twelve point five percent", "12.5", "%"),
        ("ninety-nine percent", "99", "%"),
        ("1.1172 USD per EUR", "1.1172", "USD/EUR"),
        ("three weeks", "15", "days"),
        ("(1,234 USD)", "-1234", "USD"),
        ("\u22127.5%", "-7.5", "%"),
        ("10,000 shares", "10000", "shares"),
        ("$5 EUR", "5", "USD EUR"),
        ("0.82", "0.82", ""),
    ],
)
def test_figure_is_read_with_sign_scale_and_unit(text: str, value: str, unit: str) -> None:
    (amount,) = find_amounts(text)
    assert (amount.value, amount.unit) == (Decimal(value), unit)


def test_last_place_says_how_far_a_figure_may_be_off() -> None:
    places = [amount.half_place for amount in find_amounts("48,212 USD, 48.2k USD, 3.10%, 12 bps")]
    assert places == [Decimal("0.5"), Decimal(50), Decimal("0.005"), Decimal("0.005")]


@pytest.mark.parametrize("text", ["1.234,56", "1.234.567", "one of them", "x5"])
def test_form_with_two_readings_is_left_unread(text: str) -> None:
    assert find_amounts(text) == []


def test_name_of_a_row_before_an_amount_is_no_unit() -> None:
    (amount,) = find_amounts("EUR 1,596,000 USD")
    assert (amount.text, amount.unit) == ("1,596,000 USD", "USD")
