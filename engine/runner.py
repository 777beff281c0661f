"""What the scheduler asks of a network: the contract between it and the CPU and GPU runners.

A runner owns the numbers, the scheduler owns their places. Keys and values lie in pages of
`page_tokens` consecutive positions that start at multiples of it; a sequence is a list of page
indices, in order. The scheduler decides which page belongs to whom; a runner never allocates. One
call runs one step: prompt chunks and single decode rows of several sequences, mixed.

The determinism contract binds every runner: what a `Feed` draws depends on the tokens of its
sequence alone, whatever else is in the step, however the tokens came in, wherever pages lie.
Imports no tensor library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.errors import EngineError
from engine.types import Sampling, TokenLogprobs, TokenMask


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerLimits:
    """What fits a runner.

    Attributes:
        page_tokens: Positions of one page.
        num_pages: Pages in all, indices 0 to `num_pages` - 1.
        sequences_max: Sequences of one step.
        step_tokens_max: New tokens of one step, all sequences together.
        vocab_size: Width of the logits.
        context_length: Positions of one sequence.
        looks_ahead: Whether it can use the page that the token after the next one goes to.
    """

    page_tokens: int
    num_pages: int
    sequences_max: int
    step_tokens_max: int
    vocab_size: int
    context_length: int
    looks_ahead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How the token after a feed is drawn.

    Attributes:
        sampling: Temperature, top-p and seed; the position is the number of tokens before.
        top_logprobs: Alternatives to report; 0 reports nothing.
        mask: Asked for its bits once the forward pass is under way or done, never before, so that
            they can be computed meanwhile.
    """

    sampling: Sampling
    top_logprobs: int = 0
    mask: TokenMask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """New tokens of one sequence.

    Attributes:
        pages: Page indices of the positions 0 to `start` + len(`token_ids`) - 1, in order. Those
            before `start` are filled; pages that end at or before `start` may be shared with other
            sequences and are not written. One more page may follow, for a runner that looks ahead.
        start: Position of the first new token.
        token_ids: At least one.
        draw: None while more of the prompt is to come.
    """

    pages: Sequence[int]
    start: int
    token_ids: Sequence[int]
    draw: Draw | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a feed yielded.

    Attributes:
        token_id: The token drawn.
        candidates: The 32 largest raw logits for the R4 chain, as `engine.digest` packs them.
        logprobs: Of the token and its alternatives, when they were asked for.
    """

    token_id: int
    candidates: bytes
    logprobs: TokenLogprobs | None = None


@dataclass(frozen=True, slots=True)
class WindowLost:
    """The runner gave up positions that the feed sees; nothing was run for it.

    Its sequence goes on from whatever `can_resume` allows, at worst from its start.
    """


Outcome = Drawn | EngineError | WindowLost | None


class PagedRunner(Protocol):
    """Runs steps of one model; called by one thread at a time."""

    @property
    def limits(self) -> RunnerLimits:
        """What fits."""

    @property
    def is_ready(self) -> bool:
        """Whether a step would run; false once the device failed."""

    def can_resume(self, pages: Sequence[int], start: int) -> bool:
        """Whether a sequence whose first `start` positions lie in `pages` can go on from there."""

    def copy_page(self, source: int, target: int) -> None:
        """Copy keys and values of a whole page; runs before the next step."""

    def run(self, feeds: Sequence[Feed]) -> Sequence[Outcome]:
        """Run one step and return one outcome for each feed, in order.

        None where nothing was to be drawn; an error where one sequence cannot go on (a mask that
        allows nothing, logits that are not finite), which leaves the others as they are.
        """
