"""The floor under a step: bytes that must move, over the measured copy bandwidth.

Keys and values included: those of full layers for the whole context, those of sliding layers for
the window. Distinct experts are those that uniform routing takes on average; synthetic weights
route nearly so. Source: reference figures of the gpt-oss architecture, checked against a loaded
model's bytes in `benchmarks.engine.memory`.
"""

from engine.config import ModelConfig
from kernels.reference.mxfp4 import BLOCK_BYTES, BLOCK_VALUES

BF16_BYTES = 2


def expert_bytes(config: ModelConfig) -> int:
    """Return the bytes of one expert: both products with scales, biases in bfloat16."""
    d, f = config.hidden_size, config.intermediate_size
    values = 3 * d * f
    packed = values // BLOCK_VALUES * (BLOCK_BYTES + 1)
    return packed + BF16_BYTES * (2 * f + d)


def dense_bytes(config: ModelConfig) -> int:
    """Return the bytes of a layer without its experts."""
    d, heads = config.hidden_size, config.num_heads * config.head_dim
    attention = config.qkv_size * (d + 1) + d * (heads + 1) + config.num_heads + d
    router = config.num_experts * (d + 1) + d
    return BF16_BYTES * (attention + router)


def distinct_experts(config: ModelConfig, num_tokens: int) -> float:
    """Return the experts that uniform routing of some tokens takes on average."""
    share = config.experts_per_token / config.num_experts
    return config.num_experts * (1 - (1 - share) ** num_tokens)


def kv_bytes(config: ModelConfig, context: int) -> int:
    """Return the bytes of keys and values that one token's attention reads."""
    per_token = 2 * BF16_BYTES * config.num_kv_heads * config.head_dim
    seen = [
        min(context, config.sliding_window) if is_sliding else context
        for is_sliding in config.layer_is_sliding
    ]
    return per_token * sum(seen)


def step_bytes(config: ModelConfig, batch: int, context: int) -> float:
    """Return the bytes of one decode step of `batch` sequences at `context` tokens each."""
    layer = dense_bytes(config) + distinct_experts(config, batch) * expert_bytes(config)
    head = BF16_BYTES * (config.vocab_size * config.hidden_size + config.hidden_size)
    return config.num_layers * layer + head + batch * kv_bytes(config, context)
