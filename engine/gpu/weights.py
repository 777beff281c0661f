"""Weights of the network in the form that the kernels read, and how they get there.

Each tensor goes to the device as it is stored, is checked and packed there, and is dropped: the
host holds no copy beside the mapped file, the device never more than one tensor twice. Where from
is a `TensorSource`: a checkpoint folder or a generator of synthetic weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from engine.config import ModelConfig
from engine.gpu.errors import GpuMemoryError
from engine.tensor_names import BF16, canonical_tensors
from kernels.dense import QkvWeights, RopeTables, qkv_row_order
from kernels.dense_pack import pack_dense
from kernels.experts import gate_row_order
from kernels.mxfp4_pack import PackedMxfp4, empty_packed, pack_mxfp4
from kernels.reference.rope import rope_tables
from kernels.router import RouterWeights

# Dimensions: D model width, Q rows of the fused projection, O = H·W, E experts, F expert width,
# X = 2F, V vocabulary, H query heads.

# Experts packed at once: packing takes some twenty times their size for a moment.
PACK_EXPERTS = 8


class TensorSource(Protocol):
    """Where a network's tensors come from, by their OpenAI names."""

    @property
    def config(self) -> ModelConfig:
        """The network."""

    def tensor(self, name: str, device: str = "cpu") -> torch.Tensor:
        """Return one tensor on a device; raises `CheckpointTensorError` on NaN or infinity."""

    def mxfp4(
        self, name: str, device: str = "cpu", experts: slice | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return blocks [E, N, S, 16] and scales [E, N, S] of some experts on a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertWeights:
    """One of the two products of a layer's experts."""

    packed: PackedMxfp4
    bias: torch.Tensor  # [E, rows] float32, in the order of the packed rows


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuLayer:
    """One layer; bfloat16 where nothing else is said."""

    attn_norm: torch.Tensor  # [D]
    qkv: QkvWeights
    sinks: torch.Tensor  # [H]
    out_weight: torch.Tensor  # packed, `kernels.dense_pack`
    out_bias: torch.Tensor  # [D]
    router: RouterWeights
    up: ExpertWeights
    down: ExpertWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuWeights:
    """The whole network."""

    config: ModelConfig
    embedding: torch.Tensor  # [V, D]
    layers: tuple[GpuLayer, ...]
    norm: torch.Tensor  # [D]
    unembedding: torch.Tensor  # [V, D]
    rope: RopeTables


def weight_bytes(config: ModelConfig) -> int:
    """Return the bytes of the packed weights of a network; tables of angles included."""
    total = 2 * 4 * config.context_length * (config.head_dim // 2)
    for name, spec in canonical_tensors(config).items():
        count = 1
        for size in spec.shape:
            count *= size
        is_expert_bias = name.endswith(("mlp1_bias", "mlp2_bias"))
        total += count * (4 if is_expert_bias else 2 if spec.dtype == BF16 else 1)
    return total


def load_gpu_weights(source: TensorSource, device: torch.device) -> GpuWeights:
    """Read, check and pack every tensor of a network.

    Raises:
        CheckpointError: A tensor cannot be read or holds values that are refused.
        GpuMemoryError: The device's memory ran out on the way.
    """
    config = source.config
    try:
        layers = tuple(_load_layer(source, f"block.{n}", device) for n in range(config.num_layers))
        cos, sin = rope_tables(config.head_dim, config.yarn, config.context_length)
        return GpuWeights(
            config=config,
            embedding=source.tensor("embedding.weight", str(device)),
            layers=layers,
            norm=source.tensor("norm.scale", str(device)),
            unembedding=source.tensor("unembedding.weight", str(device)),
            rope=RopeTables(cos_PC=cos.to(device), sin_PC=sin.to(device)),
        )
    except torch.OutOfMemoryError as error:
        free = torch.cuda.mem_get_info(device)[0]
        raise GpuMemoryError("weights", needed=weight_bytes(config), present=free) from error


def _load_layer(source: TensorSource, block: str, device: torch.device) -> GpuLayer:
    config, place = source.config, str(device)

    def get(name: str) -> torch.Tensor:
        return source.tensor(f"{block}.{name}", place)

    order = qkv_row_order(config.num_heads, config.num_kv_heads).to(device)
    up_order = gate_row_order(2 * config.intermediate_size)
    return GpuLayer(
        attn_norm=get("attn.norm.scale"),
        qkv=QkvWeights(
            weight_NCMLV=pack_dense(get("attn.qkv.weight"), order),
            bias_Q=get("attn.qkv.bias")[order],
            num_heads=config.num_heads,
            num_kv_heads=config.num_kv_heads,
        ),
        sinks=get("attn.sinks"),
        out_weight=pack_dense(get("attn.out.weight")),
        out_bias=get("attn.out.bias"),
        router=RouterWeights(
            norm_D=get("mlp.norm.scale"),
            weight_ED=get("mlp.gate.weight"),
            bias_E=get("mlp.gate.bias"),
            eps=config.rms_norm_eps,
        ),
        up=_load_experts(source, f"{block}.mlp.mlp1", place, up_order),
        down=_load_experts(source, f"{block}.mlp.mlp2", place, None),
    )


def _load_experts(
    source: TensorSource, name: str, device: str, row_order: torch.Tensor | None
) -> ExpertWeights:
    config = source.config
    is_up = row_order is not None
    rows = 2 * config.intermediate_size if is_up else config.hidden_size
    columns = config.hidden_size if is_up else config.intermediate_size
    packed = empty_packed(config.num_experts, rows, columns, device)
    for first in range(0, config.num_experts, PACK_EXPERTS):
        experts = slice(first, min(first + PACK_EXPERTS, config.num_experts))
        blocks, scales = source.mxfp4(f"{name}_weight", device, experts)
        pack_mxfp4(blocks, scales, packed, first_expert=first, row_order=row_order)
    bias = source.tensor(f"{name}_bias", device).float()
    if row_order is not None:
        bias = bias[:, row_order.to(bias.device)].contiguous()
    return ExpertWeights(packed=packed, bias=bias)
