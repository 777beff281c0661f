"""A paused and resumed run ends with the bits of an unbroken one."""

from pathlib import Path

import pytest
import torch

from engine.training.run import Run
from tests.engine.training.factories import ShortRows, tiny_run


def _weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in run.trainer.network.named_parameters()}


def test_resumed_run_equals_an_unbroken_one_bit_for_bit(tmp_path: Path) -> None:
    whole = tiny_run()
    assert whole.train(ShortRows())
    first = tiny_run()
    first.init = "0123"
    assert not first.train(ShortRows(), steps_max=2)
    first.save(tmp_path / "state")
    second = tiny_run(seed=99)
    second.resume(tmp_path / "state")
    assert (second.step, second.seed, second.init) == (2, 5, "0123")
    assert second.train(ShortRows(step=second.step))
    expected, found = _weights(whole), _weights(second)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert whole.schedule.starts == second.schedule.starts


def test_saving_replaces_an_older_state(tmp_path: Path) -> None:
    run = tiny_run()
    run.train(ShortRows(), steps_max=1)
    run.save(tmp_path / "state")
    run.train(ShortRows(step=1), steps_max=1)
    run.save(tmp_path / "state")
    again = tiny_run()
    again.resume(tmp_path / "state")
    assert again.step == 2
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_resuming_from_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tiny_run().resume(tmp_path / "absent")
