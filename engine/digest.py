"""The R4 chain: a running SHA-256 over the best candidates of every sampled position.

d_0 = sha256(b"finsvc-r4-v1"); d_i = sha256(d_{i-1} || the 32 largest raw logits of position i, each
as token id (u32, little-endian) and float32 bits (little-endian), value descending, lowest id first
among equals). A vocabulary of fewer than 32 tokens gives all of them. Raw means before any mask,
temperature or penalty.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

CHAIN_START = b"finsvc-r4-v1"
CANDIDATES = 32

_PAIR = np.dtype([("token_id", "<u4"), ("logit", "<f4")])


def top_candidates(logits_V: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return the ids of the `count` largest logits, value descending, lowest id first."""
    if count < logits_V.size:
        threshold = np.partition(logits_V, logits_V.size - count)[logits_V.size - count]
        (ids,) = np.nonzero(logits_V >= threshold)
    else:
        ids = np.arange(logits_V.size)
    # nonzero gives ascending ids and the sort is stable, so equal values keep that order.
    return ids[np.argsort(-logits_V[ids], kind="stable")][:count]


def pack_candidates(logits_V: npt.NDArray[np.float32]) -> bytes:
    """Return the candidates of one position as the chain takes them, 8 bytes each."""
    ids = top_candidates(logits_V, CANDIDATES)
    pairs = np.empty(ids.size, dtype=_PAIR)
    pairs["token_id"] = ids
    pairs["logit"] = logits_V[ids]
    return pairs.tobytes()


class LogitDigest:
    """The chain of one generation."""

    def __init__(self) -> None:
        self._state = hashlib.sha256(CHAIN_START).digest()

    def update(self, logits_V: npt.NDArray[np.float32]) -> None:
        """Add one position's raw logits."""
        self.update_packed(pack_candidates(logits_V))

    def update_packed(self, candidates: bytes) -> None:
        """Add one position's candidates, as `pack_candidates` makes them."""
        self._state = hashlib.sha256(self._state + candidates).digest()

    @property
    def hex(self) -> str:
        """The chain's value so far."""
        return self._state.hex()
