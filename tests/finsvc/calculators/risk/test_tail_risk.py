from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from finsvc.calculators.inputs.tail import QuantileRule, ShortfallRule
from finsvc.calculators.risk.bands import quantile, quantile_ranks, shortfall
from finsvc.calculators.risk.garch import fit
from finsvc.calculators.risk.windows import rolling_var
from finsvc.calculators.tail import tail_of
from finsvc.domain.errors import InputError, InsufficientDataError
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

MIXED = {"portfolio": mixed_book(), "as_of": AS_OF, "window_days": 250}
CASH = {"portfolio": book(cash("EUR", "500")), "as_of": AS_OF, "window_days": 250}
SAFE = {"portfolio": book(cash("USD", "500")), "as_of": AS_OF, "window_days": 250}
METHODS = ("historical", "delta_gamma", "parametric", "monte_carlo")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("document", [MIXED, CASH, SAFE])
def test_both_methods_agree_on_every_kind_of_book(document: dict[str, object], method: str) -> None:
    assert disagreements("tail_risk", **document, method=method) == []


@pytest.mark.parametrize("rule", list(QuantileRule))
@pytest.mark.parametrize("confidence", ["0.01", "0.5", "0.957", "0.9999"])
def test_quantile_rules_are_those_of_numpy(rule: QuantileRule, confidence: str) -> None:
    losses = np.sort(np.random.default_rng(3).standard_normal(101))
    found = quantile(losses, Decimal(confidence), rule)
    if rule is QuantileRule.PROFIT_INVERTED_CDF:
        level = float(1 - Decimal(confidence))
        expected = -float(np.quantile(-losses, level, method="inverted_cdf"))
    else:
        expected = float(np.quantile(losses, float(confidence), method=rule.value))
    assert found == pytest.approx(expected)


def test_fractional_shortfall_counts_the_atom_in_part() -> None:
    # The worst 2.5 of ten: 10, 9 and half of 8.
    losses = np.arange(1.0, 11.0)
    found = shortfall(losses, 8.0, Decimal("0.75"), ShortfallRule.FRACTIONAL)
    assert found == pytest.approx((10 + 9 + 4) / 2.5)
    almost_all = shortfall(losses, 1.0, Decimal("0.00000001"), ShortfallRule.FRACTIONAL)
    assert almost_all == pytest.approx(5.5)


def test_band_of_a_quantile_covers_it_as_often_as_it_says() -> None:
    low, high, is_cut = quantile_ranks(500, Decimal("0.95"), Decimal("0.9"))
    covered = stats.binom(500, 0.95).cdf(high - 1) - stats.binom(500, 0.95).cdf(low - 1)
    assert (is_cut, covered >= 0.9, covered < 0.94) == (False, True, True)
    assert quantile_ranks(50, Decimal("0.99"), Decimal("0.95"))[2]


def test_figures_lie_within_their_bands_and_shortfall_beyond_value_at_risk() -> None:
    for method in METHODS:
        fields = {
            name: float(field.value)
            for name, field in run("tail_risk", **MIXED, method=method).fields.items()
        }
        assert fields["var_low"] <= fields["var"] <= fields["var_high"], method
        assert fields["es_low"] <= fields["es"] <= fields["es_high"], method
        assert fields["es"] >= fields["var"], method


def test_historical_figures_are_those_of_the_plain_calculators() -> None:
    assert value("tail_risk", "var", **MIXED) == value("historical_var", "var", **MIXED)
    assert value("tail_risk", "es", **MIXED) == value("expected_shortfall", "es", **MIXED)


def test_delta_gamma_is_exact_without_options_and_near_with_them() -> None:
    shares = {**MIXED, "portfolio": book(stock("ABC", "3"), stock("EUX", "9"), cash("EUR", "5"))}
    for document, share in ((shares, 1e-9), (MIXED, 0.05)):
        full = value("tail_risk", "var", **document)
        quick = value("tail_risk", "var", **document, method="delta_gamma")
        assert quick == pytest.approx(full, rel=share)


def test_option_at_its_kink_has_no_expansion() -> None:
    flat = book(option("FLAT", "call", "10", "1", expiry=AS_OF))
    with pytest.raises(InputError, match="infinite gamma on FLAT"):
        run("tail_risk", portfolio=flat, as_of=AS_OF, window_days=100, method="delta_gamma")


def test_overlapping_bands_say_that_they_are_too_narrow() -> None:
    notes = run("tail_risk", **MIXED, scaling="overlapping").notes
    assert any("too narrow" in note for note in notes)
    assert any("ends at the extreme losses" in note for note in notes)
    long = run("tail_risk", **MIXED, horizon_days=1, confidence="0.9").notes
    assert not any("too narrow" in note or "extreme losses" in note for note in long)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "parametric", "quantile_rule": "linear"}, "no quantile_rule"),
        ({"method": "parametric", "shortfall_rule": "tail_mean"}, "no shortfall_rule"),
        ({"shortfall_rule": "fractional", "quantile_rule": "linear"}, "inverted_cdf"),
        ({"seed": 4}, "seed with the Monte Carlo method alone"),
        ({"method": "delta_gamma", "num_paths": 4000}, "num_paths with the Monte Carlo"),
    ],
)
def test_parameter_without_effect_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run("tail_risk", **MIXED, **wrong)


