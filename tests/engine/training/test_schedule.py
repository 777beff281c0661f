"""Progress by steps, by the clock and from a record, and the learning rate."""

import pytest

from engine.training.schedule import PERMILLE, LearningRate, Schedule


def test_schedule_of_steps_counts_them() -> None:
    schedule = Schedule(steps=4)
    assert [schedule.permille(step, 0.0) for step in range(5)] == [0, 250, 500, 750, PERMILLE]


def test_schedule_of_seconds_follows_the_clock_and_never_goes_back() -> None:
    schedule = Schedule(seconds=10.0)
    assert [schedule.permille(i, t) for i, t in enumerate((0.0, 5.0, 4.0, 20.0))] == [
        *(0, 500, 500, PERMILLE)
    ]


def test_recorded_schedule_repeats_a_run() -> None:
    first = Schedule(seconds=7.0)
    times = [0.0, 1.3, 2.9, 3.1, 5.5, 6.9, 7.1]
    expected = [first.permille(step, t) for step, t in enumerate(times)]
    again = Schedule(starts=first.starts, is_recorded=True)
    assert [again.permille(step, 0.0) for step in range(len(times))] == expected


def test_schedule_without_a_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="expected seconds, steps or recorded starts"):
        Schedule().permille(0, 0.0)


@pytest.mark.parametrize(
    ("step", "permille", "expected"),
    [(0, 0, 0.01), (49, 0, 0.5), (99, 0, 1.0), (500, 650, 1.0), (500, 825, 0.5), (500, 1000, 0)],
)
def test_learning_rate_warms_up_stays_and_decays(step: int, permille: int, expected: float) -> None:
    rate = LearningRate(peak=1.0, warmup_steps=100, decay_from=650)
    assert rate.at(step, permille) == pytest.approx(expected)
