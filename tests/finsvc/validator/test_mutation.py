"""The mutation suite's bars, on a sample in every run and in full among the long tests."""

import pytest

from tests.finsvc.conftest import MarketData
from tests.finsvc.validator.mutation import Tally, run
from tests.finsvc.validator.mutation_cases import Bench

# About 20 mutants an answer; the full suite takes half a minute.
FULL_ANSWERS = 400
SAMPLE_ANSWERS = 26


def assert_bars(tally: Tally) -> None:
    missed = {name: details[:5] for name, details in tally.missed.items() if details}
    for name, share in tally.recall.items():
        bar = 1.0 if name.endswith(("unit", "scale")) else 0.99
        assert share >= bar, (name, share, missed)
    assert len(tally.alarms) <= 0.01 * tally.answers, tally.alarms[:5]
    assert tally.p95_ms <= 50


def test_wrong_answers_of_every_class_are_caught_and_correct_ones_pass(data: MarketData) -> None:
    tally = run(Bench(data), answers=SAMPLE_ANSWERS, seed=11)
    assert len(tally.tried) >= 30
    assert_bars(tally)


@pytest.mark.slow
def test_ten_thousand_wrong_answers_are_caught(data: MarketData) -> None:
    tally = run(Bench(data), answers=FULL_ANSWERS, seed=7)
    assert tally.mutants >= 10_000
    assert_bars(tally)
