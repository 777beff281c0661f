"""The GPU's runner of paged steps; implements `engine.runner.PagedRunner`.

A step's decode rows run as one captured graph, its prompts as one packed pass. Where every sequence
goes on without a mask, the next decode step is launched before the results of this one are read:
its tokens are already on the device. If the scheduler then asks for exactly that, the results are
under way; rows that it does not ask for are dropped. What they wrote lies behind the end of their
sequences, where nothing is read before it is written again.

A failure of the device ends the runner: `is_ready` is false from then on, and every call raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from engine.errors import EngineError
from engine.gpu.board import SECTIONS
from engine.gpu.draws import DrawnRows
from engine.gpu.errors import BatchLimitError, GpuFailureError
from engine.gpu.launcher import Launcher
from engine.gpu.options import PAGE_TOKENS
from engine.gpu.steps import GREEDY, DecodeRow
from engine.runner import Draw, Drawn, Feed, Outcome, RunnerLimits, WindowLost

# Dimensions: S sequences of a step, V vocabulary.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """A row of the step that was launched ahead: what a feed must be to be answered by it."""

    row: int
    pages: Sequence[int]
    start: int
    token_id: int
    draw: Draw


@dataclass(slots=True, kw_only=True)
class _Launched:
    """A step under way, and which feeds of the call it answers."""

    section: int
    drawn: DrawnRows | None
    event: torch.cuda.Event | None
    errors: dict[int, EngineError] = field(default_factory=dict)
    # (index of the feed, row of the step)
    answers: list[tuple[int, int]] = field(default_factory=list)


class GpuPagedRunner:
    """Runs steps of one model on one GPU.

    Attributes:
        limits: What fits.
        launcher: Steps of the network, for harnesses and benchmarks.
    """

    def __init__(self, launcher: Launcher) -> None:
        """Run steps with `launcher`."""
        options, config = launcher.options, launcher.config
        self.launcher = launcher
        self.limits = RunnerLimits(
            page_tokens=PAGE_TOKENS,
            num_pages=launcher.num_pages,
            sequences_max=options.sequences_max,
            step_tokens_max=options.chunk_tokens + options.sequences_max,
            vocab_size=config.vocab_size,
            context_length=config.context_length,
            looks_ahead=True,
        )
        self._ahead: _Launched | None = None
        self._ahead_rows: dict[int, _Ahead] = {}
        self._ahead_of: list[tuple[int, int]] = []
        self._failure: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether a step would run; a runner that failed once stays so."""
        return self._failure is None

    def can_resume(self, pages: Sequence[int], start: int) -> bool:
        """Whether a sequence that lies in `pages` can go on at `start`."""
        return self.launcher.planner.sliding.covers(pages, start)

    def copy_page(self, source: int, target: int) -> None:
        """Copy keys and values of a whole page; runs before the next step."""
        self.launcher.copy_page(source, target)

    def run(self, feeds: Sequence[Feed]) -> list[Outcome]:
        """Run one step; see `engine.runner.PagedRunner`.

        Raises:
            BatchLimitError: There are more sequences or tokens than fit; nothing was run.
            GpuFailureError: The device failed, now or before.
        """
        self._check(feeds)
        try:
            return self._run(feeds)
        except (RuntimeError, OSError) as error:
            # Whatever the device reports arrives as one of these, out-of-memory included.
            self._failure = f"{type(error).__name__}: {error}".splitlines()[0]
            raise GpuFailureError(self._failure) from error

    def _check(self, feeds: Sequence[Feed]) -> None:
        if self._failure is not None:
            raise GpuFailureError(self._failure)
        limits = self.limits
        num_tokens = sum(len(feed.token_ids) for feed in feeds)
        if len(feeds) > limits.sequences_max:
            raise BatchLimitError("sequences", limit=limits.sequences_max, actual=len(feeds))
        if num_tokens > limits.step_tokens_max:
            raise BatchLimitError("tokens", limit=limits.step_tokens_max, actual=num_tokens)

    def _run(self, feeds: Sequence[Feed]) -> list[Outcome]:
        # All that this step sees is looked at before any of it takes pages from what was not.
        covers = self.launcher.planner.sliding.covers
        kept = [index for index, feed in enumerate(feeds) if covers(feed.pages, feed.start)]
        steps = []
        fresh = kept
        if self._ahead is not None:
            fresh = self._match(self._ahead, feeds, kept)
            if self._ahead.answers:
                steps.append(self._ahead)
        self._ahead, held = None, {step.section for step in steps}
        sections = iter([s for s in range(SECTIONS) if s not in held])
        decodes = [index for index in fresh if len(feeds[index].token_ids) == 1]
        if decodes:
            steps.append(self._launch_decodes(feeds, decodes, next(sections)))
        prompts = [index for index in fresh if len(feeds[index].token_ids) > 1]
        if prompts:
            steps.append(self._launch_prompts(feeds, prompts, next(sections)))
        self._launch_ahead(feeds, steps)
        return self._collect(feeds, steps)

    def _match(self, ahead: _Launched, feeds: Sequence[Feed], kept: Sequence[int]) -> list[int]:
        """Note which feeds the step ahead answers and return the others."""
        fresh = []
        ahead.answers = []
        for index in kept:
            feed = feeds[index]
            known = self._ahead_rows.get(feed.pages[feed.start // PAGE_TOKENS])
            if (
                known is not None
                and feed.start == known.start
                and len(feed.token_ids) == 1
                and feed.token_ids[0] == known.token_id
                and feed.draw is not None
                and feed.draw.mask is None
                and feed.draw.sampling == known.draw.sampling
                and feed.draw.top_logprobs == known.draw.top_logprobs
                and tuple(feed.pages[: known.start // PAGE_TOKENS + 1]) == known.pages
            ):
                ahead.answers.append((index, known.row))
            else:
                fresh.append(index)
        return fresh

    def _launch_decodes(
        self, feeds: Sequence[Feed], chosen: Sequence[int], section: int
    ) -> _Launched:
        rows = [_decode_row(feeds[index]) for index in chosen]
        draws = [feeds[index].draw for index in chosen]
        launch = self.launcher.decode(rows, draws, section)
        return _Launched(
            section=section,
            drawn=launch.drawn,
            event=launch.event,
            errors=launch.errors,
            answers=list(zip(chosen, launch.rows, strict=True)),
        )

    def _launch_prompts(
        self, feeds: Sequence[Feed], chosen: Sequence[int], section: int
    ) -> _Launched:
        launch = self.launcher.prompts([feeds[index] for index in chosen], section)
        return _Launched(
            section=section,
            drawn=launch.drawn,
            event=launch.event,
            errors=launch.errors,
            answers=list(zip(chosen, launch.rows, strict=True)),
        )

    def _launch_ahead(self, feeds: Sequence[Feed], steps: Sequence[_Launched]) -> None:
        """Launch the next decode step, if it is certain what it would be but for its tokens."""
        self._ahead_rows = {}
        places = {index: (step.section, row) for step in steps for index, row in step.answers}
        rows: list[DecodeRow] = []
        chosen: list[int] = []
        for index, feed in enumerate(feeds):
            if feed.draw is None or index not in places:
                continue
            position = feed.start + len(feed.token_ids)
            has_page = position < len(feed.pages) * PAGE_TOKENS
            if feed.draw.mask is not None or not has_page:
                return
            if position >= self.limits.context_length:
                return
            source = self.launcher.board.drawn_source(*places[index])
            rows.append(
                DecodeRow(
                    pages=feed.pages,
                    position=position,
                    token_id=0,
                    source=source,
                    sampling=feed.draw.sampling,
                )
            )
            chosen.append(index)
        if not rows or any(step.errors for step in steps):
            return
        held = {step.section for step in steps}
        # Tokens are looked up before new ones are left, so that a section may be used again.
        section = next((s for s in range(SECTIONS) if s not in held), 0)
        launch = self.launcher.decode(rows, [feeds[index].draw for index in chosen], section)
        self._ahead = _Launched(section=section, drawn=launch.drawn, event=launch.event)
        self._ahead_of = list(zip(chosen, launch.rows, strict=True))

    def _collect(self, feeds: Sequence[Feed], steps: Sequence[_Launched]) -> list[Outcome]:
        answered = {index for step in steps for index, _ in step.answers}
        outcomes: list[Outcome] = [
            None if index in answered else WindowLost() for index in range(len(feeds))
        ]
        for step in steps:
            if step.event is not None:
                step.event.synchronize()
            wanted = [
                (row, feeds[index].draw, feeds[index].start + len(feeds[index].token_ids))
                for index, row in step.answers
            ]
            if step.drawn is None:
                continue
            results = step.drawn.outcomes(wanted)
            for (index, row), result in zip(step.answers, results, strict=True):
                outcomes[index] = step.errors.get(row, result)
        if self._ahead is not None:
            self._note_ahead(feeds, outcomes)
        return outcomes

    def _note_ahead(self, feeds: Sequence[Feed], outcomes: Sequence[Outcome]) -> None:
        for index, row in self._ahead_of:
            feed, outcome = feeds[index], outcomes[index]
            if not isinstance(outcome, Drawn):
                continue
            assert feed.draw is not None
            start = feed.start + len(feed.token_ids)
            block = start // PAGE_TOKENS
            self._ahead_rows[feed.pages[block]] = _Ahead(
                row=row,
                pages=tuple(feed.pages[: block + 1]),
                start=start,
                token_id=outcome.token_id,
                draw=feed.draw,
            )


def _decode_row(feed: Feed) -> DecodeRow:
    return DecodeRow(
        pages=feed.pages,
        position=feed.start,
        token_id=feed.token_ids[0],
        source=None,
        sampling=feed.draw.sampling if feed.draw is not None else GREEDY,
    )
