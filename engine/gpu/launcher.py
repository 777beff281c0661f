"""Launches of whole steps: plans, graphs, drawing, and the records of what was drawn.

Nothing here waits for the device but the masks' computation, which runs while the device does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.config import ModelConfig
from engine.errors import EngineError
from engine.gpu.board import Board, Field, recorded_event
from engine.gpu.drawing import Drawer, SamplingTable
from engine.gpu.draws import DrawnRows
from engine.gpu.graphs import StepGraphs
from engine.gpu.memory import KvMemory, PageCounts
from engine.gpu.network import KindInputs, Network, StepInputs
from engine.gpu.options import PAGE_TOKENS, GpuOptions, bucket_of
from engine.gpu.steps import GREEDY, DecodeRow, PromptArrays, StepPlanner
from engine.runner import Draw, Feed
from kernels.attention_prefill import plan_prefill
from kernels.sampling import SamplingRows

# Dimensions: S rows that tokens are drawn for, T tokens of a step.


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A step that was launched.

    Attributes:
        rows: Of each row or feed asked for, its row in the results.
        drawn: Results, valid once the event has passed; None where nothing is drawn.
        event: None where launches are done at once.
        errors: Rows that cannot be drawn.
    """

    rows: list[int]
    drawn: DrawnRows | None
    event: torch.cuda.Event | None
    errors: dict[int, EngineError]


class Launcher:
    """Steps of one model on one device.

    Attributes:
        config: The network.
        options: Sizes.
        network: Its forward pass.
        board: Where tokens and rows lie on the device.
        planner: Tables of pages.
        graphs: Captured decode steps.
    """

    def __init__(
        self, network: Network, options: GpuOptions, counts: PageCounts, device: torch.device
    ) -> None:
        """Prepare steps of `network`."""
        self.config: ModelConfig = network.config
        self.options = options
        self.network = network
        self.device = device
        self.num_pages = counts.full
        num_rows = options.buckets[-1]
        self.board = Board(num_rows, device)
        self.planner = StepPlanner(
            options,
            num_blocks=-(-self.config.context_length // PAGE_TOKENS),
            sliding_pages=counts.sliding,
            device=device,
        )
        is_cuda = device.type == "cuda"
        self._drawer = Drawer(self.config, network.buffers, num_rows, device)
        self._decode_sampling = SamplingTable(num_rows, device)
        self._prompt_sampling = SamplingTable(num_rows, device)
        self.graphs = StepGraphs(self._decode_forward, enabled=is_cuda and options.use_graphs)

    @property
    def memory(self) -> KvMemory:
        """Keys and values."""
        return self.network.memory

    def prepare(self, buckets: Sequence[int] | None = None) -> None:
        """Compile and capture decode steps ahead of their first use."""
        for bucket in buckets or self.options.buckets:
            self.graphs.prepare(bucket)

    def copy_page(self, source: int, target: int) -> None:
        """Copy keys and values of a page in all layers."""
        self.memory.copy(source, target, sliding=False)
        sliding = self.planner.sliding.copy(source, target)
        if sliding is not None:
            self.memory.copy(*sliding, sliding=True)

    def decode(
        self, wanted: Sequence[DecodeRow], draws: Sequence[Draw | None], section: int
    ) -> Launch:
        """Launch a step of one token for each sequence; its tokens go to a section of the board."""
        bucket = bucket_of(len(wanted), self.options.buckets)
        rows, fields = self.planner.plan_decode(wanted, bucket, self.board)
        self.board.send(fields)
        self.graphs.run(bucket)
        drawing = [
            (row, draw, item.position + 1)
            for row, draw, item in zip(rows, draws, wanted, strict=True)
        ]
        samplings = [GREEDY] * len(wanted)
        for row, item in zip(rows, wanted, strict=True):
            samplings[row] = item.sampling
        position_S = self.board.field(Field.LENGTH, bucket)
        return self._draw(drawing, self._decode_sampling.rows(samplings, position_S), section)

    def prompts(self, feeds: Sequence[Feed], section: int) -> Launch:
        """Launch a step of several tokens for each sequence."""
        arrays = self.planner.plan_prompts(feeds)
        normed_TD, last_S = self._prompt_forward(arrays)
        num_rows = len(feeds)
        drawing = [
            (row, feed.draw, feed.start + len(feed.token_ids)) for row, feed in enumerate(feeds)
        ]
        if all(feed.draw is None for feed in feeds):
            return Launch(rows=list(range(num_rows)), drawn=None, event=None, errors={})
        self.network.logits(normed_TD, last_S)
        samplings = [feed.draw.sampling if feed.draw else GREEDY for feed in feeds]
        positions = torch.tensor([end for _, _, end in drawing], dtype=torch.int32)
        rows = self._prompt_sampling.rows(samplings, positions.to(self.device))
        return self._draw(drawing, rows, section)

    def _decode_forward(self, bucket: int) -> None:
        """Run a decode step of the board's rows up to its candidates; this is what is captured."""
        board = self.board
        full, sliding = self.planner.tables(is_prompt=False)
        inputs = StepInputs(
            token_ids=board.gather_tokens(bucket),
            positions=board.field(Field.POSITION, bucket),
            num_rows=board.field(Field.NUM_ROWS, 1),
            full=KindInputs(table=full[:bucket], slots=board.field(Field.SLOT, bucket)),
            sliding=KindInputs(
                table=sliding[:bucket], slots=board.field(Field.SLIDING_SLOT, bucket)
            ),
            lengths=board.field(Field.LENGTH, bucket),
        )
        rows = self.network.hidden(inputs)
        self.network.logits(rows.normed)

    def _prompt_forward(self, arrays: PromptArrays) -> tuple[torch.Tensor, torch.Tensor]:
        """Run prompts and return normed rows [T, D] and the last one's index of each [S]."""
        num_tokens = arrays.token_ids.size
        num_sequences = len(arrays.chunks)
        packed = np.concatenate(
            [
                arrays.token_ids,
                arrays.positions,
                arrays.slots,
                arrays.sliding_slots,
                [chunk.row + chunk.num_tokens - 1 for chunk in arrays.chunks],
                [num_tokens],
            ]
        ).astype(np.int32)
        values = torch.from_numpy(packed).to(self.device)
        ids, positions, slots, sliding_slots = values[: 4 * num_tokens].view(4, -1)
        full, sliding = self.planner.tables(is_prompt=True)
        inputs = StepInputs(
            token_ids=ids,
            positions=positions,
            num_rows=values[-1:],
            full=KindInputs(table=full[:num_sequences], slots=slots),
            sliding=KindInputs(table=sliding[:num_sequences], slots=sliding_slots),
            tiles=plan_prefill(arrays.chunks).to(self.device),
        )
        rows = self.network.hidden(inputs)
        return rows.normed, values[4 * num_tokens : -1]

    def _draw(
        self,
        drawing: Sequence[tuple[int, Draw | None, int]],
        rows: SamplingRows,
        section: int,
    ) -> Launch:
        out_tokens_S = self.board.drawn(section, rows.position_S.shape[0])
        record, errors = self._drawer.draw(drawing, rows, out_tokens_S)
        event = recorded_event() if self.device.type == "cuda" else None
        return Launch(rows=[row for row, _, _ in drawing], drawn=record, event=event, errors=errors)
