"""Device memory that every step of a runner writes: rows, routing, logits, and what was drawn.

Allocated once, for the largest step; smaller steps work in slices, so that captured graphs and
prompt steps share it. Steps run one after the other on one stream.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from engine.config import ModelConfig
from engine.gpu.options import GpuOptions
from kernels.experts import expert_tile
from kernels.head import Candidates, Logits, new_candidates, new_logits
from kernels.launch import Tile
from kernels.router import Routing, new_routing

# Dimensions: T tokens of a step, D model width, H query heads, W head width, O = H·W, K experts per
# token, R = T·K routed rows, F expert width, V vocabulary, S sequences.


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRows:
    """The buffers of a step, cut to its rows."""

    residual: torch.Tensor  # [T, D]
    normed: torch.Tensor  # [T, D]
    q: torch.Tensor  # [T, H, W]
    attn: torch.Tensor  # [T, O]
    act: torch.Tensor  # [R, F]
    expert_out: torch.Tensor  # [R, D]
    routing: Routing
    tile: Tile


def buffer_bytes(config: ModelConfig, options: GpuOptions) -> int:
    """Return the bytes of the large buffers of a runner."""
    rows = max(options.chunk_tokens, options.buckets[-1])
    routed = rows * config.experts_per_token
    heads = config.num_heads * config.head_dim
    shared = max(
        routed * config.intermediate_size,
        2 * rows * heads,
        2 * options.buckets[-1] * config.vocab_size,
    )
    return 2 * (2 * rows * config.hidden_size + routed * config.hidden_size + shared)


class Buffers:
    """Buffers of a runner."""

    def __init__(self, config: ModelConfig, options: GpuOptions, device: torch.device) -> None:
        """Allocate for the largest step."""
        self._config = config
        rows = max(options.chunk_tokens, options.buckets[-1])
        routed = rows * config.experts_per_token
        width, heads = config.hidden_size, config.num_heads * config.head_dim

        # Rows of padding are read, with weight zero: they must at least be numbers.
        def zeros(*sizes: int) -> torch.Tensor:
            return torch.zeros(sizes, dtype=torch.bfloat16, device=device)

        self._residual, self._normed = zeros(rows, width), zeros(rows, width)
        # Attention is over before the experts begin, and they before the vocabulary is read:
        # queries, attention's output and logits lie where the experts' rows do.
        sequences, vocab_size = options.buckets[-1], config.vocab_size
        sizes = (routed * config.intermediate_size, 2 * rows * heads, 2 * sequences * vocab_size)
        self._act = zeros(max(sizes))
        self._expert_out = zeros(routed, width)
        self._device = device
        self._decode_rows = options.buckets[-1]
        self._routings: dict[int, Routing] = {}
        logits_SV = self._act[: sizes[2]].view(torch.float32).view(sequences, vocab_size)
        tile_max_SN = new_logits(1, vocab_size, device).tile_max_SN.repeat(sequences, 1)
        self._logits = Logits(values_SV=logits_SV, tile_max_SN=tile_max_SN)
        self._candidates = new_candidates(options.buckets[-1], device)

    def rows(self, num_rows: int) -> StepRows:
        """Return the buffers of a step of `num_rows` tokens."""
        config = self._config
        routed = num_rows * config.experts_per_token
        heads = config.num_heads * config.head_dim
        q_size = num_rows * heads
        tile = expert_tile(num_rows, config.num_experts, config.experts_per_token)
        normed = self._normed[:num_rows]
        return StepRows(
            residual=self._residual[:num_rows],
            normed=normed,
            q=self._act[:q_size].view(num_rows, config.num_heads, config.head_dim),
            attn=self._act[q_size : 2 * q_size].view(num_rows, heads),
            act=self._act[: routed * config.intermediate_size].view(routed, -1),
            expert_out=self._expert_out[:routed],
            routing=self._routing(num_rows, tile, normed),
            tile=tile,
        )

    def logits(self, num_rows: int) -> Logits:
        """Return the logits of rows that tokens are drawn from."""
        whole = self._logits
        return Logits(
            values_SV=whole.values_SV[:num_rows], tile_max_SN=whole.tile_max_SN[:num_rows]
        )

    def candidates(self, num_rows: int) -> Candidates:
        """Return the candidates of such rows."""
        whole = self._candidates
        return Candidates(
            pairs_SKX=whole.pairs_SKX[:num_rows],
            scratch_SI=whole.scratch_SI[:num_rows],
        )

    def _routing(self, num_rows: int, tile: Tile, normed: torch.Tensor) -> Routing:
        """Return routing of a step; that of a decode step is kept, since its graph names it."""
        known = self._routings.get(num_rows)
        if known is not None:
            return known
        config = self._config
        made = new_routing(
            num_rows,
            config.hidden_size,
            config.num_experts,
            config.experts_per_token,
            block_rows=tile.tokens,
            device=self._device,
        )
        # The normed rows of attention are used up when the router makes the experts'.
        routing = replace(made, normed_TD=normed)
        if num_rows <= self._decode_rows:
            self._routings[num_rows] = routing
        return routing
