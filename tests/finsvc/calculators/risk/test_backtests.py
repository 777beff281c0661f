import random
from statistics import NormalDist

import numpy as np
import pytest

from finsvc.calculators.risk.attribution_test import Zone, mean_ranks, zone_of
from finsvc.calculators.risk.coverage import Zone as Light
from finsvc.calculators.risk.coverage import proportion_of_failures, traffic_light
from finsvc.calculators.risk.shortfall_backtest import shortfall_of
from finsvc.domain.errors import InputError
from tests.finsvc.calculators.factories import (
    AS_OF,
    book,
    cash,
    disagreements,
    mixed_book,
    run,
    stock,
)


def series(pattern: str) -> dict[str, object]:
    """Days with (x) and without (.) an exception."""
    profits = ["-2" if letter == "x" else "1" for letter in pattern]
    return {"profits": profits, "var": ["1"] * len(profits), "as_of": AS_OF}


@pytest.mark.parametrize("pattern", [".", "x", "....", "xxxx", "x...", "...x", ".x.x", "xx..xx.."])
@pytest.mark.parametrize("confidence", ["0.5", "0.99"])
def test_both_methods_agree_on_short_and_extreme_series(pattern: str, confidence: str) -> None:
    assert disagreements("var_backtest", **series(pattern), confidence=confidence) == []


def test_both_methods_agree_on_random_series() -> None:
    chooser = random.Random(4)
    for days in (10, 60, 250, 1000):
        pattern = "".join(chooser.choices("x.", weights=(chooser.random() / 5, 1), k=days))
        for confidence in ("0.9", "0.95", "0.99"):
            assert disagreements("var_backtest", **series(pattern), confidence=confidence) == []


@pytest.mark.parametrize(
    ("observations", "exceptions", "confidence"),
    [(1, 0, "0.99"), (1, 1, "0.01"), (250, 250, "0.99"), (500, 400, "0.2"), (20, 15, "0.45")],
)
def test_both_methods_agree_on_extreme_counts(
    observations: int, exceptions: int, confidence: str
) -> None:
    document = {"observations": observations, "exceptions": exceptions, "as_of": AS_OF}
    assert disagreements("coverage_test", **document, confidence=confidence) == []


def test_loss_equal_to_the_value_at_risk_is_no_exception() -> None:
    result = run("var_backtest", profits=["-1", "-1.00000001"], var=["1", "1"], as_of=AS_OF)
    assert result.fields["exceptions"].value == 1


def test_first_failure_without_exceptions_is_undecided_until_it_is_too_late() -> None:
    early = run("var_backtest", **series("." * 100))
    assert early.labels["tuff"] == "undecided"
    assert "tuff" not in early.fields
    assert disagreements("var_backtest", **series("." * 300)) == []
    assert disagreements("var_backtest", **series("." * 1500)) == []
    late = run("var_backtest", **series("." * 1500))
    assert late.labels["tuff"] == "reject"
    assert float(late.fields["tuff_p_value"].value) < 0.05
    assert "tbfi" not in late.fields


def test_model_without_exceptions_keeps_the_limit_of_kupiecs_test() -> None:
    # -2 T ln(1 - p): the likelihood at a share of zero is one.
    assert proportion_of_failures(250, 0, 0.01).statistic == pytest.approx(5.0251679)


def test_plus_factor_off_the_table_is_bounded() -> None:
    # At an observed share beyond one half the normal quantile changes its sign.
    assert traffic_light(20, 15, 0.55).zone is Light.YELLOW
    assert traffic_light(20, 15, 0.55).plus_factor == 1.0
    normal = NormalDist()
    wanted = 3 * (normal.inv_cdf(0.99) / normal.inv_cdf(1 - 8 / 300) - 1)
    assert traffic_light(300, 8, 0.01).plus_factor == pytest.approx(wanted)


def test_more_exceptions_than_days_are_refused() -> None:
    with pytest.raises(InputError, match="at most as many exceptions as observations"):
        run("coverage_test", observations=3, exceptions=4, as_of=AS_OF)


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="profits has 2, var has 1"):
        run("var_backtest", profits=["1", "2"], var=["1"], as_of=AS_OF)


