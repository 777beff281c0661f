"""Steps of the whole network, its kernels interpreted: tokens, masks, looking ahead, failures."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from engine.core import EngineCore
from engine.gpu.errors import BatchLimitError, GpuFailureError
from engine.gpu.model import build_runner
from engine.gpu.options import GpuOptions
from engine.gpu.runner import GpuPagedRunner
from engine.job import JobEvent, TokenEvent
from engine.runner import Draw, Drawn, Feed, WindowLost
from engine.scheduler import SchedulerLimits
from engine.synthetic import SyntheticWeights
from engine.types import GenerationRequest, Sampling, TokenMask
from tests.engine.gpu.factories import TINY
from tests.engine.gpu.reference_network import reference_logits, rms

PROMPT = [(7 * i + 3) % 256 for i in range(70)]
SOURCE = SyntheticWeights(TINY)
OPTIONS = GpuOptions(num_pages=24, sequences_max=4, chunk_tokens=128)


def new_runner() -> GpuPagedRunner:
    return build_runner(SOURCE, OPTIONS, torch.device("cpu"))


@pytest.fixture(scope="module")
def runner() -> GpuPagedRunner:
    return new_runner()


def feed(tokens: Sequence[int], draw: Draw | None, *, start: int = 0, page: int = 0) -> Feed:
    count = (start + len(tokens)) // 64 + 1
    pages = tuple(range(page, page + count))
    return Feed(pages=pages, start=start, token_ids=tuple(tokens), draw=draw)


def drawn(outcome: object) -> Drawn:
    assert isinstance(outcome, Drawn), outcome
    return outcome


def generate(core: EngineCore, requests: list[GenerationRequest]) -> list[list[int]]:
    events: list[list[JobEvent]] = [[] for _ in requests]
    for request, mine in zip(requests, events, strict=True):
        core.submit(request, mine.append)
    while core.has_work:
        core.step()
    return [[e.token_id for e in mine if isinstance(e, TokenEvent)] for mine in events]


def request(prompt: list[int], count: int, **changes: object) -> GenerationRequest:
    values = {"prompt_ids": tuple(prompt), "max_new_tokens": count, "stop_ids": frozenset()}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def test_logits_err_no_more_than_bfloat16_explains(
    runner: GpuPagedRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = runner.launcher.network
    routing: list[torch.Tensor] = []
    mix = network.mix_experts

    def spy(layer: object, norm: object, rows: object, num_rows: object) -> None:
        mix(layer, norm, rows, num_rows)  # type: ignore[arg-type]
        routing.append(rows.routing.ids_TK.clone())  # type: ignore[attr-defined]

    monkeypatch.setattr(network, "mix_experts", spy)
    runner.launcher.prompts([feed(PROMPT, Draw(sampling=Sampling()))], section=0)
    count = len(PROMPT)
    normed_TD = network.buffers.rows(count).normed.float()
    mine_TV = normed_TD @ network.weights.unembedding.float().T
    truth_TV, bf16_TV = reference_logits(SOURCE, PROMPT, routing, device="cpu", last=count)
    # The interpreter cuts off what bfloat16 cannot hold where a GPU rounds: twice the error.
    assert rms(mine_TV - truth_TV) <= 2 * rms(bf16_TV - truth_TV)
    assert rms(truth_TV) > 0.1
    last_V = network.buffers.logits(1).values_SV[0]
    assert torch.allclose(last_V, mine_TV[-1], atol=1e-4)


def test_requests_together_draw_what_each_draws_alone() -> None:
    requests = [
        request(PROMPT[:5], 2, sampling=Sampling(temperature=1.0, seed=3)),
        request(PROMPT[:63], 2),
    ]
    alone = [generate(EngineCore(new_runner()), [one])[0] for one in requests]
    together = EngineCore(new_runner(), SchedulerLimits(chunk_tokens=40))
    assert generate(together, requests) == alone
    assert [len(tokens) for tokens in alone] == [2, 2]


def test_next_step_is_under_way_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = new_runner()
    launches: list[int] = []
    decode = runner.launcher.decode

    def count(rows: Sequence[object], draws: object, section: int) -> object:
        launches.append(len(rows))
        return decode(rows, draws, section)  # type: ignore[arg-type]

    monkeypatch.setattr(runner.launcher, "decode", count)
    (tokens,) = generate(EngineCore(runner), [request(PROMPT[:4], 4)])
    assert len(tokens) == 4
    # The prompt draws the first token and the steps ahead the other three; the last one is waste.
    assert launches == [1, 1, 1, 1]


def test_step_ahead_is_dropped_when_another_token_is_fed(runner: GpuPagedRunner) -> None:
    greedy = Draw(sampling=Sampling())
    first = drawn(runner.run([feed(PROMPT[:3], greedy)])[0])
    other = (first.token_id + 1) % 256
    forced = drawn(runner.run([feed([other], greedy, start=3)])[0])
    whole = drawn(runner.run([feed([*PROMPT[:3], other], greedy, page=8)])[0])
    assert forced.candidates == whole.candidates


def test_log_probabilities_of_a_step_ahead_are_those_of_the_step_asked_for() -> None:
    runner = new_runner()
    wanted = Draw(sampling=Sampling(), top_logprobs=2)
    first = drawn(runner.run([feed(PROMPT[:3], wanted)])[0])
    ahead = drawn(runner.run([feed([first.token_id], wanted, start=3)])[0])
    fresh = drawn(runner.run([feed([*PROMPT[:3], first.token_id], wanted, page=8)])[0])
    assert ahead.logprobs is not None
    assert ahead.logprobs == fresh.logprobs
    # A step ahead that did not sum the logits cannot answer one that wants them.
    plain = replace(wanted, top_logprobs=0)
    drawn(runner.run([feed(PROMPT[:3], plain, page=12)])[0])
    asked = drawn(runner.run([feed([first.token_id], wanted, start=3, page=12)])[0])
    assert asked.logprobs == fresh.logprobs


class OneToken:
    """Allows one token."""

    def __init__(self, token_id: int) -> None:
        self.token_id = token_id

    def bitmask(self) -> npt.NDArray[np.uint32]:
        words = np.zeros(8, dtype=np.uint32)
        words[self.token_id // 32] = 1 << self.token_id % 32
        return words

    def accept(self, token_id: int) -> None:
        raise AssertionError(token_id)


class NoToken(OneToken):
    def bitmask(self) -> npt.NDArray[np.uint32]:
        return np.zeros(8, dtype=np.uint32)


def masked(mask: TokenMask) -> Draw:
    return Draw(sampling=Sampling(), mask=mask, top_logprobs=3)


def test_mask_binds_its_row_alone_and_leaves_raw_candidates(runner: GpuPagedRunner) -> None:
    plain = Draw(sampling=Sampling(), top_logprobs=3)
    free = drawn(runner.run([feed(PROMPT[:3], plain)])[0])
    feeds = [
        feed(PROMPT[:3], masked(OneToken(200))),
        feed(PROMPT[:3], plain, page=2),
        feed(PROMPT[:3], masked(NoToken(0)), page=4),
    ]
    bound, other, failed = runner.run(feeds)
    assert drawn(bound).token_id == 200
    assert drawn(bound).candidates == drawn(other).candidates == free.candidates
    assert drawn(other).token_id == free.token_id
    assert getattr(failed, "code", "") == "token_mask"
    logprobs, free_logprobs = drawn(bound).logprobs, free.logprobs
    assert logprobs is not None
    assert free_logprobs is not None
    assert logprobs.top == free_logprobs.top
    assert logprobs.sampled.token_id == 200
    assert logprobs.sampled.logprob <= logprobs.top[0].logprob < 0


def test_feed_whose_window_was_given_up_is_left_out_and_the_others_run(
    runner: GpuPagedRunner,
) -> None:
    greedy = Draw(sampling=Sampling())
    alone = drawn(runner.run([feed([9, 8], greedy, page=6)])[0])
    sliding = runner.launcher.planner.sliding
    runner.run([feed(PROMPT, None)])
    for page in range(2):
        sliding.drop(page)
    lost, other = runner.run([feed([1, 2], greedy, start=70), feed([9, 8], greedy, page=6)])
    assert lost == WindowLost()
    assert drawn(other).candidates == alone.candidates
    again = runner.run([feed([*PROMPT, 1, 2], greedy)])
    assert drawn(again[0]).token_id >= 0


def test_step_over_the_limits_is_refused_and_leaves_the_runner_ready(
    runner: GpuPagedRunner,
) -> None:
    with pytest.raises(BatchLimitError, match="at most 4 sequences, got 5"):
        runner.run([feed([1], None)] * 5)
    with pytest.raises(BatchLimitError, match="tokens"):
        runner.run([feed([1] * 140, None)])
    assert runner.is_ready


def test_failure_of_the_device_ends_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = new_runner()

    def fail(*_: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")

    monkeypatch.setattr(runner.launcher, "prompts", fail)
    with pytest.raises(GpuFailureError, match="illegal memory access"):
        runner.run([feed(PROMPT[:3], None)])
    assert not runner.is_ready
    monkeypatch.undo()
    with pytest.raises(GpuFailureError, match="restart"):
        runner.run([feed(PROMPT[:3], None)])
    assert new_runner().run([feed(PROMPT[:3], None)]) == [None]
