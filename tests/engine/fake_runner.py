"""A network that is arithmetic: its next token is a hash of the tokens before, read from pages.

It reads the tokens back from where they were written, so a page that is given to two sequences, or
copied too late, shows in what it draws.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence

from engine.errors import EngineError
from engine.runner import Drawn, Feed, Outcome, RunnerLimits, WindowLost


class FakeRunner:
    def __init__(
        self,
        *,
        page_tokens: int = 4,
        num_pages: int = 64,
        sequences_max: int = 4,
        step_tokens_max: int = 32,
        vocab_size: int = 50,
        looks_ahead: bool = False,
    ) -> None:
        self.limits = RunnerLimits(
            page_tokens=page_tokens,
            num_pages=num_pages,
            sequences_max=sequences_max,
            step_tokens_max=step_tokens_max,
            vocab_size=vocab_size,
            context_length=1000,
            looks_ahead=looks_ahead,
        )
        self.steps: list[list[int]] = []
        self.resumes: Callable[[Sequence[int], int], bool] = lambda pages, start: True
        self.loses: Callable[[Feed], bool] = lambda feed: False
        self.fails_at: dict[int, EngineError] = {}
        self._pages: list[list[int | None]] = [[None] * page_tokens for _ in range(num_pages)]

    @property
    def is_ready(self) -> bool:
        return True

    def can_resume(self, pages: Sequence[int], start: int) -> bool:
        return self.resumes(pages, start)

    def copy_page(self, source: int, target: int) -> None:
        self._pages[target] = list(self._pages[source])

    def run(self, feeds: Sequence[Feed]) -> list[Outcome]:
        limits = self.limits
        assert 1 <= len(feeds) <= limits.sequences_max
        assert sum(len(feed.token_ids) for feed in feeds) <= limits.step_tokens_max
        self.steps.append([len(feed.token_ids) for feed in feeds])
        lost = [self.loses(feed) for feed in feeds]
        for feed, is_lost in zip(feeds, lost, strict=True):
            if is_lost:
                continue
            for offset, token_id in enumerate(feed.token_ids):
                page, place = divmod(feed.start + offset, limits.page_tokens)
                self._pages[feed.pages[page]][place] = token_id
        return [
            WindowLost() if is_lost else self._draw(feed)
            for feed, is_lost in zip(feeds, lost, strict=True)
        ]

    def _draw(self, feed: Feed) -> Drawn | EngineError | None:
        if feed.draw is None:
            return None
        end = feed.start + len(feed.token_ids)
        size = self.limits.page_tokens
        tokens = [self._pages[feed.pages[i // size]][i % size] for i in range(end)]
        if end in self.fails_at:
            return self.fails_at[end]
        return next_token(tokens, self.limits.vocab_size)


def next_token(tokens: Sequence[int | None], vocab_size: int) -> Drawn:
    state = hashlib.sha256(repr(list(tokens)).encode()).digest()
    return Drawn(token_id=struct.unpack("<I", state[:4])[0] % vocab_size, candidates=state)
