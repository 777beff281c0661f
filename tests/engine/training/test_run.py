"""The loop of a run: its loss falls, it follows the clock, it logs."""

import logging
import re

import pytest

from engine.training.schedule import Schedule
from tests.engine.training.factories import ShortRows, tiny_run


def _losses(records: list[logging.LogRecord]) -> list[float]:
    """The losses of a log's lines."""
    found = (re.search(r" loss=([0-9.]+)", record.getMessage()) for record in records)
    return [float(match[1]) for match in found if match]


def test_run_learns_a_batch_by_heart(caplog: pytest.LogCaptureFixture) -> None:
    run = tiny_run(steps=30)
    with caplog.at_level(logging.INFO, "engine.training.run"):
        assert run.train(ShortRows(is_repeated=True))
    losses = _losses(caplog.records)
    assert losses[0] == pytest.approx(8.32, abs=0.4)
    run.schedule = Schedule(steps=60)
    caplog.clear()
    with caplog.at_level(logging.INFO, "engine.training.run"):
        run.train(ShortRows(is_repeated=True), steps_max=1)
    assert _losses(caplog.records)[0] < 0.9 * losses[0]


def test_run_by_wall_time_plans_with_what_set_up_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 100_000, 1))
    monkeypatch.setattr("engine.training.run.time.monotonic", lambda: float(next(now)))
    run = tiny_run()
    run.schedule = Schedule(seconds=600.0)
    run.started_s, run.end_s = 0.0, 45.0
    batch = ShortRows(is_repeated=True)
    assert run.train(batch)
    assert run.schedule.seconds is not None
    # 45 s less 20 s for the release less the set-up of three steps.
    assert 5 < run.schedule.seconds < 25
    assert run.elapsed_s >= run.schedule.seconds


def test_run_pauses_at_its_deadline() -> None:
    run = tiny_run()
    run.deadline_s = 0.0
    assert not run.train(ShortRows())
    assert run.step == 0
