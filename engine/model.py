"""Weights of the network in the form that the CPU runner multiplies with.

Owns the conversion from checkpoint tensors: float32, weights transposed to [in, out] so that the
tokens of a product lie along its rows, gate and up columns of the experts separated, and the
attention scale W**-0.5 folded into the query projection (exact where W is a power of four, as 64
and 16 are). Expert weights are decoded one expert at a time into their final place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.checkpoint import Checkpoint
from engine.config import ModelConfig
from kernels.reference.mxfp4 import decode_mxfp4

# Dimensions: D model width, Q rows of the fused projection, O = H·W, E experts, F expert width,
# V vocabulary, H query heads.


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWeights:
    """One layer; every tensor is float32 and contiguous."""

    attn_norm: torch.Tensor  # [D]
    qkv_weight: torch.Tensor  # [D, Q]
    qkv_bias: torch.Tensor  # [Q]
    sinks: torch.Tensor  # [H]
    out_weight: torch.Tensor  # [O, D]
    out_bias: torch.Tensor  # [D]
    mlp_norm: torch.Tensor  # [D]
    router_weight: torch.Tensor  # [D, E]
    router_bias: torch.Tensor  # [E]
    # Columns 0 to F - 1 are the gate, F to 2F - 1 are up.
    up_weight: torch.Tensor  # [E, D, 2F]
    up_bias: torch.Tensor  # [E, 2F]
    down_weight: torch.Tensor  # [E, F, D]
    down_bias: torch.Tensor  # [E, D]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWeights:
    """The whole network."""

    config: ModelConfig
    embedding: torch.Tensor  # [V, D]
    layers: tuple[LayerWeights, ...]
    norm: torch.Tensor  # [D]
    unembedding: torch.Tensor  # [D, V]


def load_weights(checkpoint: Checkpoint) -> ModelWeights:
    """Read and convert every tensor.

    Raises:
        CheckpointError: A tensor cannot be read or holds values that are refused.
    """
    config = checkpoint.config
    return ModelWeights(
        config=config,
        embedding=checkpoint.tensor("embedding.weight").float(),
        layers=tuple(_load_layer(checkpoint, f"block.{n}") for n in range(config.num_layers)),
        norm=checkpoint.tensor("norm.scale").float(),
        unembedding=_transposed(checkpoint.tensor("unembedding.weight")),
    )


def _load_layer(checkpoint: Checkpoint, block: str) -> LayerWeights:
    config = checkpoint.config
    qkv_weight_DQ = _transposed(checkpoint.tensor(f"{block}.attn.qkv.weight"))
    qkv_bias_Q = checkpoint.tensor(f"{block}.attn.qkv.bias").float()
    query_columns = config.num_heads * config.head_dim
    qkv_weight_DQ[:, :query_columns] *= config.head_dim**-0.5
    qkv_bias_Q[:query_columns] *= config.head_dim**-0.5
    up_weight_ED2F = _decode_experts(checkpoint, f"{block}.mlp.mlp1_weight", split_gate=True)
    up_bias_E2F = _gate_first(checkpoint.tensor(f"{block}.mlp.mlp1_bias").float())
    return LayerWeights(
        attn_norm=checkpoint.tensor(f"{block}.attn.norm.scale").float(),
        qkv_weight=qkv_weight_DQ,
        qkv_bias=qkv_bias_Q,
        sinks=checkpoint.tensor(f"{block}.attn.sinks").float(),
        out_weight=_transposed(checkpoint.tensor(f"{block}.attn.out.weight")),
        out_bias=checkpoint.tensor(f"{block}.attn.out.bias").float(),
        mlp_norm=checkpoint.tensor(f"{block}.mlp.norm.scale").float(),
        router_weight=_transposed(checkpoint.tensor(f"{block}.mlp.gate.weight")),
        router_bias=checkpoint.tensor(f"{block}.mlp.gate.bias").float(),
        up_weight=up_weight_ED2F,
        up_bias=up_bias_E2F,
        down_weight=_decode_experts(checkpoint, f"{block}.mlp.mlp2_weight", split_gate=False),
        down_bias=checkpoint.tensor(f"{block}.mlp.mlp2_bias").float(),
    )


def _transposed(weight: torch.Tensor) -> torch.Tensor:
    return weight.float().T.contiguous()


def _gate_first(x: torch.Tensor) -> torch.Tensor:
    """Move the even entries of the last dimension before the odd ones."""
    return torch.cat([x[..., 0::2], x[..., 1::2]], dim=-1)


def _decode_experts(checkpoint: Checkpoint, name: str, *, split_gate: bool) -> torch.Tensor:
    blocks_u8, scales_u8 = checkpoint.mxfp4(name)
    num_experts, rows, num_scales = scales_u8.shape
    weight = torch.empty(num_experts, num_scales * 32, rows)
    for expert_idx in range(num_experts):
        decoded = decode_mxfp4(blocks_u8[expert_idx], scales_u8[expert_idx]).T
        weight[expert_idx] = _gate_first(decoded) if split_gate else decoded
    return weight
