"""What a step drew, on its way from the device to the scheduler.

Each step under way has a record in page-locked memory; the host reads it once the step's event has
passed, one step late where the next one was launched ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.digest import CANDIDATES
from engine.errors import EngineError, NonFiniteLogitsError, TokenMaskError
from engine.runner import Draw, Drawn
from engine.types import TokenLogprob, TokenLogprobs

# Dimensions: S rows of a step, C candidates.


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRows:
    """Results of the rows of a step; on the device, and once more in page-locked memory."""

    token_ids: torch.Tensor  # [S] int32
    logits: torch.Tensor  # [S] float32, raw, of the tokens
    log_sums: torch.Tensor  # [S] float32, of the exponentials of all raw logits
    best_ids: torch.Tensor  # [S, 32] int32, best first
    best_values: torch.Tensor  # [S, 32] float32, their raw logits; first infinite if any is

    @classmethod
    def empty(cls, num_rows: int, *, device: torch.device | str, pinned: bool) -> DrawnRows:
        """Allocate for steps of up to `num_rows` rows."""

        def new(*sizes: int, dtype: torch.dtype) -> torch.Tensor:
            return torch.empty(sizes, dtype=dtype, device=device, pin_memory=pinned)

        return cls(
            token_ids=new(num_rows, dtype=torch.int32),
            logits=new(num_rows, dtype=torch.float32),
            log_sums=new(num_rows, dtype=torch.float32),
            best_ids=new(num_rows, CANDIDATES, dtype=torch.int32),
            best_values=new(num_rows, CANDIDATES, dtype=torch.float32),
        )

    def copy_from(self, other: DrawnRows, num_rows: int) -> None:
        """Copy the first rows of another record, without waiting."""
        for mine, theirs in (
            (self.token_ids, other.token_ids),
            (self.logits, other.logits),
            (self.log_sums, other.log_sums),
            (self.best_ids, other.best_ids),
            (self.best_values, other.best_values),
        ):
            mine[:num_rows].copy_(theirs[:num_rows], non_blocking=True)

    def outcomes(
        self, wanted: Sequence[tuple[int, Draw | None, int]]
    ) -> list[Drawn | EngineError | None]:
        """Return what each (row, draw, position) drew; for a record in the host's memory."""
        token_ids = self.token_ids.tolist()
        is_finite = torch.isfinite(self.best_values[:, 0]).tolist()
        pairs_SC2 = np.stack(
            [self.best_ids.numpy(), self.best_values.numpy().view(np.int32)], axis=2
        )
        results: list[Drawn | EngineError | None] = []
        for row, draw, position in wanted:
            if draw is None:
                results.append(None)
            elif not is_finite[row]:
                results.append(NonFiniteLogitsError(position))
            else:
                logprobs = self._logprobs(row, draw.top_logprobs) if draw.top_logprobs else None
                packed = pairs_SC2[row].tobytes()
                results.append(Drawn(token_id=token_ids[row], candidates=packed, logprobs=logprobs))
        return results

    def _logprobs(self, row: int, count: int) -> TokenLogprobs:
        log_sum = float(self.log_sums[row])
        top = tuple(
            TokenLogprob(token_id=token_id, logprob=value - log_sum)
            for token_id, value in zip(
                self.best_ids[row, :count].tolist(),
                self.best_values[row, :count].tolist(),
                strict=True,
            )
        )
        logit = float(self.logits[row])
        sampled = TokenLogprob(token_id=int(self.token_ids[row]), logprob=logit - log_sum)
        return TokenLogprobs(sampled=sampled, top=top)


class MaskRows:
    """Grammar masks of a step's rows, on the device."""

    def __init__(self, num_rows: int, vocab_size: int, device: torch.device) -> None:
        """Allocate for steps of up to `num_rows` rows."""
        self._num_words = -(-vocab_size // 32)
        self.bits_SM = torch.full((num_rows, self._num_words), -1, dtype=torch.int32, device=device)
        self._is_open = [True] * num_rows

    def set_rows(
        self, draws: Sequence[tuple[int, Draw | None, int]]
    ) -> tuple[bool, dict[int, EngineError]]:
        """Set the masks of the (row, draw, position) of a step.

        Returns:
            Whether any row has a mask, and the errors of those whose mask allows nothing.
        """
        errors: dict[int, EngineError] = {}
        any_mask = False
        for row, draw, position in draws:
            try:
                bitmask = None if draw is None or draw.mask is None else draw.mask.bitmask()
            except EngineError as error:
                errors[row] = error
                continue
            if bitmask is None:
                if not self._is_open[row]:
                    self.bits_SM[row].fill_(-1)
                    self._is_open[row] = True
                continue
            if bitmask.shape != (self._num_words,):
                expected = f"{self._num_words} words"
                errors[row] = TokenMaskError(
                    position=position, expected=expected, actual=f"shape {bitmask.shape}"
                )
            elif not bitmask.any():
                errors[row] = TokenMaskError(
                    position=position, expected="at least one allowed token", actual="none"
                )
            else:
                words = np.ascontiguousarray(bitmask, dtype=np.uint32).view(np.int32)
                self.bits_SM[row].copy_(torch.from_numpy(words))
                self._is_open[row] = False
                any_mask = True
        return any_mask, errors
