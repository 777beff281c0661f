"""Value at risk of given profits and sensitivities: by hand, at its limits, and refused."""

import math
from decimal import Decimal

import pytest

from finsvc.domain.errors import InputError
from tests.finsvc.calculators.factories import disagreements, run

HEAD = {"currency": "EUR", "as_of": "2022-12-30"}
Z99 = 2.3263478740408408


def factor(name: str, delta: str, variance: str, gamma: str = "0") -> dict[str, str]:
    return {"name": name, "delta": delta, "gamma": gamma, "variance": variance}


def test_delta_figure_of_two_correlated_factors_by_hand() -> None:
    result = run(
        "sensitivity_var",
        **HEAD,
        factors=[factor("a", "100", "4"), factor("b", "-50", "9")],
        pairs=[{"first": "b", "second": "a", "covariance": "3"}],
        method="delta",
    )
    # 100^2 4 + 50^2 9 - 2 100 50 3 = 32,500.
    assert float(result.fields["var"].value) == pytest.approx(Z99 * math.sqrt(32_500), rel=1e-10)
    parts = [result.fields[f"component.{name}"].value for name in "ab"]
    assert float(sum(parts)) == pytest.approx(float(result.fields["var"].value), rel=1e-10)
    assert float(parts[1] / parts[0]) == pytest.approx((50 * 50 * 9 - 15_000) / 25_000)


def test_pure_gamma_has_the_moments_of_chi_square() -> None:
    # Profit z^2 of one standard normal: mean 1, variance 2, skewness sqrt 8, excess kurtosis 12.
    result = run(
        "sensitivity_var",
        **HEAD,
        factors=[factor("a", "0", "1", gamma="2")],
        method="cornish_fisher",
        confidence="0.5",
    )
    found = {name: float(item.value) for name, item in result.fields.items()}
    assert found["mean"] == 1.0
    assert found["deviation"] == pytest.approx(math.sqrt(2))
    assert found["skewness"] == pytest.approx(math.sqrt(8))
    assert found["excess_kurtosis"] == pytest.approx(12.0)
    # At the median only (z^2 - 1) S / 6 is left, with the skewness of the loss.
    assert found["var"] == pytest.approx(math.sqrt(2) * math.sqrt(8) / 6 - 1.0)


def test_cornish_fisher_of_normal_profits_is_the_normal_figure() -> None:
    rows = {"factors": [factor("a", "7", "4")], **HEAD}
    corrected = run("sensitivity_var", **rows, method="cornish_fisher").fields["var"].value
    assert corrected == run("sensitivity_var", **rows, method="delta").fields["var"].value


def test_simulated_chi_square_meets_its_quantile() -> None:
    # The loss is -z^2 + 10 z^2 of a short gamma: P(z^2 > 6.6349) = 1 %.
    result = run(
        "sensitivity_var",
        **HEAD,
        factors=[factor("a", "0", "1", gamma="-2")],
        method="monte_carlo",
        num_paths=200_000,
    )
    assert float(result.fields["var"].value) == pytest.approx(6.6349, rel=0.02)


@pytest.mark.parametrize("method", ["delta", "delta_gamma_normal", "cornish_fisher", "monte_carlo"])
@pytest.mark.parametrize("factors", [[], [factor("a", "5", "0")], [factor("a", "0", "2")]])
def test_nothing_at_risk_has_a_figure_of_zero(method: str, factors: list[dict[str, str]]) -> None:
    document = {**HEAD, "factors": factors, "method": method}
    result = run("sensitivity_var", **document)
    assert result.fields["var"].value == 0
    assert disagreements("sensitivity_var", **document) == []


def test_perfectly_hedged_factors_have_a_figure_of_zero() -> None:
    document = {
        **HEAD,
        "factors": [factor("a", "3", "4"), factor("b", "-2", "9")],
        "pairs": [{"first": "a", "second": "b", "covariance": "6"}],
    }
    assert abs(run("sensitivity_var", **document).fields["var"].value) < Decimal("1e-6")


def test_one_profit_is_its_own_quantile() -> None:
    result = run("profit_series_var", **HEAD, profits=["-3.5"])
    assert {str(item.value) for item in result.fields.values()} == {"3.5"}
    assert disagreements("profit_series_var", **HEAD, profits=["-3.5"]) == []


def test_rules_differ_by_one_loss_where_the_rank_is_whole() -> None:
    profits = [str(-loss) for loss in range(1, 101)]
    plain = run("profit_series_var", **HEAD, profits=profits)
    other = run("profit_series_var", **HEAD, profits=profits, quantile_rule="profit_inverted_cdf")
    assert (plain.fields["var"].value, other.fields["var"].value) == (99, 100)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factors": [factor("a", "1", "1")] * 2}, "a comes twice"),
        ({"pairs": [{"first": "a", "second": "x"}]}, "x has none"),
        ({"pairs": [{"first": "a", "second": "a"}]}, "a comes twice"),
        ({"pairs": [{"first": "a", "second": "b"}, {"first": "b", "second": "a"}]}, "come twice"),
        ({"pairs": [{"first": "a", "second": "b", "covariance": "1.01"}]}, "exceed it"),
        ({"factors": [{"name": "a", "delta": "1"}]}, "factors.0.variance"),
        ({"seed": 3}, "Monte Carlo method alone"),
        ({"method": "monte_carlo", "num_paths": 10**6, "factors": "many"}, "at most 50000000"),
    ],
)
def test_contradictory_sensitivities_are_refused_by_name(
    changes: dict[str, object], message: str
) -> None:
    rows = [factor(name, "1", "1") for name in "abc"]
    if changes.get("factors") == "many":
        changes = {**changes, "factors": [factor(f"f{n}", "1", "1") for n in range(51)]}
    with pytest.raises(InputError, match=message):
        run("sensitivity_var", **{**HEAD, "factors": rows, **changes})


def test_impossible_covariances_are_refused() -> None:
    pairs = [
        {"first": one, "second": two, "covariance": covariance}
        for one, two, covariance in (("a", "b", "0.9"), ("b", "c", "0.9"), ("a", "c", "-0.9"))
    ]
    with pytest.raises(InputError, match="contradictory covariances of c"):
        run(
            "sensitivity_var",
            **HEAD,
            factors=[factor(name, "1", "1") for name in "abc"],
            pairs=pairs,
        )


def test_fractional_shortfall_needs_its_quantile() -> None:
    with pytest.raises(InputError, match="inverted_cdf with a fractional"):
        run(
            "profit_series_var",
            **HEAD,
            profits=["1"],
            shortfall_rule="fractional",
            quantile_rule="linear",
        )
