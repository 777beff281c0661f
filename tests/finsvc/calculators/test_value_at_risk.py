import itertools
import math
from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import norm  # type: ignore[import-untyped] # scipy ships no types

from finsvc.calculators.inputs.risk import HistoricalVarInput
from finsvc.calculators.registry import calculator
from finsvc.calculators.returns import covariance
from finsvc.calculators.value_at_risk import (
    historical_tail,
    semidefinite_cholesky,
    standard_normals,
)
from finsvc.domain.errors import (
    InputError,
    InsufficientDataError,
    NonTradingDayError,
    UnknownNameError,
)
from finsvc.domain.identifiers import InstrumentId
from tests.finsvc.calculators.factories import (
    AS_OF,
    book,
    cash,
    disagreements,
    mixed_book,
    option,
    run,
    stock,
    synthetic_market,
    value,
)

METHODS = ("historical_var", "parametric_var", "monte_carlo_var")
ONE_DAY = {"as_of": AS_OF, "horizon_days": 1, "window_days": 500}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("base", ["USD", "EUR", "JPY"])
def test_methods_agree_on_a_mixed_book_in_every_base_currency(name: str, base: str) -> None:
    assert disagreements(name, portfolio=mixed_book(base), **ONE_DAY) == []


@pytest.mark.parametrize("method", ["historical", "parametric", "monte_carlo"])
@pytest.mark.parametrize("scaling", ["sqrt_time", "overlapping"])
def test_expected_shortfall_methods_agree(method: str, scaling: str) -> None:
    document = {"as_of": AS_OF, "method": method, "scaling": scaling, "window_days": 400}
    assert disagreements("expected_shortfall", portfolio=mixed_book(), **document) == []


@pytest.mark.parametrize("name", METHODS)
def test_cash_in_the_base_currency_alone_has_no_risk(name: str) -> None:
    document = {"portfolio": book(cash("USD", "1000")), **ONE_DAY}
    assert value(name, "var", **document) == 0.0
    assert disagreements(name, **document) == []


@pytest.mark.parametrize("name", METHODS)
def test_foreign_cash_alone_uses_the_fixing_days(name: str) -> None:
    document = {"portfolio": book(cash("JPY", "1000000"), cash("EUR", "10")), **ONE_DAY}
    assert value(name, "var", **document) > 0.0
    assert disagreements(name, **document) == []


@pytest.mark.parametrize("name", METHODS)
def test_price_that_never_moved_has_no_risk_and_no_nan(name: str) -> None:
    document = {"portfolio": book(stock("FLAT", "10"), option("FLAT", "put", "11", "1")), **ONE_DAY}
    assert value(name, "var", **document) == pytest.approx(0.0, abs=1e-9)
    assert disagreements(name, **document) == []


@pytest.mark.parametrize("name", METHODS)
def test_position_and_its_opposite_cancel(name: str) -> None:
    document = {"portfolio": book(stock("ABC", "10.5"), stock("ABC", "-10.5")), **ONE_DAY}
    assert value(name, "var", **document) == 0.0


def test_option_expiring_today_is_revalued_at_its_payoff() -> None:
    position = option("ABC", "call", "10", "1", expiry=AS_OF)
    document = {"portfolio": book(position), **ONE_DAY}
    shares = {"portfolio": book(stock("ABC", "10")), **ONE_DAY}
    # Far in the money with no time left, an option moves like the shares it is on.
    assert value("historical_var", "var", **document) == pytest.approx(
        value("historical_var", "var", **shares), rel=1e-9
    )
    assert disagreements("historical_var", **document) == []


def test_expired_option_is_refused_by_both_methods() -> None:
    position = option("ABC", "call", "10", "1", expiry="2022-12-29")
    for name in ("historical_var", "parametric_var"):
        entry = calculator(name)
        inputs = entry.parse({"portfolio": book(position), **ONE_DAY})
        with pytest.raises(InputError, match="expiry"):
            entry.run(inputs, synthetic_market())
    entry = calculator("parametric_var")
    with pytest.raises(InputError, match="expiry"):
        entry.confirm(entry.parse({"portfolio": book(position), **ONE_DAY}), synthetic_market())


def test_historical_value_at_risk_equals_the_sorted_loss_by_hand() -> None:
    closes = (
        synthetic_market()
        .closes(
            InstrumentId("ABC"),
            end=HistoricalVarInput.model_validate(
                {"portfolio": book(stock("ABC", "1")), "as_of": AS_OF}
            ).as_of,
            count=101,
        )
        .values
    )
    losses = sorted(
        100.0 * closes[-1] * (1.0 - later / earlier)
        for earlier, later in itertools.pairwise(closes)
    )
    document = {"portfolio": book(stock("ABC", "100")), "as_of": AS_OF, "window_days": 100}
    found = value("historical_var", "var", **document, confidence="0.95", horizon_days=1)
    # ceil(100 * 0.95) = 95: the 95th smallest of 100 losses, five of them are larger.
    assert found == pytest.approx(losses[94], rel=1e-10)
    shortfall = value("expected_shortfall", "es", **document, confidence="0.95", horizon_days=1)
    assert shortfall == pytest.approx(sum(losses[94:]) / 6, rel=1e-10)


def test_square_root_scaling_multiplies_the_one_day_figure() -> None:
    document = {"portfolio": mixed_book(), "as_of": AS_OF, "window_days": 300}
    for name in ("historical_var", "parametric_var"):
        one = value(name, "var", **document, horizon_days=1)
        ten = value(name, "var", **document, horizon_days=10)
        assert ten == pytest.approx(one * math.sqrt(10), rel=1e-10)


