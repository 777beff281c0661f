import pytest

from finsvc.domain.errors import InputError
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

ON_BOOK = {"portfolio": mixed_book(), "as_of": AS_OF}
FALL = {"kind": "shocks", "name": "fall", "shocks": [{"kind": "equity", "fraction": "-0.3"}]}
PAST = {"kind": "historical", "name": "past", "start": "2020-01-02", "end": "2020-12-31"}


def test_suite_agrees_and_names_its_worst_scenario() -> None:
    document = {**ON_BOOK, "scenarios": [FALL, PAST]}
    assert disagreements("stress_suite", **document) == []
    result = run("stress_suite", **document)
    rows = {name: result.fields[f"pnl.{name}"].value for name in ("fall", "past")}
    assert result.labels["scenario"] == min(rows, key=lambda name: rows[name])
    assert result.fields["worst"].value == min(rows.values())


def test_suite_row_is_the_stress_tests_own_figure() -> None:
    suite = run("stress_suite", **ON_BOOK, scenarios=[PAST]).fields["pnl.past"].value
    assert suite == run("stress_test", **ON_BOOK, scenario=PAST).fields["pnl"].value


def test_scenarios_that_would_share_a_row_are_refused() -> None:
    with pytest.raises(InputError, match="a name of its own"):
        run("stress_suite", **ON_BOOK, scenarios=[FALL, FALL])
    with pytest.raises(InputError, match=r"scenarios\.1\.name"):
        run("stress_suite", **ON_BOOK, scenarios=[{**FALL, "name": n} for n in ("a b", "a/b")])


@pytest.mark.parametrize("scenario", [FALL, PAST])
def test_contributions_agree_and_add_up(scenario: dict[str, object]) -> None:
    assert disagreements("stress_contributions", **ON_BOOK, scenario=scenario) == []
    fields = run("stress_contributions", **ON_BOOK, scenario=scenario).fields
    rows = [field.value for name, field in fields.items() if name.startswith("contribution.")]
    assert float(sum(rows)) == pytest.approx(float(fields["pnl"].value), rel=1e-9)


def test_fall_that_loses_half_of_a_share_is_half() -> None:
    worth = value("positions", "positions_total", portfolio=book(stock("ABC", "10")), as_of=AS_OF)
    result = run(
        "reverse_stress",
        portfolio=book(stock("ABC", "10")),
        as_of=AS_OF,
        loss=f"{worth / 2:.6f}",
    )
    assert float(result.fields["move"].value) == pytest.approx(-50.0, abs=1e-6)
    assert result.labels["status"] == "reached"


def test_short_book_loses_in_a_rise() -> None:
    document = {"portfolio": book(stock("ABC", "-10")), "as_of": AS_OF, "loss": "300"}
    assert disagreements("reverse_stress", **document) == []
    assert value("reverse_stress", "move", **document) > 0


@pytest.mark.parametrize("direction", ["equity", "likely"])
@pytest.mark.parametrize("loss", ["2000", "8000", "900000000"])
def test_reverse_stress_agrees_on_options_and_currencies(direction: str, loss: str) -> None:
    document = {**ON_BOOK, "loss": loss, "direction": direction, "window_days": 250}
    assert disagreements("reverse_stress", **document) == []


def test_loss_beyond_the_search_is_not_reached() -> None:
    result = run("reverse_stress", portfolio=book(stock("ABC", "1")), as_of=AS_OF, loss="1000000")
    assert result.labels["status"] == "not reached"
    assert result.headline == "worst_searched"
    assert set(result.fields) == {"worst_searched"}


def test_likely_loss_of_two_deviations_is_two_deviations_away() -> None:
    # One share: the linear loss of k deviations is k times the daily deviation of its value.
    shares = {"portfolio": book(stock("ABC", "1")), "as_of": AS_OF, "window_days": 500}
    risk = value("parametric_var", "var", **shares, confidence="0.84134475", horizon_days=1)
    move = value("reverse_stress", "move", **shares, direction="likely", loss=f"{2 * risk:.8f}")
    assert move == pytest.approx(2.0, abs=0.06)


def test_book_without_linear_risk_has_no_likely_loss() -> None:
    with pytest.raises(InputError, match="equity for a book without linear risk"):
        run(
            "reverse_stress",
            portfolio=book(cash("USD", "9")),
            as_of=AS_OF,
            loss="1",
            direction="likely",
        )


def quote(**changes: str) -> dict[str, str]:
    return {
        "option_type": "call",
        "strike": "4000",
        "expiry": "2023-06-30",
        "price": "250",
        **changes,
    }


def surface(*quotes: dict[str, str]) -> dict[str, object]:
    return {"underlying": "IDX", "as_of": AS_OF, "quotes": list(quotes), "rate": "0.03"}


def test_implied_volatility_gives_back_the_price() -> None:
    spot = value("close", "close", instrument="IDX", as_of=AS_OF)
    at_the_money = quote(strike=f"{spot:.2f}", price=f"{spot * 0.06:.4f}")
    document = surface(at_the_money)
    assert disagreements("volatility_surface", **document) == []
    fields = run("volatility_surface", **document).fields
    volatility = next(float(f.value) for name, f in fields.items() if name.startswith("vol."))
    priced = run(
        "option_price",
        underlying="IDX",
        option_type="call",
        strike=at_the_money["strike"],
        expiry="2023-06-30",
        as_of=AS_OF,
        volatility=f"{volatility / 100:.8f}",
        assumptions={"rate": "0.03"},
    )
    assert float(priced.fields["price"].value) == pytest.approx(spot * 0.06, rel=1e-5)


@pytest.mark.parametrize("price", ["0.00000001", "99999"])
def test_price_outside_its_limits_names_the_quote(price: str) -> None:
    spot = value("close", "close", instrument="IDX", as_of=AS_OF)
    fair = quote(strike=f"{spot:.2f}", price=f"{spot * 0.05:.4f}")
    quotes = (fair, quote(strike="500", price=price))
    with pytest.raises(InputError, match=r"quotes\.1\.price"):
        run("volatility_surface", **surface(*quotes))


def test_expired_and_repeated_quotes_are_refused() -> None:
    with pytest.raises(InputError, match="expiry"):
        run("volatility_surface", **surface(quote(expiry="2022-01-03")))
    with pytest.raises(InputError, match="one quote for each strike and expiry"):
        run("volatility_surface", **surface(quote(), quote(option_type="put")))


def test_row_profits_of_options_on_a_foreign_share_add_up() -> None:
    foreign = book(option("EUX", "call", "80", "3"), stock("EUX", "-2"), cash("EUR", "9"))
    document = {"portfolio": foreign, "as_of": AS_OF, "window_days": 100}
    assert disagreements("var_contributions", **document) == []
