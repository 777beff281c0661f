import json
import math
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from finsvc.domain.errors import StateError
from finsvc.validator.abstention import (
    DISAGREEMENT,
    THRESHOLDS,
    Calibration,
    Counted,
    Terms,
    Trial,
    calibrate,
    choose_threshold,
    count,
    from_json,
    tail,
    to_json,
)

TERMS = Terms(alpha=0.02, delta=0.05, num_samples=4, temperature=0.7)
WEIGHTS = "ab" * 32


def trials(right: int, wrong: int, score: float) -> list[Trial]:
    return [Trial(score=score, is_right=True)] * right + [
        Trial(score=score, is_right=False)
    ] * wrong


def made(*sets: list[Trial], held_out: list[Trial] | None = None) -> Calibration:
    return calibrate(
        {f"set{number}": found for number, found in enumerate(sets)},
        {"held_out": held_out or []},
        weights=WEIGHTS,
        made_on=date(2026, 11, 22),
        terms=TERMS,
    )


@pytest.mark.parametrize(
    ("wrong", "kept", "alpha", "expected"),
    [
        (0, 1, 0.02, 0.98),
        (0, 149, 0.02, 0.98**149),
        (1, 2, 0.5, 0.75),
        (2, 2, 0.1, 1.0),
        (0, 0, 0.1, 1.0),
        # NIST/SEMATECH e-Handbook 1.3.6.6.18: four of ten at 0.5 and below.
        (4, 10, 0.5, 386 / 1024),
    ],
)
def test_tail_is_that_of_the_binomial(wrong: int, kept: int, alpha: float, expected: float) -> None:
    assert tail(wrong, kept, alpha) == pytest.approx(expected, rel=1e-12)


def test_threshold_is_the_lowest_before_the_first_failure() -> None:
    sure, unsure = trials(200, 0, 9.0), trials(20, 20, 3.2)
    assert choose_threshold([*sure, *unsure], alpha=0.02, delta=0.05) == 3.5
    assert choose_threshold(sure, alpha=0.02, delta=0.05) == THRESHOLDS[-1]


def test_later_threshold_does_not_count_once_one_failed() -> None:
    # At 8 and 7.5 too many are wrong; further right ones at 2 would make up for them.
    found = [*trials(10, 5, 9.0), *trials(5_000, 0, 2.0)]
    assert choose_threshold(found, alpha=0.02, delta=0.05) is None


@pytest.mark.parametrize(("number", "enough"), [(148, False), (149, True)])
def test_too_few_questions_certify_nothing(number: int, enough: bool) -> None:
    found = choose_threshold(trials(number, 0, 20.0), alpha=0.02, delta=0.05)
    assert (found is not None) is enough


def test_disagreement_is_below_every_threshold() -> None:
    found = count(trials(3, 2, DISAGREEMENT), THRESHOLDS[-1])
    assert found == Counted(answered=5, kept=0, wrong=0)
    assert found.coverage == 0.0
    assert Counted(answered=0, kept=0, wrong=0).coverage == 0.0


def test_calibration_counts_every_set_at_its_threshold() -> None:
    found = made(trials(200, 0, 9.0), trials(20, 20, 3.2), held_out=trials(8, 2, 6.0))
    assert found.threshold == 3.5
    assert found.counted == Counted(answered=240, kept=200, wrong=0)
    assert found.sets["set1"] == Counted(answered=40, kept=0, wrong=0)
    assert found.held_out["held_out"] == Counted(answered=10, kept=10, wrong=2)
    assert "95% confidence at most 2% of the answers" in found.statement()
    assert "83% of them" in found.statement()


def test_calibration_without_certifiable_threshold_is_refused() -> None:
    with pytest.raises(StateError, match=r"below 2.0%, got 5 wrong of 15 at the strictest"):
        made(trials(10, 5, 9.0))


def test_calibration_read_back_is_the_same() -> None:
    found = made(trials(200, 0, 9.0))
    assert from_json(to_json(found), weights=WEIGHTS, source="x") == found


def test_calibration_of_another_model_is_refused() -> None:
    with pytest.raises(StateError, match="expected one of the model with weights cdcd"):
        from_json(to_json(made(trials(200, 0, 9.0))), weights="cd" * 32, source="x")


@pytest.mark.parametrize(
    "change", [{"threshold": 1.0}, {"weights": "cd" * 32}, {"made_on": "2030-01-01"}]
)
def test_altered_calibration_is_refused(change: dict[str, object]) -> None:
    body = {**json.loads(to_json(made(trials(200, 0, 9.0)))), **change}
    with pytest.raises(StateError, match="expected digest sha256:"):
        from_json(json.dumps(body), weights=str(body["weights"]), source="x")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"digest": "x"}', '{"digest": "x", "terms": 1, "weights": "a"}']
)
def test_damaged_calibration_is_named(text: str) -> None:
    with pytest.raises(
        StateError, match="calibration x: expected the file that calibrating writes"
    ):
        from_json(text, weights=WEIGHTS, source="x")


def test_digest_changes_with_every_part() -> None:
    found = made(trials(200, 0, 9.0))
    others = [
        replace(found, threshold=1.0),
        replace(found, terms=replace(TERMS, alpha=0.03)),
        replace(found, held_out={}),
    ]
    assert len({found.digest, *(other.digest for other in others)}) == 4


def test_error_among_answers_stays_below_alpha_as_often_as_promised() -> None:
    """Draw many calibrations of a model whose true error at each threshold is known."""
    chance = Random(20261122)

    def is_right(score: float) -> bool:
        return chance.random() > 0.5 * math.exp(-0.55 * score)

    def draw(num: int) -> list[Trial]:
        scores = (chance.uniform(0.0, 14.0) for _ in range(num))
        return [Trial(score=score, is_right=is_right(score)) for score in scores]

    def true_risk(threshold: float) -> float:
        rate = 0.55
        area = 0.5 / rate * (math.exp(-rate * threshold) - math.exp(-rate * 14.0))
        return area / (14.0 - threshold)

    rounds = 1_000
    broken = certified = 0
    for _ in range(rounds):
        threshold = choose_threshold(draw(400), alpha=0.02, delta=0.05)
        certified += threshold is not None
        broken += threshold is not None and true_risk(threshold) > 0.02
    assert certified > rounds // 2
    # 5 % and three standard errors of 1,000 rounds.
    assert broken <= 0.05 * rounds + 3 * math.sqrt(rounds * 0.05 * 0.95)
