"""Names, shapes and dtypes of the tensors of a checkpoint, in both layouts.

The engine speaks OpenAI's names; this table says which stored tensors make up each of them.
Source: openai/gpt-oss gpt_oss/torch/weights.py; transformers convert_gpt_oss_weights_to_hf.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.config import Layout, ModelConfig
from kernels.reference.mxfp4 import BLOCK_BYTES, BLOCK_VALUES

BF16 = "BF16"
U8 = "U8"

_BLOCK = re.compile(r"block\.(\d+)\.(.+)")
_QKV_HEADS = ("q_proj", "k_proj", "v_proj")

_HUGGING_FACE_TOP = {
    "embedding.weight": "model.embed_tokens.weight",
    "norm.scale": "model.norm.weight",
    "unembedding.weight": "lm_head.weight",
}
_HUGGING_FACE_BLOCK = {
    "attn.norm.scale": ("input_layernorm.weight",),
    "attn.qkv.weight": tuple(f"self_attn.{head}.weight" for head in _QKV_HEADS),
    "attn.qkv.bias": tuple(f"self_attn.{head}.bias" for head in _QKV_HEADS),
    "attn.sinks": ("self_attn.sinks",),
    "attn.out.weight": ("self_attn.o_proj.weight",),
    "attn.out.bias": ("self_attn.o_proj.bias",),
    "mlp.norm.scale": ("post_attention_layernorm.weight",),
    "mlp.gate.weight": ("mlp.router.weight",),
    "mlp.gate.bias": ("mlp.router.bias",),
    "mlp.mlp1_weight.blocks": ("mlp.experts.gate_up_proj_blocks",),
    "mlp.mlp1_weight.scales": ("mlp.experts.gate_up_proj_scales",),
    "mlp.mlp1_bias": ("mlp.experts.gate_up_proj_bias",),
    "mlp.mlp2_weight.blocks": ("mlp.experts.down_proj_blocks",),
    "mlp.mlp2_weight.scales": ("mlp.experts.down_proj_scales",),
    "mlp.mlp2_bias": ("mlp.experts.down_proj_bias",),
}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Dtype, as safetensors names it, and shape."""

    dtype: str
    shape: tuple[int, ...]

    def describe(self) -> str:
        """Return the form used in errors."""
        return f"{self.dtype} {list(self.shape)}"


def stored_names(name: str, layout: Layout) -> tuple[str, ...]:
    """Return the stored tensors that, joined along the first dimension, make up `name`."""
    if layout is Layout.OPENAI:
        return (name,)
    if name in _HUGGING_FACE_TOP:
        return (_HUGGING_FACE_TOP[name],)
    match = _BLOCK.fullmatch(name)
    assert match is not None, name
    return tuple(f"model.layers.{match[1]}.{part}" for part in _HUGGING_FACE_BLOCK[match[2]])


def expected_tensors(config: ModelConfig, layout: Layout) -> dict[str, TensorSpec]:
    """Return every tensor that a checkpoint of this network stores."""
    specs: dict[str, TensorSpec] = {}
    for name, spec in canonical_tensors(config).items():
        stored = stored_names(name, layout)
        sizes = [spec.shape[0]]
        if len(stored) > 1:
            heads = (config.num_heads, config.num_kv_heads, config.num_kv_heads)
            sizes = [count * config.head_dim for count in heads]
        for part, size in zip(stored, sizes, strict=True):
            specs[part] = TensorSpec(spec.dtype, (size, *spec.shape[1:]))
    return specs


def canonical_tensors(config: ModelConfig) -> dict[str, TensorSpec]:
    """Return every tensor of the network under OpenAI's names."""
    d, v = config.hidden_size, config.vocab_size
    specs = {"embedding.weight": TensorSpec(BF16, (v, d))}
    for layer in range(config.num_layers):
        for part, spec in _block_tensors(config).items():
            specs[f"block.{layer}.{part}"] = spec
    specs["norm.scale"] = TensorSpec(BF16, (d,))
    specs["unembedding.weight"] = TensorSpec(BF16, (v, d))
    return specs


def _block_tensors(config: ModelConfig) -> dict[str, TensorSpec]:
    d, f, e = config.hidden_size, config.intermediate_size, config.num_experts
    heads = config.num_heads * config.head_dim
    dense = {
        "attn.norm.scale": (d,),
        "attn.qkv.weight": (config.qkv_size, d),
        "attn.qkv.bias": (config.qkv_size,),
        "attn.sinks": (config.num_heads,),
        "attn.out.weight": (d, heads),
        "attn.out.bias": (d,),
        "mlp.norm.scale": (d,),
        "mlp.gate.weight": (e, d),
        "mlp.gate.bias": (e,),
        "mlp.mlp1_bias": (e, 2 * f),
        "mlp.mlp2_bias": (e, d),
    }
    packed = {"mlp.mlp1_weight": (e, 2 * f, d), "mlp.mlp2_weight": (e, d, f)}
    specs = {name: TensorSpec(BF16, shape) for name, shape in dense.items()}
    for name, (experts, rows, columns) in packed.items():
        scales = (experts, rows, columns // BLOCK_VALUES)
        specs[f"{name}.blocks"] = TensorSpec(U8, (*scales, BLOCK_BYTES))
        specs[f"{name}.scales"] = TensorSpec(U8, scales)
    return specs
