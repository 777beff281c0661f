"""The network in plain torch, in float32 as truth and in bfloat16 as others compute it.

Layer by layer, so that one layer's decoded weights are on the device at a time. Routing is forced:
both follow the expert ids that the engine chose, so that the comparison is of arithmetic and not
of ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.config import ModelConfig
from engine.gpu.weights import TensorSource
from kernels.reference.attention import attention
from kernels.reference.moe import swiglu
from kernels.reference.mxfp4 import decode_mxfp4
from kernels.reference.norm import rms_norm
from kernels.reference.rope import apply_rope, rope_tables

# Dimensions: T tokens, D model width, K experts per token.

QUERIES_AT_ONCE = 512


@dataclass
class Stream:
    """The residual in one precision."""

    hidden: torch.Tensor

    @property
    def dtype(self) -> torch.dtype:
        return self.hidden.dtype


def reference_logits(
    source: TensorSource,
    token_ids: list[int],
    routing: list[torch.Tensor],
    *,
    device: str,
    last: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return float32 logits of the last tokens by the float32 and by the bfloat16 network.

    `routing` holds expert ids [T, K] of each layer.
    """
    config = source.config
    ids_T = torch.tensor(token_ids, device=device)
    embedding = source.tensor("embedding.weight", device)
    start_TD = embedding[ids_T]
    streams = [Stream(start_TD.float()), Stream(start_TD)]
    del embedding
    for layer_idx, ids_TK in enumerate(routing):
        weights = layer_tensors(source, layer_idx, device)
        for stream in streams:
            run_layer(config, weights, stream, layer_idx, ids_TK.long())
    norm = source.tensor("norm.scale", device)
    unembedding = source.tensor("unembedding.weight", device)
    results = []
    for stream in streams:
        last_TD = stream.hidden[-last:]
        normed = rms_norm(last_TD, norm, config.rms_norm_eps)
        results.append((normed @ unembedding.to(stream.dtype).T).float())
    return results[0], results[1]


def layer_tensors(source: TensorSource, layer_idx: int, device: str) -> dict[str, torch.Tensor]:
    names = (
        "attn.norm.scale", "attn.qkv.weight", "attn.qkv.bias", "attn.sinks", "attn.out.weight",
        "attn.out.bias", "mlp.norm.scale", "mlp.gate.weight", "mlp.gate.bias", "mlp.mlp1_bias",
        "mlp.mlp2_bias",
    )  # fmt: skip
    block = f"block.{layer_idx}"
    tensors = {name: source.tensor(f"{block}.{name}", device) for name in names}
    for part in ("mlp1", "mlp2"):
        blocks, scales = source.mxfp4(f"{block}.mlp.{part}_weight", device)
        decoded = [
            decode_mxfp4(blocks[expert], scales[expert], torch.bfloat16)
            for expert in range(blocks.shape[0])
        ]
        tensors[part] = torch.stack(decoded)
    return tensors


def run_layer(
    config: ModelConfig,
    weights: dict[str, torch.Tensor],
    stream: Stream,
    layer_idx: int,
    ids_TK: torch.Tensor,
) -> None:
    w = {name: part.to(stream.dtype) for name, part in weights.items() if part.ndim < 3}
    x = stream.hidden
    normed = rms_norm(x, w["attn.norm.scale"], config.rms_norm_eps)
    qkv = normed @ w["attn.qkv.weight"].T + w["attn.qkv.bias"]
    x = x + attend(config, qkv, w["attn.sinks"], layer_idx) @ w["attn.out.weight"].T
    x = x + w["attn.out.bias"]
    normed = rms_norm(x, w["mlp.norm.scale"], config.rms_norm_eps)
    logits_TE = normed @ w["mlp.gate.weight"].T + w["mlp.gate.bias"]
    share_TK = logits_TE.gather(1, ids_TK).softmax(-1)
    total = torch.zeros_like(x)
    for expert in range(config.num_experts):
        rows, ranks = torch.nonzero(ids_TK == expert, as_tuple=True)
        if rows.numel() == 0:
            continue
        up = weights["mlp1"][expert].to(stream.dtype)
        down = weights["mlp2"][expert].to(stream.dtype)
        hidden = swiglu(normed[rows] @ up.T + w["mlp.mlp1_bias"][expert], config.swiglu_limit)
        out = hidden @ down.T + w["mlp.mlp2_bias"][expert]
        total.index_add_(0, rows, out * share_TK[rows, ranks][:, None])
    stream.hidden = x + total


def attend(
    config: ModelConfig, qkv: torch.Tensor, sinks_H: torch.Tensor, layer_idx: int
) -> torch.Tensor:
    num_tokens, width = qkv.shape[0], config.head_dim
    heads = qkv.view(num_tokens, -1, width)
    num_q, num_kv = config.num_heads, config.num_kv_heads
    cos, sin = (t.to(qkv.device) for t in rope_tables(width, config.yarn, num_tokens))
    rotated = apply_rope(heads[:, : num_q + num_kv], cos, sin)
    q, k, v = rotated[:, :num_q], rotated[:, num_q:], heads[:, num_q + num_kv :]
    window = config.sliding_window if config.layer_is_sliding[layer_idx] else None
    outputs = []
    for low in range(0, num_tokens, QUERIES_AT_ONCE):
        high = min(low + QUERIES_AT_ONCE, num_tokens)
        outputs.append(attention(q[low:high], k[:high], v[:high], sinks_H, window=window))
    return torch.cat(outputs).flatten(1)


def rms(x: torch.Tensor) -> float:
    return float(x.double().square().mean().sqrt())
