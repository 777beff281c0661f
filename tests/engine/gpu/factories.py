"""A network that the interpreter runs in seconds and that has every feature of the real one."""

from dataclasses import replace

from engine.config import ModelConfig
from engine.synthetic import gpt_oss_config

TINY: ModelConfig = replace(
    gpt_oss_config(num_layers=2, num_experts=8),
    hidden_size=64,
    intermediate_size=64,
    num_heads=8,
    num_kv_heads=1,
    vocab_size=256,
    context_length=1024,
)
