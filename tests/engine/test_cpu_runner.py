"""The determinism contract: a row's bits depend on the tokens before it alone."""

from collections.abc import Sequence

import pytest
import torch

from engine.cpu_products import RowProducts
from engine.cpu_runner import BATCH_MAX, CpuRunner, Work
from engine.determinism import BATCHED_BLOCKS, choose_products
from engine.kv_cache import BLOCK_TOKENS, KvCache
from engine.model import ModelWeights

SMALL_TOKENS = 290
EMBEDDED_TOKENS = 270
# Alike at every place with each of MKL's kernels that was tried: AVX-512, AVX2, SSE.
FIXED_HEIGHTS = (4,)


def tokens(runner: CpuRunner, count: int, seed: int = 0) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = torch.randint(
        0, runner.config.vocab_size, (count,), generator=generator
    ).tolist()
    return ids


def prefilled(runner: CpuRunner, ids: Sequence[int], chunk_tokens: int) -> KvCache:
    cache = runner.new_cache()
    runner.prefill(cache, ids, chunk_tokens=chunk_tokens)
    return cache


def every_logit(runner: CpuRunner, ids: Sequence[int]) -> torch.Tensor:
    """Return the logits of every position, fed one token at a time."""
    return every_logit_after(runner, runner.new_cache(), ids)


def every_logit_after(runner: CpuRunner, cache: KvCache, ids: Sequence[int]) -> torch.Tensor:
    """Return the logits of every further position of a sequence."""
    return torch.stack([runner.step([Work(cache, [token_id])])[0] for token_id in ids])


@pytest.fixture(params=["as chosen", "in fixed heights"])
def runner(request: pytest.FixtureRequest, small_weights: ModelWeights) -> CpuRunner:
    """A runner as this machine needs it, and one with the fallback for other machines."""
    config = small_weights.config
    heights = FIXED_HEIGHTS if request.param == "in fixed heights" else None
    products = choose_products(config) if heights is None else RowProducts(heights)
    return CpuRunner(small_weights, products)


def test_logits_of_every_position_have_the_same_bits_for_every_chunking(runner: CpuRunner) -> None:
    ids = tokens(runner, SMALL_TOKENS)
    expected = every_logit(runner, ids)
    for chunk in (2, 3, 8, 31, 32, 33, 64, 127, 128, 129, 200, SMALL_TOKENS):
        cache = runner.new_cache()
        for start in range(0, len(ids), chunk):
            piece = ids[start : start + chunk]
            logits = runner.step([Work(cache, piece)])[0]
            assert torch.equal(logits, expected[start + len(piece) - 1]), (chunk, start)


