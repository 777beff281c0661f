"""What a decode step reads besides weights and pages, and how it gets to the device.

The board is one int32 tensor, so that one copy a step fills it: a place for each token that the
last steps drew, then one line of values for each field of the next step's rows. A row's token is
looked up on the device, in what was drawn or in what the host sent.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import torch

# Dimensions: S rows of the largest step, F fields.

# Steps that may be under way at once each leave their tokens in a section of their own.
SECTIONS = 3
# Copies to the device that may be under way while the next one is prepared.
_STAGES = 4


class Field(IntEnum):
    """Lines of the board."""

    TOKEN_ID = 0
    SOURCE = 1
    POSITION = 2
    SLOT = 3
    SLIDING_SLOT = 4
    LENGTH = 5
    NUM_ROWS = 6


class Board:
    """The device's copy and the host's stages for it."""

    def __init__(self, num_rows: int, device: torch.device) -> None:
        """Allocate for steps of up to `num_rows` rows."""
        self.num_rows = num_rows
        self._is_cuda = device.type == "cuda"
        drawn = SECTIONS * num_rows
        whole = torch.zeros(drawn + len(Field) * num_rows, dtype=torch.int32, device=device)
        self._whole = whole
        self._fields = whole[drawn:].view(len(Field), num_rows)
        self._tokens = torch.zeros(num_rows, dtype=torch.int32, device=device)
        self._stages = [
            torch.zeros(len(Field), num_rows, dtype=torch.int32, pin_memory=self._is_cuda)
            for _ in range(_STAGES)
        ]
        self._events: list[torch.cuda.Event | None] = [None] * _STAGES
        self._next_stage = 0

    def field(self, field: Field, num_rows: int) -> torch.Tensor:
        """Return the device's line of a field, cut to the rows of a step."""
        return self._fields[field, :num_rows]

    def drawn(self, section: int, num_rows: int) -> torch.Tensor:
        """Return where a step leaves the tokens that it draws."""
        first = section * self.num_rows
        return self._whole[first : first + num_rows]

    def drawn_source(self, section: int, row: int) -> int:
        """Return the source of a row whose token was drawn at a row of a section."""
        return section * self.num_rows + row

    def host_source(self, row: int) -> int:
        """Return the source of a row whose token the host sends."""
        return (SECTIONS + Field.TOKEN_ID) * self.num_rows + row

    def gather_tokens(self, num_rows: int) -> torch.Tensor:
        """Look up the tokens of a step's rows; part of the step, so of its graph."""
        tokens = self._tokens[:num_rows]
        torch.index_select(self._whole, 0, self.field(Field.SOURCE, num_rows), out=tokens)
        return tokens

    def send(self, values_FS: npt.NDArray[np.int32]) -> None:
        """Copy fields to the device, before whatever is launched next."""
        stage = self._next_stage
        self._next_stage = (stage + 1) % _STAGES
        event = self._events[stage]
        if event is not None:
            event.synchronize()
        self._stages[stage].numpy()[:, : values_FS.shape[1]] = values_FS
        self._fields.copy_(self._stages[stage], non_blocking=True)
        if self._is_cuda:
            self._events[stage] = recorded_event()


def recorded_event() -> torch.cuda.Event:
    """Return an event that passes when all that was launched so far is done."""
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch's own gap
    event.record()
    return event
