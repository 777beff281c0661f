"""Value at risk of the Open Source Risk Engine's examples, given its profits and sensitivities.

The file's ``source`` cites them. The source prints quantiles of profits; ours are losses, so the
quantile at p is the negative of the value at risk at 1 - p. It prints six decimals and takes the
inverse normal distribution from an approximation of a relative 1e-9.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.golden.capital.runs import confirmed, value

ORE = json.loads((Path(__file__).parent / "ore_value_at_risk.json").read_text(encoding="utf-8"))
HEAD = {"currency": "EUR", "as_of": "2016-02-05"}
CLASSES = {
    "FXSpot": ("FX", "DeltaGamma"),
    "FXVolatility": ("FX", "Vega"),
    "SwaptionVolatility": ("InterestRate", "Vega"),
    "OptionletVolatility": ("InterestRate", "Vega"),
    "DiscountCurve": ("InterestRate", "DeltaGamma"),
    "IndexCurve": ("InterestRate", "DeltaGamma"),
    "ZeroInflationCurve": ("Inflation", "DeltaGamma"),
    "YoYInflationCurve": ("Inflation", "DeltaGamma"),
}


def loss_confidence(level: str) -> str:
    return str(1 - Decimal(level))


@pytest.mark.parametrize("case", ORE["historical"], ids=lambda case: case["risk_class"])
@pytest.mark.parametrize("at", range(4))
def test_historical_quantile_and_shortfall_are_those_of_ore(
    case: dict[str, list[str]], at: int
) -> None:
    document = {**HEAD, "profits": case["profits"]}
    confidence = loss_confidence(ORE["levels"][at])
    result = confirmed("profit_series_var", {**document, "confidence": confidence})
    assert len(case["profits"]) == 715
    assert -value(result, "var") == Decimal(case["quantiles"][at])
    assert abs(value(result, "es") + Decimal(case["shortfalls"][at])) <= Decimal("1e-6")


def chosen(portfolio: str, risk_class: str, risk_type: str) -> Iterator[tuple[str, str, str, str]]:
    for owner, factor, delta, gamma in ORE["factors"]:
        family = CLASSES.get(factor.split("/")[0], ("Other", "DeltaGamma"))
        is_inside = risk_class in {"All", family[0]} and risk_type in {"All", family[1]}
        if is_inside and portfolio in {"All", owner}:
            yield owner, factor, delta, gamma


def sensitivities(portfolio: str, risk_class: str, risk_type: str) -> dict[str, object]:
    rows: dict[str, list[Decimal]] = {}
    for _, factor, delta, gamma in chosen(portfolio, risk_class, risk_type):
        row = rows.setdefault(factor, [Decimal(0), Decimal(0)])
        row[0] += Decimal(delta)
        row[1] += Decimal(gamma)
    crosses: dict[tuple[str, str], Decimal] = {}
    for owner, first, second, gamma in ORE["cross_gammas"]:
        if portfolio in {"All", owner} and first in rows and second in rows:
            crosses[first, second] = crosses.get((first, second), Decimal(0)) + Decimal(gamma)
    return {
        **HEAD,
        "factors": [
            {
                "name": factor,
                "delta": str(delta),
                "gamma": str(gamma),
                "variance": ORE["variances"][factor],
            }
            for factor, (delta, gamma) in rows.items()
        ],
        "pairs": [
            {"first": first, "second": second, "gamma": str(gamma)}
            for (first, second), gamma in crosses.items()
        ],
    }


@pytest.mark.parametrize("row", ORE["parametric"], ids=lambda row: "-".join(row[:3]))
def test_parametric_quantiles_are_those_of_ore(row: list[object]) -> None:
    portfolio, risk_class, risk_type, quantiles = row
    assert isinstance(quantiles, list)
    document = sensitivities(str(portfolio), str(risk_class), str(risk_type))
    # The approximated quantile multiplies a deviation of the size of the largest figure.
    allowed = max(abs(Decimal(printed)) for printed in quantiles) * Decimal("2e-9")
    wrong = {}
    for level, printed in zip(ORE["levels"], quantiles, strict=True):
        confidence = loss_confidence(level)
        result = confirmed("sensitivity_var", {**document, "confidence": confidence})
        found = -value(result, "var")
        if abs(found - Decimal(printed)) > allowed:
            wrong[level] = (found, printed)
    assert wrong == {}


def test_rows_of_ore_are_all_there() -> None:
    assert (len(ORE["historical"]), len(ORE["parametric"])) == (3, 28)
