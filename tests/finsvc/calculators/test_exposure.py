"""Exposure, positions, large exposures and profit and loss on the synthetic market."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finsvc.domain.errors import InputError, NonTradingDayError
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

ALL = mixed_book()["positions"]
PERIOD = {"start": "2022-06-30", "end": AS_OF}
AMOUNTS = st.integers(-10_000, 10_000).map(str)


def as_floats(name: str, **document: object) -> dict[str, float]:
    return {field: float(item.value) for field, item in run(name, **document).fields.items()}


@pytest.mark.parametrize("by", ["currency", "sector", "instrument"])
@pytest.mark.parametrize("base", ["USD", "EUR", "JPY"])
def test_exposure_rows_add_up_to_the_total_and_are_confirmed(by: str, base: str) -> None:
    document = {"portfolio": mixed_book(base), "as_of": AS_OF, "by": by}
    figures = as_floats("exposure", **document)
    rows = [amount for name, amount in figures.items() if name.startswith("exposure.")]
    assert sum(rows) == pytest.approx(figures["exposure_total"], rel=1e-9)
    assert figures["exposure_gross"] >= abs(figures["exposure_total"])
    assert [abs(row) for row in rows] == sorted((abs(row) for row in rows), reverse=True)
    assert disagreements("exposure", **document) == []


def test_exposure_rows_keep_their_display_names() -> None:
    result = run("exposure", portfolio=mixed_book(), as_of=AS_OF, by="sector")
    assert result.labels["exposure.Health_Care"] == "Health Care"
    assert result.labels["by"] == "sector"
    assert "exposure.Cash" in result.fields
    single = run("exposure", portfolio=mixed_book(), as_of=AS_OF, by="instrument")
    assert single.labels["exposure.cash:JPY"] == "JPY cash"
    assert single.labels["exposure.ABC"] == "ABC"


def test_option_exposure_is_its_delta_equivalent() -> None:
    greeks = as_floats(
        "option_price",
        underlying="ABC",
        option_type="call",
        strike="55.5",
        expiry="2023-06-16",
        as_of=AS_OF,
    )
    spot = value("close", "close", instrument="ABC", as_of=AS_OF)
    found = value(
        "exposure",
        "exposure.ABC",
        portfolio=book(option("ABC", "call", "55.5", "20")),
        as_of=AS_OF,
        by="instrument",
    )
    assert found == pytest.approx(greeks["delta"] * spot * 200, rel=1e-9)


def test_positions_list_values_quantities_and_total() -> None:
    document = {"portfolio": mixed_book(), "as_of": AS_OF}
    result = run("positions", **document)
    assert result.labels["positions.ABC"] == "ABC (1,000 shares)"
    assert result.labels["positions.cash:JPY"] == "JPY cash (-1,000,000 JPY)"
    row = "positions.ABC-C-55_5-2023-06-16-x10"
    assert result.labels[row] == "ABC 55.5 call 2023-06-16 (20 contracts of 10)"
    rows = [float(v.value) for k, v in result.fields.items() if k.startswith("positions.")]
    assert sum(rows) == pytest.approx(float(result.fields["positions_total"].value), rel=1e-9)
    assert disagreements("positions", **document) == []


def test_equal_contracts_merge_into_one_row() -> None:
    split = book(stock("ABC", "1"), stock("ABC", "2.5"), cash("EUR", "1"), cash("EUR", "-4"))
    merged = book(stock("ABC", "3.5"), cash("EUR", "-3"))
    assert as_floats("positions", portfolio=split, as_of=AS_OF) == as_floats(
        "positions", portfolio=merged, as_of=AS_OF
    )
    assert disagreements("positions", portfolio=split, as_of=AS_OF) == []


@pytest.mark.parametrize(
    "name", ["historical_var", "parametric_var", "exposure", "positions", "large_exposures"]
)
def test_order_of_positions_does_not_matter(name: str) -> None:
    shuffled = list(ALL)  # type: ignore[call-overload]
    random.Random(3).shuffle(shuffled)
    assert as_floats(name, portfolio=book(*shuffled), as_of=AS_OF) == as_floats(
        name, portfolio=mixed_book(), as_of=AS_OF
    )


def test_large_exposures_are_those_above_the_threshold() -> None:
    document = {"portfolio": mixed_book(), "as_of": AS_OF}
    result = run("large_exposures", **document, threshold="0.2")
    shares = {k: float(v.value) for k, v in result.fields.items() if k.startswith("exposures.")}
    assert shares
    assert all(abs(share) > 20.0 for share in shares.values())
    assert "exposures.cash:USD" not in shares
    everything = run("large_exposures", **document, threshold="0")
    assert len(everything.fields) == 6
    for threshold in ("0.2", "0", "0.1"):
        assert disagreements("large_exposures", **document, threshold=threshold) == []


def test_large_exposures_without_any_say_none() -> None:
    result = run("large_exposures", portfolio=mixed_book(), as_of=AS_OF, threshold="900")
    assert result.labels["exposures"] == "none"
    assert set(result.fields) == {"book_value"}


def test_large_exposures_of_a_worthless_book_are_refused() -> None:
    with pytest.raises(InputError, match="net market value above zero"):
        run("large_exposures", portfolio=book(cash("EUR", "-5")), as_of=AS_OF)


def test_zero_quantity_is_worth_nothing() -> None:
    document = {"portfolio": book(stock("ABC", "0")), "as_of": AS_OF}
    assert as_floats("positions", **document) == {"positions.ABC": 0.0, "positions_total": 0.0}
    assert disagreements("exposure", **document) == []


@pytest.mark.parametrize("base", ["USD", "EUR"])
def test_profit_splits_into_price_and_fx_exactly(base: str) -> None:
    document = {"portfolio": mixed_book(base), **PERIOD}
    figures = as_floats("profit_and_loss", **document)
    assert figures["price_effect"] + figures["fx_effect"] == pytest.approx(figures["pnl"], rel=1e-9)
    assert disagreements("profit_and_loss", **document) == []


def test_profit_is_the_difference_of_the_values_of_both_days() -> None:
    before = value("positions", "positions_total", portfolio=mixed_book(), as_of=PERIOD["start"])
    after = value("positions", "positions_total", portfolio=mixed_book(), as_of=AS_OF)
    found = value("profit_and_loss", "pnl", portfolio=mixed_book(), **PERIOD)
    assert found == pytest.approx(after - before, rel=1e-9)


def test_cash_in_the_base_currency_makes_no_profit() -> None:
    figures = as_floats("profit_and_loss", portfolio=book(cash("USD", "100")), **PERIOD)
    assert set(figures.values()) == {0.0}


def test_profit_over_an_expiry_or_a_weekend_is_refused() -> None:
    expired = book(option("ABC", "call", "50", "1", expiry="2022-09-16"))
    with pytest.raises(InputError, match="expiry"):
        run("profit_and_loss", portfolio=expired, **PERIOD)
    with pytest.raises(NonTradingDayError, match="start"):
        run("profit_and_loss", portfolio=mixed_book(), start="2022-06-26", end=AS_OF)
    with pytest.raises(InputError, match="start before end"):
        run("profit_and_loss", portfolio=mixed_book(), start=AS_OF, end=AS_OF)


@settings(max_examples=25, deadline=None)
@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_profit_of_parts_adds_up_to_the_profit_of_the_whole(
    shares: str, contracts: str, euros: str
) -> None:
    parts = [
        stock("EUX", shares),
        option("IDX", "put", "4000", contracts),
        cash("EUR", euros),
    ]
    whole = value("profit_and_loss", "pnl", portfolio=book(*parts), **PERIOD)
    pieces = [value("profit_and_loss", "pnl", portfolio=book(part), **PERIOD) for part in parts]
    scale = max(abs(piece) for piece in pieces)
    assert whole == pytest.approx(sum(pieces), abs=1e-9 * scale + 1e-9)