@pytest.mark.parametrize(
    "portfolio",
    [mixed_book(), book(stock("ABC", "10")), book(cash("EUR", "500")), book(cash("USD", "500"))],
)
def test_books_of_every_kind_are_backtested_by_both_methods(portfolio: dict[str, object]) -> None:
    document = {"portfolio": portfolio, "as_of": AS_OF, "days": 60, "window_days": 100}
    assert disagreements("book_backtest", **document, rows=True) == []


def test_book_without_risk_never_has_an_exception() -> None:
    document = {"portfolio": book(cash("USD", "5")), "as_of": AS_OF, "window_days": 10}
    assert run("book_backtest", **document).fields["exceptions"].value == 0
    assert disagreements("book_backtest", **document) == []


def test_exceptions_of_a_book_are_named_by_day() -> None:
    document = {"portfolio": mixed_book(), "as_of": AS_OF, "confidence": "0.95"}
    result = run("book_backtest", **document, rows=True)
    days = result.labels["exception_days"].split(", ")
    assert len(days) == int(result.fields["exceptions"].value)
    for day in days:
        assert -result.fields[f"profit.{day}"].value > result.fields[f"var.{day}"].value


def shortfalls(pattern: str, **more: object) -> dict[str, object]:
    return {**series(pattern), "es": ["1.5"] * len(pattern), "num_simulations": 2000, **more}


@pytest.mark.parametrize("pattern", ["x" * 10, "." * 40, "x...." * 20])
def test_shortfall_tests_agree_and_omit_what_has_no_exception(pattern: str) -> None:
    document = shortfalls(pattern, confidence="0.9")
    assert disagreements("es_backtest", **document) == []
    assert ("conditional" in run("es_backtest", **document).fields) is ("x" in pattern)


def test_losses_beyond_the_shortfall_are_rejected() -> None:
    assert run("es_backtest", **shortfalls("x" * 10 + "." * 30)).labels["verdict"] == "reject"
    assert run("es_backtest", **shortfalls("." * 40)).labels["verdict"] == "accept"


def test_degrees_of_freedom_belong_to_student() -> None:
    with pytest.raises(InputError, match="degrees_of_freedom for student_t"):
        run("es_backtest", **shortfalls("x."), degrees_of_freedom=3)


def test_shortfall_of_the_normal_and_of_student_are_those_of_the_tables() -> None:
    assert shortfall_of(0.025, None) == pytest.approx(2.337803, rel=1e-6)
    # Many degrees of freedom come near the normal.
    assert shortfall_of(0.025, 1000) == pytest.approx(2.3416, rel=1e-3)


def test_attribution_zones_follow_both_figures() -> None:
    assert zone_of(0.9, 0.05) is Zone.GREEN
    assert zone_of(0.9, 0.10) is Zone.AMBER
    assert zone_of(0.75, 0.05) is Zone.AMBER
    assert zone_of(0.6, 0.05) is Zone.RED
    assert zone_of(0.9, 0.2) is Zone.RED


def test_ties_share_the_mean_of_their_ranks() -> None:
    assert mean_ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_attribution_of_ties_is_confirmed_and_of_a_full_year_has_no_remark() -> None:
    profits = [str(day % 7) for day in range(250)]
    document = {"hypothetical": profits, "risk_theoretical": profits[::-1], "as_of": AS_OF}
    assert disagreements("profit_attribution_test", **document) == []
    assert len(run("profit_attribution_test", **document).notes) == 1
    short = {name: document[name][:100] for name in ("hypothetical", "risk_theoretical")}
    notes = run("profit_attribution_test", **short, as_of=AS_OF).notes
    assert notes[1] == "The rule asks for 250 days; this sample has 100."


def test_constant_profits_have_no_ranks_and_are_refused() -> None:
    with pytest.raises(InputError, match="profits that differ in hypothetical"):
        run(
            "profit_attribution_test",
            hypothetical=["1", "1"],
            risk_theoretical=["1", "2"],
            as_of=AS_OF,
        )
