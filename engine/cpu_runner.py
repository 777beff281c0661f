"""Steps of the network on a CPU for a batch of sequences.

The logits of a token depend on the tokens before it and on nothing else: not on the other sequences
of the step, their number or order, the chunks a prompt came in, or whether keys and values were
computed now or cached. `engine.cpu_products`, `engine.cpu_attention` and `engine.cpu_experts` keep
that for their operations; what remains here works on each row alone. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention

from engine.cpu_attention import QueryTile, attend, plan_tiles
from engine.cpu_decode import DecodeGroup, plan_groups
from engine.cpu_experts import mix_experts
from engine.cpu_products import RowProducts
from engine.kv_cache import KvCache, SequenceKv
from engine.kv_pool import PagedSequence
from engine.model import LayerWeights, ModelWeights
from kernels.reference.rope import TABLE_ROWS, rope_tables

# Dimensions: T packed tokens with padding rows at the end, D model width, H query heads, G kv
# heads, W head width, V vocabulary, S sequences.

BATCH_MAX = 32
# Prompt tokens of one step: enough rows for each expert, few enough for the caches.
CHUNK_TOKENS = 256
# Products of greater heights are not covered by the checks of `engine.determinism`.
STEP_TOKENS_MAX = 512


@dataclass(frozen=True, slots=True)
class Work:
    """New tokens of one sequence; at least one."""

    cache: SequenceKv
    token_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Step:
    """What all layers of a step share."""

    num_tokens: int
    cos: torch.Tensor  # [T, 1, W]
    sin: torch.Tensor  # [T, 1, W]
    # For each sequence: its cache, first row, first position, and tiles.
    spans: list[tuple[SequenceKv, int, int, list[QueryTile]]]
    # Those that share products, since each of them has one new token on a page of a pool.
    groups: list[DecodeGroup]


class CpuRunner:
    """Runs steps of one model."""

    def __init__(self, weights: ModelWeights, products: RowProducts) -> None:
        """Prepare to run `weights` with products made as `products` says."""
        self.config = weights.config
        self.products = products
        self._weights = weights
        self._tables = _RopeTables(weights)

    def new_cache(self) -> KvCache:
        """Return an empty cache for a sequence of this model."""
        return KvCache(self.config)

    @torch.inference_mode()
    def step(self, batch: Sequence[Work]) -> torch.Tensor:
        """Feed new tokens to each sequence and return the logits [S, V] after the last of each.

        Args:
            batch: 1 to 32 sequences of at most 512 new tokens together, each cache once; the
                caches grow by the tokens.
        """
        assert 1 <= len(batch) <= BATCH_MAX, len(batch)
        step, hidden_TD = self._begin(batch)
        for layer_idx, layer in enumerate(self._weights.layers):
            hidden_TD = self._attention(hidden_TD, layer_idx, layer, step)
            hidden_TD = self._mlp(hidden_TD, layer, step)
        last_rows = []
        row = 0
        for work in batch:
            row += len(work.token_ids)
            last_rows.append(row - 1)
            work.cache.extend(work.token_ids)
        return self._logits(hidden_TD, last_rows)

    def prefill(
        self,
        cache: SequenceKv,
        token_ids: Sequence[int],
        *,
        chunk_tokens: int = CHUNK_TOKENS,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> torch.Tensor | None:
        """Feed a prompt in chunks; return the logits [V] after its last token, None if cancelled.

        A cancelled prefill leaves the cache with whole chunks.
        """
        logits_V = None
        for start in range(0, len(token_ids), chunk_tokens):
            if is_cancelled is not None and is_cancelled():
                return None
            logits_V = self.step([Work(cache, token_ids[start : start + chunk_tokens])])[0]
        return logits_V

    def _begin(self, batch: Sequence[Work]) -> tuple[_Step, torch.Tensor]:
        config = self.config
        ids: list[int] = []
        positions: list[int] = []
        spans, singles = [], list[tuple[PagedSequence, int]]()
        for work in batch:
            start, row, count = work.cache.length, len(ids), len(work.token_ids)
            assert count > 0
            work.cache.reserve(start + count)
            ids.extend(work.token_ids)
            positions.extend(range(start, start + count))
            is_single = count == 1 and self.products.shares_blocks
            if is_single and isinstance(work.cache, PagedSequence):
                singles.append((work.cache, row))
                continue
            tiles = plan_tiles(row, start, count, config.sliding_window, self.products)
            spans.append((work.cache, row, start, tiles))
        groups = plan_groups(singles, window=config.sliding_window)
        num_tokens = len(ids)
        assert num_tokens <= STEP_TOKENS_MAX, num_tokens
        padding = self.products.padded(num_tokens) - num_tokens
        ids += ids[:1] * padding
        positions += positions[:1] * padding
        cos_T1W, sin_T1W = self._tables.rows(positions)
        hidden_TD = self._weights.embedding.index_select(0, torch.tensor(ids))
        return _Step(num_tokens, cos_T1W, sin_T1W, spans, groups), hidden_TD

    def _attention(
        self, hidden_TD: torch.Tensor, layer_idx: int, layer: LayerWeights, step: _Step
    ) -> torch.Tensor:
        config = self.config
        normed_TD = self._norm(hidden_TD, layer.attn_norm)
        qkv_TQ = self.products.affine(normed_TD, layer.qkv_weight, layer.qkv_bias)
        heads_THW = qkv_TQ.view(qkv_TQ.shape[0], -1, config.head_dim)
        num_rotated = config.num_heads + config.num_kv_heads
        rotated_THW = _rotate(heads_THW[:, :num_rotated], step.cos, step.sin)
        q_THW = rotated_THW[:, : config.num_heads]
        k_TGW, v_TGW = rotated_THW[:, config.num_heads :], heads_THW[:, num_rotated:]
        out_TO = hidden_TD.new_zeros(hidden_TD.shape[0], config.num_heads * config.head_dim)
        is_sliding = config.layer_is_sliding[layer_idx]
        for group in step.groups:
            rows_S, places = group.rows, (group.pages, group.columns)
            k_SGW, v_SGW = k_TGW.index_select(0, rows_S), v_TGW.index_select(0, rows_S)
            group.pool.write_rows(layer_idx, *places, k_SGW, v_SGW)
            q_SHW = q_THW.index_select(0, rows_S)
            out_SO = group.attend(q_SHW, layer_idx, layer.sinks, is_sliding=is_sliding)
            out_TO.index_copy_(0, rows_S, out_SO)
        for cache, row, start, tiles in step.spans:
            rows = slice(row, tiles[-1].high)
            cache.write(layer_idx, start, k_TGW[rows], v_TGW[rows])
            for tile in tiles:
                keys = tile.sliding if is_sliding else tile.full
                out_TO[tile.low : tile.high] = attend(
                    q_THW[tile.low : tile.high], cache, layer_idx, keys, layer.sinks
                )
        return hidden_TD + self.products.affine(out_TO, layer.out_weight, layer.out_bias)

    def _mlp(self, hidden_TD: torch.Tensor, layer: LayerWeights, step: _Step) -> torch.Tensor:
        normed_TD = self._norm(hidden_TD, layer.mlp_norm)
        logits_TE = self.products.affine(normed_TD, layer.router_weight, layer.router_bias)
        count = step.num_tokens
        mixed_TD = mix_experts(
            normed_TD[:count],
            hidden_TD[:count],
            layer,
            self.products,
            logits_TE=logits_TE[:count],
            num_selected=self.config.experts_per_token,
            limit=self.config.swiglu_limit,
        )
        if count == hidden_TD.shape[0]:
            return mixed_TD
        hidden_TD[:count] = mixed_TD
        return hidden_TD

    def _logits(self, hidden_TD: torch.Tensor, rows: list[int]) -> torch.Tensor:
        padded = rows + rows[:1] * (self.products.padded(len(rows)) - len(rows))
        last_SD = hidden_TD.index_select(0, torch.tensor(padded))
        normed_SD = self._norm(last_SD, self._weights.norm)
        return self.products.linear(normed_SD, self._weights.unembedding)[: len(rows)]

    def _norm(self, x_TD: torch.Tensor, weight_D: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x_TD, weight_D.shape, weight_D, self.config.rms_norm_eps)


def _rotate(x_THW: torch.Tensor, cos_T1W: torch.Tensor, sin_T1W: torch.Tensor) -> torch.Tensor:
    """Apply RoPE; the first half of `sin` carries the minus sign.

    Products and sums are separate operations: each is then exact to the last bit everywhere, while
    a fused one may or may not round in between.
    """
    num_tokens, num_heads, head_dim = x_THW.shape
    halves = x_THW.view(num_tokens, num_heads, 2, head_dim // 2)
    swapped_THW = halves.flip(2).view(num_tokens, num_heads, head_dim)
    return (x_THW * cos_T1W).add_(swapped_THW.mul_(sin_T1W))


class _RopeTables:
    """Cosine and sine rows by position, extended as positions are met."""

    def __init__(self, weights: ModelWeights) -> None:
        self._config = weights.config
        self._cos = self._sin = torch.empty(0, 1, weights.config.head_dim)

    def rows(self, positions: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        needed = max(positions) + 1
        if needed > self._cos.shape[0]:
            config = self._config
            cos, sin = rope_tables(
                config.head_dim, config.yarn, -(-needed // TABLE_ROWS) * TABLE_ROWS
            )
            self._cos = torch.cat([cos, cos], dim=1).unsqueeze(1)
            self._sin = torch.cat([-sin, sin], dim=1).unsqueeze(1)
        index = torch.tensor(positions)
        return self._cos.index_select(0, index), self._sin.index_select(0, index)
