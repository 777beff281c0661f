import numpy as np
import pytest

from finsvc.calculators.portfolio import optimiser
from finsvc.calculators.portfolio.linear import orthogonal_fit, solve
from finsvc.calculators.portfolio.optimiser import (
    Universe,
    extreme_weights,
    frontier,
    minimum_variance,
    risk_budget,
)
from finsvc.calculators.second import skfolio_adapter
from finsvc.domain.errors import CalculationError, InputError, InsufficientDataError
from tests.finsvc.calculators.factories import (
    AS_OF,
    book,
    cash,
    disagreements,
    mixed_book,
    run,
    stock,
)

NAMES = {"instruments": ["ABC", "IDX", "EUX"], "as_of": AS_OF, "window_days": 300}


def universe(*, low: float = 0.0, high: float = 1.0) -> Universe:
    generator = np.random.default_rng(7)
    returns = generator.standard_normal((200, 5)) @ generator.standard_normal((5, 5)) * 0.1
    return Universe(
        mean_f=returns.mean(axis=0) + 0.05 * generator.random(5),
        covariance_ff=np.cov(returns, rowvar=False),
        low=low,
        high=high,
    )


def variance(weights: np.ndarray, of: Universe) -> float:
    return float(weights @ of.covariance_ff @ weights)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.05, 0.6), (0.0, 0.21)])
def test_frontier_is_feasible_and_no_neighbour_is_better(low: float, high: float) -> None:
    given = universe(low=low, high=high)
    generator = np.random.default_rng(1)
    points = frontier(given, 8)
    for weights in points:
        assert weights.sum() == pytest.approx(1.0)
        assert weights.min() >= low - 1e-12
        assert weights.max() <= high + 1e-12
        for _ in range(200):
            other = generator.dirichlet(np.ones(5))
            mixed = weights + 0.05 * (other - weights)
            is_feasible = mixed.min() >= low and mixed.max() <= high
            if is_feasible and mixed @ given.mean_f >= weights @ given.mean_f:
                assert variance(mixed, given) >= variance(weights, given) - 1e-12
    risks = [variance(weights, given) for weights in points]
    assert risks == sorted(risks)


def test_two_assets_have_the_textbook_minimum() -> None:
    # Weights are proportional to the other asset's variance less the covariance.
    given = Universe(
        mean_f=np.array([0.1, 0.2]),
        covariance_ff=np.array([[0.04, 0.01], [0.01, 0.09]]),
        low=0.0,
        high=1.0,
    )
    least = minimum_variance(given, np.array([1.0, 0.0]), keeps_mean=False)
    assert least == pytest.approx([0.08 / 0.11, 0.03 / 0.11])


def test_extreme_weights_fill_bounds_from_the_best_on() -> None:
    given = Universe(mean_f=np.array([0.1, 0.3, 0.2]), covariance_ff=np.eye(3), low=0.1, high=0.5)
    assert extreme_weights(given, is_highest=True) == pytest.approx([0.1, 0.5, 0.4])
    assert extreme_weights(given, is_highest=False) == pytest.approx([0.5, 0.1, 0.4])


def test_optimisers_that_do_not_settle_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    given = universe()
    monkeypatch.setattr(optimiser, "_STEPS_MAX", 1)
    with pytest.raises(CalculationError, match="an optimum within 1 steps"):
        minimum_variance(given, extreme_weights(given, is_highest=True), keeps_mean=False)
    monkeypatch.setattr(optimiser, "_SWEEPS_MAX", 1)
    with pytest.raises(CalculationError, match="a balance within 1 sweeps"):
        risk_budget(given.covariance_ff, np.full(5, 0.2))


def test_uncorrelated_assets_bear_equal_risk_by_inverse_deviation() -> None:
    weights = risk_budget(np.diag([0.01, 0.04, 0.09]), np.full(3, 1 / 3))
    inverse = 1 / np.array([0.1, 0.2, 0.3])
    assert weights == pytest.approx(inverse / inverse.sum())


def test_solver_refuses_a_singular_system() -> None:
    assert solve(np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([1.0, 2.0])) is None
    found = solve(np.array([[0.0, 2.0], [4.0, 1.0]]), np.array([2.0, 9.0]))
    assert found is not None
    assert found == pytest.approx([2.0, 1.0])


