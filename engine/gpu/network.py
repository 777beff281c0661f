"""The order of kernels in a step: embedding, layers, projection onto the vocabulary.

One sequence of kernels for decode and prompt steps, captured or not; only attention differs, and
its two kernels share one reduction tree. Nothing here allocates or waits, so that a step can be
captured.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.gpu.buffers import Buffers, StepRows
from engine.gpu.memory import KvMemory
from engine.gpu.weights import GpuLayer, GpuWeights
from kernels.attention_decode import DecodeSequences, DecodeWorkspace, attention_decode
from kernels.attention_parts import KvPages
from kernels.attention_prefill import attention_prefill
from kernels.combine import combine_and_norm, embed_and_norm
from kernels.dense import KvTarget, out_project, qkv_project
from kernels.experts import expert_down, expert_up
from kernels.head import find_candidates, lm_head
from kernels.router import route

# Dimensions: T tokens of a step, S sequences, B blocks of a context.


@dataclass(frozen=True, slots=True, kw_only=True)
class KindInputs:
    """What layers of one kind, full or sliding, read of a step."""

    table: torch.Tensor  # [S, B] int32
    slots: torch.Tensor  # [T] int32


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInputs:
    """What a step reads on the device besides weights and pages.

    Attributes:
        token_ids: [T] int32.
        positions: [T] int32.
        num_rows: [1] int32; rows from this one on are padding.
        full: Pages of full layers.
        sliding: Pages of sliding layers.
        lengths: [S] int32, keys of each row with its own; for decode steps.
        tiles: From `plan_prefill`; for prompt steps.
    """

    token_ids: torch.Tensor
    positions: torch.Tensor
    num_rows: torch.Tensor
    full: KindInputs
    sliding: KindInputs
    lengths: torch.Tensor | None = None
    tiles: torch.Tensor | None = None


class Network:
    """Weights, pages and buffers of one model, and its forward pass."""

    def __init__(
        self,
        weights: GpuWeights,
        memory: KvMemory,
        buffers: Buffers,
        workspace: DecodeWorkspace,
    ) -> None:
        """Put the parts together."""
        self.config = weights.config
        self.weights = weights
        self.memory = memory
        self.buffers = buffers
        self._workspace = workspace

    def hidden(self, inputs: StepInputs) -> StepRows:
        """Run all layers; the normed rows of the result are what the vocabulary is read from."""
        config, weights = self.config, self.weights
        rows = self.buffers.rows(inputs.token_ids.shape[0])
        embed_and_norm(
            inputs.token_ids,
            weights.embedding,
            weights.layers[0].attn_norm,
            eps=config.rms_norm_eps,
            out_residual_TD=rows.residual,
            out_normed_TD=rows.normed,
        )
        next_norms = [layer.attn_norm for layer in weights.layers[1:]] + [weights.norm]
        for layer_idx, (layer, next_norm) in enumerate(
            zip(weights.layers, next_norms, strict=True)
        ):
            self._attend(layer_idx, layer, rows, inputs)
            self.mix_experts(layer, next_norm, rows, inputs.num_rows)
        return rows

    def logits(self, normed_TD: torch.Tensor, rows_S: torch.Tensor | None = None) -> None:
        """Write logits and candidates of normed rows, or of those chosen, to the buffers."""
        num_rows = normed_TD.shape[0] if rows_S is None else rows_S.shape[0]
        logits = self.buffers.logits(num_rows)
        lm_head(normed_TD, self.weights.unembedding, out=logits, rows_S=rows_S)
        find_candidates(logits, out=self.buffers.candidates(num_rows))

    def mix_experts(
        self, layer: GpuLayer, next_norm: torch.Tensor, rows: StepRows, num_rows: torch.Tensor
    ) -> None:
        """Route the residual, run the experts, and norm the sum for what comes next."""
        config, routing = self.config, rows.routing
        route(rows.residual, layer.router, num_rows, routing)
        expert_up(
            routing,
            layer.up.packed,
            layer.up.bias,
            limit=config.swiglu_limit,
            out_act_RF=rows.act,
            tile=rows.tile,
        )
        expert_down(
            routing,
            layer.down.packed,
            layer.down.bias,
            rows.act,
            out_RD=rows.expert_out,
            tile=rows.tile,
        )
        combine_and_norm(
            rows.expert_out,
            routing.weights_TK,
            next_norm,
            rows.residual,
            eps=config.rms_norm_eps,
            out_normed_TD=rows.normed,
        )

    def _attend(self, layer_idx: int, layer: GpuLayer, rows: StepRows, inputs: StepInputs) -> None:
        config = self.config
        is_sliding = config.layer_is_sliding[layer_idx]
        kind = inputs.sliding if is_sliding else inputs.full
        pages = KvPages(k=self.memory.k[layer_idx], v=self.memory.v[layer_idx])
        qkv_project(
            rows.normed,
            layer.qkv,
            self.weights.rope,
            inputs.positions,
            KvTarget(k_pages_NGBW=pages.k, v_pages_NGBW=pages.v, slots_T=kind.slots),
            out_q_THW=rows.q,
        )
        window = config.sliding_window if is_sliding else None
        if inputs.lengths is not None:
            attention_decode(
                rows.q,
                pages,
                DecodeSequences(table_SB=kind.table, lengths_S=inputs.lengths),
                layer.sinks,
                window=window,
                workspace=self._workspace,
                out_SO=rows.attn,
            )
        else:
            assert inputs.tiles is not None
            attention_prefill(
                rows.q,
                pages,
                kind.table,
                layer.sinks,
                tiles_MX=inputs.tiles,
                window=window,
                out_TO=rows.attn,
            )
        out_project(rows.attn, layer.out_weight, layer.out_bias, rows.residual)
