"""What batch invariance costs: the engine against itself with cuBLAS for all dense products.

    python -m benchmarks.engine.contract --model synthetic:20b

cuBLAS picks tiles and splits by the number of rows, so its bits depend on the batch. The variant
makes the bare products: no bias, no rotation, nothing written to pages, so that its times are a
lower bound and the cost shown is an upper one. Its tokens mean nothing. The experts stay: split
inner dimensions are not shared with others here, so this bounds the dense part alone.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from unittest.mock import patch

import torch

import engine.gpu.network as network_module
from benchmarks.engine.decode import (
    PROMPT_TOKENS,
    load,
    pages_needed,
    prefill_row,
    time_decode,
)
from benchmarks.engine.gpu import keep, measure_card, show
from engine.gpu.launcher import Launcher
from engine.gpu.memory import PageCounts
from engine.gpu.model import GpuModel, prepare
from engine.gpu.options import bucket_of
from engine.gpu.runner import GpuPagedRunner
from engine.synthetic import SYNTHETIC_CONFIGS

BATCHES = (1, 64, 256)
PREFILL = 8192
STEPS = 64
ROUNDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseProducts:
    """Stand-ins for the dense operations.

    Attributes:
        weights: Of each layer's two products, by the identity of the packed ones.
        unembedding: Of the vocabulary.
        logits: Where its product goes; the engine's logits stay those of an earlier step.
    """

    weights: dict[int, torch.Tensor]
    unembedding: torch.Tensor
    logits: torch.Tensor

    def qkv_project(
        self, normed_TD: torch.Tensor, weights: object, *_: object, out_q_THW: torch.Tensor
    ) -> None:
        """Multiply; the part that is not queries is thrown away."""
        weight = self.weights[id(weights)]
        whole = normed_TD @ weight.T
        out_q_THW.view(normed_TD.shape[0], -1).copy_(whole[:, : out_q_THW[0].numel()])

    def out_project(
        self, attn_TO: torch.Tensor, weight: torch.Tensor, _bias: object, residual_TD: torch.Tensor
    ) -> None:
        """Multiply and add to the residual."""
        torch.addmm(residual_TD, attn_TO, self.weights[id(weight)].T, out=residual_TD)

    def lm_head(
        self, normed_TD: torch.Tensor, _: object, *, out: object, rows_S: torch.Tensor | None = None
    ) -> None:
        """Multiply the rows chosen."""
        rows_SD = normed_TD if rows_S is None else normed_TD.index_select(0, rows_S)
        torch.mm(rows_SD, self.unembedding.T, out=self.logits[: rows_SD.shape[0]])


def dense_products(model: GpuModel) -> DenseProducts:
    """Return products with random weights of the model's shapes, one matrix for each layer."""
    config = model.config

    def matrix(rows: int, columns: int) -> torch.Tensor:
        return torch.randn(rows, columns, dtype=torch.bfloat16, device="cuda") * 0.01

    weights: dict[int, torch.Tensor] = {}
    for layer in model.launcher.network.weights.layers:
        weights[id(layer.qkv)] = matrix(config.qkv_size, config.hidden_size)
        weights[id(layer.out_weight)] = matrix(
            config.hidden_size, config.num_heads * config.head_dim
        )
    unembedding_VD = model.launcher.network.weights.unembedding
    rows = max(BATCHES)
    return DenseProducts(
        weights=weights,
        unembedding=unembedding_VD,
        logits=torch.empty(rows, unembedding_VD.shape[0], dtype=torch.bfloat16, device="cuda"),
    )


def with_runner(model: GpuModel) -> GpuModel:
    """Return the model with a runner of its own, whose graphs are still to be captured."""
    old = model.launcher
    counts = PageCounts(full=old.num_pages, sliding=old.planner.sliding.num_pages)
    launcher = Launcher(old.network, old.options, counts, old.device)
    return GpuModel(
        name=model.name,
        config=model.config,
        runner=GpuPagedRunner(launcher),
        is_synthetic=model.is_synthetic,
    )


def measure(model: GpuModel) -> dict[str, float]:
    """Return seconds of a decode step of each batch and of a prompt."""
    prepare(
        model.runner, tuple(bucket_of(batch, model.launcher.options.buckets) for batch in BATCHES)
    )
    seconds = {
        f"decode {batch}": time_decode(model, batch, prompt_tokens=PROMPT_TOKENS, steps=STEPS).p50
        for batch in BATCHES
    }
    row = prefill_row(model, PREFILL, 3)
    seconds[f"prefill {PREFILL}"] = float(str(row["ms_p50"])) / 1e3
    return seconds


def main() -> int:
    """Measure both in turns and print the cost of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="synthetic:20b", choices=sorted(SYNTHETIC_CONFIGS))
    parser.add_argument("--layers", type=int)
    given = parser.parse_args()
    card = measure_card()
    pages = pages_needed(SYNTHETIC_CONFIGS[given.model], BATCHES, PREFILL)
    model = load(given.model, given.layers, pages)
    variant = with_runner(model)
    products = dense_products(model)
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        ours.append(measure(model))
        with (
            patch.object(network_module, "qkv_project", products.qkv_project),
            patch.object(network_module, "out_project", products.out_project),
            patch.object(network_module, "lm_head", products.lm_head),
        ):
            theirs.append(measure(variant))
    rows: list[dict[str, object]] = []
    for name in ours[0]:
        mine = sorted(found[name] for found in ours)[ROUNDS // 2]
        other = sorted(found[name] for found in theirs)[ROUNDS // 2]
        rows.append(
            {
                "benchmark": "contract",
                "model": model.name,
                "synthetic": model.is_synthetic,
                "case": name,
                "ms": 1e3 * mine,
                "variant_ms": 1e3 * other,
                "cost": mine / other - 1,
                "variant": "cuBLAS, bare dense products",
            }
        )
    show(f"{model.name} on {card.name}", rows, ("case", "ms", "variant_ms", "cost"))
    keep(rows, card)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