def test_fit_by_orthogonal_columns_is_that_of_least_squares() -> None:
    generator = np.random.default_rng(5)
    columns, values = generator.standard_normal((50, 4)), generator.standard_normal(50)
    fitted = orthogonal_fit(columns, values)
    assert fitted is not None
    assert fitted[0] == pytest.approx(np.linalg.lstsq(columns, values, rcond=None)[0])
    assert fitted[1] == pytest.approx(np.diag(np.linalg.inv(columns.T @ columns)))
    assert orthogonal_fit(np.ones((9, 2)), np.ones(9)) is None
    assert orthogonal_fit(np.zeros((9, 1)), np.ones(9)) is None


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("efficient_frontier", {}),
        ("efficient_frontier", {"min_weight": "0.2", "max_weight": "0.45", "num_points": 2}),
        ("efficient_frontier", {"currency": "JPY"}),
        ("risk_parity", {}),
        ("risk_parity", {"budgets": ["0.7", "0.2", "0.1"]}),
    ],
)
def test_both_methods_agree_on_allocations(name: str, more: dict[str, object]) -> None:
    assert disagreements(name, **NAMES, **more) == []


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("risk_parity", {"instruments": ["ABC", "ABC"]}, "every name once"),
        ("risk_parity", {"instruments": ["ABC", "FLAT"]}, "FLAT"),
        ("risk_parity", {"budgets": ["0.5", "0.5"]}, "one budget for each instrument"),
        ("risk_parity", {"budgets": ["0.5", "0.4", "0.2"]}, "budgets that add up to 1"),
        ("efficient_frontier", {"max_weight": "0.3"}, "bounds that weights"),
        ("efficient_frontier", {"min_weight": "0.4"}, "bounds that weights"),
        ("efficient_frontier", {"min_weight": "1", "max_weight": "1"}, "bounds that weights"),
    ],
)
def test_impossible_allocation_is_refused(
    name: str, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(name, **{**NAMES, **wrong})


def test_bounds_without_room_are_refused() -> None:
    with pytest.raises(InputError, match="min_weight below max_weight"):
        run(
            "efficient_frontier",
            **{**NAMES, "instruments": ["ABC", "IDX"], "min_weight": "0.5", "max_weight": "0.5"},
        )


def test_instruments_of_different_days_are_refused() -> None:
    with pytest.raises(InsufficientDataError):
        run("risk_parity", **{**NAMES, "instruments": ["ABC", "GAP"]})


def test_solver_that_fails_confirms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, returns: object) -> object:
        raise skfolio_adapter.SolverError("no")

    monkeypatch.setattr(skfolio_adapter.RiskBudgeting, "fit", fail)
    assert len(disagreements("risk_parity", **NAMES)) == 7


def test_exposures_of_the_factor_itself_are_one() -> None:
    document = {
        "portfolio": book(stock("ABC", "10")),
        "as_of": AS_OF,
        "factors": ["ABC", "IDX"],
        "window_days": 100,
    }
    fields = run("factor_exposures", **document).fields
    assert float(fields["beta.ABC"].value) == pytest.approx(1.0)
    assert float(fields["r_squared"].value) == pytest.approx(1.0)


@pytest.mark.parametrize("portfolio", [mixed_book(), book(cash("EUR", "9"))])
def test_both_methods_agree_on_exposures_and_risk(portfolio: dict[str, object]) -> None:
    document = {"portfolio": portfolio, "as_of": AS_OF, "window_days": 200}
    assert disagreements("factor_exposures", **document, factors=["IDX", "EUX"]) == []
    assert disagreements("risk_contributions", **document) == []


def test_book_without_risk_has_no_explained_share() -> None:
    safe = {"portfolio": book(cash("USD", "9")), "as_of": AS_OF}
    fields = run("factor_exposures", **safe, factors=["IDX"]).fields
    assert fields["r_squared"].value == 0
    assert "t_value.IDX" not in fields
    assert disagreements("factor_exposures", **safe, factors=["IDX"]) == []
    with pytest.raises(InputError, match="a book whose value moves"):
        run("risk_contributions", **safe)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"portfolio": book(stock("ABC", "-1")), "factors": ["IDX"]}, "more than nothing"),
        ({"portfolio": book(stock("ABC", "1")), "factors": ["FLAT"]}, "do not depend"),
        ({"portfolio": book(stock("ABC", "1")), "factors": ["IDX", "IDX"]}, "every name once"),
    ],
)
def test_impossible_regression_is_refused(document: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run("factor_exposures", **document, as_of=AS_OF, window_days=100)
