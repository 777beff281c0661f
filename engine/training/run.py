"""A trainer moving along its schedule: the loop, its clock, its log lines, its saved state."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.training.batches import BatchSource
from engine.training.checkpoint import RunState, load_state, save_state
from engine.training.schedule import PERMILLE, Schedule
from engine.training.trainer import Trainer

_LOG = logging.getLogger(__name__)
# Steps whose time is not training time: they compile or warm caches.
_SETUP_STEPS = 3
# Wall time kept for evaluation and export when a run is planned to end at a given time.
_RELEASE_S = 20.0
# The host reads the loss, and thereby waits for the device, once in this many steps.
_LOG_STEPS = 50


@dataclass(slots=True, kw_only=True)
class Run:
    """A trainer moving along its schedule.

    Attributes:
        seed: Of weights and data.
        step: Steps made.
        elapsed_s: Training time so far, set-up excluded.
        deadline_s: Wall time since `started_s` after which the run pauses.
        started_s: Monotonic clock at the start of the process.
        end_s: Wall time since `started_s` at which the release is to be written; if given, what is
            left of it after the set-up becomes the training time that the schedule plans with.
        init: Weights digest of the release that the run started from; empty for random weights.
    """

    trainer: Trainer
    schedule: Schedule
    seed: int
    step: int = 0
    elapsed_s: float = 0.0
    deadline_s: float = float("inf")
    started_s: float = 0.0
    end_s: float | None = None
    init: str = ""

    def state(self) -> RunState:
        """What a checkpoint records."""
        recipe = self.trainer.recipe
        return RunState(
            seed=self.seed,
            step=self.step,
            elapsed_s=self.elapsed_s,
            starts=list(self.schedule.starts),
            batch_rows=recipe.batch_rows,
            num_positions=recipe.num_positions,
            init=self.init,
        )

    def save(self, folder: Path) -> None:
        """Writes the state from which `resume` continues."""
        save_state(folder, self.trainer.network, self.trainer.optimiser, self.state())

    def resume(self, folder: Path) -> None:
        """Continues from a saved state."""
        state = load_state(folder, self.trainer.network, self.trainer.optimiser)
        self.seed, self.step, self.elapsed_s = state.seed, state.step, state.elapsed_s
        self.init = state.init
        if not self.schedule.is_recorded:
            self.schedule.starts[:] = state.starts

    def train(self, stream: BatchSource, *, steps_max: int | None = None) -> bool:
        """Steps until the schedule ends, or until the deadline or `steps_max` pauses the run.

        Returns:
            Whether the schedule has ended.
        """
        first = self.step
        before = time.monotonic()
        log = _Log(self)
        while (done := self.schedule.permille(self.step, self.elapsed_s)) < PERMILLE:
            if self.step - first == steps_max or before - self.started_s > self.deadline_s:
                return False
            waited = time.monotonic()
            batch = stream.next()
            waited = time.monotonic() - waited
            values = self.trainer.step(batch, step=self.step, permille=done)
            is_setup = self.step - first < _SETUP_STEPS
            if is_setup or self.step % _LOG_STEPS == 0:
                log.write(values, permille=done, waited_s=waited)
            now = time.monotonic()
            self.elapsed_s += 0.0 if is_setup else now - before
            before = now
            self.step += 1
            if self.step - first == _SETUP_STEPS:
                self._plan(now)
        return True

    def _plan(self, now: float) -> None:
        """Plans the schedule with the time that the set-up has left."""
        if self.end_s is not None:
            left = self.end_s - _RELEASE_S - (now - self.started_s)
            self.schedule.seconds = self.elapsed_s + max(left, 1.0)
            _LOG.info("planned training_s=%.1f", self.schedule.seconds)


class _Log:
    """Writes the lines of a run's log; reading the values waits for the device."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._step = run.step - 1
        self._clock = time.monotonic()

    def write(self, values: tuple[torch.Tensor, ...], *, permille: int, waited_s: float) -> None:
        run, recipe = self._run, self._run.trainer.recipe
        loss, balance, norm = (value.item() for value in values)
        now = time.monotonic()
        tokens = (run.step - self._step) * recipe.batch_rows * recipe.num_positions
        _LOG.info(
            "step=%d elapsed_s=%.1f permille=%d lr=%.3g loss=%.4f balance=%.3f norm=%.3f "
            "tokens_s=%.0f waited_s=%.3f",
            *(run.step, run.elapsed_s, permille, recipe.rate.at(run.step, permille)),
            *(loss, balance, norm, tokens / (now - self._clock), waited_s),
        )
        self._step, self._clock = run.step, now
