import pytest

from finsvc.calculators.registry import calculator
from finsvc.domain.errors import InputError, InsufficientDataError, UnsupportedError
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

YEAR = {"start": "2021-12-30", "end": AS_OF}
SHARES = book(stock("ABC", "100"), stock("EUX", "30"), cash("EUR", "200"), cash("JPY", "90000"))


@pytest.mark.parametrize("against", [None, "IDX", "EUX", "FLAT"])
@pytest.mark.parametrize("start", ["2021-12-30", "2022-12-28", "2022-12-29"])
def test_both_methods_agree_on_performance(against: str | None, start: str) -> None:
    document = {"portfolio": SHARES, "start": start, "end": AS_OF, "rate": "0.01"}
    assert disagreements("portfolio_performance", **document, benchmark=against) == []


def test_constant_price_has_no_ratios() -> None:
    fields = run("portfolio_performance", portfolio=book(stock("FLAT", "1")), **YEAR).fields
    assert set(fields) == {"total_return", "annual_return", "max_drawdown", "volatility"}
    assert fields["total_return"].value == 0
    benchmark = {"portfolio": book(stock("FLAT", "1")), "benchmark": "FLAT"}
    assert disagreements("portfolio_performance", **benchmark, **YEAR) == []
    compared = run("portfolio_performance", **benchmark, **YEAR).fields
    assert "information_ratio" not in compared
    assert "beta" not in compared


def test_one_day_has_a_return_and_no_deviation() -> None:
    short = {"portfolio": SHARES, "start": "2022-12-29", "end": AS_OF, "benchmark": "IDX"}
    fields = run("portfolio_performance", **short).fields
    assert "volatility" not in fields
    assert "tracking_error" not in fields


def test_return_of_one_share_is_its_price_change() -> None:
    found = value(
        "portfolio_performance", "total_return", portfolio=book(stock("ABC", "7")), **YEAR
    )
    assert found == pytest.approx(value("price_change", "change", instrument="ABC", **YEAR))


@pytest.mark.parametrize(
    ("portfolio", "error"),
    [
        (mixed_book(), UnsupportedError),
        (book(cash("EUR", "1")), InputError),
        (book(stock("ABC", "-1")), InputError),
        (book(stock("ABC", "1"), stock("GAP", "1")), InsufficientDataError),
    ],
)
def test_book_without_a_performance_is_refused(
    portfolio: dict[str, object], error: type[InputError]
) -> None:
    with pytest.raises(error):
        run("portfolio_performance", portfolio=portfolio, **YEAR)


@pytest.mark.parametrize(("start", "end"), [("2022-01-01", AS_OF), ("2022-01-03", "2022-12-31")])
def test_end_without_a_close_is_refused(start: str, end: str) -> None:
    with pytest.raises(InputError, match="a day with a close of ABC"):
        run("portfolio_performance", portfolio=book(stock("ABC", "1")), start=start, end=end)
    with pytest.raises(InputError, match="a day with a close of ABC"):
        run(
            "portfolio_performance",
            portfolio=book(stock("ABC", "1")),
            start="2022-12-31",
            end="2023-01-01",
        )


def test_ends_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InputError, match="start before end"):
        run("return_contributions", portfolio=SHARES, start=AS_OF, end="2022-01-03")


def test_contributions_add_up_to_the_return() -> None:
    document = {"portfolio": mixed_book(), "start": "2022-12-28", "end": AS_OF}
    assert disagreements("return_contributions", **document) == []
    fields = run("return_contributions", **document).fields
    rows = [float(f.value) for name, f in fields.items() if name.startswith("contribution.")]
    assert sum(rows) == pytest.approx(float(fields["total_return"].value))


def group(name: str, *figures: str) -> dict[str, str]:
    fields = ("portfolio_weight", "benchmark_weight", "portfolio_return", "benchmark_return")
    return {"name": name, **dict(zip(fields, figures, strict=True))}


