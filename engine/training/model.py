"""The training form of the gpt-oss network.

Parameters carry the names of the Hugging Face checkpoint and are float32 masters; each use casts
them to the compute dtype through bfloat16, so the forward pass sees exactly the values that an
export holds. Expert weights stay in the checkpoint's orientation, `[expert, out, in]`.

One module, two paths: *fused* (flex attention, grouped matrix products, bfloat16, a GPU) and
*plain* (dense masks, a loop over experts, any dtype and device), chosen by the masks that are
passed in.

Dimensions: B rows, S positions, T = B·S, D width, H query heads, G key/value heads, W head width,
E experts, K experts per token, R = T·K, F expert width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask

from engine.training.attention import AttentionMask, attend
from engine.training.config import (
    RMS_EPS,
    ROPE_BETA_FAST,
    ROPE_BETA_SLOW,
    ROPE_FACTOR,
    ROPE_INITIAL_CONTEXT,
    ROPE_THETA,
    SWIGLU_ALPHA,
    SWIGLU_LIMIT,
    Shape,
)
from engine.training.quantise import round_to_mxfp4
from engine.training.routing import add_row_bias, collect, dispatch, expert_matmul, route

_INIT_STD = 0.02


def rope_frequencies(head_dim: int) -> tuple[torch.Tensor, float]:
    """YaRN angular frequencies `[head_dim/2]`, float64, and the factor on cosine and sine.

    Source: gpt-oss reference (`gpt_oss/torch/model.py`): YaRN without truncation of the ramp.
    """
    half = head_dim // 2
    exponent = torch.arange(half, dtype=torch.float64) / half
    plain = ROPE_THETA**exponent

    def bound(rotations: float) -> float:
        ratio = ROPE_INITIAL_CONTEXT / (rotations * 2 * math.pi)
        return half * math.log(ratio) / math.log(ROPE_THETA)

    low, high = bound(ROPE_BETA_FAST), bound(ROPE_BETA_SLOW)
    ramp = ((torch.arange(half, dtype=torch.float64) - low) / (high - low)).clamp(0, 1)
    frequency = ramp / (ROPE_FACTOR * plain) + (1 - ramp) / plain
    return frequency, 0.1 * math.log(ROPE_FACTOR) + 1.0


def _stored(weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The weight as a checkpoint stores it (bfloat16), in the compute dtype."""
    return weight.to(torch.bfloat16).to(dtype)


def _rms_norm(x: torch.Tensor, weight_D: torch.Tensor) -> torch.Tensor:
    """RMSNorm in float32, weight applied before the cast back."""
    wide = x.float()
    scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + RMS_EPS)
    return (wide * scale * _stored(weight_D, torch.float32)).to(x.dtype)


def _rotate(x_BHSW: torch.Tensor, cos_BSW: torch.Tensor, sin_BSW: torch.Tensor) -> torch.Tensor:
    """Rotates the pairs (i, i + W/2); cosine and sine are float32 `[B, S, W/2]`."""
    first, second = x_BHSW.float().chunk(2, dim=-1)
    cos, sin = cos_BSW.unsqueeze(1), sin_BSW.unsqueeze(1)
    rotated = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
    return rotated.to(x_BHSW.dtype)


class Norm(nn.Module):
    """Holder of an RMSNorm weight, so that its name is the checkpoint's."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalises the last dimension."""
        return _rms_norm(x, self.weight)


