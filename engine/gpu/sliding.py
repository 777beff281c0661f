"""Which pages of the sliding layers hold which pages of the full ones.

A sliding layer reads the last 128 positions alone, so its pages are fewer: a small pool of its own,
given out as sequences move on and taken back from whatever was not looked at for longest. A page
that is still in some sequence's window was looked at in that sequence's last step. What is taken
back makes a shared beginning unusable, never wrong: `covers` says so beforehand.
Free of tensors.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from engine.gpu.errors import BatchLimitError, PrefixLostError
from engine.gpu.options import PAGE_TOKENS
from engine.gpu.support import WINDOW


def first_block(start: int) -> int:
    """Return the first block of 64 positions that a token at `start` sees in a sliding layer."""
    return max(0, start - WINDOW + 1) // PAGE_TOKENS


class SlidingPages:
    """Maps pages to pages of the sliding layers' pool; not thread-safe."""

    def __init__(self, num_pages: int) -> None:
        """Start with `num_pages` free pages."""
        self.num_pages = num_pages
        self._free = list(range(num_pages - 1, -1, -1))
        # From page to sliding page, the one looked at longest ago first.
        self._held: OrderedDict[int, int] = OrderedDict()

    def covers(self, pages: Sequence[int], start: int) -> bool:
        """Whether a sequence that lies in `pages` can go on at `start`; looks at its window."""
        window = [pages[i] for i in range(first_block(start), -(-start // PAGE_TOKENS))]
        for page in window:
            if page not in self._held:
                return False
        for page in window:
            self._held.move_to_end(page)
        return True

    def touch(self, pages: Sequence[int], start: int, end: int) -> list[int]:
        """Return the sliding pages of the blocks that tokens `start` to `end` - 1 see or fill.

        Blocks that begin at or after `start` get a page where they have none.

        Raises:
            PrefixLostError: A block with earlier positions has none any more.
        """
        result = []
        for block in range(first_block(start), -(-end // PAGE_TOKENS)):
            page = pages[block]
            sliding = self._held.get(page)
            if sliding is None:
                if block * PAGE_TOKENS < start:
                    raise PrefixLostError(page=page, start=start)
                sliding = self._take()
                self._held[page] = sliding
            else:
                self._held.move_to_end(page)
            result.append(sliding)
        return result

    def copy(self, source: int, target: int) -> tuple[int, int] | None:
        """Return the sliding pages to copy for a copy of a page; None where there is nothing."""
        self.drop(target)
        held = self._held.get(source)
        if held is None:
            return None
        self._held.move_to_end(source)
        self._held[target] = self._take()
        return held, self._held[target]

    def drop(self, page: int) -> None:
        """Forget a page."""
        sliding = self._held.pop(page, None)
        if sliding is not None:
            self._free.append(sliding)

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        if not self._held:
            raise BatchLimitError("pages of sliding layers", limit=self.num_pages, actual=1)
        return self._held.popitem(last=False)[1]
