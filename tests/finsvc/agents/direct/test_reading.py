from datetime import date

import pytest

from finsvc.agents.direct.reading import read_value
from finsvc.agents.direct.schema import Kind, Slot
from finsvc.domain.errors import FinsvcError, InputError

TODAY = date(2022, 6, 30)
COUNT_OF_YEAR: tuple[int, ...] = (1, 2, 4, 12)


def slot(kind: Kind, name: str = "x", **more: object) -> Slot:
    return Slot(name=name, path=(name,), kind=kind, is_required=True, **more)  # type: ignore[arg-type]


NUMBER, TICKER = slot(Kind.NUMBER, "weight"), slot(Kind.INSTRUMENT, "instrument")
BARRIER = ("down_in", "up_in", "down_out", "up_out")
DAYS = ("actual_360", "actual_360_inclusive", "actual_365_fixed", "30_360_us")


@pytest.mark.parametrize(
    ("given", "text", "value"),
    [
        (slot(Kind.NUMBER), "100", "100"),
        (slot(Kind.NUMBER), "1,250.50", "1250.5"),
        (slot(Kind.NUMBER), "5%", "0.05"),
        (slot(Kind.NUMBER), "-0.5%", "-0.005"),
        (slot(Kind.NUMBER), "minus 2", "-2"),
        (slot(Kind.NUMBER), "120 bp", "0.012"),
        (slot(Kind.NUMBER), "25 basis points", "0.0025"),
        (slot(Kind.NUMBER), "5m", "5000000"),
        (slot(Kind.NUMBER), "half a million", "500000"),
        (slot(Kind.NUMBER, "years"), "6 months", "0.5"),
        (slot(Kind.NUMBER, "years"), "2.5 years", "2.5"),
        (slot(Kind.NUMBER, "years"), "2.5", "2.5"),
        (slot(Kind.NUMBER, "maturity_years"), "18m", "1.5"),
        (slot(Kind.NUMBER, "clean_price"), "98.5", "98.5"),
        (slot(Kind.COUNT), "250", 250),
        (slot(Kind.COUNT), "four exceptions", 4),
        (slot(Kind.COUNT, "horizon_days"), "10-day", 10),
        (slot(Kind.COUNT, "window_days"), "one year", 252),
        (slot(Kind.DATE), "2027-06-20", "2027-06-20"),
        (slot(Kind.DATE), "20 June 2027", "2027-06-20"),
        (slot(Kind.DATE), "5 years", "2027-06-30"),
        (slot(Kind.INSTRUMENT), "Apple", "AAPL"),
        (slot(Kind.CURRENCY), "euros", "EUR"),
        (slot(Kind.TEXT), "Firm A", "Firm A"),
        (slot(Kind.FLAG), "with floor cap", True),
        (slot(Kind.FLAG), "without floor cap", False),
        (slot(Kind.CHOICE, choices=BARRIER), "down-and-out", "down_out"),
        (slot(Kind.CHOICE, choices=BARRIER), "up-and-in barrier call", "up_in"),
        (slot(Kind.CHOICE, choices=DAYS), "Actual/360", "actual_360"),
        (slot(Kind.CHOICE, choices=DAYS), "actual 360 inclusive", "actual_360_inclusive"),
        (slot(Kind.CHOICE, choices=("basel", "eu", "uk")), "Basel III rules", "basel"),
        (slot(Kind.CHOICE, choices=COUNT_OF_YEAR), "quarterly", 4),
        (slot(Kind.CHOICE, choices=COUNT_OF_YEAR), "twelve", 12),
        (slot(Kind.LIST, items=(TICKER,)), "AAPL, KO and PG", ["AAPL", "KO", "PG"]),
        (slot(Kind.LIST, items=(NUMBER,)), "-1.5; 2; 3%", ["-1.5", "2", "0.03"]),
        (
            slot(Kind.PAIRS, items=(NUMBER, TICKER)),
            "60% AAPL and 40% in Coke",
            [
                {"weight": "0.6", "instrument": "AAPL"},
                {"weight": "0.4", "instrument": "KO"},
            ],
        ),
        (
            slot(Kind.PAIRS, items=(NUMBER, slot(Kind.TEXT, "category")), is_named=True),
            "level1 500, level2a: 100",
            [
                {"id": "1", "weight": "500", "category": "level1"},
                {"id": "2", "weight": "100", "category": "level2a"},
            ],
        ),
    ],
)
def test_span_is_read_as_the_schema_asks(given: Slot, text: str, value: object) -> None:
    assert read_value(given, text, as_of=TODAY).value == value


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (slot(Kind.NUMBER), "about five"),
        (slot(Kind.NUMBER, "clean_price"), "98.5%"),
        (slot(Kind.NUMBER, "quoted_price"), "12 bp"),
        (slot(Kind.NUMBER), "some bp"),
        (slot(Kind.COUNT), "2.5"),
        (slot(Kind.COUNT), "many"),
        (slot(Kind.DATE), "03/04/2022"),
        (slot(Kind.DATE), "2022-02-30"),
        (slot(Kind.DATE), "soon"),
        (slot(Kind.INSTRUMENT), "Tesla"),
        (slot(Kind.CURRENCY), "shells"),
        (slot(Kind.FLAG), "perhaps"),
        (slot(Kind.CHOICE, choices=BARRIER), "sideways"),
        (slot(Kind.CHOICE, choices=BARRIER), "down in or down out"),
        (slot(Kind.CHOICE, choices=COUNT_OF_YEAR), "three"),
        (slot(Kind.CHOICE, choices=COUNT_OF_YEAR), "often"),
        (slot(Kind.DOCUMENT), "my trades"),
        (slot(Kind.PORTFOLIO), "my trades"),
        (slot(Kind.PAIRS, items=(NUMBER, TICKER)), "AAPL and KO"),
        (slot(Kind.PAIRS, items=(NUMBER, TICKER)), "60% Tesla"),
    ],
)
def test_span_that_is_not_understood_names_the_argument(given: Slot, text: str) -> None:
    with pytest.raises(FinsvcError, match=f"^{given.name}: expected"):
        read_value(given, text, as_of=TODAY)


def test_date_before_the_valuation_date_is_known_must_be_exact() -> None:
    with pytest.raises(InputError, match="x: expected a date"):
        read_value(slot(Kind.DATE), "5 years", as_of=None)


def test_currency_of_an_amount_is_kept_and_scenarios_are_read() -> None:
    assert read_value(slot(Kind.NUMBER), "EUR 10m", as_of=TODAY).currency == "EUR"
    found = read_value(slot(Kind.SCENARIO, "scenario"), "the Lehman collapse", as_of=TODAY)
    assert isinstance(found.value, dict)
    assert found.value["kind"] == "historical"


def test_month_of_an_expiry_leaves_a_note() -> None:
    found = read_value(slot(Kind.DATE, "expiry"), "September 2022", as_of=TODAY)
    assert found.value == "2022-09-16"
    assert "third Friday" in found.notes[0]
