"""One optimiser step of the embedded model.

Owns the recipe, the optimiser and the order of a step; the run around it is `train.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.optim import AdamW

from engine.training.attention import AttentionMask, PackedMasks
from engine.training.batches import Batch
from engine.training.config import Shape
from engine.training.model import Network
from engine.training.schedule import LearningRate

BALANCE_COEFFICIENT = 0.01
WEIGHT_DECAY = 0.05
GRADIENT_NORM_MAX = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a run is made of, apart from its data.

    Attributes:
        rate: Learning rate.
        quantise_from: Progress in thousandths from which expert weights are rounded to MXFP4.
        batch_rows: Rows a step.
        num_positions: Length of a row.
    """

    rate: LearningRate = field(default_factory=LearningRate)
    quantise_from: int = 850
    batch_rows: int = 16
    num_positions: int = 4096


def make_optimiser(network: nn.Module, *, fused: bool) -> AdamW:
    """AdamW with weight decay on matrices only (not on biases, norms and sinks)."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        is_matrix = parameter.ndim >= 2 and not name.endswith("bias")
        (matrices if is_matrix else others).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=0.0, betas=(0.9, 0.95), fused=fused)


class Trainer:
    """A network, its optimiser and the masks of the current batch."""

    def __init__(self, shape: Shape, recipe: Recipe, device: torch.device, *, seed: int) -> None:
        self.device = device
        self.recipe = recipe
        self.is_fused = device.type == "cuda"
        dtype = torch.bfloat16 if self.is_fused else torch.float32
        self.network = Network(shape, dtype=dtype)
        self.network.initialise(torch.Generator().manual_seed(seed))
        self.network.to(device)
        self.masks = PackedMasks(
            recipe.batch_rows, recipe.num_positions, window=shape.sliding_window, device=device
        )
        self.optimiser = make_optimiser(self.network, fused=self.is_fused)
        if self.is_fused:
            self.network.compile_parts()
            self.masks.compile_parts()
        self.is_quantised = False

    def hidden(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Residual stream and balance term of a batch that is on the device."""
        self.masks.update(batch.segments, batch.positions)
        masks: tuple[AttentionMask, AttentionMask] = (
            self.masks.blocks() if self.is_fused else self.masks.dense()
        )
        return self.network.hidden(batch.tokens, batch.positions, masks)

    def warm_quantisation(self) -> None:
        """Compiles the rounding before its time, so that its compilation is set-up time."""
        self.network.quantise()
        self.network.unquantise()

    def step(self, batch: Batch, *, step: int, permille: int) -> tuple[torch.Tensor, ...]:
        """One optimiser step.

        Returns:
            Loss, balance term and gradient norm, on the device: reading them waits for it.
        """
        rate = self.recipe.rate.at(step, permille)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        if permille >= self.recipe.quantise_from:
            self.network.quantise()
            self.is_quantised = True
        batch = batch.to(self.device)
        x_BSD, balance = self.hidden(batch)
        loss = self.network.loss(x_BSD, batch.targets, batch.weights)
        (loss + BALANCE_COEFFICIENT * balance).backward()  # type: ignore[no-untyped-call]  # torch
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM_MAX)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss.detach(), balance.detach(), norm
