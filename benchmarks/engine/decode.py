"""Decode and prefill rates of a model through the engine's loop of requests.

    python -m benchmarks.engine.decode --model synthetic:20b [--batches 1,8,64] [--layers N]

Every batch is as many requests of 1,024 random tokens; steps are timed on the host from the moment
that all of them decode, so scheduling, sampling and reports are in. Prompt rates are of one prompt,
first token included. Prints the peer's figure beside each, with its backend.
"""

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from benchmarks.engine.floor import step_bytes
from benchmarks.engine.gpu import Card, Spread, keep, measure_card, show
from engine.config import ModelConfig
from engine.core import EngineCore
from engine.gpu.model import GpuModel, build_runner, load_gpu_model, prepare
from engine.gpu.options import GpuOptions, bucket_of
from engine.job import JobEvent, Terms
from engine.scheduler import SchedulerLimits
from engine.synthetic import SYNTHETIC_CONFIGS, SyntheticWeights
from engine.types import GenerationRequest

PROMPT_TOKENS = 1024
BATCHES = (1, 8, 32, 64, 128, 256)
PROMPTS = (2048, 8192, 32768)
STEPS = 96
WARM_STEPS = 4
PEER = "vLLM 0.24.0, Triton MoE, FlashAttention 3, one H100 80GB (copy 3.03 TB/s)"
# Tokens per second, by model and batch or prompt, and the share of that card's floor.
PEER_DECODE = {
    ("synthetic:20b", 1): (306.6, 0.38),
    ("synthetic:20b", 8): (1450.0, 0.56),
    ("synthetic:20b", 32): (4457.0, 0.62),
    ("synthetic:20b", 64): (7829.0, 0.59),
    ("synthetic:20b", 128): (12068.0, 0.52),
    ("synthetic:20b", 256): (16812.0, 0.45),
}
PEER_PREFILL = {
    ("synthetic:20b", 2048): 29500.0,
    ("synthetic:20b", 8192): 66500.0,
    ("synthetic:20b", 32768): 52100.0,
}


def load(name: str, layers: int | None, num_pages: int) -> GpuModel:
    """Load a model, cut to some layers if asked."""
    options = GpuOptions(num_pages=num_pages)
    if layers is None:
        return load_gpu_model(name, options=options)
    config = SYNTHETIC_CONFIGS[name]
    cut = replace(config, num_layers=layers, layer_is_sliding=config.layer_is_sliding[:layers])
    runner = build_runner(SyntheticWeights(cut), options, torch.device("cuda"))
    return GpuModel(name=f"{name}, {layers} layers", config=cut, runner=runner, is_synthetic=True)


class Requests:
    """Requests in a loop of their own, and how many tokens each has."""

    def __init__(self, model: GpuModel, seed: int) -> None:
        chunk = model.launcher.options.chunk_tokens
        self.core = EngineCore(model.runner, SchedulerLimits(chunk_tokens=chunk, waiting_max=512))
        self._numbers = random.Random(seed)  # noqa: S311  # test data
        self._vocab_size = model.config.vocab_size
        self.counts: list[int] = []

    def submit(self, prompt_tokens: int, new_tokens: int) -> None:
        """Add a request with a random prompt that shares nothing with others."""
        place = len(self.counts)
        self.counts.append(0)

        def count(_: JobEvent) -> None:
            self.counts[place] += 1

        prompt = tuple(self._numbers.choices(range(self._vocab_size), k=prompt_tokens))
        request = GenerationRequest(
            prompt_ids=prompt, max_new_tokens=new_tokens, stop_ids=frozenset()
        )
        self.core.submit(request, count, terms=Terms(tenant=str(place)))

    def run_until_all_decode(self) -> float:
        """Run until every request has a token; return the seconds."""
        start = time.perf_counter()
        while min(self.counts) == 0:
            self.core.step()
        return time.perf_counter() - start

    def drain(self) -> None:
        """Run to the end."""
        while self.core.has_work:
            self.core.step()


