"""Pages hold what a cache of one sequence holds, wherever they lie."""

import pytest
import torch

from engine.cpu_runner import CpuRunner, Work
from engine.kv_cache import BLOCK_TOKENS
from engine.kv_pool import BYTES_MAX, KvPool, page_bytes

PAGES = [5, 1, 3]


def test_paged_sequence_gives_the_bits_of_a_cache_of_its_own(small_runner: CpuRunner) -> None:
    ids = [(token * 7 + 3) % 300 for token in range(300)]
    own = small_runner.new_cache()
    pool = KvPool(small_runner.config, num_pages=6)
    for start, end in ((0, 100), (100, 101), (101, 290), (290, 300)):
        sequence = pool.sequence(PAGES[: -(-end // BLOCK_TOKENS)], start)
        paged_V = small_runner.step([Work(sequence, ids[start:end])])[0]
        own_V = small_runner.step([Work(own, ids[start:end])])[0]
        assert torch.equal(paged_V, own_V)
        assert sequence.length == own.length == end


def test_copied_page_goes_on_like_its_source(small_runner: CpuRunner) -> None:
    ids = list(range(40, 90))
    pool = KvPool(small_runner.config, num_pages=2)
    small_runner.step([Work(pool.sequence([0], 0), ids)])
    pool.copy_page(0, 1)
    copied_V = small_runner.step([Work(pool.sequence([1], 30), ids[30:])])[0]
    source_V = small_runner.step([Work(pool.sequence([0], 30), ids[30:])])[0]
    assert torch.equal(copied_V, source_V)


def test_default_pool_is_bounded_and_one_page_is_counted_right(small_runner: CpuRunner) -> None:
    config = small_runner.config
    pool = KvPool(config)
    assert pool.num_pages * page_bytes(config) <= BYTES_MAX
    values = sum(tensor.nbytes for tensor in (pool._keys_PLGWB, pool._values_PLGBX))
    assert values == pool.num_pages * page_bytes(config)


def test_sequence_beyond_its_pages_is_our_own_mistake(small_runner: CpuRunner) -> None:
    sequence = KvPool(small_runner.config, num_pages=1).sequence([0], 0)
    with pytest.raises(AssertionError):
        sequence.reserve(BLOCK_TOKENS + 1)
