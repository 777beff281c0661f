import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finsvc.domain.errors import NonTradingDayError, UnknownNameError
from tests.finsvc.calculators.factories import AS_OF, disagreements, run, value


def convert(amount: str, source: str, target: str) -> float:
    return value(
        "fx_convert",
        "converted",
        amount=amount,
        from_currency=source,
        to_currency=target,
        as_of=AS_OF,
    )


@pytest.mark.parametrize(("base", "quote"), [("EUR", "USD"), ("JPY", "USD"), ("USD", "USD")])
def test_second_method_confirms(base: str, quote: str) -> None:
    assert disagreements("fx_rate", base=base, quote=quote, as_of=AS_OF) == []
    assert (
        disagreements(
            "fx_convert", amount="-1234567.89", from_currency=base, to_currency=quote, as_of=AS_OF
        )
        == []
    )


def test_rate_and_its_inverse_multiply_to_one() -> None:
    there = value("fx_rate", "rate", base="JPY", quote="USD", as_of=AS_OF)
    back = value("fx_rate", "rate", base="USD", quote="JPY", as_of=AS_OF)
    assert there * back == pytest.approx(1.0, rel=1e-11)


def test_unit_of_a_rate_is_quote_per_base() -> None:
    result = run("fx_rate", base="EUR", quote="USD", as_of=AS_OF)
    assert result.fields["rate"].unit == "USD/EUR"
    assert result.labels["subject"] == "EUR/USD"


def test_amount_passes_exactly_and_the_product_can_be_checked_by_hand() -> None:
    result = run(
        "fx_convert",
        amount="123456789012345.67",
        from_currency="EUR",
        to_currency="USD",
        as_of=AS_OF,
    )
    fields = result.fields
    assert str(fields["amount"].value) == "123456789012345.67"
    assert fields["converted"].value == fields["amount"].value * fields["rate"].value


@settings(max_examples=30, deadline=None)
@given(st.integers(-(10**9), 10**9).map(str))
def test_conversion_is_linear(amount: str) -> None:
    assert convert(amount, "EUR", "JPY") == pytest.approx(
        int(amount) * convert("1", "EUR", "JPY"), rel=1e-9
    )


def test_weekend_and_unknown_currency_are_refused() -> None:
    with pytest.raises(NonTradingDayError):
        run("fx_rate", base="EUR", quote="USD", as_of="2022-12-25")
    with pytest.raises(UnknownNameError, match="XXX"):
        run("fx_rate", base="EUR", quote="XXX", as_of=AS_OF)
