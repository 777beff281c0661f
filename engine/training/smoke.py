"""A minute on the GPU before a long run: `python -m engine.training.smoke OUT`.

Checks the fused path against the plain one (loss and gradients), trains a few steps and reports
throughput, saves and reloads the state, and times the kernels of a step. Rows are of random tokens
in realistic lengths, so that a fault found here lies in the network and not in the data.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.profiler import ProfilerActivity, profile

from engine.training.attention import PackedMasks
from engine.training.batches import Batch, BatchSource, make_batch
from engine.training.checkpoint import load_state
from engine.training.config import Shape
from engine.training.exactness import predict
from engine.training.export import export_tensors
from engine.training.model import Network
from engine.training.packing import Continuation, PackedRow, pack_row
from engine.training.run import Run
from engine.training.schedule import Schedule
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


def _timed_steps(trainer: Trainer, source: BatchSource, num: int, permille: int) -> float:
    torch.cuda.synchronize()
    start = time.monotonic()
    for idx in range(num):
        trainer.step(source.next(), step=200 + idx, permille=permille)
    torch.cuda.synchronize()
    return (time.monotonic() - start) / num


def _profile(trainer: Trainer, source: BatchSource) -> None:
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as record:
        for _ in range(3):
            trainer.step(source.next(), step=300, permille=100)
        torch.cuda.synchronize()
    _LOG.info(
        record.key_averages().table(
            sort_by="self_cuda_time_total", row_limit=30, max_name_column_width=60
        )
    )


class RandomSource:
    """Batches of random tokens: a prefix of 900 and dialogues of 90 to 200 tokens a row."""

    def __init__(self, recipe: Recipe, vocab_size: int) -> None:
        self._rng = np.random.default_rng(_SEED)
        rows = [self._row(recipe.num_positions, vocab_size) for _ in range(recipe.batch_rows)]
        self.rows = np.stack(rows)

    def _row(self, num_positions: int, vocab_size: int) -> npt.NDArray[np.void]:
        def tokens(num: int) -> list[int]:
            return [int(token) for token in self._rng.integers(0, vocab_size, num)]

        lengths = self._rng.integers(90, 200, 60)
        parts = [
            Continuation(ids=tokens(int(length)), is_assistant=[True] * int(length))
            for length in lengths
        ]
        return pack_row(tokens(900), parts, num_positions=num_positions)[0]

    def next(self) -> Batch:
        """The same batch each time, so that its loss must fall."""
        return make_batch(self.rows, pin=True)


def main() -> None:
    """Runs the checks and prints their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--batch-rows", type=int, default=16)
    parser.add_argument("--positions", type=int, default=4096)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    start = time.monotonic()

    def lap(what: str) -> None:
        _LOG.info("[%.1f s] %s", time.monotonic() - start, what)

    recipe = Recipe(batch_rows=options.batch_rows, num_positions=options.positions)
    trainer = Trainer(Shape(), recipe, torch.device("cuda"), seed=_SEED)
    source = RandomSource(recipe, trainer.network.shape.vocab_size)
    lap("network made")
    check_paths(trainer, source.next())
    lap("paths checked")
    trainer.warm_quantisation()
    lap("rounding compiled")
    run = Run(trainer=trainer, schedule=Schedule(steps=10_000), seed=_SEED)
    run.train(source, steps_max=6)
    lap("first steps")
    tokens = recipe.batch_rows * recipe.num_positions
    for permille in (100, 900):
        seconds = _timed_steps(trainer, source, 40, permille)
        lap(f"{permille}: {seconds * 1e3:.1f} ms a step, {tokens / seconds:.0f} tokens/s")
    _profile(trainer, source)
    lap("profiled")
    run.save(options.out / "state")
    lap("saved")
    again = Trainer(Shape(), recipe, torch.device("cuda"), seed=2)
    load_state(options.out / "state", again.network, again.optimiser)
    pairs = zip(trainer.network.parameters(), again.network.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)
    lap("reloaded equal")
    predict(trainer, [PackedRow(positions=row, dialogues=()) for row in source.rows])
    lap("predicted")
    num_bytes = sum(tensor.nbytes for tensor in export_tensors(trainer.network).values())
    lap(f"export {num_bytes} bytes")
    _LOG.info("memory %.1f GiB", torch.cuda.max_memory_allocated() / 2**30)


if __name__ == "__main__":
    main()
