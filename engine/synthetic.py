"""Synthetic networks in the exact shapes of gpt-oss: random weights, generated where they are used.

For benchmarks and memory tests; the text of such a network is noise, and whatever is measured on
one says so. Each tensor is drawn from a generator of its own, seeded by its name, so that two runs
on one kind of device have the same weights. Routing is close to uniform.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch

from engine.config import RMS_NORM_EPS, ModelConfig
from engine.tensor_names import canonical_tensors
from kernels.reference.rope import Yarn

# Dimensions: E experts, N rows, S scales of a row.

PREFIX = "synthetic:"
# Codes have a root mean square near 3: with 2**-7 a row of 2880 has a norm between 1 and 2.
SCALE_MIDDLE = 120
_HIDDEN = 2880


def gpt_oss_config(num_layers: int, num_experts: int) -> ModelConfig:
    """Return the network of a gpt-oss model; the two differ in layers and experts alone."""
    return ModelConfig(
        num_layers=num_layers,
        hidden_size=_HIDDEN,
        intermediate_size=_HIDDEN,
        num_experts=num_experts,
        experts_per_token=4,
        num_heads=64,
        num_kv_heads=8,
        head_dim=64,
        vocab_size=201088,
        sliding_window=128,
        layer_is_sliding=tuple(layer % 2 == 0 for layer in range(num_layers)),
        yarn=Yarn(),
        swiglu_limit=7.0,
        rms_norm_eps=RMS_NORM_EPS,
        context_length=131072,
    )


SYNTHETIC_CONFIGS = {
    "synthetic:20b": gpt_oss_config(24, 32),
    "synthetic:120b": gpt_oss_config(36, 128),
}


@dataclass(frozen=True, slots=True)
class SyntheticWeights:
    """A source of random tensors for a network of any shape.

    Attributes:
        config: The network.
        seed: Another seed gives another network.
    """

    config: ModelConfig
    seed: int = 0

    @property
    def weights_digest(self) -> str:
        """SHA-256 that stands for the weights: of what they are drawn from, not of their bytes."""
        text = f"finsvc-synthetic-v1\n{self.seed}\n{self.config.to_json()}"
        return hashlib.sha256(text.encode()).hexdigest()

    def tensor(self, name: str, device: str = "cpu") -> torch.Tensor:
        """Return a bfloat16 tensor by its OpenAI name."""
        shape = canonical_tensors(self.config)[name].shape
        normal = torch.randn(
            shape, generator=self._generator(name, device), dtype=torch.bfloat16, device=device
        )
        return normal.mul_(_deviation(name, shape)).add_(1.0 if "norm" in name else 0.0)

    def mxfp4(
        self, name: str, device: str = "cpu", experts: slice | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return blocks [E, N, S, 16] and scales [E, N, S] of some experts."""
        num_experts, rows, scales, width = canonical_tensors(self.config)[f"{name}.blocks"].shape
        chosen = range(num_experts)[experts or slice(None)]
        blocks_ENSB = torch.empty(
            len(chosen), rows, scales, width, dtype=torch.uint8, device=device
        )
        scales_ENS = torch.empty(len(chosen), rows, scales, dtype=torch.uint8, device=device)
        for place, expert in enumerate(chosen):
            generator = self._generator(f"{name}.{expert}", device)
            blocks_ENSB[place].random_(0, 256, generator=generator)
            scales_ENS[place].random_(SCALE_MIDDLE - 1, SCALE_MIDDLE + 2, generator=generator)
        return blocks_ENSB, scales_ENS

    def _generator(self, name: str, device: str) -> torch.Generator:
        digest = hashlib.sha256(f"{self.seed} {name}".encode()).digest()
        generator = torch.Generator(device=device)
        generator.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        return generator


def _deviation(name: str, shape: tuple[int, ...]) -> float:
    if "norm" in name:
        return 0.1
    if name == "embedding.weight":
        return 1.0
    if name.endswith("weight"):
        return float(shape[-1] ** -0.5)
    return 0.1
