"""On a GPU: the real shapes against float32, bits in every batch, the embedded model's tokens."""

import random
from pathlib import Path

import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.core import EngineCore
from engine.cpu_runner import CpuRunner
from engine.determinism import choose_products
from engine.gpu.model import build_runner, prepare
from engine.gpu.network import Network
from engine.gpu.options import GpuOptions
from engine.invariance import QUICK, check_invariance
from engine.job import JobEvent, TokenEvent
from engine.model import load_weights
from engine.runner import Draw, Feed
from engine.scheduler import SchedulerLimits
from engine.synthetic import SyntheticWeights, gpt_oss_config
from engine.types import GenerationRequest, Sampling
from tests.engine.gpu.reference_network import reference_logits, rms

pytestmark = pytest.mark.gpu
EMBEDDED = Path(__file__).resolve().parents[3] / "engine" / "embedded"
TOKENS = 2048
LAYERS = 4
PROMPTS = 8


@pytest.mark.parametrize("num_experts", [32, 128])
def test_error_is_at_most_that_of_bfloat16_and_all_bits_agree(
    num_experts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SyntheticWeights(gpt_oss_config(LAYERS, num_experts))
    runner = build_runner(source, GpuOptions(num_pages=2048), torch.device("cuda"))
    launcher = runner.launcher
    routing: list[torch.Tensor] = []
    mix = Network.mix_experts

    def spy(self: Network, layer: object, norm: object, rows: object, num_rows: object) -> None:
        mix(self, layer, norm, rows, num_rows)  # type: ignore[arg-type]
        routing.append(rows.routing.ids_TK.clone())  # type: ignore[attr-defined]

    numbers = random.Random(5)
    token_ids = [numbers.randrange(source.config.vocab_size) for _ in range(TOKENS)]
    with torch.inference_mode():
        with monkeypatch.context() as patch:
            patch.setattr(Network, "mix_experts", spy)
            draw = Draw(sampling=Sampling())
            pages = tuple(range(TOKENS // 64))
            feed = Feed(pages=pages, start=0, token_ids=tuple(token_ids), draw=draw)
            launcher.prompts([feed], section=0)
        normed_TD = launcher.network.buffers.rows(TOKENS).normed.float()
        mine_TV = normed_TD @ launcher.network.weights.unembedding.float().T
        truth_TV, bf16_TV = reference_logits(source, token_ids, routing, device="cuda", last=TOKENS)
        assert rms(mine_TV - truth_TV) <= 1.1 * rms(bf16_TV - truth_TV)
        prepare(runner, QUICK.buckets)
    report = check_invariance(launcher, model="synthetic", sizes=QUICK)
    assert [check for check in report.checks if not check.passed] == []


def test_embedded_model_draws_the_tokens_of_the_cpu() -> None:
    checkpoint = Checkpoint.open(EMBEDDED)
    cpu = CpuRunner(load_weights(checkpoint), choose_products(checkpoint.config))
    runner = build_runner(checkpoint, GpuOptions(num_pages=256), torch.device("cuda"))
    core = EngineCore(runner, SchedulerLimits(chunk_tokens=1024))
    numbers = random.Random(7)
    drawn: list[list[int]] = []
    prompts = [[numbers.randrange(4096) for _ in range(100 + i)] for i in range(PROMPTS)]
    for prompt in prompts:
        mine: list[int] = []
        drawn.append(mine)

        def take(event: JobEvent, mine: list[int] = mine) -> None:
            assert isinstance(event, TokenEvent)
            mine.append(event.token_id)

        request = GenerationRequest(
            prompt_ids=tuple(prompt), max_new_tokens=1, stop_ids=frozenset()
        )
        core.submit(request, take)
    while core.has_work:
        core.step()
    for prompt, (token_id,) in zip(prompts, drawn, strict=True):
        logits_V = cpu.prefill(cpu.new_cache(), prompt)
        assert logits_V is not None
        # Random prompts make near ties: the token is among the best within bfloat16's error.
        assert float(logits_V.max() - logits_V[token_id]) < 0.05 * float(logits_V.std())
