"""The device's side of drawing: candidates are there, tokens and what is reported come out.

Outside the captured graphs, since a step with masks waits for the host to compute them; that
happens while the device runs the step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.config import ModelConfig
from engine.errors import EngineError
from engine.gpu.buffers import Buffers
from engine.gpu.draws import DrawnRows, MaskRows
from engine.runner import Draw
from engine.types import Sampling
from kernels.head import Candidates, find_candidates, new_candidates
from kernels.sampling import (
    Sampled,
    SamplingRows,
    log_sum_exp,
    mask_logits,
    new_sampled,
    sample,
)

# Dimensions: S rows of a step, C chunks of the vocabulary.

# Steps whose results the host may not have read yet.
_RECORDS = 6


class SamplingTable:
    """How rows are drawn, on the device; sent where it changed alone."""

    def __init__(self, num_rows: int, device: torch.device) -> None:
        """Start with greedy rows."""
        self._device = device
        self._num_rows = num_rows
        self._sent: tuple[Sampling, ...] = ()
        self._values = torch.zeros(3, num_rows, dtype=torch.int64, device=device)

    def rows(self, samplings: Sequence[Sampling], position_S: torch.Tensor) -> SamplingRows:
        """Return the device's rows for a step, in the order of `samplings`."""
        wanted = tuple(samplings)
        num_rows = position_S.shape[0]
        if wanted != self._sent[: len(wanted)] or not self._sent:
            self._send(wanted)
        return SamplingRows(
            temperature_S=self._values[0, :num_rows].view(torch.float64),
            top_p_S=self._values[1, :num_rows].view(torch.float64),
            seed_S=self._values[2, :num_rows],
            position_S=position_S,
        )

    def _send(self, samplings: tuple[Sampling, ...]) -> None:
        # Rows of padding are greedy.
        padding = [Sampling()] * (self._num_rows - len(samplings))
        whole = [*samplings, *padding]
        values = np.stack(
            [
                np.array([s.temperature for s in whole], dtype=np.float64).view(np.int64),
                np.array([s.top_p for s in whole], dtype=np.float64).view(np.int64),
                np.array([s.seed for s in whole], dtype=np.uint64).view(np.int64),
            ]
        )
        self._values.copy_(torch.from_numpy(values))
        self._sent = tuple(whole)


class Drawer:
    """Draws the tokens of a step from its logits and candidates."""

    def __init__(
        self, config: ModelConfig, buffers: Buffers, num_rows: int, device: torch.device
    ) -> None:
        """Allocate for steps of up to `num_rows` rows."""
        self._buffers = buffers
        self._masks = MaskRows(num_rows, config.vocab_size, device)
        self._masked = new_candidates(num_rows, device)
        self._sampled = new_sampled(num_rows, config.vocab_size, device)
        self._log_sums_S = torch.zeros(num_rows, dtype=torch.float32, device=device)
        is_cuda = device.type == "cuda"
        self._records = [DrawnRows.empty(num_rows, pinned=is_cuda) for _ in range(_RECORDS)]
        self._next_record = 0

    def draw(
        self,
        drawing: Sequence[tuple[int, Draw | None, int]],
        rows: SamplingRows,
        out_tokens_S: torch.Tensor,
    ) -> tuple[DrawnRows, dict[int, EngineError]]:
        """Launch the drawing of a step's rows.

        Args:
            drawing: Row, how to draw it, and for which position.
            rows: How to draw, on the device, padding included.
            out_tokens_S: Where the tokens are left.

        Returns:
            The record that will hold the results, and the errors of rows that cannot be drawn.
        """
        num_rows = out_tokens_S.shape[0]
        logits, candidates = self._buffers.logits(num_rows), self._buffers.candidates(num_rows)
        mass_SC = self._sampled.mass_SC[:num_rows]
        has_logprobs = any(draw is not None and draw.top_logprobs > 0 for _, draw, _ in drawing)
        if has_logprobs:
            log_sums_S = self._log_sums_S[:num_rows]
            log_sum_exp(logits, candidates, out_S=log_sums_S, mass_SC=mass_SC)
        record = self._records[self._next_record]
        self._next_record = (self._next_record + 1) % _RECORDS
        any_mask, errors = self._masks.set_rows(drawing)
        allowed = candidates
        if any_mask:
            allowed = _cut(self._masked, num_rows)
            masks = self._masks
            mask_logits(logits, masks.bits_SY[:num_rows], masks.is_masked_S[:num_rows])
            find_candidates(logits, out=allowed)
        logit_S = self._sampled.logit_S[:num_rows]
        out = Sampled(token_S=out_tokens_S, logit_S=logit_S, mass_SC=mass_SC)
        sample(logits, allowed, rows, out=out)
        record.pairs[:num_rows].copy_(candidates.pairs_SKX, non_blocking=True)
        record.token_ids[:num_rows].copy_(out_tokens_S, non_blocking=True)
        if has_logprobs:
            record.logits[:num_rows].copy_(logit_S, non_blocking=True)
            record.log_sums[:num_rows].copy_(self._log_sums_S[:num_rows], non_blocking=True)
        return record, errors


def _cut(candidates: Candidates, num_rows: int) -> Candidates:
    return Candidates(
        pairs_SKX=candidates.pairs_SKX[:num_rows], scratch_SI=candidates.scratch_SI[:num_rows]
    )
