"""Blocked attention over the cache against the plain twin."""

import pytest
import torch

from engine.config import ModelConfig
from engine.cpu_attention import attend, plan_tiles
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
    tiles = plan_tiles(0, first, num_queries, 33, RowProducts(any_height=any_height))
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
    (tile,) = plan_tiles(0, 10 * BLOCK_TOKENS, 1, 128, RowProducts(any_height=True))
    assert (tile.full.first, tile.full.last) == (0, 11)
    assert (tile.sliding.first, tile.sliding.last) == (9, 11)


def test_masked_keys_and_extra_blocks_leave_every_bit(config: ModelConfig) -> None:
    """A neighbour further on makes the tile read more blocks; garbage lies in the masked ones."""
    generator = torch.Generator().manual_seed(0)
    width, groups = config.head_dim, config.num_kv_heads
    q = torch.randn(2, 4, width, generator=generator)
    k, v = torch.randn(2, 4 * BLOCK_TOKENS, groups, width, generator=generator) * 5
    cache = KvCache(config)
    cache.reserve(4 * BLOCK_TOKENS)
    cache.write(0, 0, k, v)
    start = BLOCK_TOKENS - 1
    products = RowProducts(any_height=True)
    sinks = torch.zeros(4)
    (alone,) = plan_tiles(0, start, 1, 64, products)
    (both,) = plan_tiles(0, start, 2, 64, products)
    assert both.full.last == alone.full.last + 1
    for kind in ("full", "sliding"):
        expected = attend(q[:1], cache, 0, getattr(alone, kind), sinks)
        actual = attend(q, cache, 0, getattr(both, kind), sinks)
        assert torch.equal(actual[:1], expected)
