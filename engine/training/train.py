"""Trains the embedded model: `python -m engine.training.train`.

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
from pathlib import Path

import torch

from engine.tokenizer import Tokenizer
from engine.training.batches import BatchStream, StreamPlan
from engine.training.config import Shape
from engine.training.release import write_release
from engine.training.run import Run
from engine.training.schedule import LearningRate, Schedule
from engine.training.trainer import Recipe, Trainer
from engine.training.warmstart import load_release

_LOG = logging.getLogger(__name__)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    plan = parser.add_mutually_exclusive_group(required=True)
    plan.add_argument("--minutes", type=float, help="training time of the whole run")
    plan.add_argument("--wall", type=float, help="seconds in which the process is to end")
    plan.add_argument("--steps", type=int, help="steps of the whole run")
    plan.add_argument("--schedule", type=Path, help="training.json of a run to repeat")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", type=Path, help="state folder to continue from")
    begin.add_argument("--init", type=Path, help="release whose weights to start from")
    parser.add_argument("--peak-rate", type=float, default=2e-3)
    parser.add_argument("--deadline", type=float, default=float("inf"), help="pause after seconds")
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--batch-rows", type=int, default=16)
    parser.add_argument("--positions", type=int, default=4096)
    parser.add_argument("--tokenizer", type=Path, default=Path("engine/embedded"))
    parser.add_argument("--release", type=Path, help="folder of the checkpoint, default OUT")
    parser.add_argument("--release-early", action="store_true", help="release also when paused")
    parser.add_argument("--keep-state", action="store_true", help="save the state also at the end")
    parser.add_argument("--eval-batches", type=int, default=3)
    return parser.parse_args()


def _schedule(options: argparse.Namespace) -> Schedule:
    if options.schedule is not None:
        starts = json.loads(options.schedule.read_text(encoding="utf-8"))["starts"]
        return Schedule(starts=starts, is_recorded=True)
    if options.steps is not None:
        return Schedule(steps=options.steps)
    # With --wall the run replaces this by what its set-up leaves.
    return Schedule(seconds=options.wall or options.minutes * 60)


def _make_run(options: argparse.Namespace, started_s: float) -> Run:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    recipe = Recipe(
        rate=LearningRate(peak=options.peak_rate),
        batch_rows=options.batch_rows,
        num_positions=options.positions,
    )
    run = Run(
        trainer=Trainer(Shape(), recipe, device, seed=options.seed),
        schedule=_schedule(options),
        seed=options.seed,
        deadline_s=options.deadline,
        started_s=started_s,
        end_s=options.wall,
    )
    if options.init is not None:
        run.init = load_release(options.init, run.trainer.network)
    if options.resume is not None:
        run.resume(options.resume)
    return run


def main() -> None:
    """Trains or continues a run, and releases it when its schedule has ended.

    The state is left in `OUT/state`, the log in `OUT/training.log`; the release goes to `OUT`
    itself or to the folder named by `--release`.
    """
    started_s = time.monotonic()
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    log = logging.FileHandler(options.out / "training.log", mode="a")
    logging.basicConfig(
        level=logging.INFO,
        format="%(message)s",
        handlers=[log, logging.StreamHandler(sys.stdout)],
    )
    tokenizer = Tokenizer.from_folder(options.tokenizer)
    run = _make_run(options, started_s)
    recipe = run.trainer.recipe
    plan = StreamPlan(
        seed=run.seed,
        first_step=run.step,
        batch_rows=recipe.batch_rows,
        num_positions=recipe.num_positions,
        num_workers=options.workers,
        tokenizer=str(options.tokenizer),
    )
    _LOG.info(
        "start seed=%d step=%d init=%s device=%s",
        *(run.seed, run.step, run.init or "random", run.trainer.device),
    )
    with BatchStream(plan, pin=run.trainer.is_fused) as stream:
        run.trainer.warm_quantisation()
        is_done = run.train(stream)
    _LOG.info("end done=%s step=%d elapsed_s=%.1f", is_done, run.step, run.elapsed_s)
    if not is_done or options.keep_state:
        run.save(options.out / "state")
    if is_done or options.release_early:
        folder = options.release or options.out
        # Where the files go says nothing about how they came about.
        arguments = [text.replace(str(folder), "OUT") for text in sys.argv[1:]]
        record = write_release(
            folder, run, tokenizer, num_batches=options.eval_batches, arguments=arguments
        )
        _LOG.info("released weights=%s exact=%s", record["weights_digest"], record.get("exact"))
    _LOG.info("closed wall_s=%.1f", time.monotonic() - started_s)


if __name__ == "__main__":
    main()
