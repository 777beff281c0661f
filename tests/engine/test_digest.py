"""The R4 chain against its written description."""

import hashlib
import struct

import numpy as np
import pytest

from engine.digest import LogitDigest, top_candidates

# Computed with hashlib and struct from the definition alone.
GOLDEN = "6f10a106c1f3cb5f151b6c9d0fe136ccfafcd16938cdc4e552686f7bd84ef6e6"


def described(rows: list[np.ndarray]) -> str:
    """Compute the chain from its definition, without numpy's sorting."""
    state = hashlib.sha256(b"finsvc-r4-v1").digest()
    for row in rows:
        best = sorted(range(len(row)), key=lambda i: (-float(row[i]), i))[:32]
        pairs = b"".join(struct.pack("<If", i, float(row[i])) for i in best)
        state = hashlib.sha256(state + pairs).digest()
    return state.hex()


def test_empty_chain_is_the_digest_of_its_domain() -> None:
    assert LogitDigest().hex == hashlib.sha256(b"finsvc-r4-v1").hexdigest()


def test_chain_of_fixed_logits_is_golden() -> None:
    digest = LogitDigest()
    for position in range(3):
        digest.update(((np.arange(100) * 37 + position) % 50).astype(np.float32) / 8)
    assert digest.hex == GOLDEN


@pytest.mark.parametrize("vocab_size", [1, 31, 32, 33, 4096])
def test_chain_follows_its_description_with_ties(vocab_size: int) -> None:
    generator = np.random.default_rng(vocab_size)
    rows = [generator.integers(-9, 9, vocab_size).astype(np.float32) / 4 for _ in range(4)]
    digest = LogitDigest()
    for row in rows:
        digest.update(row)
    assert digest.hex == described(rows)


def test_chain_depends_on_one_bit_of_one_candidate_and_on_order() -> None:
    first, second = np.linspace(0, 1, 64, dtype=np.float32), np.ones(64, dtype=np.float32)
    nudged = first.copy()
    nudged[-1] = np.nextafter(nudged[-1], np.float32(2))

    def chain(*rows: np.ndarray) -> str:
        digest = LogitDigest()
        for row in rows:
            digest.update(row)
        return digest.hex

    assert len({chain(first), chain(nudged), chain(first, second), chain(second, first)}) == 4


def test_top_candidates_take_equal_values_in_order_of_id() -> None:
    values = np.array([2, 5, 5, 1, 5, 2], dtype=np.float32)
    assert top_candidates(values, 2).tolist() == [1, 2]
    assert top_candidates(values, 4).tolist() == [1, 2, 4, 0]
    assert top_candidates(values, 6).tolist() == [1, 2, 4, 0, 5, 3]
