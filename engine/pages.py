"""Who owns which page of keys and values, and which pages hold a known beginning of a prompt.

Free of tensors: a page is an index. A page is free, owned by one or more sequences, or kept: filled
with known content that nobody owns, until it is needed for something else, least recently used
first. Content is known by a digest over the tenant and every token up to the page's end, so that a
page is found again only by the same tenant with the same beginning, and never by its position.

A page that was left half filled, and a full one that a prompt shares in part, can still be copied:
reuse is exact to the token, not to the page. Reuse changes no bits: kept keys and values are those
that would be computed again.
"""

from __future__ import annotations

import hashlib
import heapq
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

_ROOT = b"finsvc-pages-v1"
# Beginnings compared token by token at the end of a match; more would make a busy parent slow.
SIBLINGS_MAX = 64
# Whether a runner can go on from a number of tokens that lie in pages (`engine.runner`).
CanResume = Callable[[Sequence[int], int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixMatch:
    """The longest known beginning of a prompt.

    Attributes:
        pages: Full pages, now owned by the caller too.
        digests: Of the content up to the end of each of them.
        source: A page whose first `num_copied` positions go on like the prompt; not owned, to be
            copied before anything else is allocated. None when `num_copied` is 0.
        num_copied: Tokens that `source` gives.
    """

    pages: tuple[int, ...]
    digests: tuple[bytes, ...]
    source: int | None
    num_copied: int


@dataclass(slots=True)
class _Known:
    """Content of a page: the tokens in it and what comes before."""

    parent: bytes
    tokens: tuple[int, ...]
    digest: bytes


class PageTable:
    """Pages by owner and content; not thread-safe."""

    def __init__(self, *, num_pages: int, page_tokens: int, kept_max: int | None = None) -> None:
        """Start with every page free.

        Args:
            num_pages: Pages in all.
            page_tokens: Positions of a page.
            kept_max: Pages kept for later prompts at most; by default all that nobody owns.
        """
        self.num_pages = num_pages
        self.page_tokens = page_tokens
        self._kept_max = num_pages if kept_max is None else kept_max
        self._free = list(range(num_pages))
        self._owners = [0] * num_pages
        self._known: dict[int, _Known] = {}
        self._by_digest: dict[bytes, int] = {}
        self._children: dict[bytes, OrderedDict[int, tuple[int, ...]]] = {}
        self._kept: OrderedDict[int, None] = OrderedDict()

    @property
    def num_available(self) -> int:
        """Pages that can be allocated: free ones and those kept for later."""
        return len(self._free) + len(self._kept)

    @property
    def num_kept(self) -> int:
        """Pages that nobody owns and whose content is known."""
        return len(self._kept)

    @staticmethod
    def root(tenant: str) -> bytes:
        """Return the digest that begins every prompt of a tenant."""
        return hashlib.sha256(_ROOT + tenant.encode()).digest()

    def match(
        self, tenant: str, token_ids: Sequence[int], can_resume: CanResume | None = None
    ) -> PrefixMatch:
        """Find the longest known beginning of a prompt and own its full pages.

        With `can_resume`, the longest that the runner can go on from.
        """
        parent, pages, digests = self.root(tenant), list[int](), list[bytes]()
        size = self.page_tokens
        start = 0
        while start + size <= len(token_ids):
            digest = _digest(parent, token_ids[start : start + size])
            page = self._by_digest.get(digest)
            if page is None:
                break
            pages.append(page)
            digests.append(digest)
            parent, start = digest, start + size
        for page in pages:
            self._own(page)
        rest = tuple(token_ids[start : start + size])
        source, num_copied = self._closest_child(parent, rest)
        match = PrefixMatch(
            pages=tuple(pages), digests=tuple(digests), source=source, num_copied=num_copied
        )
        return match if can_resume is None else self._shorten(match, can_resume)

    def allocate(self) -> int | None:
        """Return a page that the caller now owns alone, or None when all are owned."""
        if not self._free:
            if not self._kept:
                return None
            self._forget_oldest()
        page = heapq.heappop(self._free)
        self._owners[page] = 1
        return page

    def fill(self, page: int, parent: bytes, token_ids: Sequence[int]) -> bytes:
        """Declare a full page's content, so that others may share it; return its digest.

        Content that another page holds already stays known by that one.
        """
        digest = _digest(parent, token_ids)
        if digest not in self._by_digest and page not in self._known:
            self._by_digest[digest] = page
            self._learn(page, _Known(parent, tuple(token_ids), digest))
        return digest

    def release(self, page: int) -> None:
        """Give a page back; the last owner's leaves it kept or free."""
        self._owners[page] -= 1
        assert self._owners[page] >= 0, page
        if self._owners[page] > 0:
            return
        if page not in self._known:
            heapq.heappush(self._free, page)
            return
        self._kept[page] = None
        while len(self._kept) > self._kept_max:
            self._forget_oldest()

    def release_partial(self, page: int, parent: bytes, token_ids: Sequence[int]) -> None:
        """Give back a page of one owner that is filled in part, keeping what is in it."""
        tokens = tuple(token_ids)
        siblings = self._children.get(parent, OrderedDict())
        is_known = any(other[: len(tokens)] == tokens for other in siblings.values())
        if tokens and not is_known and page not in self._known:
            for other, held in list(siblings.items()):
                # What this page holds and more; a sibling that is owned now is not replaced.
                if other in self._kept and tokens[: len(held)] == held:
                    self._forget(other)
            self._learn(page, _Known(parent, tokens, b""))
        self.release(page)

    def clear(self) -> None:
        """Forget all kept content."""
        while self._kept:
            self._forget_oldest()

    def _shorten(self, match: PrefixMatch, can_resume: CanResume) -> PrefixMatch:
        """Cut a beginning down to where a runner can go on, and disown the rest."""
        pages, size = match.pages, self.page_tokens
        if match.source is not None:
            if can_resume((*pages, match.source), len(pages) * size + match.num_copied):
                return match
            match = replace(match, source=None, num_copied=0)
        count = len(pages)
        while count and not can_resume(pages[:count], count * size):
            count -= 1
        for page in reversed(pages[count:]):
            self.release(page)
        return replace(match, pages=pages[:count], digests=match.digests[:count])

    def _closest_child(self, parent: bytes, rest: tuple[int, ...]) -> tuple[int | None, int]:
        best, best_length = None, 0
        children = self._children.get(parent)
        if not rest or children is None:
            return best, best_length
        for count, (page, tokens) in enumerate(reversed(children.items())):
            if count == SIBLINGS_MAX:
                break
            length = common_prefix(tokens, rest)
            if length > best_length:
                best, best_length = page, length
        if best is not None and best in self._kept:
            self._kept.move_to_end(best)
        return best, best_length

    def _own(self, page: int) -> None:
        self._owners[page] += 1
        self._kept.pop(page, None)

    def _learn(self, page: int, known: _Known) -> None:
        self._known[page] = known
        self._children.setdefault(known.parent, OrderedDict())[page] = known.tokens

    def _forget_oldest(self) -> None:
        self._forget(next(iter(self._kept)))

    def _forget(self, page: int) -> None:
        known = self._known.pop(page)
        if known.digest:
            del self._by_digest[known.digest]
        siblings = self._children[known.parent]
        del siblings[page]
        if not siblings:
            del self._children[known.parent]
        del self._kept[page]
        heapq.heappush(self._free, page)


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two sequences share from the start."""
    low, high = 0, min(len(first), len(second))
    # Comparing slices is much faster than a loop over tokens, so the length is bisected.
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _digest(parent: bytes, token_ids: Sequence[int]) -> bytes:
    return hashlib.sha256(parent + array("I", token_ids).tobytes()).digest()