def test_rolling_quantile_is_that_of_every_window() -> None:
    losses = np.round(np.random.default_rng(1).standard_normal(60), 1)
    found = rolling_var(losses, Decimal("0.9"), window=20)
    wanted = [tail_of(losses[at : at + 20], Decimal("0.9")).var for at in range(41)]
    assert found.tolist() == wanted
    assert rolling_var(losses, Decimal("0.9"), window=60).tolist() == [
        tail_of(losses, Decimal("0.9")).var
    ]


@pytest.mark.parametrize("document", [MIXED, CASH, SAFE])
@pytest.mark.parametrize("scaling", ["sqrt_time", "overlapping"])
def test_stressed_figures_agree_and_are_the_largest(
    document: dict[str, object], scaling: str
) -> None:
    inputs = {**document, "search_days": 600, "window_days": 100, "scaling": scaling}
    assert disagreements("stressed_var", **inputs) == []
    fields = run("stressed_var", **inputs).fields
    assert fields["stressed_var"].value >= fields["current_var"].value
    assert fields["stressed_es"].value >= fields["stressed_var"].value


def test_stress_window_contains_the_crash_that_was_put_there() -> None:
    result = run("stressed_var", **{**MIXED, "window_days": 100}, search_days=1000)
    assert result.labels["window_start"] < result.labels["window_end"] <= AS_OF


def test_search_shorter_than_its_window_or_longer_than_history_is_refused() -> None:
    with pytest.raises(InputError, match="search_days to be at least window_days"):
        run("stressed_var", **MIXED, search_days=100)
    with pytest.raises(InsufficientDataError):
        run("stressed_var", **MIXED, search_days=9000)


@pytest.mark.parametrize("method", ["historical", "parametric"])
@pytest.mark.parametrize("document", [MIXED, CASH, SAFE])
def test_components_add_up_to_the_value_at_risk(document: dict[str, object], method: str) -> None:
    assert disagreements("var_contributions", **document, method=method) == []
    fields = run("var_contributions", **document, method=method).fields
    parts = [float(f.value) for name, f in fields.items() if name.startswith("component.")]
    assert sum(parts) == pytest.approx(float(fields["var"].value), rel=1e-9, abs=1e-9)


def test_position_without_value_has_no_marginal_figure() -> None:
    both = book(stock("ABC", "1"), stock("IDX", "1"), stock("IDX", "-1"))
    document = {"portfolio": both, "as_of": AS_OF, "window_days": 100}
    assert disagreements("var_contributions", **document) == []
    fields = run("var_contributions", **document).fields
    assert "marginal.ABC" in fields
    assert "marginal.IDX" not in fields


def test_incremental_figure_is_the_difference_of_two_books() -> None:
    alone = {**MIXED, "portfolio": book(stock("ABC", "10"))}
    pair = {**MIXED, "portfolio": book(stock("ABC", "10"), stock("IDX", "1"))}
    found = value("var_contributions", "incremental.IDX", **pair)
    wanted = value("historical_var", "var", **pair) - value("historical_var", "var", **alone)
    assert found == pytest.approx(wanted, rel=1e-9)


def test_filter_agrees_with_arch_and_follows_volatility() -> None:
    assert disagreements("filtered_var", **{**MIXED, "window_days": 1000}) == []
    generator = np.random.default_rng(0)
    calm = generator.standard_normal(900)
    wild = fit(np.concatenate([calm, 4.0 * generator.standard_normal(100)]))
    assert wild.next_variance > 4.0
    assert 0.0 < wild.alpha + wild.beta < 1.0


def test_unit_of_returns_does_not_matter_to_the_fit() -> None:
    returns = np.random.default_rng(2).standard_normal(400)
    one, other = fit(returns), fit(returns * 1e6)
    assert other.alpha == pytest.approx(one.alpha, abs=1e-6)
    assert other.next_variance == pytest.approx(one.next_variance * 1e12, rel=1e-6)


@pytest.mark.parametrize("name", ["filtered_var", "profit_distribution"])
def test_book_without_risk_has_no_distribution(name: str) -> None:
    with pytest.raises(InputError, match="a book whose value moves"):
        run(name, **SAFE)


@pytest.mark.parametrize("num_bins", [2, 7, 200])
def test_histogram_agrees_and_counts_every_day(num_bins: int) -> None:
    assert disagreements("profit_distribution", **MIXED, num_bins=num_bins) == []
    fields = run("profit_distribution", **MIXED, num_bins=num_bins).fields
    counts = [int(f.value) for name, f in fields.items() if name.startswith("count.")]
    assert (len(counts), sum(counts)) == (num_bins, 250)
