"""Trains the embedded model from scratch: `python -m engine.training.train`.

The recipe is in `DESIGN.md`. Data is a function of (seed, step); the learning rate follows
progress, which follows the clock and is recorded, so a finished run can be repeated with
`--schedule`.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.training.batches import BatchStream, StreamPlan
from engine.training.checkpoint import RunState, load_state, save_state
from engine.training.config import Shape
from engine.training.schedule import PERMILLE, Schedule
from engine.training.trainer import Recipe, Trainer

_LOG = logging.getLogger(__name__)
# Steps whose time is not training time: they compile or warm caches.
_SETUP_STEPS = 3
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
    """

    trainer: Trainer
    schedule: Schedule
    seed: int
    step: int = 0
    elapsed_s: float = 0.0
    deadline_s: float = float("inf")
    started_s: float = 0.0

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
        )

    def resume(self, folder: Path) -> None:
        """Continues from a saved state."""
        state = load_state(folder, self.trainer.network, self.trainer.optimiser)
        self.seed, self.step, self.elapsed_s = state.seed, state.step, state.elapsed_s
        if not self.schedule.is_recorded:
            self.schedule.starts[:] = state.starts

    def train(self, stream: BatchStream, *, steps_max: int | None = None) -> bool:
        """Steps until the schedule ends, or until the deadline or `steps_max` pauses the run.

        Returns:
            Whether the schedule has ended.
        """
        first = self.step
        clock = time.monotonic()
        before, tokens = clock, self.trainer.recipe.batch_rows * self.trainer.recipe.num_positions
        while (done := self.schedule.permille(self.step, self.elapsed_s)) < PERMILLE:
            if self.step - first == steps_max or before - self.started_s > self.deadline_s:
                return False
            waited = time.monotonic()
            batch = stream.next()
            waited = time.monotonic() - waited
            values = self.trainer.step(batch, step=self.step, permille=done)
            is_setup = self.step - first < _SETUP_STEPS
            if is_setup or self.step % _LOG_STEPS == 0:
                loss, balance, norm = (value.item() for value in values)
                rate = tokens * (1 if is_setup else _LOG_STEPS) / (time.monotonic() - clock)
                clock = time.monotonic()
                _LOG.info(
                    "step=%d elapsed_s=%.1f permille=%d lr=%.3g loss=%.4f balance=%.3f norm=%.3f "
                    "tokens_s=%.0f waited_s=%.3f",
                    *(
                        self.step,
                        self.elapsed_s,
                        done,
                        self.trainer.recipe.rate.at(self.step, done),
                    ),
                    *(loss, balance, norm, rate, waited),
                )
            now = time.monotonic()
            self.elapsed_s += 0.0 if is_setup else now - before
            before = now
            self.step += 1
        return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    plan = parser.add_mutually_exclusive_group(required=True)
    plan.add_argument("--minutes", type=float, help="training time of the whole run")
    plan.add_argument("--steps", type=int, help="steps of the whole run")
    plan.add_argument("--schedule", type=Path, help="training.json of a run to repeat")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", type=Path, help="state folder to continue from")
    parser.add_argument("--deadline", type=float, default=float("inf"), help="pause after seconds")
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--batch-rows", type=int, default=16)
    parser.add_argument("--positions", type=int, default=4096)
    parser.add_argument("--tokenizer", type=Path, default=Path("engine/embedded"))
    return parser.parse_args()


def _schedule(options: argparse.Namespace) -> Schedule:
    if options.schedule is not None:
        starts = json.loads(options.schedule.read_text(encoding="utf-8"))["starts"]
        return Schedule(starts=starts, is_recorded=True)
    if options.steps is not None:
        return Schedule(steps=options.steps)
    return Schedule(seconds=options.minutes * 60)


def main() -> None:
    """Trains or continues a run; leaves its state in `OUT/state`, its log in `OUT/training.log`."""
    started_s = time.monotonic()
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    log = logging.FileHandler(options.out / "training.log")
    logging.basicConfig(
        level=logging.INFO,
        format="%(message)s",
        handlers=[log, logging.StreamHandler(sys.stdout)],
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recipe = Recipe(batch_rows=options.batch_rows, num_positions=options.positions)
    trainer = Trainer(Shape(), recipe, device, seed=options.seed)
    run = Run(
        trainer=trainer,
        schedule=_schedule(options),
        seed=options.seed,
        deadline_s=options.deadline,
        started_s=started_s,
    )
    if options.resume is not None:
        run.resume(options.resume)
    plan = StreamPlan(
        seed=run.seed,
        first_step=run.step,
        batch_rows=recipe.batch_rows,
        num_positions=recipe.num_positions,
        num_workers=options.workers,
        tokenizer=str(options.tokenizer),
    )
    _LOG.info("start seed=%d step=%d device=%s", run.seed, run.step, device)
    with BatchStream(plan, pin=trainer.is_fused) as stream:
        trainer.warm_quantisation()
        is_done = run.train(stream)
    save_state(options.out / "state", trainer.network, trainer.optimiser, run.state())
    _LOG.info("end done=%s step=%d elapsed_s=%.1f", is_done, run.step, run.elapsed_s)


if __name__ == "__main__":
    main()