class Attention(nn.Module):
    """Grouped-query attention with sinks and biases."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width_q = shape.num_heads * shape.head_dim
        width_kv = shape.num_kv_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden_size, width_q)
        self.k_proj = nn.Linear(shape.hidden_size, width_kv)
        self.v_proj = nn.Linear(shape.hidden_size, width_kv)
        self.o_proj = nn.Linear(width_q, shape.hidden_size)
        self.sinks = nn.Parameter(torch.zeros(shape.num_heads))
        self._head_dim = shape.head_dim
        self._splits = [shape.num_heads, shape.num_kv_heads, shape.num_kv_heads]

    def forward(
        self,
        x_BSD: torch.Tensor,
        cos_BSW: torch.Tensor,
        sin_BSW: torch.Tensor,
        mask: AttentionMask,
    ) -> torch.Tensor:
        """Attention output before the residual addition, `[B, S, D]`."""
        dtype = x_BSD.dtype
        inputs = (self.q_proj, self.k_proj, self.v_proj)
        weight = torch.cat([_stored(layer.weight, dtype) for layer in inputs])
        bias = torch.cat([_stored(layer.bias, dtype) for layer in inputs])
        heads_BSXW = functional.linear(x_BSD, weight, bias).view(
            *x_BSD.shape[:2], -1, self._head_dim
        )
        parts = torch.split(heads_BSXW, self._splits, dim=2)
        q, k, v = (part.transpose(1, 2) for part in parts)
        q, k = _rotate(q, cos_BSW, sin_BSW), _rotate(k, cos_BSW, sin_BSW)
        out = attend(q, k, v.contiguous(), _stored(self.sinks, torch.float32), mask)
        return functional.linear(
            out, _stored(self.o_proj.weight, dtype), _stored(self.o_proj.bias, dtype)
        )


class Experts(nn.Module):
    """Expert weights, and the correction that fake quantisation adds to them.

    The correction is zero at first; `quantise` sets it to rounded minus master weight, so the
    forward pass uses the rounded value and gradients reach the master unchanged (straight through).
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        num, width, inner = shape.num_experts, shape.hidden_size, shape.intermediate_size
        self.gate_up_proj = nn.Parameter(torch.empty(num, 2 * inner, width))
        self.gate_up_proj_bias = nn.Parameter(torch.zeros(num, 2 * inner))
        self.down_proj = nn.Parameter(torch.empty(num, width, inner))
        self.down_proj_bias = nn.Parameter(torch.zeros(num, width))
        self.gate_up_shift: torch.Tensor
        self.down_shift: torch.Tensor
        self.register_buffer("gate_up_shift", torch.zeros_like(self.gate_up_proj), persistent=False)
        self.register_buffer("down_shift", torch.zeros_like(self.down_proj), persistent=False)

    @torch.no_grad()
    def quantise(self, rounding: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Sets the corrections to those of the current master weights."""
        self.gate_up_shift.copy_(rounding(self.gate_up_proj) - self.gate_up_proj)
        self.down_shift.copy_(rounding(self.down_proj) - self.down_proj)

    def forward(
        self, x_TD: torch.Tensor, expert_TK: torch.Tensor, weight_TK: torch.Tensor, *, fused: bool
    ) -> torch.Tensor:
        """Weighted sum of the chosen experts' outputs, `[T, D]`."""
        dtype = x_TD.dtype
        routing = route(expert_TK, self.gate_up_proj.shape[0])
        gate_up = _stored(self.gate_up_proj + self.gate_up_shift, dtype)
        down = _stored(self.down_proj + self.down_shift, dtype)
        h_RF2 = expert_matmul(dispatch(x_TD, routing), gate_up, routing, is_grouped=fused)
        h_RF2 = add_row_bias(h_RF2, _stored(self.gate_up_proj_bias, dtype), routing)
        gate_RF = h_RF2[:, 0::2].float().clamp(max=SWIGLU_LIMIT)
        up_RF = h_RF2[:, 1::2].float().clamp(-SWIGLU_LIMIT, SWIGLU_LIMIT)
        a_RF = (gate_RF * torch.sigmoid(SWIGLU_ALPHA * gate_RF) * (up_RF + 1)).to(dtype)
        out_RD = expert_matmul(a_RF, down, routing, is_grouped=fused)
        out_RD = add_row_bias(out_RD, _stored(self.down_proj_bias, dtype), routing)
        out_TKD = collect(out_RD, routing)
        return (out_TKD.float() * weight_TK.unsqueeze(-1)).sum(1).to(dtype)


class Router(nn.Module):
    """Linear router; logits in float32."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape.num_experts, shape.hidden_size))
        self.bias = nn.Parameter(torch.zeros(shape.num_experts))

    def forward(self, x_TD: torch.Tensor) -> torch.Tensor:
        """Logits `[T, E]`."""
        weight, bias = _stored(self.weight, torch.float32), _stored(self.bias, torch.float32)
        return functional.linear(x_TD.float(), weight, bias)


class Mlp(nn.Module):
    """Top-K mixture of experts with the Switch load-balance term."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.router = Router(shape)
        self.experts = Experts(shape)
        self._experts_per_token = shape.experts_per_token

    def forward(self, x_BSD: torch.Tensor, *, fused: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Output `[B, S, D]` and the balance term (1 = perfectly even).

        Source: Switch Transformer, equation 4, with K assignments a token counted equally.
        """
        x_TD = x_BSD.flatten(0, 1)
        logit_TE = self.router(x_TD)
        top_TK, expert_TK = logit_TE.topk(self._experts_per_token, dim=-1)
        out_TD = self.experts(x_TD, expert_TK, torch.softmax(top_TK, dim=-1), fused=fused)
        num_experts = logit_TE.shape[-1]
        experts = torch.arange(num_experts, device=logit_TE.device)
        share_E = (expert_TK.unsqueeze(-1) == experts).float().mean((0, 1))
        balance = num_experts * (share_E * torch.softmax(logit_TE, dim=-1).mean(0)).sum()
        return out_TD.view_as(x_BSD), balance


class Block(nn.Module):
    """One pre-norm layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.hidden_size)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.hidden_size)
        self.mlp = Mlp(shape)

    def forward(
        self,
        x_BSD: torch.Tensor,
        cos_BSW: torch.Tensor,
        sin_BSW: torch.Tensor,
        mask: AttentionMask,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The layer's output `[B, S, D]` and its balance term."""
        x_BSD = x_BSD + self.self_attn(self.input_layernorm(x_BSD), cos_BSW, sin_BSW, mask)
        out_BSD, balance = self.mlp(
            self.post_attention_layernorm(x_BSD), fused=isinstance(mask, BlockMask)
        )
        return x_BSD + out_BSD, balance


class Trunk(nn.Module):
    """Embedding, layers and final norm; named `model` in the checkpoint."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList([Block(shape) for _ in range(shape.num_layers)])
        self.norm = Norm(shape.hidden_size)


class Network(nn.Module):
    """The whole network in training form."""

    def __init__(self, shape: Shape, *, dtype: torch.dtype) -> None:
        super().__init__()
        self.shape = shape
        self.dtype = dtype
        self.model = Trunk(shape)
        self.lm_head = nn.Linear(shape.hidden_size, shape.vocab_size, bias=False)
        frequency, factor = rope_frequencies(shape.head_dim)
        self.frequency_W: torch.Tensor
        self.register_buffer("frequency_W", frequency, persistent=False)
        self._rope_factor = factor
        self._rounding: Callable[[torch.Tensor], torch.Tensor] = round_to_mxfp4
        self._loss: Callable[..., torch.Tensor] = self._weighted_loss

    def initialise(self, generator: torch.Generator) -> None:
        """Draws the initial weights; biases and sinks zero, norms one.

        Projections back into the residual stream are smaller by the square root of the number of
        such projections, as in GPT-2.
        """
        residual_std = _INIT_STD / math.sqrt(2 * self.shape.num_layers)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.endswith(("norm.weight",)):
                    parameter.fill_(1.0)
                elif name.endswith(("bias", "sinks")):
                    parameter.zero_()
                else:
                    is_residual = name.endswith(("o_proj.weight", "down_proj"))
                    std = residual_std if is_residual else _INIT_STD
                    parameter.normal_(0.0, std, generator=generator)

    def quantise(self) -> None:
        """Makes the forward pass use expert weights rounded to MXFP4, as they are now."""
        for layer in self.model.layers:
            assert isinstance(layer, Block)
            layer.mlp.experts.quantise(self._rounding)

    def unquantise(self) -> None:
        """Makes the forward pass use expert weights as they are."""
        for layer in self.model.layers:
            assert isinstance(layer, Block)
            layer.mlp.experts.gate_up_shift.zero_()
            layer.mlp.experts.down_shift.zero_()

    def compile_parts(self) -> None:
        """Compiles one block (reused by all layers), the loss and the rounding.

        Compiling a block and not the whole network keeps the first step short: two graphs (sliding
        and full attention) serve any number of layers.
        """
        for layer in self.model.layers:
            layer.compile(fullgraph=True)
        self._loss = torch.compile(self._weighted_loss)
        self._rounding = torch.compile(round_to_mxfp4)

    def rope(self, position_BS: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and sine of each position, float32 `[B, S, W/2]`, times the YaRN factor."""
        angle = position_BS.double().unsqueeze(-1) * self.frequency_W
        cos, sin = torch.cos(angle) * self._rope_factor, torch.sin(angle) * self._rope_factor
        return cos.float(), sin.float()

    def hidden(
        self,
        token_BS: torch.Tensor,
        position_BS: torch.Tensor,
        masks: tuple[AttentionMask, AttentionMask],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Residual stream after the last layer `[B, S, D]` and the mean balance term.

        Args:
            token_BS: Token ids.
            position_BS: Positions within prefix and own dialogue.
            masks: Masks for sliding and full layers.
        """
        cos, sin = self.rope(position_BS)
        embedded = functional.embedding(token_BS, self.model.embed_tokens.weight)
        x_BSD = _stored(embedded, self.dtype)
        balances = []
        for idx, layer in enumerate(self.model.layers):
            x_BSD, balance = layer(x_BSD, cos, sin, masks[idx % 2])
            balances.append(balance)
        return x_BSD, torch.stack(balances).mean()

    def logits(self, x_BSD: torch.Tensor) -> torch.Tensor:
        """Float32 logits `[…, V]` of the residual stream."""
        normed = _rms_norm(x_BSD, self.model.norm.weight)
        return functional.linear(normed, _stored(self.lm_head.weight, self.dtype)).float()

    def _weighted_loss(
        self, x_BSD: torch.Tensor, target_BS: torch.Tensor, weight_BS: torch.Tensor
    ) -> torch.Tensor:
        logits_TV = self.logits(x_BSD).flatten(0, 1)
        loss_T = functional.cross_entropy(logits_TV, target_BS.flatten(), reduction="none")
        weight_T = weight_BS.flatten()
        return (loss_T * weight_T).sum() / weight_T.sum()

    def loss(
        self, x_BSD: torch.Tensor, target_BS: torch.Tensor, weight_BS: torch.Tensor
    ) -> torch.Tensor:
        """Weighted mean cross-entropy of the residual stream; not all weights may be zero."""
        return self._loss(x_BSD, target_BS, weight_BS)
