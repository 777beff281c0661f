from decimal import Decimal

import pytest

from finsvc.calculators.explanation import CHANGES_MAX, Cause, Explanation, explain
from finsvc.calculators.registry import calculator
from finsvc.domain.errors import InputError
from tests.finsvc.calculators.factories import AS_OF, book, cash, option, stock, synthetic_market

FIRST = {"portfolio": book(stock("ABC", "100"), cash("EUR", "500")), "as_of": "2022-12-29"}


def explained(name: str, before: object, after: object, field: str | None = None) -> Explanation:
    return explain(calculator(name), before, after, synthetic_market(), field=field)


def total(causes: tuple[Cause, ...]) -> Decimal:
    return sum((cause.effect for cause in causes if cause.effect is not None), Decimal(0))


def test_equal_inputs_have_no_causes() -> None:
    found = explained("historical_var", FIRST, FIRST)
    assert (found.causes, found.interaction) == ((), 0)
    assert found.before == found.after


def test_effects_and_interaction_add_up_to_the_change() -> None:
    after = {
        "portfolio": book(stock("ABC", "150"), option("IDX", "put", "3900", "2")),
        "as_of": AS_OF,
        "confidence": "0.95",
    }
    found = explained("historical_var", FIRST, after)
    change = found.after.value - found.before.value
    assert total(found.causes) + found.interaction == change
    portfolio = next(cause for cause in found.causes if cause.path == "portfolio")
    assert portfolio.effect == total(portfolio.causes[0].causes)
    names = [cause.path for cause in portfolio.causes[0].causes]
    assert names == [
        "portfolio.positions.stock ABC",
        "portfolio.positions.cash EUR",
        "portfolio.positions.option IDX put 3900 2023-06-16 10",
    ]


def test_two_changes_get_their_shapley_values_and_leave_nothing() -> None:
    # Value is linear in the quantities: every effect is the change of its own position.
    after = {**FIRST, "portfolio": book(stock("ABC", "90"), cash("EUR", "800"))}
    found = explained("positions", FIRST, after, "positions_total")
    effects = [cause.effect for cause in found.causes[0].causes[0].causes]
    close = synthetic_market().close(*_abc())
    assert float(effects[0] or 0) == pytest.approx(-10 * close)
    assert abs(found.interaction) < Decimal("1e-6")


def _abc() -> tuple[object, object]:
    from_document = calculator("close").parse({"instrument": "ABC", "as_of": FIRST["as_of"]})
    return from_document.instrument, from_document.as_of  # type: ignore[attr-defined]


def test_document_shows_what_was_before_and_after() -> None:
    after = {**FIRST, "portfolio": book(stock("ABC", "90"))}
    document = explained("positions", FIRST, after, "positions_total").document()
    rows = document["causes"][0]["causes"][0]["causes"]  # type: ignore[index]
    assert '"quantity": "100"' in rows[0]["before"]
    assert '"quantity": "90"' in rows[0]["after"]
    assert rows[1]["after"] == ""


def test_inputs_that_must_fit_together_have_no_effect_alone() -> None:
    series = {"profits": ["1", "-2", "3"], "var": ["1", "1", "1"], "as_of": AS_OF}
    longer = {"profits": ["1", "-2", "3", "-4"], "var": ["1", "1", "1", "1"], "as_of": AS_OF}
    found = explained("var_backtest", series, longer)
    assert [cause.effect for cause in found.causes] == [None, None]
    assert found.interaction == 1
    assert found.document()["causes"][0]["effect"] is None  # type: ignore[index]


def test_field_that_a_change_removes_has_no_effect_alone() -> None:
    before = {"observations": 250, "exceptions": 6, "as_of": AS_OF}
    after = {"observations": 250, "exceptions": 7, "as_of": AS_OF, "confidence": "0.99"}
    found = explained("coverage_test", before, after, "frtb_multiplier")
    assert found.causes[0].effect == Decimal("0.07")
    with pytest.raises(InputError, match="field: expected a field of both results"):
        explained("coverage_test", before, {**after, "confidence": "0.95"}, "frtb_multiplier")


def test_field_missing_in_between_has_no_effect() -> None:
    # With 250 days at 99 % on both sides, but not with one side's days and the other's level.
    before = {"observations": 200, "exceptions": 3, "as_of": AS_OF, "confidence": "0.99"}
    after = {"observations": 250, "exceptions": 3, "as_of": AS_OF, "confidence": "0.95"}
    found = explained("coverage_test", before, after, "pof")
    assert None not in [cause.effect for cause in found.causes]
    kept = {**before, "observations": 250}
    other = {**kept, "exceptions": 260, "observations": 300}
    assert explained("coverage_test", kept, other, "pof").causes[1].effect is None


def test_duplicate_positions_are_one_change() -> None:
    twice = {**FIRST, "portfolio": book(stock("ABC", "50"), stock("ABC", "50"))}
    found = explained("positions", twice, FIRST, "positions_total")
    assert [cause.path for cause in found.causes[0].causes] == ["portfolio.positions"]


def test_too_many_changes_are_refused() -> None:
    many = [option("ABC", "call", str(30 + step), "1") for step in range(CHANGES_MAX + 1)]
    with pytest.raises(InputError, match="after: expected at most 100 inputs that differ"):
        explained("positions", {**FIRST, "portfolio": book(*many)}, FIRST, "positions_total")
