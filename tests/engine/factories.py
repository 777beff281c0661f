"""Random checkpoints in both layouts.

Biases, sinks, norms and router are random, and the expert weights are large enough that both clamps
of the SwiGLU fire; a network whose features are zero would leave them untested.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from engine.config import Layout, ModelConfig, read_config
from engine.tensor_names import canonical_tensors, stored_names

EMBEDDED_SHAPE = {
    "num_layers": 8,
    "hidden_size": 320,
    "intermediate_size": 320,
    "num_experts": 16,
    "experts_per_token": 4,
    "num_heads": 8,
    "num_kv_heads": 1,
    "head_dim": 64,
    "vocab_size": 4096,
    "sliding_window": 128,
    "context_length": 131072,
}
SMALL_SHAPE = {
    "num_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_experts": 8,
    "experts_per_token": 2,
    "num_heads": 4,
    "num_kv_heads": 2,
    "head_dim": 16,
    "vocab_size": 320,
    "sliding_window": 32,
    "context_length": 131072,
}


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Standard deviations of the random weights, and the middle of the expert scale bytes."""

    weight: float = 0.6
    bias: float = 0.5
    expert_scale: int = 124


SPECIAL_TOKENS = (
    "<|startoftext|>",
    "<|endoftext|>",
    "<|return|>",
    "<|constrain|>",
    "<|channel|>",
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|call|>",
)


DEFAULT_SCALES = Scales()


def write_tokenizer(folder: Path) -> None:
    """Write a byte-level tokenizer.json without merges: 256 bytes and harmony's special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    model = models.BPE({character: i for i, character in enumerate(alphabet)}, [])
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.encode_special_tokens = True
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL_TOKENS])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def config_json(shape: dict[str, int], layout: Layout) -> dict[str, object]:
    """Return the config.json of a network in a layout."""
    shared = {
        "num_hidden_layers": shape["num_layers"],
        "hidden_size": shape["hidden_size"],
        "intermediate_size": shape["intermediate_size"],
        "num_attention_heads": shape["num_heads"],
        "num_key_value_heads": shape["num_kv_heads"],
        "head_dim": shape["head_dim"],
        "vocab_size": shape["vocab_size"],
        "sliding_window": shape["sliding_window"],
        "swiglu_limit": 7.0,
    }
    if layout is Layout.OPENAI:
        return shared | {
            "num_experts": shape["num_experts"],
            "experts_per_token": shape["experts_per_token"],
            "initial_context_length": shape["context_length"] // 32,
            "rope_theta": 150000.0,
            "rope_scaling_factor": 32.0,
            "rope_ntk_alpha": 1.0,
            "rope_ntk_beta": 32.0,
        }
    return shared | {
        "architectures": ["GptOssForCausalLM"],
        "model_type": "gpt_oss",
        "num_local_experts": shape["num_experts"],
        "num_experts_per_tok": shape["experts_per_token"],
        "max_position_embeddings": shape["context_length"],
        "rms_norm_eps": 1e-5,
        "attention_bias": True,
        "tie_word_embeddings": False,
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 150000.0,
            "factor": 32.0,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "truncate": False,
            "original_max_position_embeddings": shape["context_length"] // 32,
        },
        "quantization_config": {
            "quant_method": "mxfp4",
            "modules_to_not_convert": [
                "model.layers.*.self_attn",
                "model.layers.*.mlp.router",
                "model.embed_tokens",
                "lm_head",
            ],
        },
    }


def random_tensors(
    config: ModelConfig, seed: int, scales: Scales = DEFAULT_SCALES
) -> dict[str, torch.Tensor]:
    """Return every tensor of a network under OpenAI's names."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, spec in canonical_tensors(config).items():
        if name.endswith(".blocks"):
            value = torch.randint(0, 256, spec.shape, generator=generator).to(torch.uint8)
        elif name.endswith(".scales"):
            offsets = torch.randint(-1, 2, spec.shape, generator=generator)
            value = (offsets + scales.expert_scale).to(torch.uint8)
        else:
            normal = torch.randn(spec.shape, generator=generator)
            value = _scaled(name, normal, scales).to(torch.bfloat16)
        tensors[name] = value
    return tensors


def _scaled(name: str, normal: torch.Tensor, scales: Scales) -> torch.Tensor:
    if "norm" in name:
        return 1 + 0.2 * normal
    if "embedding" in name and "un" not in name:
        return normal
    if name.endswith("weight"):
        return normal * scales.weight / normal.shape[-1] ** 0.5 * 2
    return normal * scales.bias


def write_checkpoint(
    folder: Path,
    tensors: dict[str, torch.Tensor],
    document: dict[str, object],
    *,
    layout: Layout,
    num_shards: int = 1,
) -> Path:
    """Write tensors, given under OpenAI's names, as a checkpoint folder of a layout."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(document))
    config, _ = read_config(folder)
    stored: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        names = stored_names(name, layout)
        parts = [tensor]
        if len(names) == 3:
            heads = (config.num_heads, config.num_kv_heads, config.num_kv_heads)
            parts = list(tensor.split([count * config.head_dim for count in heads]))
        for part_name, part in zip(names, parts, strict=True):
            stored[part_name] = part.contiguous()
    if num_shards == 1:
        save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
        return folder
    weight_map = {}
    for shard in range(num_shards):
        file_name = f"model-{shard + 1:05d}-of-{num_shards:05d}.safetensors"
        part = {name: stored[name] for name in sorted(stored)[shard::num_shards]}
        save_file(part, folder / file_name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file_name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def random_checkpoint(
    folder: Path,
    shape: dict[str, int],
    *,
    seed: int = 0,
    layout: Layout = Layout.HUGGING_FACE,
    num_shards: int = 1,
    scales: Scales = DEFAULT_SCALES,
) -> Path:
    """Write a random checkpoint; the same seed gives the same network in both layouts."""
    folder.mkdir(parents=True, exist_ok=True)
    document = config_json(shape, layout)
    (folder / "config.json").write_text(json.dumps(document))
    config, _ = read_config(folder)
    write_tokenizer(folder)
    tensors = random_tensors(config, seed, scales)
    return write_checkpoint(folder, tensors, document, layout=layout, num_shards=num_shards)