def test_overlapping_scaling_of_one_day_is_the_one_day_figure() -> None:
    document = {"portfolio": mixed_book(), **ONE_DAY}
    assert value("historical_var", "var", **document, scaling="overlapping") == value(
        "historical_var", "var", **document
    )


def test_parametric_figures_of_one_stock_equal_the_closed_form() -> None:
    market = synthetic_market()
    inputs = HistoricalVarInput.model_validate({"portfolio": book(stock("ABC", "1")), **ONE_DAY})
    closes = market.closes(InstrumentId("ABC"), end=inputs.as_of, count=501).values
    deviation = float(np.std(np.diff(np.log(closes)), ddof=1)) * 100 * float(closes[-1])
    document = {"portfolio": book(stock("ABC", "100")), **ONE_DAY, "confidence": "0.99"}
    assert value("parametric_var", "var", **document) == pytest.approx(
        norm.ppf(0.99) * deviation, rel=1e-10
    )
    assert value("expected_shortfall", "es", **document, method="parametric") == pytest.approx(
        norm.pdf(norm.ppf(0.99)) / 0.01 * deviation, rel=1e-10
    )


def test_monte_carlo_lies_near_the_parametric_figure_of_a_linear_book() -> None:
    document = {"portfolio": book(stock("ABC", "100"), cash("EUR", "1000")), **ONE_DAY}
    result = run("monte_carlo_var", **document)
    parametric = value("parametric_var", "var", **document)
    error = float(result.fields["standard_error"].value)
    # Simulated prices are exponentials, so that falls are a little smaller than linear ones.
    assert abs(float(result.fields["var"].value) - parametric) < 4 * error + 0.03 * parametric


def test_monte_carlo_with_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    document = {"portfolio": mixed_book(), **ONE_DAY}
    first = run("monte_carlo_var", **document, seed=7)
    assert run("monte_carlo_var", **document, seed=7) == first
    assert run("monte_carlo_var", **document, seed=8).fields != first.fields


def test_standard_normals_come_from_the_published_philox_stream() -> None:
    normals = standard_normals(0, 2000, 3)
    assert normals.shape == (2000, 3)
    assert abs(float(normals.mean())) < 0.05
    assert float(normals.std()) == pytest.approx(1.0, abs=0.03)
    assert np.array_equal(normals[:10], standard_normals(0, 10, 3))


def test_cholesky_root_reproduces_covariances_that_are_singular() -> None:
    observations = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [4.0, 8.0, 0.0], [3.0, 6.0, 0.0]])
    moments = covariance(observations)
    root = semidefinite_cholesky(moments)
    assert root @ root.T == pytest.approx(moments)
    assert np.array_equal(moments, moments.T)
    assert moments == pytest.approx(np.cov(observations, rowvar=False))


@pytest.mark.parametrize("name", METHODS)
def test_window_longer_than_the_data_is_refused(name: str) -> None:
    with pytest.raises(InsufficientDataError):
        run(name, portfolio=mixed_book(), as_of=AS_OF, window_days=4000)


def test_instruments_of_different_calendars_are_refused() -> None:
    with pytest.raises(InsufficientDataError, match="ABC and GAP"):
        run("historical_var", portfolio=book(stock("ABC", "1"), stock("GAP", "1")), as_of=AS_OF)


def test_weekend_unknown_names_and_fixing_holidays_are_distinct_errors() -> None:
    with pytest.raises(NonTradingDayError, match="as_of"):
        run("historical_var", portfolio=mixed_book(), as_of="2022-12-25")
    with pytest.raises(NonTradingDayError):
        run("historical_var", portfolio=book(cash("EUR", "1")), as_of="2022-12-25")
    with pytest.raises(UnknownNameError, match="NOPE"):
        run("historical_var", portfolio=book(stock("NOPE", "1")), as_of=AS_OF)
    with pytest.raises(UnknownNameError, match="XXX"):
        run("historical_var", portfolio=book(cash("XXX", "1")), as_of=AS_OF)


def test_negative_value_at_risk_means_profit_and_stays_negative() -> None:
    tail = historical_tail(
        HistoricalVarInput.model_validate(
            {"portfolio": mixed_book(), **ONE_DAY, "confidence": "0.01"}
        ),
        synthetic_market(),
    )
    assert tail.var < 0.0 <= tail.es - tail.var


def test_parameters_and_notes_state_every_convention() -> None:
    result = run("monte_carlo_var", portfolio=mixed_book(), as_of=AS_OF, seed=3)
    assert result.parameters["confidence"] == "0.99"
    assert result.parameters["horizon_days"] == "10"
    assert result.parameters["seed"] == "3"
    assert result.parameters["scaling"] == "sqrt_time"
    text = " ".join(result.notes)
    for words in ("inverted_cdf", "positive figure is a loss", "adjusted", "ECB", "assumptions"):
        assert words in text
    assert result.headline == "var"
    assert result.labels == {"subject": "the test book"}
    assert result.fields["var"].value == round(result.fields["var"].value, 12)
    assert isinstance(result.fields["var"].value, Decimal)


def test_option_worth_next_to_nothing_gives_no_error_in_any_method() -> None:
    position = option("IDX", "put", "400", "1", expiry="2023-01-20")
    for name in METHODS:
        document = {"portfolio": book(position), **ONE_DAY}
        assert value(name, "var", **document) == pytest.approx(0.0, abs=1e-9)
        assert disagreements(name, **document) == []
