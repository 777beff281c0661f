"""Trained weights as a checkpoint folder in the Hugging Face layout of gpt-oss.

Expert weights become MXFP4 blocks and scales, everything else bfloat16, in shards small enough for
a repository. What is written decodes to exactly the values that the training form used in its last
forward pass (`quantise.py`, `model.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.training.config import Shape
from engine.training.model import Network
from engine.training.quantise import pack_mxfp4
from engine.training.tokens import BOS_TOKEN, PAD_TOKEN, STOP_TOKENS, Specials

SHARD_BYTES_MAX = 15 * 1024 * 1024
_EXPERT_WEIGHTS = ("experts.gate_up_proj", "experts.down_proj")


def export_tensors(network: Network) -> dict[str, torch.Tensor]:
    """The checkpoint's tensors by name, on the CPU."""
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in network.named_parameters():
        weight = parameter.detach().cpu()
        if name.endswith(_EXPERT_WEIGHTS):
            blocks, scales = pack_mxfp4(weight)
            tensors[f"{name}_blocks"], tensors[f"{name}_scales"] = blocks, scales
        else:
            tensors[name] = weight.to(torch.bfloat16)
    return {name: tensors[name].contiguous() for name in sorted(tensors)}


def write_checkpoint(
    folder: Path, tensors: Mapping[str, torch.Tensor], shape: Shape, specials: Specials
) -> None:
    """Writes config.json, shards and their index; the tokenizer is not written.

    Args:
        folder: Created if absent.
        tensors: As `export_tensors` returns them.
        shape: Of the network.
        specials: Ids of the special tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = shape.to_config(
        pad_id=specials[PAD_TOKEN],
        bos_id=specials[BOS_TOKEN],
        eos_ids=tuple(specials[name] for name in STOP_TOKENS),
    )
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    shards = _shards(tensors)
    placed: dict[str, str] = {}
    for idx, shard in enumerate(shards, start=1):
        file = f"model-{idx:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / file, metadata={"format": "pt"})
        # safetensors creates files that only their owner can read.
        (folder / file).chmod(0o644)
        placed.update(dict.fromkeys(shard, file))
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(placed.items()))}
    text = json.dumps(index, indent=2) + "\n"
    (folder / "model.safetensors.index.json").write_text(text, encoding="utf-8")


def _shards(tensors: Mapping[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    shards: list[dict[str, torch.Tensor]] = [{}]
    num_bytes = 0
    for name, tensor in tensors.items():
        if num_bytes + tensor.nbytes > SHARD_BYTES_MAX and shards[-1]:
            shards.append({})
            num_bytes = 0
        shards[-1][name] = tensor
        num_bytes += tensor.nbytes
    return shards
