"""A tiny network, a run of it on real rows, and rows that fit short positions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.training.batches import Batch, make_batch
from engine.training.config import Shape
from engine.training.model import Network
from engine.training.packing import Continuation, pack_row
from engine.training.run import Run
from engine.training.schedule import LearningRate, Schedule
from engine.training.trainer import Recipe, Trainer

EMBEDDED = Path("engine/embedded")
TINY = Shape(
    hidden_size=64,
    intermediate_size=32,
    num_layers=2,
    num_experts=4,
    experts_per_token=2,
    num_heads=2,
    num_kv_heads=1,
    head_dim=16,
    sliding_window=32,
)
# Holds any prefix and a dialogue or more.
NUM_POSITIONS = 1664
SHORT_POSITIONS = 192
RECIPE = Recipe(batch_rows=2, num_positions=SHORT_POSITIONS, rate=LearningRate(warmup_steps=2))


@dataclass(slots=True)
class ShortRows:
    """Batches of short rows of random tokens, a function of the step, as a run's stream is."""

    step: int = 0
    is_repeated: bool = False

    def next(self) -> Batch:
        """The batch of the next step, or the first one again."""
        rng = np.random.default_rng(0 if self.is_repeated else self.step)
        self.step += 1

        def part(num: int) -> Continuation:
            ids = [int(token) for token in rng.integers(0, TINY.vocab_size, num)]
            return Continuation(ids=ids, is_assistant=[idx > num // 2 for idx in range(num)])

        rows = [
            pack_row(part(40).ids, [part(50), part(60)], num_positions=SHORT_POSITIONS)[0]
            for _ in range(RECIPE.batch_rows)
        ]
        return make_batch(np.stack(rows))


def tiny_run(*, seed: int = 5, steps: int = 4) -> Run:
    """A run of the tiny network on the CPU."""
    trainer = Trainer(TINY, RECIPE, torch.device("cpu"), seed=seed)
    return Run(trainer=trainer, schedule=Schedule(steps=steps), seed=seed)


def random_network(*, seed: int = 6) -> Network:
    """A tiny network none of whose features is zero."""
    network = Network(TINY, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = 0.2 if name.endswith(("bias", "sinks")) else 0.15
            parameter.normal_(0.0, scale, generator=generator)
            if name.endswith("norm.weight"):
                parameter.add_(1.0)
    return network