def test_attribution_of_a_textbook_portfolio() -> None:
    # C. Bacon (2008), table 5.1: UK, Japanese and US equities.
    groups = [
        group("UK", "0.4", "0.4", "0.2", "0.1"),
        group("Japan", "0.3", "0.2", "-0.05", "-0.04"),
        group("US", "0.3", "0.4", "0.06", "0.08"),
    ]
    document = {"groups": groups, "as_of": AS_OF}
    assert disagreements("brinson_attribution", **document) == []
    fields = {
        name: float(field.value)
        for name, field in run("brinson_attribution", **document).fields.items()
    }
    # Benchmark 0.04 - 0.008 + 0.032 = 6.4 %, portfolio 0.08 - 0.015 + 0.018 = 8.3 %.
    assert fields["active_return"] == pytest.approx(1.9)
    assert fields["allocation.Japan"] == pytest.approx(10 * (-0.04 - 0.064))
    assert fields["selection.UK"] == pytest.approx(4.0)
    assert fields["interaction.US"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([group("a", "1", "0.9", "0", "0")], "benchmark_weight to add up to 1"),
        ([group("a", "0.5", "0.5", "0", "0")] * 2, "every name once"),
    ],
)
def test_incomplete_attribution_is_refused(groups: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run("brinson_attribution", groups=groups, as_of=AS_OF)


MANDATE = {"max_volatility": "0.3"}


def proposal(**more: object) -> dict[str, object]:
    targets = [{"instrument": "ABC", "weight": "0.5"}, {"instrument": "IDX", "weight": "0.3"}]
    document = {"portfolio": SHARES, "as_of": AS_OF, "targets": targets, "suitability": MANDATE}
    return {**document, **more}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"targets": [{"instrument": "ABC", "weight": "0"}]},
        {"targets": [{"instrument": "ABC", "weight": "1"}]},
        {"portfolio": book(cash("USD", "100000"))},
        {"portfolio": book(stock("ABC", "100.5"), stock("ABC", "-20"), cash("EUR", "10000"))},
    ],
)
def test_proposal_agrees_and_is_always_for_a_person(more: dict[str, object]) -> None:
    assert disagreements("rebalancing_proposal", **proposal(**more)) == []
    assert run("rebalancing_proposal", **proposal(**more)).labels["verdict"] == "needs_human"
    assert calculator("rebalancing_proposal").needs_human


def test_trades_are_whole_and_never_overshoot() -> None:
    result = run("rebalancing_proposal", **proposal())
    for name in ("ABC", "IDX", "EUX"):
        assert result.fields[f"trade.{name}"].value % 1 == 0
    assert float(result.fields["weight_after.EUX"].value) == 0
    assert result.labels["suitability"] == "within the mandate"


@pytest.mark.parametrize(
    ("limit", "failed"),
    [
        ({"max_volatility": "0.01"}, "volatility"),
        ({"max_position": "0.1"}, "position"),
        ({"max_equity": "0.1"}, "equity"),
        ({"min_cash": "0.9"}, "cash"),
        ({"max_turnover": "0.01"}, "turnover"),
    ],
)
def test_breach_of_the_mandate_is_named(limit: dict[str, str], failed: str) -> None:
    result = run("rebalancing_proposal", **proposal(suitability={**MANDATE, **limit}))
    assert failed in result.labels["suitability"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"suitability": {**MANDATE, "excluded": ["IDX"]}}, r"targets\.1\.instrument"),
        ({"portfolio": book(stock("ABC", "-10"))}, "more than nothing"),
        ({"portfolio": book(option("ABC", "call", "50", "1"))}, "shares and cash alone"),
        (
            {"targets": [{"instrument": n, "weight": "0.6"} for n in ("ABC", "IDX")]},
            "add up to at most 1",
        ),
    ],
)
def test_impossible_proposal_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run("rebalancing_proposal", **proposal(**wrong))


def test_excluded_instrument_may_be_sold() -> None:
    limits = {**MANDATE, "excluded": ["EUX"]}
    targets = [{"instrument": "EUX", "weight": "0"}, {"instrument": "ABC", "weight": "0.4"}]
    result = run("rebalancing_proposal", **proposal(suitability=limits, targets=targets))
    assert result.fields["trade.EUX"].value == -30
