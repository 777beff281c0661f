import pytest

from finsvc.domain.errors import InputError
from tests.finsvc.calculators.factories import AS_OF, disagreements, run, synthetic_market, value

OPTION = {
    "underlying": "IDX",
    "option_type": "call",
    "strike": "4000",
    "expiry": "2023-06-16",
    "as_of": AS_OF,
}
CLOSE = str(synthetic_market().prices["IDX"].values[-1])  # type: ignore[index]


@pytest.mark.parametrize("option_type", ["call", "put"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"volatility": "0.35"},
        {"volatility": "0"},
        {"volatility": "0.00000001"},
        {"expiry": AS_OF},
        {"expiry": "2022-12-31"},
        {"strike": "0"},
        {"strike": "40000000"},
        {"strike": "0.01"},
        {"assumptions": {"rate": "-0.01", "dividend_yield": "0.03"}},
        {"assumptions": {"rate": "0"}},
        {"expiry": "2072-12-30"},
    ],
)
def test_quantlib_confirms_price_and_every_greek(
    option_type: str, change: dict[str, object]
) -> None:
    assert disagreements("option_price", **{**OPTION, "option_type": option_type, **change}) == []


def test_zero_volatility_and_payoff_at_the_strike_agree_on_price() -> None:
    with pytest.raises(InputError, match="strike"):
        run("option_price", **{**OPTION, "strike": CLOSE, "expiry": AS_OF})


def test_expired_option_is_refused() -> None:
    with pytest.raises(InputError, match="expiry"):
        run("option_price", **{**OPTION, "expiry": "2022-12-29"})


def test_volatility_of_the_caller_replaces_the_realised_one() -> None:
    given = run("option_price", **OPTION, volatility="0.5")
    assert given.parameters["volatility"] == "0.5"
    assert "given by the caller" in " ".join(given.notes)
    assert value("option_price", "price", **OPTION) < float(given.fields["price"].value)


def test_subject_names_the_contract() -> None:
    assert run("option_price", **OPTION).labels["subject"] == "the 2023-06-16 4000 call on IDX Inc."
