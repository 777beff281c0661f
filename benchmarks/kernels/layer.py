"""Times of each operation of a layer, by number of tokens, from CUDA graphs.

    python -m benchmarks.kernels.layer [--experts 32] [--tokens 1,2,4,…,8192]

Each timing goes through eight layers' weights, so that the second-level cache helps nobody. The
experts' row is the whole expert layer: norm, router, grouping, both products, the weighted sum. The
dense rows have cuBLAS beside them, which the engine does not use because its bits depend on the
number of rows: what it would save, weighed with a step's time, is the cost of the contract. cuBLAS
makes the bare product here; ours adds bias, rotation and writing to pages, or the residual.
"""

import argparse
from collections.abc import Callable

import torch

from benchmarks.engine.floor import distinct_experts, expert_bytes
from benchmarks.engine.gpu import Card, capture, keep, measure_card, show, time_events
from engine.gpu.model import build_runner
from engine.gpu.network import Network
from engine.gpu.options import GpuOptions
from engine.synthetic import SyntheticWeights, gpt_oss_config
from kernels.dense import KvTarget, out_project, qkv_project

LAYERS = 8
TOKENS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
REPEATS = 10
PEER = "triton_kernels as vLLM 0.24.0 calls it, one H100 80GB (copy 3.03 TB/s)"
# Microseconds of one expert layer, by experts and tokens.
PEER_EXPERTS = {
    32: (
        58.9, 74.9, 117.5, 137.3, 191.4, 196.3, 199.4, 256.1, 321.7, 413.5, 639.1, 1036.9, 1783.3,
        3288.6,
    ),
    128: (
        59.4, 75.7, 121.8, 195.1, 301.8, 466.7, 590.5, 699.4, 719.8, 971.2, 1224.4, 1625.1, 2409.4,
        3912.7,
    ),
}  # fmt: skip