def time_decode(model: GpuModel, batch: int, *, prompt_tokens: int, steps: int) -> Spread:
    """Return the seconds of decode steps of a full batch."""
    requests = Requests(model, seed=batch)
    for _ in range(batch):
        # Those that begin first decode while others are still being read.
        requests.submit(prompt_tokens, steps + WARM_STEPS + 2 + batch // 4)
    requests.run_until_all_decode()
    for _ in range(WARM_STEPS):
        requests.core.step()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        requests.core.step()
        seconds.append(time.perf_counter() - start)
    requests.drain()
    return Spread.of(seconds)


def decode_row(
    model: GpuModel, card: Card, batch: int, *, prompt_tokens: int, steps: int
) -> dict[str, object]:
    """Measure one batch."""
    spread = time_decode(model, batch, prompt_tokens=prompt_tokens, steps=steps)
    context = prompt_tokens + steps // 2
    floor_s = step_bytes(model.config, batch, context) / card.copy_rate
    peer, peer_share = PEER_DECODE.get((model.name, batch), (None, None))
    if prompt_tokens != PROMPT_TOKENS:
        peer = peer_share = None
    return {
        "benchmark": "decode",
        "model": model.name,
        "synthetic": model.is_synthetic,
        "batch": batch,
        "context": context,
        "ms_p20": 1e3 * spread.p20,
        "ms_p50": 1e3 * spread.p50,
        "ms_p80": 1e3 * spread.p80,
        "tokens_per_s": batch / spread.p50,
        "floor_share": floor_s / spread.p50,
        "peer_tokens_per_s": peer,
        "peer_floor_share": peer_share,
        "peer": PEER,
    }


def prefill_row(model: GpuModel, prompt_tokens: int, repeats: int) -> dict[str, object]:
    """Measure prompts, one at a time, to the first token."""
    seconds = []
    for repeat in range(repeats + 1):
        requests = Requests(model, seed=repeat)
        requests.submit(prompt_tokens, 1)
        seconds.append(requests.run_until_all_decode())
    spread = Spread.of(seconds[1:])
    return {
        "benchmark": "prefill",
        "model": model.name,
        "synthetic": model.is_synthetic,
        "prompt_tokens": prompt_tokens,
        "ms_p20": 1e3 * spread.p20,
        "ms_p50": 1e3 * spread.p50,
        "ms_p80": 1e3 * spread.p80,
        "tokens_per_s": prompt_tokens / spread.p50,
        "peer_tokens_per_s": PEER_PREFILL.get((model.name, prompt_tokens)),
        "peer": PEER,
    }


def pages_needed(config: ModelConfig, batches: Sequence[int], longest: int) -> int:
    """Return the pages that the largest measurement fills, with some to spare."""
    tokens = max(max(batches) * (PROMPT_TOKENS + STEPS + 100), longest + 1024)
    return min(tokens, config.context_length * max(batches)) // 64 + 512


def main() -> int:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="synthetic:20b")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)))
    parser.add_argument("--prompts", default=",".join(map(str, PROMPTS)))
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    batches = [int(batch) for batch in given.batches.split(",") if batch]
    prompts = [int(count) for count in given.prompts.split(",") if count]
    card = measure_card()
    config = SYNTHETIC_CONFIGS.get(given.model)
    longest = max(prompts, default=0)
    pages = pages_needed(config, batches, longest) if config else 8192
    model = load(given.model, given.layers, pages)
    buckets = {bucket_of(batch, model.launcher.options.buckets) for batch in batches}
    prepare(model.runner, tuple(sorted(buckets | {1})))
    run(model, card, batches, prompts, given.steps)
    return 0


def run(
    model: GpuModel, card: Card, batches: Sequence[int], prompts: Sequence[int], steps: int
) -> None:
    """Measure batches and prompts, print both tables and keep the rows."""
    rows = [
        decode_row(model, card, batch, prompt_tokens=PROMPT_TOKENS, steps=steps)
        for batch in batches
    ]
    if prompts:
        rows.append(decode_row(model, card, 1, prompt_tokens=max(prompts), steps=steps))
    title = f"{model.name} on {card.name}, random weights" if model.is_synthetic else model.name
    columns = ("batch", "context", "ms_p20", "ms_p50", "ms_p80", "tokens_per_s", "floor_share")
    show(f"{title}: decode", rows, (*columns, "peer_tokens_per_s", "peer_floor_share"))
    prefills = [prefill_row(model, count, 3) for count in prompts]
    columns = ("prompt_tokens", "ms_p50", "tokens_per_s", "peer_tokens_per_s")
    show(f"{title}: prefill (peer: {PEER})", prefills, columns)
    keep([*rows, *prefills], card)


if __name__ == "__main__":
    raise SystemExit(main())
