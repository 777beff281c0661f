"""Whole generations on a small random model."""

import shutil
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine.digest import LogitDigest
from engine.engine import Engine
from engine.errors import (
    CheckpointConfigError,
    CheckpointDigestError,
    ContextLengthError,
    RequestError,
    TokenMaskError,
)
from engine.types import FinishReason, GenerationRequest, Sampling
from tests.engine.factories import SMALL_SHAPE, random_checkpoint

PROMPT = tuple(range(40, 75))


class AllowOnly:
    """A mask that allows a fixed set of ids and remembers what it was told."""

    def __init__(self, allowed: set[int], vocab_size: int) -> None:
        self.accepted: list[int] = []
        self._words = np.zeros(-(-vocab_size // 32), dtype=np.uint32)
        for token_id in allowed:
            self._words[token_id // 32] |= np.uint32(1 << token_id % 32)

    def bitmask(self) -> npt.NDArray[np.uint32] | None:
        return self._words

    def allows(self, token_id: int) -> bool:
        return bool(self._words[token_id // 32] >> np.uint32(token_id % 32) & 1)

    def accept(self, token_id: int) -> None:
        self.accepted.append(token_id)


def request(prompt: tuple[int, ...] = PROMPT, **changes: object) -> GenerationRequest:
    values = {"prompt_ids": prompt, "max_new_tokens": 6, "stop_ids": frozenset()} | changes
    return GenerationRequest(**values)  # type: ignore[arg-type]


@pytest.fixture
def engine(small_folder: Path) -> Engine:
    return Engine.load(small_folder, num_threads=1)


def test_info_describes_the_checkpoint(engine: Engine, small_folder: Path) -> None:
    assert engine.info.name == small_folder.name
    assert engine.info.layout.value == "huggingface"
    assert engine.info.num_parameters == engine.info.config.num_parameters
    assert engine.info.context_length == 131072
    assert engine.info.tokenizer_digest == engine.tokenizer.digest
    assert engine.tokenizer.vocab_size == 265


def test_greedy_generation_follows_the_largest_logits_and_chains_them(engine: Engine) -> None:
    result = engine.generate(request())
    digest = LogitDigest()
    ids = list(PROMPT)
    for token_id in result.token_ids:
        logits = engine.runner.prefill(engine.runner.new_cache(), ids)
        assert logits is not None
        digest.update(logits.numpy())
        assert token_id == int(logits.argmax())
        ids.append(token_id)
    assert result.logit_digest == digest.hex
    assert result.finish_reason is FinishReason.LENGTH
    assert (result.prompt_tokens, result.cached_tokens) == (len(PROMPT), 0)
    assert result.logprobs == ()


def test_generation_ends_with_the_stop_token(engine: Engine) -> None:
    free = engine.generate(request())
    stop = free.token_ids[3]
    stopped = engine.generate(request(stop_ids=frozenset({stop})))
    first = free.token_ids.index(stop)
    assert stopped.token_ids == free.token_ids[: first + 1]
    assert stopped.finish_reason is FinishReason.STOP


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.2, top_p=0.9, seed=7)])
def test_generation_is_the_same_with_and_without_the_prefix_cache(
    engine: Engine, small_folder: Path, sampling: Sampling
) -> None:
    long = tuple((i * 5) % 300 for i in range(200))
    requests = [
        request(long, sampling=sampling),
        request(long[:150] + PROMPT, sampling=sampling),
        request(long, sampling=sampling),
        request((*long, 9, 8, 7), sampling=sampling),
        request(long[:129], sampling=sampling),
    ]
    for one in requests:
        engine.generate(one)
    for one in requests:
        warm = engine.generate(one)
        cold = Engine.load(small_folder, num_threads=1).generate(one)
        assert warm.cached_tokens == len(one.prompt_ids) - 1
        assert cold.cached_tokens == 0
        assert warm.token_ids == cold.token_ids
        assert warm.logit_digest == cold.logit_digest


def test_answer_is_cached_for_the_next_turn(engine: Engine) -> None:
    result = engine.generate(request())
    follow_up = engine.generate(request((*PROMPT, *result.token_ids, 3, 4)))
    # The last token drawn was never fed.
    assert follow_up.cached_tokens == len(PROMPT) + len(result.token_ids) - 1


def test_mask_limits_tokens_and_is_advanced_but_not_part_of_the_digest(engine: Engine) -> None:
    mask = AllowOnly({5, 300}, engine.info.config.vocab_size)
    result = engine.generate(request(), mask=mask)
    assert set(result.token_ids) <= {5, 300}
    assert mask.accepted == list(result.token_ids)
    one_token = request(max_new_tokens=1)
    masked = engine.generate(one_token, mask=AllowOnly({5}, engine.info.config.vocab_size))
    assert masked.logit_digest == engine.generate(one_token).logit_digest


class KnowsNothing(AllowOnly):
    """A mask of which only the words tell."""

    def allows(self, token_id: int) -> bool:
        return False


def test_greedy_draws_are_the_same_with_and_without_the_mask_s_words(engine: Engine) -> None:
    vocab_size = engine.info.config.vocab_size
    free = engine.generate(request())
    for allowed in (set(range(vocab_size)), set(free.token_ids), set(free.token_ids[1:]) | {7}):
        fast = engine.generate(request(), mask=AllowOnly(allowed, vocab_size))
        assert fast == engine.generate(request(), mask=KnowsNothing(allowed, vocab_size))
        assert set(fast.token_ids) <= allowed
    unread = engine.generate(request(), mask=NoWords(set(range(vocab_size)), vocab_size))
    assert (unread.token_ids, unread.logit_digest) == (free.token_ids, free.logit_digest)


class NoWords(AllowOnly):
    """A mask whose words nobody should need."""

    def bitmask(self) -> npt.NDArray[np.uint32] | None:
        raise AssertionError


def test_mask_that_allows_nothing_is_refused_and_the_engine_goes_on(engine: Engine) -> None:
    with pytest.raises(TokenMaskError, match="position 35"):
        engine.generate(request(), mask=AllowOnly(set(), engine.info.config.vocab_size))
    assert engine.generate(request()).finish_reason is FinishReason.LENGTH


def test_tokens_are_reported_as_they_come_and_cancellation_stops_them(engine: Engine) -> None:
    free = engine.generate(request())
    seen: list[int] = []
    result = engine.generate(request(), on_token=seen.append, is_cancelled=lambda: len(seen) == 2)
    assert tuple(seen) == result.token_ids == free.token_ids[:2]
    assert result.finish_reason is FinishReason.CANCELLED
    nothing = engine.generate(request(), is_cancelled=lambda: True)
    assert nothing.token_ids == ()
    assert nothing.finish_reason is FinishReason.CANCELLED


def test_logprobs_are_reported_when_asked_for(engine: Engine) -> None:
    result = engine.generate(request(top_logprobs=3))
    assert [entry.sampled.token_id for entry in result.logprobs] == list(result.token_ids)
    for entry in result.logprobs:
        assert len(entry.top) == 3
        assert entry.top[0] == entry.sampled


def test_threads_share_an_engine(engine: Engine) -> None:
    prompts = [PROMPT[i:] for i in range(6)]
    expected = [engine.generate(request(prompt)).logit_digest for prompt in prompts]
    actual = [""] * len(prompts)

    def work(i: int) -> None:
        actual[i] = engine.generate(request(prompts[i])).logit_digest

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(prompts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert actual == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt_ids": ()}, "prompt_ids"),
        ({"prompt_ids": (1, 320)}, "prompt_ids"),
        ({"prompt_ids": (-1,)}, "prompt_ids"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"sampling": Sampling(temperature=-0.1)}, "temperature"),
        ({"sampling": Sampling(temperature=float("nan"))}, "temperature"),
        ({"sampling": Sampling(temperature=float("inf"))}, "temperature"),
        ({"sampling": Sampling(top_p=0.0)}, "top_p"),
        ({"sampling": Sampling(top_p=1.1)}, "top_p"),
        ({"sampling": Sampling(seed=-1)}, "seed"),
        ({"sampling": Sampling(seed=1 << 64)}, "seed"),
        ({"top_logprobs": 21}, "top_logprobs"),
    ],
)
def test_request_value_out_of_range_is_refused_by_name(
    engine: Engine, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(RequestError) as caught:
        engine.generate(request(**changes))
    assert caught.value.field == field
    assert caught.value.code == "invalid_request"


def test_prompt_over_the_context_limit_is_refused_with_the_figures(engine: Engine) -> None:
    with pytest.raises(ContextLengthError) as caught:
        engine.generate(request((1,) * 131_070))
    error = caught.value
    assert (error.context_length, error.prompt_tokens, error.max_new_tokens) == (131072, 131070, 6)
    assert error.code == "context_length_exceeded"


def test_engines_with_other_thread_counts_take_turns(engine: Engine, small_folder: Path) -> None:
    expected = engine.generate(request())
    other = Engine.load(small_folder, num_threads=2)
    assert other.fingerprint.device.num_threads == torch.get_num_threads() == 2
    assert engine.generate(request()).logit_digest == expected.logit_digest
    assert torch.get_num_threads() == 1
    with pytest.raises(RequestError, match="num_threads: expected at least 1, got 0"):
        Engine.load(small_folder, num_threads=0)


def test_folder_whose_record_promises_other_weights_is_refused(
    small_folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_folder, copy)
    (copy / "training.json").write_text('{"weights_digest": "00"}')
    with pytest.raises(CheckpointDigestError):
        Engine.load(copy, num_threads=1)


def test_vocabulary_smaller_than_the_tokenizer_is_refused(tmp_path: Path) -> None:
    random_checkpoint(tmp_path, SMALL_SHAPE | {"vocab_size": 200})
    with pytest.raises(CheckpointConfigError, match=r"vocab_size: expected at least .* 265 ids"):
        Engine.load(tmp_path, num_threads=1)
