import pytest

from finsvc.calculators.inputs.risk import scenario_input
from finsvc.domain.errors import InputError, NonTradingDayError, UnknownNameError
from finsvc.domain.scenarios import HISTORICAL_SCENARIOS, Shock, ShockKind, ShockScenario
from tests.finsvc.calculators.factories import (
    AS_OF,
    book,
    cash,
    disagreements,
    mixed_book,
    option,
    run,
    stock,
    value,
)

HISTORY = {"kind": "historical", "name": "the slide", "start": "2020-02-20", "end": "2020-03-20"}


def shocks(*entries: dict[str, str]) -> dict[str, object]:
    return {"kind": "shocks", "name": "my shocks", "shocks": list(entries)}


def equity(fraction: str) -> dict[str, str]:
    return {"kind": "equity", "fraction": fraction}


def shock(kind: str, target: str, fraction: str) -> dict[str, str]:
    return {"kind": kind, "target": target, "fraction": fraction}


def profit(portfolio: dict[str, object], scenario: dict[str, object]) -> float:
    return value("stress_test", "pnl", portfolio=portfolio, as_of=AS_OF, scenario=scenario)


@pytest.mark.parametrize("base", ["USD", "EUR", "JPY"])
@pytest.mark.parametrize(
    "scenario",
    [
        HISTORY,
        shocks(equity("-0.2")),
        shocks(
            equity("-0.2"),
            shock("sector", "Energy", "0.1"),
            shock("instrument", "EUX", "-0.5"),
            shock("currency", "EUR", "0.1"),
            shock("currency", "USD", "-0.05"),
        ),
    ],
)
def test_second_method_confirms(base: str, scenario: dict[str, object]) -> None:
    document = {"portfolio": mixed_book(base), "as_of": AS_OF, "scenario": scenario}
    assert disagreements("stress_test", **document) == []


def test_equity_fall_of_a_fifth_costs_a_fifth() -> None:
    worth = value("positions", "positions_total", portfolio=book(stock("ABC", "7")), as_of=AS_OF)
    assert profit(book(stock("ABC", "7")), shocks(equity("-0.2"))) == pytest.approx(-0.2 * worth)


def test_most_specific_shock_wins() -> None:
    scenario = shocks(
        equity("-0.5"), shock("sector", "Energy", "0.2"), shock("instrument", "ABC", "0.3")
    )
    for name, fraction in (("ABC", 0.3), ("FLAT", 0.2), ("EUX", -0.5)):
        only = book(stock(name, "1"))
        worth = value("positions", "positions_total", portfolio=only, as_of=AS_OF)
        assert profit(only, scenario) == pytest.approx(fraction * worth, rel=1e-9)


def test_currency_shock_moves_foreign_cash_and_a_shock_to_the_base_the_other_way() -> None:
    euros = book(cash("EUR", "1000"))
    worth = value("positions", "positions_total", portfolio=euros, as_of=AS_OF)
    up = shocks(shock("currency", "EUR", "0.1"))
    assert profit(euros, up) == pytest.approx(0.1 * worth, rel=1e-9)
    base = shocks(shock("currency", "USD", "0.25"))
    assert profit(euros, base) == pytest.approx((1 / 1.25 - 1) * worth, rel=1e-9)


def test_long_option_never_loses_more_than_its_value() -> None:
    put = book(option("IDX", "put", "3900", "1"))
    worth = value("positions", "positions_total", portfolio=put, as_of=AS_OF)
    assert profit(put, shocks(equity("3"))) == pytest.approx(-worth, rel=1e-6)
    assert profit(put, shocks(equity("-0.3"))) > 0.0


def test_shock_that_reaches_nothing_is_said_in_the_notes() -> None:
    scenario = shocks(
        equity("-0.1"),
        shock("sector", "Mining", "-0.1"),
        shock("instrument", "GAP", "-0.1"),
        shock("currency", "JPY", "-0.1"),
    )
    result = run("stress_test", portfolio=book(cash("EUR", "1")), as_of=AS_OF, scenario=scenario)
    text = " ".join(result.notes)
    for words in ("equity -10 %", "sector Mining -10 %", "instrument GAP", "currency JPY"):
        assert f"shock {words}" in text
    assert float(result.fields["pnl"].value) == 0.0


def test_unknown_targets_are_refused() -> None:
    for entry in (shock("instrument", "NOPE", "0.1"), shock("currency", "XXX", "0.1")):
        with pytest.raises(UnknownNameError):
            profit(mixed_book(), shocks(entry))


def test_history_after_the_as_of_date_or_off_a_trading_day_is_refused() -> None:
    with pytest.raises(InputError, match=r"scenario\.end"):
        run("stress_test", portfolio=mixed_book(), as_of="2019-12-30", scenario=HISTORY)
    with pytest.raises(NonTradingDayError, match=r"scenario\.start"):
        profit(mixed_book(), {**HISTORY, "start": "2020-02-23"})


@pytest.mark.parametrize(
    "scenario",
    [
        {**HISTORY, "start": "2020-03-20"},
        shocks(),
        shocks(equity("-1")),
        shocks(equity("-0.1"), equity("-0.2")),
        shocks({"kind": "sector", "fraction": "0.1"}),
        shocks({"kind": "equity", "target": "ABC", "fraction": "0.1"}),
    ],
)
def test_contradictory_scenarios_are_refused(scenario: dict[str, object]) -> None:
    with pytest.raises(InputError, match="scenario"):
        profit(mixed_book(), scenario)


def test_domain_scenarios_survive_the_input_form() -> None:
    mine = ShockScenario(
        name="mine",
        shocks=(Shock(kind=ShockKind.EQUITY, target=None, fraction=0),),  # type: ignore[arg-type]
    )
    for scenario in (*HISTORICAL_SCENARIOS.values(), mine):
        assert scenario_input(scenario).to_domain() == scenario
