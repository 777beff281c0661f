"""From feeds to what a step reads on the device: rows, positions, places of keys and values.

Knows pages and rows, no weights. The order of rows, and which row a sequence has, change no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.gpu.board import Board, Field
from engine.gpu.options import PAGE_TOKENS, GpuOptions
from engine.gpu.sliding import SlidingPages, first_block
from engine.gpu.tables import BlockTable, RowPlaces
from engine.runner import Feed
from engine.types import Sampling
from kernels.attention_prefill import Chunk

# Dimensions: S rows, T tokens, F fields of the board.

GREEDY = Sampling()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeRow:
    """One token of one sequence.

    Attributes:
        pages: Of the positions up to the token's own, at least.
        position: Of the token.
        token_id: The token; 0 when `source` says where it lies.
        source: Place on the board of a token that the host does not know yet.
        sampling: How the next one is drawn.
    """

    pages: Sequence[int]
    position: int
    token_id: int
    source: int | None
    sampling: Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptArrays:
    """Tokens of several prompts, packed, on the host; int32."""

    token_ids: npt.NDArray[np.int32]  # [T]
    positions: npt.NDArray[np.int32]  # [T]
    slots: npt.NDArray[np.int32]  # [T]
    sliding_slots: npt.NDArray[np.int32]  # [T]
    chunks: tuple[Chunk, ...]


class StepPlanner:
    """Keeps the tables of a runner in step with its feeds.

    Attributes:
        sliding: Which pages the sliding layers have.
        full_table: Pages of full layers, rows of decode steps first, then those of prompt steps.
        sliding_table: The same for sliding layers.
    """

    def __init__(
        self, options: GpuOptions, *, num_blocks: int, sliding_pages: int, device: torch.device
    ) -> None:
        """Allocate tables for contexts of `num_blocks` pages."""
        self._first_prompt_row = options.buckets[-1]
        num_rows = 2 * options.buckets[-1]
        self.sliding = SlidingPages(sliding_pages)
        self.full_table = BlockTable(num_rows, num_blocks, device)
        self.sliding_table = BlockTable(num_rows, num_blocks, device)
        self._rows = RowPlaces()
        self._pages_of_row: dict[int, tuple[int, ...]] = {}

    def tables(self, *, is_prompt: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the device's full and sliding tables of a kind of step."""
        first = self._first_prompt_row if is_prompt else 0
        rows = slice(first, first + self._first_prompt_row)
        return self.full_table.device_SB[rows], self.sliding_table.device_SB[rows]

    def plan_decode(
        self, wanted: Sequence[DecodeRow], bucket: int, board: Board
    ) -> tuple[list[int], npt.NDArray[np.int32]]:
        """Return the row of each token and the fields [F, S] of the step.

        Raises:
            PrefixLostError: A row's window is not on the device any more.
        """
        windows = [self.sliding.touch(row.pages, row.position, row.position + 1) for row in wanted]
        rows = self._rows.assign([(row.pages, row.position) for row in wanted])
        for row, item, window in zip(rows, wanted, windows, strict=True):
            self._write_row(row, item.pages, item.position, window)
        self.full_table.flush()
        self.sliding_table.flush()
        values_FS = np.zeros((len(Field), bucket), dtype=np.int32)
        values_FS[Field.SLOT : Field.SLIDING_SLOT + 1] = -1
        positions = np.array([item.position for item in wanted], dtype=np.int32)
        offsets = positions % PAGE_TOKENS
        pages = [item.pages[item.position // PAGE_TOKENS] for item in wanted]
        sources = [
            board.host_source(row) if item.source is None else item.source
            for row, item in zip(rows, wanted, strict=True)
        ]
        values_FS[Field.TOKEN_ID, rows] = [item.token_id for item in wanted]
        values_FS[Field.SOURCE] = board.host_source(0)
        values_FS[Field.SOURCE, rows] = sources
        values_FS[Field.POSITION, rows] = positions
        values_FS[Field.SLOT, rows] = np.array(pages) * PAGE_TOKENS + offsets
        last_sliding = np.array([window[-1] for window in windows])
        values_FS[Field.SLIDING_SLOT, rows] = last_sliding * PAGE_TOKENS + offsets
        values_FS[Field.LENGTH, rows] = positions + 1
        values_FS[Field.NUM_ROWS, 0] = len(wanted)
        return rows, values_FS

    def plan_prompts(self, feeds: Sequence[Feed]) -> PromptArrays:
        """Pack feeds of several tokens and set the rows of the tables that they use.

        Raises:
            PrefixLostError: A feed's window is not on the device any more.
        """
        positions, slots, sliding_slots = [], [], []
        chunks: list[Chunk] = []
        packed_row = 0
        for index, feed in enumerate(feeds):
            end = feed.start + len(feed.token_ids)
            first = first_block(feed.start)
            window = self.sliding.touch(feed.pages, feed.start, end)
            used = tuple(feed.pages[: -(-end // PAGE_TOKENS)])
            row = self._first_prompt_row + index
            self.full_table.write(row, 0, used)
            self.sliding_table.write(row, first, window)
            position_T = np.arange(feed.start, end, dtype=np.int32)
            blocks, within = position_T // PAGE_TOKENS, position_T % PAGE_TOKENS
            positions.append(position_T)
            slots.append(np.asarray(used, dtype=np.int32)[blocks] * PAGE_TOKENS + within)
            window_pages = np.asarray(window, dtype=np.int32)
            sliding_slots.append(window_pages[blocks - first] * PAGE_TOKENS + within)
            num_tokens = len(feed.token_ids)
            chunks.append(
                Chunk(row=packed_row, start=feed.start, num_tokens=num_tokens, sequence=index)
            )
            packed_row += num_tokens
        self.full_table.flush()
        self.sliding_table.flush()
        ids = [token_id for feed in feeds for token_id in feed.token_ids]
        return PromptArrays(
            token_ids=np.array(ids, dtype=np.int32),
            positions=np.concatenate(positions),
            slots=np.concatenate(slots),
            sliding_slots=np.concatenate(sliding_slots),
            chunks=tuple(chunks),
        )

    def _write_row(
        self, row: int, pages: Sequence[int], position: int, window: Sequence[int]
    ) -> None:
        used = tuple(pages[: position // PAGE_TOKENS + 1])
        if self._pages_of_row.get(row) != used:
            self.full_table.write(row, 0, used)
            self._pages_of_row[row] = used
        self.sliding_table.write(row, first_block(position), window)