def test_cached_keys_and_values_have_the_same_bits_for_every_chunking(runner: CpuRunner) -> None:
    ids = tokens(runner, SMALL_TOKENS)
    alone = prefilled(runner, ids, 1)
    whole = prefilled(runner, ids, SMALL_TOKENS)
    for layer_idx in range(runner.config.num_layers):
        for head_idx in range(runner.config.num_kv_heads):
            span = (layer_idx, head_idx, 0, -(-SMALL_TOKENS // BLOCK_TOKENS))
            for first, second in zip(alone.blocks(*span), whole.blocks(*span), strict=True):
                assert torch.equal(first, second)


def test_logits_have_the_same_bits_in_every_batch_and_slot(runner: CpuRunner) -> None:
    prompts = [tokens(runner, 40 + 13 * slot, seed=slot) for slot in range(BATCH_MAX)]
    begun = [prefilled(runner, prompt[:-1], 64) for prompt in prompts]

    def step(order: list[int]) -> torch.Tensor:
        caches = [begun[slot].fork(len(prompts[slot]) - 1) for slot in order]
        return runner.step(
            [Work(cache, prompts[slot][-1:]) for cache, slot in zip(caches, order, strict=True)]
        )

    alone = [step([slot])[0] for slot in range(BATCH_MAX)]
    for size in range(1, BATCH_MAX + 1):
        for rotation in range(0, BATCH_MAX, 3):
            order = [(rotation + i) % BATCH_MAX for i in range(size)]
            for logits, slot in zip(step(order), order, strict=True):
                assert torch.equal(logits, alone[slot]), (size, rotation, slot)


def test_logits_have_the_same_bits_beside_a_prompt_in_the_same_step(runner: CpuRunner) -> None:
    ids, neighbour = tokens(runner, 150), tokens(runner, 97, seed=9)
    expected = every_logit(runner, ids)[-1]
    cache = prefilled(runner, ids[:-1], 50)
    logits = runner.step([Work(runner.new_cache(), neighbour), Work(cache, ids[-1:])])
    assert torch.equal(logits[1], expected)


@pytest.mark.parametrize("kept", [1, 31, 127, 128, 129, 200])
def test_logits_after_a_fork_at_any_token_have_the_bits_of_a_full_computation(
    runner: CpuRunner, kept: int
) -> None:
    ids = tokens(runner, 210)
    other = ids[:kept] + tokens(runner, 60, seed=7)
    fork = prefilled(runner, other, 64).fork(kept)
    logits = runner.prefill(fork, ids[kept:])
    expected = runner.prefill(runner.new_cache(), ids)
    assert logits is not None
    assert expected is not None
    assert torch.equal(logits, expected)


def test_long_context_has_the_same_bits_for_every_chunking(small_runner: CpuRunner) -> None:
    """More blocks than the load-time check multiplies at once."""
    ids = tokens(small_runner, BATCHED_BLOCKS * BLOCK_TOKENS + 150)
    first = prefilled(small_runner, ids[:-20], 256)
    expected = every_logit_after(small_runner, first, ids[-20:])
    second = prefilled(small_runner, ids[:-20], 190)
    logits = small_runner.prefill(second, ids[-20:])
    assert logits is not None
    assert torch.equal(logits, expected[-1])


def test_logits_after_truncation_ignore_what_was_forgotten(runner: CpuRunner) -> None:
    ids = tokens(runner, 140)
    cache = prefilled(runner, ids + tokens(runner, 100, seed=2), 64)
    cache.truncate(100)
    logits = runner.prefill(cache, ids[100:])
    expected = runner.prefill(runner.new_cache(), ids)
    assert logits is not None
    assert expected is not None
    assert torch.equal(logits, expected)


def test_both_ways_of_making_products_give_nearly_the_same_logits(
    small_weights: ModelWeights,
) -> None:
    runners = [CpuRunner(small_weights, RowProducts(heights)) for heights in ((), (4,))]
    ids = tokens(runners[0], 50)
    first, second = (runner.prefill(runner.new_cache(), ids) for runner in runners)
    assert first is not None
    assert second is not None
    assert float((first - second).norm() / first.norm()) < 1e-5


def test_cancelled_prefill_returns_nothing_and_keeps_whole_chunks(small_runner: CpuRunner) -> None:
    answers = iter([False, False, True])
    cache = small_runner.new_cache()
    ids = tokens(small_runner, 50)
    logits = small_runner.prefill(cache, ids, chunk_tokens=10, is_cancelled=lambda: next(answers))
    assert logits is None
    assert cache.token_ids == ids[:20]


def test_embedded_shape_has_the_same_bits_for_chunks_and_batches(
    embedded_runner: CpuRunner,
) -> None:
    runner = embedded_runner
    ids = tokens(runner, EMBEDDED_TOKENS)
    expected = every_logit(runner, ids)
    for chunk in (7, 33, 64, EMBEDDED_TOKENS):
        cache = runner.new_cache()
        for start in range(0, len(ids), chunk):
            piece = ids[start : start + chunk]
            logits = runner.step([Work(cache, piece)])[0]
            assert torch.equal(logits, expected[start + len(piece) - 1]), (chunk, start)
    whole = prefilled(runner, ids, 256)
    for size in range(1, BATCH_MAX + 1):
        lengths = [EMBEDDED_TOKENS - 8 * i - 1 for i in range(size)]
        batch = [Work(whole.fork(length), [ids[length]]) for length in lengths]
        for logits, length in zip(runner.step(batch), lengths, strict=True):
            assert torch.equal(logits, expected[length]), (size, length)
