"""How many pages there are, and what is said when they do not fit."""

import pytest
import torch

from engine.gpu.errors import GpuMemoryError
from engine.gpu.memory import KvMemory, PageCounts, count_pages, page_bytes, sliding_pages_min
from engine.gpu.options import GpuOptions
from engine.synthetic import SYNTHETIC_CONFIGS
from tests.engine.gpu.factories import TINY

CONFIG_120B = SYNTHETIC_CONFIGS["synthetic:120b"]


def test_page_of_the_120b_takes_the_bytes_of_its_layers() -> None:
    # 2,048 bytes a token and layer; 18 layers of each kind.
    assert page_bytes(CONFIG_120B, sliding=False) == 2048 * 64 * 18
    assert page_bytes(CONFIG_120B, sliding=True) == 2048 * 64 * 18


def test_80_gb_hold_300k_tokens_of_the_120b() -> None:
    counts = count_pages(CONFIG_120B, GpuOptions(), 15_000_000_000)
    assert counts.full * 64 > 300_000
    total = counts.full * page_bytes(CONFIG_120B, sliding=False)
    total += counts.sliding * page_bytes(CONFIG_120B, sliding=True)
    assert total <= 15_000_000_000


def test_pages_that_do_not_fit_are_refused_with_both_numbers_of_bytes() -> None:
    with pytest.raises(GpuMemoryError) as caught:
        count_pages(CONFIG_120B, GpuOptions(num_pages=1000), 1_000_000)
    assert caught.value.present == 1_000_000
    assert caught.value.needed > 1000 * page_bytes(CONFIG_120B, sliding=False)
    assert str(caught.value.needed) in str(caught.value)


def test_sliding_pages_are_never_more_than_the_full_ones() -> None:
    counts = count_pages(CONFIG_120B, GpuOptions(num_pages=10), 1 << 40)
    assert counts == PageCounts(full=10, sliding=10)
    options = GpuOptions(num_pages=100_000)
    counts = count_pages(CONFIG_120B, options, 1 << 50)
    assert counts.sliding == sliding_pages_min(options) + 12_500


def test_copy_of_a_page_touches_layers_of_one_kind() -> None:
    memory = KvMemory(TINY, PageCounts(full=3, sliding=2), torch.device("cpu"))
    for layer_idx, k in enumerate(memory.k):
        k.zero_()
        memory.v[layer_idx].zero_()
        k[1] = 5
        memory.v[layer_idx][1] = 7
    memory.copy(1, 0, sliding=True)
    for k, v, is_sliding in zip(memory.k, memory.v, TINY.layer_is_sliding, strict=True):
        assert k.shape[0] == (2 if is_sliding else 3)
        assert float(k[0, 0, 0, 0]) == (5 if is_sliding else 0)
        assert float(v[0, 0, 0, 0]) == (7 if is_sliding else 0)
