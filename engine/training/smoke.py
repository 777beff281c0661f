"""A minute on the GPU before a long run: `python -m engine.training.smoke OUT`.

Checks the fused path against the plain one on real rows (loss and gradients), trains a few steps
and reports throughput, saves and reloads the state, and times the kernels of a step.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from engine.tokenizer import Tokenizer
from engine.training.attention import PackedMasks
from engine.training.batches import Batch, BatchStream, StreamPlan
from engine.training.checkpoint import load_state, save_state
from engine.training.config import Shape
from engine.training.exactness import judge, predict, summary
from engine.training.export import export_tensors
from engine.training.model import Network
from engine.training.rows import packed_row
from engine.training.schedule import Schedule
from engine.training.train import Run
from engine.training.trainer import Recipe, Trainer

_LOG = logging.getLogger(__name__)
_CHECKED_ROWS = 2
_SEED = 1


def _gradients(network: Network) -> dict[str, torch.Tensor]:
    grads = {n: p.grad.float().clone() for n, p in network.named_parameters() if p.grad is not None}
    network.zero_grad(set_to_none=True)
    return grads


def _plain(
    trainer: Trainer, batch: Batch, dtype: torch.dtype
) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of the first rows through the plain path."""
    network = Network(trainer.network.shape, dtype=dtype).to(trainer.device)
    network.load_state_dict(trainer.network.state_dict())
    part = {
        name: getattr(batch, name)[:_CHECKED_ROWS]
        for name in ("tokens", "positions", "segments", "targets", "weights")
    }
    masks = PackedMasks(
        *part["tokens"].shape, window=network.shape.sliding_window, device=trainer.device
    )
    masks.update(part["segments"], part["positions"])
    x_BSD, _ = network.hidden(part["tokens"], part["positions"], masks.dense())
    loss = network.loss(x_BSD, part["targets"], part["weights"])
    loss.backward()  # type: ignore[no-untyped-call]  # torch
    return loss.item(), _gradients(network)


def _error(grads: dict[str, torch.Tensor], truth: dict[str, torch.Tensor]) -> dict[str, float]:
    return {
        name: ((grads[name] - truth[name]).norm() / (truth[name].norm() + 1e-12)).item()
        for name in truth
    }


def check_paths(trainer: Trainer, batch: Batch) -> None:
    """Logs loss and gradient differences of fused and plain bfloat16 to plain float32."""
    batch = batch.to(trainer.device)
    weight_BS = batch.weights.clone()
    weight_BS[_CHECKED_ROWS:] = 0
    x_BSD, _ = trainer.hidden(batch)
    loss = trainer.network.loss(x_BSD, batch.targets, weight_BS)
    loss.backward()  # type: ignore[no-untyped-call]  # torch
    fused = _gradients(trainer.network)
    loss_plain, truth = _plain(trainer, batch, torch.float32)
    loss_narrow, narrow = _plain(trainer, batch, torch.bfloat16)
    _LOG.info("loss fused=%.5f bf16=%.5f f32=%.5f", loss.item(), loss_narrow, loss_plain)
    for name, grads in (("fused", fused), ("plain bf16", narrow)):
        errors = _error(grads, truth)
        worst = sorted(errors.items(), key=lambda item: -item[1])[:4]
        median = float(np.median(list(errors.values())))
        _LOG.info("gradient error %s: median %.4f worst %s", name, median, worst)


def _timed_steps(trainer: Trainer, stream: BatchStream, num: int, permille: int) -> float:
    torch.cuda.synchronize()
    start = time.monotonic()
    for idx in range(num):
        trainer.step(stream.next(), step=200 + idx, permille=permille)
    torch.cuda.synchronize()
    return (time.monotonic() - start) / num


def _profile(trainer: Trainer, stream: BatchStream) -> None:
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as record:
        for _ in range(3):
            trainer.step(stream.next(), step=300, permille=100)
        torch.cuda.synchronize()
    _LOG.info(
        record.key_averages().table(
            sort_by="self_cuda_time_total", row_limit=30, max_name_column_width=60
        )
    )


def main() -> None:
    """Runs the checks and prints their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--batch-rows", type=int, default=16)
    parser.add_argument("--positions", type=int, default=4096)
    parser.add_argument("--tokenizer", type=Path, default=Path("engine/embedded"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    start = time.monotonic()

    def lap(what: str) -> None:
        _LOG.info("[%.1f s] %s", time.monotonic() - start, what)

    recipe = Recipe(batch_rows=options.batch_rows, num_positions=options.positions)
    plan = StreamPlan(
        seed=_SEED,
        first_step=0,
        batch_rows=recipe.batch_rows,
        num_positions=recipe.num_positions,
        num_workers=options.workers,
        tokenizer=str(options.tokenizer),
    )
    tokenizer = Tokenizer.from_folder(options.tokenizer)
    with BatchStream(plan, pin=True) as stream:
        trainer = Trainer(Shape(), recipe, torch.device("cuda"), seed=_SEED)
        lap("network made")
        batch = stream.next()
        used = batch.segments != 255
        _LOG.info(
            "share used %.3f prefix %.3f assistant tokens %d dialogues %d",
            used.float().mean().item(),
            (batch.segments == 0).float().mean().item(),
            batch.num_assistant,
            int(torch.where(used, batch.segments, 0).amax(1).sum()),
        )
        lap("first batch")
        check_paths(trainer, batch)
        lap("paths checked")
        trainer.warm_quantisation()
        lap("rounding compiled")
        run = Run(trainer=trainer, schedule=Schedule(steps=10_000), seed=_SEED)
        run.train(stream, steps_max=6)
        lap("first steps")
        tokens = recipe.batch_rows * recipe.num_positions
        for permille in (100, 900):
            seconds = _timed_steps(trainer, stream, 40, permille)
            lap(f"{permille}: {seconds * 1e3:.1f} ms a step, {tokens / seconds:.0f} tokens/s")
        waiting = time.monotonic()
        for _ in range(40):
            stream.next()
        lap(f"data alone: {40 * tokens / (time.monotonic() - waiting):.0f} tokens/s")
        _profile(trainer, stream)
        lap("profiled")
        save_state(options.out / "state", trainer.network, trainer.optimiser, run.state())
        lap("saved")
        again = Trainer(Shape(), replace(recipe), torch.device("cuda"), seed=2)
        load_state(options.out / "state", again.network, again.optimiser)
        pairs = zip(trainer.network.parameters(), again.network.parameters(), strict=True)
        assert all(torch.equal(first, second) for first, second in pairs)
        lap("reloaded equal")
        rows = [
            packed_row(tokenizer, 99, idx, num_positions=recipe.num_positions)
            for idx in range(recipe.batch_rows)
        ]
        report = summary(judge(rows, predict(trainer, rows), tokenizer), misses_max=3)
        lap(f"exactness {report['all']} {report['misses']}")
        tensors = export_tensors(trainer.network)
        lap(f"export {sum(tensor.nbytes for tensor in tensors.values())} bytes")
    _LOG.info("memory %.1f GiB", torch.cuda.max_memory_allocated() / 2**30)


if __name__ == "__main__":
    main()
