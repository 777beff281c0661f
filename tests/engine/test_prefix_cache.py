"""Which prefixes are found, kept and dropped."""

from hypothesis import given
from hypothesis import strategies as st

from engine.cpu_runner import CpuRunner
from engine.kv_cache import KvCache
from engine.prefix_cache import PrefixCache, common_prefix

TOKENS = st.lists(st.integers(0, 2), max_size=40)


@given(first=TOKENS, second=TOKENS)
def test_common_prefix_equals_the_count_of_leading_equal_tokens(
    first: list[int], second: list[int]
) -> None:
    expected = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        expected += 1
    assert common_prefix(first, second) == expected


def filled(runner: CpuRunner, ids: list[int]) -> KvCache:
    cache = runner.new_cache()
    runner.prefill(cache, ids)
    return cache


def test_longest_prefix_is_taken_and_the_last_token_is_left(small_runner: CpuRunner) -> None:
    prefixes = PrefixCache(small_runner.config)
    prefixes.put(filled(small_runner, [1, 2, 3]))
    prefixes.put(filled(small_runner, [1, 2, 3, 4, 5]))
    assert prefixes.take([1, 2, 3, 4, 9]).token_ids == [1, 2, 3, 4]
    assert prefixes.take([1, 2, 3, 4, 5]).token_ids == [1, 2, 3, 4]
    assert prefixes.take([7, 8]).token_ids == []


def test_sequence_that_is_a_whole_prefix_goes_to_the_caller(small_runner: CpuRunner) -> None:
    prefixes = PrefixCache(small_runner.config)
    cache = filled(small_runner, [1, 2, 3])
    prefixes.put(cache)
    assert prefixes.take([1, 2, 3, 4]) is cache
    assert len(prefixes) == 0


def test_sequence_that_goes_on_differently_stays(small_runner: CpuRunner) -> None:
    prefixes = PrefixCache(small_runner.config)
    cache = filled(small_runner, [1, 2, 3])
    prefixes.put(cache)
    fork = prefixes.take([1, 2, 9, 9])
    assert fork is not cache
    assert cache.token_ids == [1, 2, 3]
    assert len(prefixes) == 1


def test_oldest_sequences_are_dropped_beyond_the_limits(small_runner: CpuRunner) -> None:
    few = PrefixCache(small_runner.config, sequences_max=2)
    for first in range(3):
        few.put(filled(small_runner, [first, 1]))
    assert [few.take([first, 1, 2]).length for first in range(3)] == [0, 2, 2]
    size = filled(small_runner, [0]).num_bytes
    small = PrefixCache(small_runner.config, bytes_max=size)
    small.put(filled(small_runner, [0, 1]))
    small.put(filled(small_runner, [1, 1]))
    assert len(small) == 1
    assert small.take([1, 1, 2]).length == 2


def test_empty_sequence_is_not_kept_and_clear_forgets(small_runner: CpuRunner) -> None:
    prefixes = PrefixCache(small_runner.config)
    prefixes.put(small_runner.new_cache())
    assert len(prefixes) == 0
    prefixes.put(filled(small_runner, [1]))
    prefixes.clear()
    assert len(prefixes) == 0
