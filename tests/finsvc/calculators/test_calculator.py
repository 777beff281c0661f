import gc

import pytest

from finsvc.calculators.registry import calculator
from finsvc.domain.errors import InputError
from tests.finsvc.calculators.factories import (
    AS_OF,
    book,
    cash,
    mixed_book,
    stock,
    synthetic_market,
)

GOOD = {"portfolio": mixed_book(), "as_of": AS_OF}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"confidence": "1"}, "confidence"),
        ({"confidence": "0"}, "confidence"),
        ({"confidence": 0.99}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"confidence": "99%"}, "confidence"),
        ({"confidence": "1e-3"}, "confidence"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"horizon_days": "10"}, "horizon_days"),
        ({"window_days": 1}, "window_days"),
        ({"as_of": "30/12/2022"}, "as_of"),
        ({"as_of": "2022-02-30"}, "as_of"),
        ({"as_of": 20221230}, "as_of"),
        ({"as_of": "2300-01-01"}, "as_of"),
        ({"scaling": "linear"}, "scaling"),
        ({"portfolio": book()}, "portfolio.positions"),
        ({"portfolio": book(cash("usd", "1"))}, "portfolio.positions.0.currency"),
        ({"portfolio": book(stock("ABC", "many"))}, "portfolio.positions.0.quantity"),
        ({"portfolio": book({"kind": "bond"})}, "portfolio.positions.0"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_input_is_refused_with_the_path_of_the_field(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        calculator("historical_var").parse({**GOOD, **change})
    assert caught.value.field == field


def test_missing_field_says_a_value_was_expected() -> None:
    with pytest.raises(InputError, match="as_of: expected a value, got nothing"):
        calculator("historical_var").parse({"portfolio": mixed_book()})


def test_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(InputError, match="inputs"):
        calculator("historical_var").parse("everything")


def test_long_input_is_cut_in_the_message() -> None:
    with pytest.raises(InputError) as caught:
        calculator("historical_var").parse({**GOOD, "as_of": "x" * 500})
    assert len(caught.value.actual) < 100


def test_inputs_of_another_calculator_are_refused() -> None:
    inputs = calculator("close").parse({"instrument": "ABC", "as_of": AS_OF})
    for call in (calculator("beta").run, calculator("beta").confirm):
        with pytest.raises(InputError, match="BetaInput"):
            call(inputs, synthetic_market())  # type: ignore[operator]


def test_equal_inputs_written_differently_have_one_digest() -> None:
    entry = calculator("historical_var")
    market = synthetic_market()
    first = entry.run(entry.parse({**GOOD, "confidence": "0.99"}), market)
    second = entry.run(entry.parse({**GOOD, "confidence": "0.9900"}), market)
    third = entry.run(entry.parse({**GOOD, "confidence": "0.98"}), market)
    assert first == second
    assert first.inputs_digest.startswith("sha256:")
    assert third.inputs_digest != first.inputs_digest


def test_terms_derived_from_the_inputs_are_refused_by_field() -> None:
    # The yield needs a coupon date a year before maturity, which is before the calendars begin.
    bill = {"as_of": "1901-06-03", "convention": "uk", "maturity": "1901-09-02", "price": "99"}
    entry = calculator("bill_price")
    with pytest.raises(InputError, match="issue_date: expected a date in the years 1901 to 2199"):
        entry.run(entry.parse(bill), synthetic_market())


def test_collector_that_was_paused_stays_paused() -> None:
    gc.disable()
    try:
        calculator("coverage_test").parse({"observations": 1, "exceptions": 0, "as_of": AS_OF})
        assert not gc.isenabled()
    finally:
        gc.enable()
    calculator("coverage_test").parse({"observations": 1, "exceptions": 0, "as_of": AS_OF})
    assert gc.isenabled()
