"""What a step drew, on its way from the device to the scheduler.

Each step under way has a record in page-locked memory; the host reads it once the step's event has
passed, one step late where the next one was launched ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.digest import CANDIDATES
from engine.errors import EngineError, NonFiniteLogitsError, TokenMaskError
from engine.runner import Draw, Drawn
from engine.types import TokenLogprob, TokenLogprobs

# Dimensions: S rows of a step, K candidates, X = 2 (id, bits), Y words of 32 tokens of a mask.


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRows:
    """Results of the rows of a step in the host's memory; log sums where they were asked for."""

    token_ids: torch.Tensor  # [S] int32
    logits: torch.Tensor  # [S] float32, raw, of the tokens
    log_sums: torch.Tensor  # [S] float32, of the exponentials of all raw logits
    pairs: torch.Tensor  # [S, 32, 2] int32: id and bits of its raw logit, best first

    @classmethod
    def empty(cls, num_rows: int, *, pinned: bool) -> DrawnRows:
        """Allocate for steps of up to `num_rows` rows."""

        def new(*sizes: int, dtype: torch.dtype) -> torch.Tensor:
            return torch.empty(sizes, dtype=dtype, pin_memory=pinned)

        return cls(
            token_ids=new(num_rows, dtype=torch.int32),
            logits=new(num_rows, dtype=torch.float32),
            log_sums=new(num_rows, dtype=torch.float32),
            pairs=new(num_rows, CANDIDATES, 2, dtype=torch.int32),
        )

    def outcomes(
        self, wanted: Sequence[tuple[int, Draw | None, int]]
    ) -> list[Drawn | EngineError | None]:
        """Return what each (row, draw, position) drew; for a record in the host's memory."""
        token_ids = self.token_ids.tolist()
        values_SK = self.pairs.view(torch.float32)[:, :, 1]
        is_finite = torch.isfinite(values_SK[:, 0]).tolist()
        pairs_SKX = self.pairs.numpy()
        results: list[Drawn | EngineError | None] = []
        for row, draw, position in wanted:
            if draw is None:
                results.append(None)
            elif not is_finite[row]:
                results.append(NonFiniteLogitsError(position))
            else:
                logprobs = self._logprobs(row, draw.top_logprobs) if draw.top_logprobs else None
                packed = pairs_SKX[row].tobytes()
                results.append(Drawn(token_id=token_ids[row], candidates=packed, logprobs=logprobs))
        return results

    def _logprobs(self, row: int, count: int) -> TokenLogprobs:
        log_sum = float(self.log_sums[row])
        pairs_KX = self.pairs[row, :count]
        top = tuple(
            TokenLogprob(token_id=token_id, logprob=value - log_sum)
            for token_id, value in zip(
                pairs_KX[:, 0].tolist(), pairs_KX.view(torch.float32)[:, 1].tolist(), strict=True
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
        self.bits_SY = torch.zeros(num_rows, self._num_words, dtype=torch.int32, device=device)
        self.is_masked_S = torch.zeros(num_rows, dtype=torch.int32, device=device)

    def set_rows(
        self, draws: Sequence[tuple[int, Draw | None, int]]
    ) -> tuple[bool, dict[int, EngineError]]:
        """Set the masks of the (row, draw, position) of a step.

        Returns:
            Whether any row has a mask, and the errors of those whose mask allows nothing.
        """
        errors: dict[int, EngineError] = {}
        masked: list[int] = []
        for row, draw, position in draws:
            if draw is None or draw.mask is None:
                continue
            try:
                bitmask = draw.mask.bitmask()
                if bitmask is not None:
                    words = self._words(bitmask, position)
                    self.bits_SY[row].copy_(words)
                    masked.append(row)
            except EngineError as error:
                errors[row] = error
        if masked:
            flags_S = torch.zeros(self.is_masked_S.shape, dtype=torch.int32)
            flags_S[masked] = 1
            self.is_masked_S.copy_(flags_S)
        return bool(masked), errors

    def _words(self, bitmask: npt.NDArray[np.uint32], position: int) -> torch.Tensor:
        if bitmask.shape != (self._num_words,):
            raise TokenMaskError(
                position=position,
                expected=f"{self._num_words} words",
                actual=f"shape {bitmask.shape}",
            )
        if not bitmask.any():
            raise TokenMaskError(
                position=position, expected="at least one allowed token", actual="none"
            )
        return torch.from_numpy(np.ascontiguousarray(bitmask).view(np.int32))
