"""The generator's published vectors, and properties of the draw."""

import numpy as np
import pytest

from engine.errors import NonFiniteLogitsError, TokenMaskError
from engine.sampler import apply_mask, philox4x32, sample, token_logprobs, uniform
from engine.types import Sampling

ONES = 0xFFFFFFFF
PI_COUNTER = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)


def logits(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


# Random123 1.09, tests/kat_vectors, philox4x32 with 10 rounds.
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            PI_COUNTER,
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_vectors(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert philox4x32(counter, key) == expected


def test_uniform_lies_in_the_unit_interval_and_depends_on_seed_and_position() -> None:
    values = [uniform(seed, position) for seed in (0, 1, 2**64 - 1) for position in range(500)]
    assert all(0 <= value < 1 for value in values)
    assert len(set(values)) == len(values)
    assert abs(float(np.mean(values)) - 0.5) < 0.03


def test_greedy_takes_the_lowest_id_of_equal_logits() -> None:
    assert sample(logits(1, 3, 3, 2), Sampling(), 0) == 1


def test_draw_follows_the_distribution() -> None:
    values = np.log(np.array([0.5, 0.3, 0.15, 0.05])).astype(np.float32)
    drawn = [sample(values, Sampling(temperature=1.0, seed=11), i) for i in range(4000)]
    shares = np.bincount(drawn, minlength=4) / 4000
    assert np.abs(shares - [0.5, 0.3, 0.15, 0.05]).max() < 0.03


def test_draw_depends_on_seed_and_position_alone() -> None:
    values = np.random.default_rng(0).normal(size=500).astype(np.float32)
    sampling = Sampling(temperature=1.5, top_p=0.9, seed=5)
    forward = [sample(values, sampling, i) for i in range(50)]
    backward = [sample(values, sampling, i) for i in reversed(range(50))]
    assert forward == backward[::-1]
    assert forward != [sample(values, Sampling(temperature=1.5, seed=6), i) for i in range(50)]


def test_top_p_keeps_the_smallest_sufficient_set() -> None:
    values = np.log(np.array([0.15, 0.5, 0.05, 0.3])).astype(np.float32)

    def seen(top_p: float) -> set[int]:
        sampling = Sampling(temperature=1.0, top_p=top_p, seed=1)
        return {sample(values, sampling, i) for i in range(600)}

    assert seen(1e-9) == {1}
    assert seen(0.45) == {1}
    assert seen(0.7) == {1, 3}
    assert seen(0.9) == {0, 1, 3}
    assert seen(1.0) == {0, 1, 2, 3}


def test_low_temperature_approaches_greedy() -> None:
    values = np.random.default_rng(1).normal(size=300).astype(np.float32)
    cold = Sampling(temperature=1e-4, seed=3)
    assert {sample(values, cold, i) for i in range(50)} == {int(values.argmax())}


def test_masked_token_is_never_drawn() -> None:
    values = logits(*np.linspace(5, 0, 40))
    bitmask = np.array([0b1010 << 4, 1], dtype=np.uint32)
    masked = apply_mask(values, bitmask, 0)
    drawn = {sample(masked, Sampling(temperature=3.0, seed=2), i) for i in range(400)}
    assert drawn == {5, 7, 32}
    assert sample(masked, Sampling(), 0) == 5
    assert np.array_equal(values, logits(*np.linspace(5, 0, 40)))


def test_no_mask_leaves_logits_as_they_are() -> None:
    values = logits(1, 2)
    assert apply_mask(values, None, 0) is values


def test_mask_that_allows_nothing_or_has_a_wrong_size_is_refused() -> None:
    values = logits(*range(40))
    with pytest.raises(TokenMaskError, match="position 7: expected at least one"):
        apply_mask(values, np.zeros(2, dtype=np.uint32), 7)
    # Bits beyond the vocabulary allow nothing.
    with pytest.raises(TokenMaskError):
        apply_mask(values, np.array([0, 1 << 20], dtype=np.uint32), 0)
    with pytest.raises(TokenMaskError, match="expected 2 words"):
        apply_mask(values, np.ones(1, dtype=np.uint32), 0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_non_finite_logits_are_refused(bad: float) -> None:
    with pytest.raises(NonFiniteLogitsError, match="position 3"):
        apply_mask(logits(0, bad, 1), None, 3)


def test_logprobs_are_natural_logs_of_the_raw_distribution() -> None:
    values = logits(0.0, 2.0, 1.0, 2.0)
    result = token_logprobs(values, 2, 3)
    expected = np.log(np.exp(values.astype(np.float64)) / np.exp(values.astype(np.float64)).sum())
    assert [entry.token_id for entry in result.top] == [1, 3, 2]
    assert result.sampled.logprob == pytest.approx(expected[2], rel=1e-12)
    assert [entry.logprob for entry in result.top] == pytest.approx(expected[[1, 3, 2]], rel=1e-12)
    assert len(token_logprobs(values, 0, 20).top) == 4
