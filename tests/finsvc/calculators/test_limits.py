from decimal import Decimal

import pytest

from finsvc.calculators.inputs.book import LimitInput
from finsvc.domain.errors import InputError, UnknownNameError
from finsvc.domain.limits import Limit, LimitMetric
from tests.finsvc.calculators.factories import (
    AS_OF,
    book,
    cash,
    disagreements,
    mixed_book,
    run,
    stock,
    value,
)

TAIL = {"confidence": "0.99", "horizon_days": 10}


def limit(
    metric: str, threshold: str, unit: str = "USD", name: str = "the_limit", **more: object
) -> dict[str, object]:
    return {"name": name, "metric": metric, "threshold": threshold, "unit": unit, **more}


def check(
    *limits: dict[str, object], portfolio: dict[str, object] | None = None
) -> dict[str, object]:
    return {"portfolio": portfolio or mixed_book(), "as_of": AS_OF, "limits": list(limits)}


def utilisation(*limits: dict[str, object]) -> float:
    return float(run("limit_check", **check(*limits)).fields["limits.the_limit"].value)


@pytest.mark.parametrize("base", ["USD", "EUR"])
def test_second_method_confirms_every_metric_and_unit(base: str) -> None:
    limits = [
        limit("value_at_risk", "1000", name="a", **TAIL),
        limit("expected_shortfall", "10", "%", name="b", **TAIL),
        limit("instrument_exposure", "10", "%", name="c"),
        limit("instrument_exposure", "1000", "EUR", name="d", scope="ABC"),
        limit("sector_exposure", "1000", name="e"),
        limit("sector_exposure", "1000", name="f", scope="Cash"),
        limit("currency_exposure", "1000", "JPY", name="g"),
        limit("currency_exposure", "1000", name="h", scope="USD"),
        limit("stress_loss", "1000", name="i", scope="covid"),
    ]
    assert disagreements("limit_check", **check(*limits, portfolio=mixed_book(base))) == []


def test_value_at_risk_limit_measures_what_the_calculator_says() -> None:
    var = value("historical_var", "var", portfolio=mixed_book(), as_of=AS_OF)
    result = run("limit_check", **check(limit("value_at_risk", "2000", **TAIL)))
    assert float(result.fields["measured.the_limit"].value) == var
    assert float(result.fields["limits.the_limit"].value) == pytest.approx(var / 20.0)
    assert result.parameters["threshold.the_limit"] == "2000 USD"


def test_exactly_at_the_threshold_is_no_breach_and_above_it_is() -> None:
    portfolio = book(cash("EUR", "1"), stock("FLAT", "10"))
    at = limit("instrument_exposure", "100", scope="FLAT")
    below = limit("instrument_exposure", "99.99", scope="FLAT")
    good = run("limit_check", **check(at, portfolio=portfolio))
    assert good.labels["status"] == "no breach"
    assert good.labels["limits.the_limit"] == "the_limit (FLAT, no breach)"
    bad = run("limit_check", **check(below, portfolio=portfolio))
    assert bad.labels["status"] == "breach"
    assert bad.labels["limits.the_limit"] == "the_limit (FLAT, breach)"


def test_short_exposure_counts_as_much_as_long() -> None:
    short = book(stock("FLAT", "-10"), cash("USD", "1000"))
    result = run("limit_check", **check(limit("instrument_exposure", "50"), portfolio=short))
    assert float(result.fields["limits.the_limit"].value) == 200.0


def test_limit_without_scope_takes_the_largest_risky_member() -> None:
    result = run("limit_check", **check(limit("currency_exposure", "1")))
    assert "USD" not in result.labels["limits.the_limit"]
    nothing = run(
        "limit_check",
        **check(limit("sector_exposure", "1"), portfolio=book(cash("USD", "5"))),
    )
    assert float(nothing.fields["limits.the_limit"].value) == 0.0
    assert nothing.labels["limits.the_limit"] == "the_limit (no breach)"


def test_sector_without_holdings_is_said_and_unused() -> None:
    result = run("limit_check", **check(limit("sector_exposure", "1", scope="Financials")))
    assert float(result.fields["limits.the_limit"].value) == 0.0
    assert "Financials: nothing held" in result.labels["limits.the_limit"]


def test_profit_in_the_stress_counts_as_zero() -> None:
    gain = book(stock("ABC", "-1"), stock("IDX", "-1"), stock("EUX", "-1"), stock("FLAT", "1"))
    for factor in (gain, book(stock("ABC", "1"), stock("IDX", "1"))):
        result = run(
            "limit_check",
            **check(limit("stress_loss", "100", scope="covid"), portfolio=factor),
        )
        assert float(result.fields["measured.the_limit"].value) >= 0.0
        assert "the 2020 Covid crash" in result.labels["limits.the_limit"]
    assert (
        disagreements(
            "limit_check", **check(limit("stress_loss", "100", scope="covid"), portfolio=gain)
        )
        == []
    )


def test_percent_of_an_empty_gross_exposure_is_refused() -> None:
    with pytest.raises(InputError, match="gross exposure"):
        run(
            "limit_check",
            **check(limit("instrument_exposure", "1", "%"), portfolio=book(stock("ABC", "0"))),
        )


def test_unknown_scopes_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="NOPE"):
        utilisation(limit("instrument_exposure", "1", scope="NOPE"))
    with pytest.raises(UnknownNameError, match="XXX"):
        utilisation(limit("currency_exposure", "1", scope="XXX"))


@pytest.mark.parametrize(
    "wrong",
    [
        limit("value_at_risk", "1"),
        limit("value_at_risk", "1", confidence="0.99"),
        limit("value_at_risk", "1", scope="ABC", **TAIL),
        limit("instrument_exposure", "1", **TAIL),
        limit("stress_loss", "1"),
        limit("stress_loss", "1", scope="doomsday"),
        limit("sector_exposure", "0"),
        limit("sector_exposure", "1", "percent"),
        limit("sector_exposure", "1", name="two words"),
    ],
)
def test_contradictory_limits_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"limits\.0"):
        run("limit_check", **check(wrong))


def test_two_limits_of_one_name_are_refused() -> None:
    twice = limit("sector_exposure", "1")
    with pytest.raises(InputError, match="a name of its own"):
        run("limit_check", **check(twice, twice))


def test_domain_limit_survives_the_input_form() -> None:
    domain = Limit(
        name="var",
        metric=LimitMetric.VALUE_AT_RISK,
        scope=None,
        threshold=Decimal(5),
        unit="USD",
        confidence=Decimal("0.99"),
        horizon_days=10,
    )
    assert LimitInput.from_domain(domain).to_domain() == domain
