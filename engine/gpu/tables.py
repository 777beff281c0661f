"""Block tables: which page holds each 64 positions of each row of a step.

The device's copy is changed where a row's pages changed alone; a row that goes on sends one entry
for each new page. Rows belong to whoever wrote the page that the next token goes to, so that a
sequence usually meets its own row again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.gpu.options import PAGE_TOKENS

# Dimensions: S rows, B blocks of a context.


class BlockTable:
    """One table of pages, on the host and on the device.

    Attributes:
        device_SB: int32.
    """

    def __init__(self, num_rows: int, num_blocks: int, device: torch.device) -> None:
        """Start with page 0 everywhere."""
        self.device_SB = torch.zeros(num_rows, num_blocks, dtype=torch.int32, device=device)
        self._host_SB = np.zeros((num_rows, num_blocks), dtype=np.int32)
        self._page_of_place: dict[int, int] = {}

    def write(self, row: int, first: int, pages: Sequence[int]) -> None:
        """Set the blocks of a row from `first` on."""
        held_B = self._host_SB[row, first : first + len(pages)]
        wanted_B = np.asarray(pages, dtype=np.int32)
        (changed,) = np.nonzero(held_B != wanted_B)
        base = row * self._host_SB.shape[1] + first
        for place in changed.tolist():
            self._page_of_place[base + place] = int(wanted_B[place])
        held_B[:] = wanted_B

    def flush(self) -> None:
        """Send what changed to the device, before whatever is launched next."""
        if not self._page_of_place:
            return
        device = self.device_SB.device
        changes = np.array(list(self._page_of_place.items()), dtype=np.int64).T
        places, pages = torch.from_numpy(changes).to(device)
        self.device_SB.view(-1).index_copy_(0, places, pages.to(torch.int32))
        self._page_of_place = {}


class RowPlaces:
    """Which row of the table each decoding sequence had last."""

    def __init__(self) -> None:
        self._row_of_page: dict[int, int] = {}

    def assign(self, places: Sequence[tuple[Sequence[int], int]]) -> list[int]:
        """Return a different row for each (pages, position), below their number, its last if free.

        A sequence is known by the page that its next token is written to, which is its own.
        """
        num_rows = len(places)
        rows = [-1] * num_rows
        taken = [False] * num_rows
        for index, (pages, position) in enumerate(places):
            row = self._known(pages, position)
            if row is not None and row < num_rows and not taken[row]:
                rows[index], taken[row] = row, True
        free = (row for row in range(num_rows) if not taken[row])
        rows = [next(free) if row < 0 else row for row in rows]
        self._row_of_page = {
            pages[position // PAGE_TOKENS]: row
            for (pages, position), row in zip(places, rows, strict=True)
        }
        return rows

    def _known(self, pages: Sequence[int], position: int) -> int | None:
        block = position // PAGE_TOKENS
        row = self._row_of_page.get(pages[block])
        if row is None and position % PAGE_TOKENS == 0 and block > 0:
            row = self._row_of_page.get(pages[block - 1])
        return row
