"""Device memory of a model with 8k tokens of keys and values, and how many tokens fit a card.

python -m benchmarks.engine.memory --model synthetic:20b [--card-bytes 80000000000]
"""

import argparse

import torch

from benchmarks.engine.gpu import keep, measure_card, show
from engine.gpu.memory import page_bytes
from engine.gpu.model import load_gpu_model, prepare
from engine.gpu.options import PAGE_TOKENS, GpuOptions
from engine.gpu.weights import weight_bytes
from engine.synthetic import SYNTHETIC_CONFIGS

CONTEXT_TOKENS = 8192
# Of an H100 80GB's 85.5e9 bytes, what is left after the driver's own.
CARD_BYTES = 83_800_000_000


def main() -> int:
    """Load the model, capture every decode step, and say what it takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="synthetic:20b", choices=sorted(SYNTHETIC_CONFIGS))
    parser.add_argument("--card-bytes", type=int, default=CARD_BYTES)
    given = parser.parse_args()
    card = measure_card()
    torch.cuda.empty_cache()
    before = torch.cuda.mem_get_info()[0]
    options = GpuOptions(num_pages=CONTEXT_TOKENS // PAGE_TOKENS)
    model = load_gpu_model(given.model, options=options)
    torch.cuda.empty_cache()
    prepare(model.runner)
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info()
    config = model.config
    sliding = options.sliding_share * page_bytes(config, sliding=True)
    per_page = page_bytes(config, sliding=False) + sliding
    used = total - free
    kept = options.num_pages or 0
    rest = given.card_bytes - used + kept * page_bytes(config, sliding=False)
    row = {
        "benchmark": "memory",
        "model": given.model,
        "synthetic": True,
        "weights_gb": weight_bytes(config) / 1e9,
        "engine_gb": (before - free) / 1e9,
        "used_gb": used / 1e9,
        "kv_tokens": CONTEXT_TOKENS,
        "tokens_that_fit": int(rest / per_page) * PAGE_TOKENS,
        "card_bytes": given.card_bytes,
    }
    columns = ("weights_gb", "engine_gb", "used_gb", "kv_tokens", "tokens_that_fit")
    show(f"{given.model} on {card.name}", [row], columns)
    keep([row], card)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
