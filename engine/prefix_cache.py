"""Keys and values of recent sequences, reused by prompts that begin alike.

Reuse changes no bits: cached keys and values are those that would be computed again. A prompt may
share any number of tokens with a sequence, not only whole blocks. Not thread-safe.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.config import ModelConfig
from engine.kv_cache import KvCache

# Enough for a conversation of each agent and a few one-off questions.
SEQUENCES_MAX = 8
# Beyond this the oldest sequences go even when they are few; the service's whole budget is 2 GB.
BYTES_MAX = 256 << 20


class PrefixCache:
    """The most recent sequences of one model, oldest first."""

    def __init__(
        self,
        config: ModelConfig,
        *,
        sequences_max: int = SEQUENCES_MAX,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        """Make an empty cache that holds at most so many sequences and bytes."""
        self._config = config
        self._sequences_max = sequences_max
        self._bytes_max = bytes_max
        self._sequences: list[KvCache] = []

    def take(self, prompt_ids: Sequence[int]) -> KvCache:
        """Return a cache that holds the longest known proper prefix of a prompt.

        At least the last token is left to be fed, since its logits are wanted. The result belongs
        to the caller until it is given to `put`.
        """
        prompt = list(prompt_ids)
        best, best_length = None, 0
        for cache in self._sequences:
            length = common_prefix(cache.token_ids, prompt[:-1])
            if length > best_length:
                best, best_length = cache, length
        if best is None:
            return KvCache(self._config)
        if best_length == best.length:
            self._sequences.remove(best)
            return best
        # The sequence that goes on differently keeps its keys and values.
        return best.fork(best_length)

    def put(self, cache: KvCache) -> None:
        """Keep a sequence for later prompts and drop the oldest beyond the limits."""
        if cache.length == 0:
            return
        self._sequences.append(cache)
        total = sum(kept.num_bytes for kept in self._sequences)
        while len(self._sequences) > self._sequences_max or total > self._bytes_max:
            total -= self._sequences.pop(0).num_bytes

    def clear(self) -> None:
        """Forget everything."""
        self._sequences.clear()

    def __len__(self) -> int:
        return len(self._sequences)


def common_prefix(first: list[int], second: list[int]) -> int:
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
