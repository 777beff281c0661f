"""Published option values are reproduced, and the second methods agree on every field of them."""

from typing import cast

import pytest

from tests.golden.pricing import option_values as published
from tests.golden.pricing.runner import check, run, text

# The tables print four decimals; some prints are off by one in the last.
PRINTED = 1.0e-4
NAMES = ("spot", "dividend_yield", "rate", "years", "volatility")


def market_of(values: tuple[object, ...]) -> dict[str, object]:
    return dict(zip(NAMES, values, strict=True))


@pytest.mark.parametrize("row", published.EUROPEAN)
def test_european_value_of_the_book_is_reproduced(row: published.Row) -> None:
    document = {"option_type": row[0], "strike": row[1], **market_of(row[2:7])}
    check("european_option", document, float(row[7]), PRINTED)


@pytest.mark.parametrize("row", published.AMERICAN)
def test_american_value_of_the_paper_is_reproduced(row: published.Row) -> None:
    document = {"option_type": row[0], "strike": row[1], **market_of(row[2:7])}
    # The figures are of Ju's approximation, which the collection accepts within 0.08.
    check("american_option", document, float(row[7]), 8.0e-2)


@pytest.mark.parametrize(("rate", "premium"), [(0.05, 0.106952702824), (0.075, 0.367111267813)])
def test_american_premium_of_the_boundary_paper_is_reproduced(rate: float, premium: float) -> None:
    # L. Andersen, M. Lake, D. Offengenden (2016): at the money, one year, limits of both systems
    # agree to about 1e-7.
    document = {"option_type": "put", "strike": 100.0}
    market = market_of((100.0, 0.05, rate, 1.0, 0.25))
    plain = {key: text(value) for key, value in {**document, **market}.items()}
    early, late = (
        float(run(name, plain).fields["price"].value)
        for name in ("american_option", "european_option")
    )
    assert abs(early - late - premium) < 5.0e-7


@pytest.mark.parametrize("row", published.DIGITAL)
def test_digital_value_of_the_book_is_reproduced(row: published.Row) -> None:
    names = ("style", "payoff", "cash", "option_type", "strike")
    document = {**dict(zip(names, row[:5], strict=True)), **market_of(row[5:10])}
    check("digital_option", document, float(row[10]), PRINTED)


@pytest.mark.parametrize("row", published.BARRIER)
def test_barrier_value_of_the_book_is_reproduced(row: published.Row) -> None:
    names = ("barrier_kind", "barrier", "rebate", "option_type", "strike")
    document = {**dict(zip(names, row[:5], strict=True)), **market_of(row[5:10])}
    check("barrier_option", document, float(row[10]), PRINTED)


@pytest.mark.parametrize("row", published.BARRIER_SIMULATED)
def test_barrier_value_of_the_paper_is_reproduced(row: published.Row) -> None:
    kind, volatility, strike, barrier, value = row
    document = {"barrier_kind": kind, "barrier": barrier, "strike": strike, "option_type": "call"}
    market = market_of((100.0, 0.02, 0.05, 1.0, volatility))
    check("barrier_option", {**document, **market}, float(value), 1.0e-5)


@pytest.mark.parametrize(
    ("payoff", "row"),
    [("cash", row) for row in published.BINARY_CASH]
    + [("asset", row) for row in published.BINARY_ASSET],
)
def test_binary_barrier_value_of_the_book_is_reproduced(payoff: str, row: published.Row) -> None:
    names = ("barrier_kind", "barrier", "cash", "option_type", "strike")
    document = {**dict(zip(names, row[:5], strict=True)), **market_of(row[5:10])}
    check("barrier_option", {**document, "payoff": payoff}, float(row[10]), PRINTED)


@pytest.mark.parametrize("row", published.DOUBLE_BARRIER)
def test_double_barrier_value_of_the_book_is_reproduced(row: published.Row) -> None:
    names = ("barrier_kind", "barrier_low", "barrier_high", "option_type", "strike")
    document = {**dict(zip(names, row[:5], strict=True)), **market_of(row[5:10])}
    check("double_barrier_option", document, float(row[10]), PRINTED)


# With the spot outside, the collection pays the cash of a knock-in at once; Haug's formula and
# ours pay at expiry, as they do with the spot inside.
PAID_AT_ONCE = {("knock_in", 80.0), ("knock_in", 110.0)}


@pytest.mark.parametrize(
    "row", [row for row in published.DOUBLE_BINARY if (row[0], row[4]) not in PAID_AT_ONCE]
)
def test_double_binary_value_of_the_book_is_reproduced(row: published.Row) -> None:
    names = ("barrier_kind", "barrier_low", "barrier_high", "cash")
    document = {**dict(zip(names, row[:4], strict=True)), **market_of(row[4:9])}
    check("double_barrier_option", {**document, "payoff": "cash"}, float(row[9]), PRINTED)


@pytest.mark.parametrize("row", published.FLOATING)
def test_floating_lookback_value_of_the_book_is_reproduced(row: published.Row) -> None:
    document = {"kind": "floating", "option_type": row[0], "extreme": row[1]}
    check("lookback_option", {**document, **market_of(row[2:7])}, float(row[9]), PRINTED)


@pytest.mark.parametrize("row", published.PARTIAL_FLOATING)
def test_partial_floating_value_of_the_book_is_reproduced(row: published.Row) -> None:
    document = {
        "kind": "floating",
        "option_type": row[0],
        "extreme": row[1],
        "fraction": row[7],
        "window_years": row[8],
    }
    check("lookback_option", {**document, **market_of(row[2:7])}, float(row[9]), PRINTED)


@pytest.mark.parametrize("row", published.FIXED)
def test_fixed_lookback_value_of_the_book_is_reproduced(row: published.Row) -> None:
    document = {"kind": "fixed", "option_type": row[0], "strike": row[1], "extreme": row[2]}
    check("lookback_option", {**document, **market_of(row[3:8])}, float(row[8]), PRINTED)


@pytest.mark.parametrize("row", published.PARTIAL_FIXED)
def test_partial_fixed_value_of_the_book_is_reproduced(row: published.Row) -> None:
    document = {"kind": "fixed", "option_type": row[0], "strike": row[1], "window_years": row[7]}
    check("lookback_option", {**document, **market_of(row[2:7])}, float(row[8]), PRINTED)


@pytest.mark.parametrize(
    ("kind", "row"),
    [("average_price", row) for row in published.ASIAN_PRICE if int(row[7]) <= 26]
    + [("average_strike", row) for row in published.ASIAN_STRIKE if int(row[7]) <= 26],
)
def test_asian_value_of_the_simulation_is_reproduced(kind: str, row: published.Row) -> None:
    first, last, count = cast(int, row[5]) / 12.0, cast(int, row[6]) / 12.0, cast(int, row[7])
    times = [first + (last - first) * step / (count - 1) for step in range(count)]
    document = {
        "option_type": row[0],
        "averaging": "arithmetic",
        "kind": kind,
        "fixing_years": [f"{time:.15f}" for time in times],
        **market_of((row[1], row[3], row[4], last, row[8])),
    }
    if kind == "average_price":
        document["strike"] = row[2]
    # The published figures are simulations of 1,023 and 2,047 paths, accepted within this.
    check("asian_option", document, float(row[9]), 2.0e-2)