class Bench:
    """A network of eight layers and what it is timed with."""

    def __init__(self, num_experts: int, card: Card) -> None:
        self.card = card
        self.config = gpt_oss_config(LAYERS, num_experts)
        options = GpuOptions(num_pages=256)
        runner = build_runner(SyntheticWeights(self.config), options, torch.device("cuda"))
        self.network: Network = runner.launcher.network
        self.layers = self.network.weights.layers

    def seconds(self, work: Callable[[], None]) -> float:
        """Return the median seconds of one layer of work that goes through all."""
        return time_events(capture(work), REPEATS, per_round=LAYERS).p50

    def experts(self, num_tokens: int) -> dict[str, object]:
        """Time the expert layer."""
        network, rows = self.network, self.network.buffers.rows(num_tokens)
        rows.residual.normal_()
        count = torch.tensor([num_tokens], dtype=torch.int32, device="cuda")

        def work() -> None:
            for layer in self.layers:
                network.mix_experts(layer, layer.attn_norm, rows, count)

        config = self.config
        floor = distinct_experts(config, num_tokens) * expert_bytes(config)
        flops = 6 * num_tokens * config.experts_per_token * config.hidden_size**2
        peer_us = PEER_EXPERTS[config.num_experts]
        peer = peer_us[TOKENS.index(num_tokens)] if num_tokens in TOKENS else None
        return self._row("experts", num_tokens, self.seconds(work), floor, flops) | {
            "experts": config.num_experts,
            "peer_us": peer,
            "peer": PEER,
        }

    def projection(self, num_tokens: int) -> dict[str, object]:
        """Time the query, key and value projection."""
        network, rows = self.network, self.network.buffers.rows(num_tokens)
        rows.normed.normal_()
        positions = torch.arange(num_tokens, dtype=torch.int32, device="cuda")
        memory = network.memory

        def work() -> None:
            for index, layer in enumerate(self.layers):
                target = KvTarget(
                    k_pages_NGBW=memory.k[index], v_pages_NGBW=memory.v[index], slots_T=positions
                )
                qkv_project(
                    rows.normed,
                    layer.qkv,
                    network.weights.rope,
                    positions,
                    target,
                    out_q_THW=rows.q,
                )

        width = self.config.hidden_size
        size = (self.config.qkv_size, width)
        return self._dense_row("qkv", num_tokens, self.seconds(work), size)

    def output(self, num_tokens: int) -> dict[str, object]:
        """Time the output projection."""
        rows = self.network.buffers.rows(num_tokens)
        rows.attn.normal_()

        def work() -> None:
            for layer in self.layers:
                out_project(rows.attn, layer.out_weight, layer.out_bias, rows.residual)

        heads = self.config.num_heads * self.config.head_dim
        size = (self.config.hidden_size, heads)
        return self._dense_row("out", num_tokens, self.seconds(work), size)

    def head(self, num_tokens: int) -> dict[str, object]:
        """Time the projection onto the vocabulary with its candidates."""
        rows = self.network.buffers.rows(num_tokens)
        rows.normed.normal_()
        spread = time_events(capture(lambda: self.network.logits(rows.normed)), REPEATS)
        size = (self.config.vocab_size, self.config.hidden_size)
        return self._dense_row("head", num_tokens, spread.p50, size)

    def _dense_row(
        self, name: str, num_tokens: int, seconds: float, size: tuple[int, int]
    ) -> dict[str, object]:
        out_width, in_width = size
        copies = 1 if name == "head" else LAYERS
        weights = [torch.randn(size, dtype=torch.bfloat16, device="cuda") for _ in range(copies)]
        x = torch.randn(num_tokens, in_width, dtype=torch.bfloat16, device="cuda")
        out = torch.empty(num_tokens, out_width, dtype=torch.bfloat16, device="cuda")

        def work() -> None:
            for weight in weights:
                torch.mm(x, weight.T, out=out)

        cublas = time_events(capture(work), REPEATS, per_round=copies).p50
        moved = 2 * (out_width * in_width + num_tokens * (in_width + out_width))
        flops = 2 * num_tokens * out_width * in_width
        return self._row(name, num_tokens, seconds, moved, flops) | {"cublas_us": 1e6 * cublas}

    def _row(
        self, name: str, num_tokens: int, seconds: float, moved: float, flops: float
    ) -> dict[str, object]:
        return {
            "benchmark": "kernel",
            "operation": name,
            "tokens": num_tokens,
            "us": 1e6 * seconds,
            "copy_share": moved / self.card.copy_rate / seconds,
            "tflop_s": flops / seconds / 1e12,
            "matrix_share": flops / seconds / self.card.matrix_rate,
        }


def main() -> int:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--experts", type=int, default=32, choices=sorted(PEER_EXPERTS))
    parser.add_argument("--tokens", default=",".join(map(str, TOKENS)))
    parser.add_argument("--operations", default="experts,qkv,out,head")
    given = parser.parse_args()
    tokens = [int(count) for count in given.tokens.split(",")]
    with torch.inference_mode():
        run(Bench(given.experts, measure_card()), given.operations.split(","), tokens)
    return 0


def run(bench: Bench, operations: list[str], tokens: list[int]) -> None:
    """Measure operations, print a table of each and keep the rows."""
    columns = ("tokens", "us", "copy_share", "tflop_s", "matrix_share")
    for name in operations:
        if name == "experts":
            rows = [bench.experts(count) for count in tokens]
            extra = "peer_us"
        else:
            measure = {"qkv": bench.projection, "out": bench.output, "head": bench.head}[name]
            counts = [count for count in tokens if name != "head" or count <= 256]
            rows = [measure(count) for count in counts]
            extra = "cublas_us"
        title = f"{name}, {bench.config.num_experts} experts, on {bench.card.name}"
        show(title, rows, (*columns, extra))
        keep(rows, bench.card)


if __name__ == "__main__":
    raise SystemExit(main())
