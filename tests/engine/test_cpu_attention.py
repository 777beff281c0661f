"""Blocked attention over the cache against the plain twin."""

import pytest
import torch

from engine.config import ModelConfig
from engine.cpu_attention import KeyRange, attend, plan_tiles
from engine.cpu_products import RowProducts
from engine.cpu_runner import CpuRunner
from engine.kv_cache import BLOCK_TOKENS, KvCache
from kernels.reference.attention import attention

NUM_KEYS = 300


@pytest.fixture
def config(small_runner: CpuRunner) -> ModelConfig:
    return small_runner.config


@pytest.mark.parametrize("any_height", [True, False])
@pytest.mark.parametrize("num_queries", [1, 40, NUM_KEYS])
@pytest.mark.parametrize("num_heads", [2, 4])
def test_attend_equals_the_twin_in_windows_and_without(
    config: ModelConfig, num_heads: int, num_queries: int, any_height: bool
) -> None:
    generator = torch.Generator().manual_seed(num_heads)
    width, groups = config.head_dim, config.num_kv_heads
    q = torch.randn(num_queries, num_heads, width, generator=generator)
    k, v = torch.randn(2, NUM_KEYS, groups, width, generator=generator)
    sinks = torch.randn(num_heads, generator=generator)
    cache = KvCache(config)
    cache.reserve(NUM_KEYS)
    for start in range(0, NUM_KEYS, 70):
        cache.write(1, start, k[start : start + 70], v[start : start + 70])
    first = NUM_KEYS - num_queries
    tiles = plan_tiles(0, first, num_queries, 33, RowProducts(() if any_height else (24, 4)))
    for window in (None, 33):
        parts = [
            attend(
                q[tile.low : tile.high] * width**-0.5,
                cache,
                1,
                tile.full if window is None else tile.sliding,
                sinks,
            )
            for tile in tiles
        ]
        expected = attention(q, k, v, sinks, window=window).flatten(1)
        assert torch.allclose(torch.cat(parts), expected, rtol=1e-5, atol=1e-6)


def test_sliding_tiles_skip_blocks_outside_the_window() -> None:
    (tile,) = plan_tiles(0, 10 * BLOCK_TOKENS, 1, 128, RowProducts())
    assert (tile.full.first, tile.full.last) == (0, 11)
    assert (tile.sliding.first, tile.sliding.last) == (9, 11)


def test_blocks_that_only_neighbours_see_leave_every_bit(config: ModelConfig) -> None:
    """Garbage in hidden blocks before and after the query's own has no effect."""
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(1, 4, config.head_dim, generator=generator)
    shape = (2, 4 * BLOCK_TOKENS, config.num_kv_heads, config.head_dim)
    k, v = torch.randn(*shape, generator=generator) * 5
    cache = KvCache(config)
    cache.reserve(4 * BLOCK_TOKENS)
    cache.write(0, 0, k, v)
    (tile,) = plan_tiles(0, 2 * BLOCK_TOKENS - 1, 1, 64, RowProducts())
    hidden = torch.ones(1, 1, 1, BLOCK_TOKENS, dtype=torch.bool)
    after = KeyRange(0, 3, tile.full.masked, torch.cat([tile.full.hidden, hidden]))
    around = KeyRange(0, 3, 0, torch.cat([hidden, tile.sliding.hidden, hidden]))
    assert (tile.sliding.first, tile.sliding.last) == (1, 2)
    for own, wider in ((tile.full, after), (tile.sliding, around)):
        expected = attend(q, cache, 0, own, torch.zeros(4))
        assert torch.equal(attend(q, cache, 0, wider, torch.zeros(4)), expected)
