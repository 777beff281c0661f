"""The shape of the embedded model and how it is written to `config.json`.

The shape is that of gpt-oss scaled down: every mechanism is kept (sinks, alternating sliding
window, YaRN, biases, clamped interleaved SwiGLU, softmax over the chosen experts), only sizes
differ. Hidden and expert width are multiples of 32, so that MXFP4 blocks need no padding.
"""

from __future__ import annotations

from dataclasses import dataclass

# Layers whose index is even see only the last `sliding_window` positions, as in gpt-oss.
SLIDING = "sliding_attention"
FULL = "full_attention"

# The rotary position encoding of gpt-oss; YaRN is always on, also for short contexts.
ROPE_THETA = 150000.0
ROPE_FACTOR = 32.0
ROPE_INITIAL_CONTEXT = 4096
ROPE_BETA_FAST = 32.0
ROPE_BETA_SLOW = 1.0
SWIGLU_ALPHA = 1.702
SWIGLU_LIMIT = 7.0
RMS_EPS = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of the network; the defaults are those of the embedded model."""

    vocab_size: int = 4096
    hidden_size: int = 320
    intermediate_size: int = 320
    num_layers: int = 8
    num_experts: int = 16
    experts_per_token: int = 4
    num_heads: int = 8
    num_kv_heads: int = 1
    head_dim: int = 64
    sliding_window: int = 128

    def layer_types(self) -> tuple[str, ...]:
        """The attention kind of each layer, in order."""
        return tuple(SLIDING if idx % 2 == 0 else FULL for idx in range(self.num_layers))

    def to_config(self, *, pad_id: int, eos_ids: tuple[int, ...], bos_id: int) -> dict[str, object]:
        """The `config.json` of the checkpoint, with the keys that transformers' GptOss uses."""
        return {
            "architectures": ["GptOssForCausalLM"],
            "model_type": "gpt_oss",
            "attention_bias": True,
            "attention_dropout": 0.0,
            "bos_token_id": bos_id,
            "dtype": "bfloat16",
            "eos_token_id": list(eos_ids),
            "experts_per_token": self.experts_per_token,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "initial_context_length": ROPE_INITIAL_CONTEXT,
            "initializer_range": 0.02,
            "intermediate_size": self.intermediate_size,
            "layer_types": list(self.layer_types()),
            "max_position_embeddings": int(ROPE_INITIAL_CONTEXT * ROPE_FACTOR),
            "num_attention_heads": self.num_heads,
            "num_experts_per_tok": self.experts_per_token,
            "num_hidden_layers": self.num_layers,
            "num_key_value_heads": self.num_kv_heads,
            "num_local_experts": self.num_experts,
            "output_router_logits": False,
            "pad_token_id": pad_id,
            "quantization_config": {
                "quant_method": "mxfp4",
                "modules_to_not_convert": [
                    "model.layers.*.self_attn",
                    "model.layers.*.mlp.router",
                    "model.embed_tokens",
                    "lm_head",
                ],
            },
            "rms_norm_eps": RMS_EPS,
            "rope_scaling": {
                "beta_fast": ROPE_BETA_FAST,
                "beta_slow": ROPE_BETA_SLOW,
                "factor": ROPE_FACTOR,
                "original_max_position_embeddings": ROPE_INITIAL_CONTEXT,
                "rope_type": "yarn",
                "truncate": False,
            },
            "rope_theta": ROPE_THETA,
            "router_aux_loss_coef": 0.01,
            "sliding_window": self.sliding_window,
            "swiglu_limit": SWIGLU_LIMIT,
            "tie_word_embeddings": False,
            "use_cache": True,
            "vocab_size": self.vocab_size,
        }
