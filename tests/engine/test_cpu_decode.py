"""Shared products of attention give every sequence the bits of its own."""

import pytest
import torch

from engine import determinism
from engine.cpu_decode import plan_groups
from engine.cpu_products import RowProducts
from engine.cpu_runner import CpuRunner, Work
from engine.determinism import choose_products
from engine.kv_cache import BLOCK_TOKENS
from engine.kv_pool import KvPool, PagedSequence
from engine.model import ModelWeights

# Around the ends of pages and of the window, and far beyond them.
LENGTHS = (1, 2, 31, 32, 33, 126, 127, 128, 129, 200, 255, 256, 257, 300, 511, 640)


def pages_of(length: int, start: int) -> list[int]:
    return list(range(start, start + length // BLOCK_TOKENS + 1))


@pytest.fixture(params=["as chosen", "in fixed heights"])
def runner(request: pytest.FixtureRequest, small_weights: ModelWeights) -> CpuRunner:
    config = small_weights.config
    is_fixed = request.param == "in fixed heights"
    products = RowProducts((4,)) if is_fixed else choose_products(config)
    return CpuRunner(small_weights, products)


def test_rows_of_a_group_have_the_bits_of_a_cache_of_their_own(runner: CpuRunner) -> None:
    pool = KvPool(runner.config, num_pages=64)
    batch, expected = [], []
    first_page = 0
    for seed, length in enumerate(LENGTHS):
        ids = [(token * 13 + seed) % runner.config.vocab_size for token in range(length + 1)]
        own = runner.new_cache()
        runner.prefill(own, ids[:length])
        expected.append(runner.step([Work(own, ids[length:])])[0])
        pages = pages_of(length, first_page)
        first_page += len(pages)
        runner.prefill(pool.sequence(pages, 0), ids[:length])
        batch.append(Work(pool.sequence(pages, length), ids[length:]))
    for rows in (slice(0, None), slice(3, 9), slice(15, 16)):
        fresh = [
            Work(pool.sequence(work.cache.pages, length), work.token_ids)
            for work, length in zip(batch[rows], LENGTHS[rows], strict=True)
            if isinstance(work.cache, PagedSequence)
        ]
        logits_SV = runner.step(fresh)
        for logits_V, expected_V in zip(logits_SV, expected[rows], strict=True):
            assert torch.equal(logits_V, expected_V)


def test_groups_hold_sequences_of_about_the_same_length(small_runner: CpuRunner) -> None:
    pool = KvPool(small_runner.config, num_pages=64)
    sequences = [
        (pool.sequence(pages_of(length, 0), length), row) for row, length in enumerate(LENGTHS)
    ]
    groups = plan_groups(sequences, window=32)
    found = sorted(row for group in groups for row in group.rows.tolist())
    assert found == list(range(len(LENGTHS)))
    for group in groups:
        blocks = [LENGTHS[row] // BLOCK_TOKENS + 1 for row in group.rows.tolist()]
        assert group.full.hidden.shape[1] == max(blocks) <= 2 * min(blocks)
        # A window of 32 keys reaches into one block before the query's at most.
        assert group.sliding.hidden.shape[1] <= 2


def test_machine_whose_stacked_products_differ_attends_one_sequence_at_a_time(
    small_weights: ModelWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = torch.bmm

    def by_count(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        is_stacked = first.shape[0] == determinism.STACKED_BLOCKS
        return original(first, second) * (1 + 1e-6 * is_stacked)

    monkeypatch.setattr(torch, "bmm", by_count)
    products = choose_products(small_weights.config)
    assert not products.shares_blocks
    runner = CpuRunner(small_weights, products)
    pool = KvPool(runner.config, num_pages=2)
    batch = [Work(pool.sequence([page], 0), [page]) for page in range(2)]
    own = [runner.step([Work(runner.new_cache(), [page])])[0] for page in range(2)]
    assert torch.equal(runner.step(batch), torch.stack(own))
