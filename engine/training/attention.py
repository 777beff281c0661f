"""Attention over packed rows with sinks: a fused form for the GPU and a plain one for any device.

A query sees a key if both belong to the same dialogue, or the key to the shared prefix, the key's
position is not later, and, in sliding layers, fewer than `window` positions earlier. Positions, not
indices, decide, so each dialogue is computed as if it were alone behind the prefix.

The sink is one learned logit a head that takes part in the softmax and carries no value; with the
log-sum-exp of the real scores it is the factor sigmoid(lse - sink) on the output.

Dimensions: B rows, S positions, H query heads, G key/value heads, W head width.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.attention.flex_attention import (
    AuxRequest,
    BlockMask,
    create_block_mask,
    flex_attention,
)

from engine.training.packing import PREFIX_SEGMENT

MaskFunction = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# Either a block mask (fused) or a dense boolean mask [B, S, S] (plain).
AttentionMask = BlockMask | torch.Tensor


class PackedMasks:
    """The two masks of a batch: one for sliding and one for full layers.

    The segment and position buffers are allocated once and overwritten for each batch, so that the
    mask functions stay the same objects and compiled attention is not specialised again.
    """

    def __init__(self, batch: int, length: int, *, window: int, device: torch.device) -> None:
        self.segment_BS = torch.zeros(batch, length, dtype=torch.int32, device=device)
        self.position_BS = torch.zeros(batch, length, dtype=torch.int32, device=device)
        self._window = window
        self._full = self._mask_function(None)
        self._sliding = self._mask_function(window)
        self._create: Callable[..., BlockMask] = create_block_mask

    def _mask_function(self, window: int | None) -> MaskFunction:
        segment_BS, position_BS = self.segment_BS, self.position_BS

        def is_visible(
            b: torch.Tensor, _h: torch.Tensor, q: torch.Tensor, k: torch.Tensor
        ) -> torch.Tensor:
            segment_k = segment_BS[b, k]
            is_shared = (segment_k == segment_BS[b, q]) | (segment_k == PREFIX_SEGMENT)
            distance = position_BS[b, q] - position_BS[b, k]
            is_past = is_shared & (distance >= 0)
            return is_past if window is None else is_past & (distance < window)

        return is_visible

    def update(self, segment_BS: torch.Tensor, position_BS: torch.Tensor) -> None:
        """Takes over the segments and positions of a new batch."""
        self.segment_BS.copy_(segment_BS, non_blocking=True)
        self.position_BS.copy_(position_BS, non_blocking=True)

    def compile_parts(self) -> None:
        """Compiles the making of block masks, which would else hold several [B, S, S] tensors."""
        self._create = torch.compile(create_block_mask)

    def blocks(self) -> tuple[BlockMask, BlockMask]:
        """Block masks (sliding, full) for the fused form, of the current batch."""
        batch, length = self.segment_BS.shape
        device = self.segment_BS.device
        sliding = self._create(self._sliding, batch, None, length, length, device=device)
        full = self._create(self._full, batch, None, length, length, device=device)
        return sliding, full

    def dense(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Boolean masks (sliding, full) `[B, S, S]` for the plain form, of the current batch."""
        segment_k = self.segment_BS[:, None, :]
        is_shared = (segment_k == self.segment_BS[:, :, None]) | (segment_k == PREFIX_SEGMENT)
        distance = self.position_BS[:, :, None] - self.position_BS[:, None, :]
        full = is_shared & (distance >= 0)
        return full & (distance < self._window), full


def attend(
    q_BHSW: torch.Tensor,
    k_BGSW: torch.Tensor,
    v_BGSW: torch.Tensor,
    sink_H: torch.Tensor,
    mask: AttentionMask,
) -> torch.Tensor:
    """Attention with sinks.

    Args:
        q_BHSW: Rotated queries.
        k_BGSW: Rotated keys.
        v_BGSW: Values.
        sink_H: Float32 sink logits, not scaled.
        mask: Block mask for the fused form, dense mask for the plain one.

    Returns:
        `[B, S, H·W]` in the dtype of the queries.
    """
    if isinstance(mask, BlockMask):
        out_BHSW, aux = flex_attention(
            q_BHSW,
            k_BGSW,
            v_BGSW,
            block_mask=mask,
            enable_gqa=True,
            return_aux=AuxRequest(lse=True),
        )
        assert aux.lse is not None
        lse_BHS = aux.lse
    else:
        out_BHSW, lse_BHS = _attend_plain(q_BHSW, k_BGSW, v_BGSW, mask)
    keep_BHS = torch.sigmoid(lse_BHS - sink_H[:, None])
    out_BHSW = (out_BHSW * keep_BHS.unsqueeze(-1)).to(q_BHSW.dtype)
    return out_BHSW.transpose(1, 2).flatten(2)


def _attend_plain(
    q_BHSW: torch.Tensor, k_BGSW: torch.Tensor, v_BGSW: torch.Tensor, mask_BSS: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Softmax attention in float32 and the log-sum-exp of its scores."""
    repeats = q_BHSW.shape[1] // k_BGSW.shape[1]
    k_BHSW = k_BGSW.repeat_interleave(repeats, dim=1).float()
    v_BHSW = v_BGSW.repeat_interleave(repeats, dim=1).float()
    score_BHSS = q_BHSW.float() @ k_BHSW.transpose(-2, -1) * q_BHSW.shape[-1] ** -0.5
    score_BHSS = score_BHSS.masked_fill(~mask_BSS[:, None], float("-inf"))
    return torch.softmax(score_BHSS, dim=-1) @ v_BHSW, torch.logsumexp(score_BHSS, dim=-1)
