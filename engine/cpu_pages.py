"""The CPU's runner of paged steps: the network of `engine.cpu_runner` over a pool of pages.

Draws tokens in the same process, row by row in order, so that a mask is asked for after the forward
pass. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from engine.cpu_runner import BATCH_MAX, STEP_TOKENS_MAX, CpuRunner, Work
from engine.digest import pack_candidates
from engine.errors import EngineError
from engine.kv_cache import BLOCK_TOKENS
from engine.kv_pool import KvPool
from engine.runner import Draw, Drawn, Feed, RunnerLimits
from engine.sampler import apply_mask, sample, token_logprobs


class CpuPagedRunner:
    """Implements `engine.runner.PagedRunner`.

    Attributes:
        limits: What fits.
    """

    def __init__(
        self, runner: CpuRunner, *, num_pages: int | None = None, num_threads: int | None = None
    ) -> None:
        """Run steps of `runner` over a new pool.

        Args:
            runner: The network.
            num_pages: Size of the pool; by default `KvPool`'s own.
            num_threads: Threads of each operation; whatever torch has by default.
        """
        config = runner.config
        self._runner = runner
        self._pool = KvPool(config, num_pages=num_pages)
        self._num_threads = num_threads
        self.limits = RunnerLimits(
            page_tokens=BLOCK_TOKENS,
            num_pages=self._pool.num_pages,
            sequences_max=BATCH_MAX,
            step_tokens_max=STEP_TOKENS_MAX,
            vocab_size=config.vocab_size,
            context_length=config.context_length,
        )

    @property
    def is_ready(self) -> bool:
        """Whether a step would run: always."""
        return True

    def can_resume(self, pages: Sequence[int], start: int) -> bool:
        """Whether a sequence can go on from known pages: always, all of them are held."""
        return start <= len(pages) * BLOCK_TOKENS

    def copy_page(self, source: int, target: int) -> None:
        """Copy keys and values of a whole page."""
        self._pool.copy_page(source, target)

    def run(self, feeds: Sequence[Feed]) -> list[Drawn | EngineError | None]:
        """Run one step; see `engine.runner.PagedRunner`."""
        # Another thread or another engine of this process may have another count.
        if self._num_threads not in (None, torch.get_num_threads()):
            torch.set_num_threads(self._num_threads or 1)
        batch = [
            Work(self._pool.sequence(feed.pages, feed.start), feed.token_ids) for feed in feeds
        ]
        logits_SV = self._runner.step(batch).numpy()
        return [
            None if feed.draw is None else _draw(row_V, feed.draw, feed.start + len(feed.token_ids))
            for feed, row_V in zip(feeds, logits_SV, strict=True)
        ]


def _draw(logits_V: npt.NDArray[np.float32], draw: Draw, position: int) -> Drawn | EngineError:
    try:
        token_id = _choose(logits_V, draw, position)
    except EngineError as error:
        return error
    logprobs = None
    if draw.top_logprobs > 0:
        logprobs = token_logprobs(logits_V, token_id, draw.top_logprobs)
    return Drawn(token_id=token_id, candidates=pack_candidates(logits_V), logprobs=logprobs)


def _choose(logits_V: npt.NDArray[np.float32], draw: Draw, position: int) -> int:
    mask, bitmask = draw.mask, None
    # Where the best of all tokens is allowed, a greedy draw needs no mask, which costs more.
    is_greedy = draw.sampling.temperature == 0
    if mask is not None and not (is_greedy and mask.allows(int(np.argmax(logits_V)))):
        bitmask = mask.bitmask()
    return sample(apply_mask(logits_V, bitmask, position), draw.sampling, position)
