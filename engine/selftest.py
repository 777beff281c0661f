"""Self-test of a loaded model, for `finsvc model check`.

Needs no reference figures: it decodes every MXFP4 byte under every scale a checkpoint may have and
compares with arithmetic in double precision, and it runs the model in several ways that must give
the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.cpu_runner import BATCH_MAX, CpuRunner, Work
from engine.engine import Engine
from engine.types import GenerationRequest
from kernels.reference.mxfp4 import E2M1_VALUES, decode_mxfp4

PROMPT_TOKENS = 150
CHUNKS = (1, 7, 64)
SCALE_MAX = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestCheck:
    """One check and its outcome."""

    name: str
    passed: bool
    detail: str


def selftest(engine: Engine) -> tuple[SelfTestCheck, ...]:
    """Run every check; none raises on a failure."""
    runner = engine.runner
    prompt = _prompt(engine)
    return (
        _check_mxfp4(),
        _check_chunks(runner, prompt),
        _check_batches(runner, prompt),
        _check_generate(engine, prompt),
    )


def _prompt(engine: Engine) -> list[int]:
    vocab_size = engine.info.config.vocab_size
    return [(token * 6151 + 3) % vocab_size for token in range(PROMPT_TOKENS)]


def _check_mxfp4() -> SelfTestCheck:
    codes = torch.arange(256, dtype=torch.uint8)
    wrong = 0
    for scale in range(SCALE_MAX + 1):
        scales_u8 = torch.full((16,), scale, dtype=torch.uint8)
        decoded = decode_mxfp4(codes.view(16, 16), scales_u8, torch.bfloat16).double()
        wrong += int((decoded.view(256, 2) != _mxfp4_exact(scale)).sum())
    detail = f"{wrong} of {256 * 2 * (SCALE_MAX + 1)} values differ"
    return SelfTestCheck(name="mxfp4", passed=wrong == 0, detail=detail)


def _mxfp4_exact(scale: int) -> torch.Tensor:
    """Return the two values of each byte under a scale, [256, 2] float64."""

    def value(nibble: int) -> float:
        sign = -1.0 if nibble & 8 else 1.0
        return sign * E2M1_VALUES[nibble & 7] * 2.0 ** (scale - 127)

    pairs = [[value(byte & 15), value(byte >> 4)] for byte in range(256)]
    return torch.tensor(pairs, dtype=torch.float64)


def _whole(runner: CpuRunner, prompt: list[int]) -> torch.Tensor:
    logits_V = runner.prefill(runner.new_cache(), prompt, chunk_tokens=len(prompt))
    assert logits_V is not None
    return logits_V


def _check_chunks(runner: CpuRunner, prompt: list[int]) -> SelfTestCheck:
    expected_V = _whole(runner, prompt)
    wrong = []
    for chunk_tokens in CHUNKS:
        logits_V = runner.prefill(runner.new_cache(), prompt, chunk_tokens=chunk_tokens)
        assert logits_V is not None
        if not torch.equal(logits_V, expected_V):
            wrong.append(chunk_tokens)
    detail = f"chunks of {wrong} differ from the whole prompt" if wrong else "all chunks agree"
    return SelfTestCheck(name="prefill_chunks", passed=not wrong, detail=detail)


def _check_batches(runner: CpuRunner, prompt: list[int]) -> SelfTestCheck:
    prompts = [prompt[slot:] for slot in range(BATCH_MAX)]
    alone = [_whole(runner, one) for one in prompts]
    begun = [runner.new_cache() for _ in prompts]
    for cache, one in zip(begun, prompts, strict=True):
        runner.prefill(cache, one[:-1])
    wrong = []
    for size in range(1, BATCH_MAX + 1):
        # Each size puts a sequence into another slot with other neighbours.
        order = list(range(BATCH_MAX))[-size:]
        batch = [Work(begun[slot].fork(len(prompts[slot]) - 1), prompt[-1:]) for slot in order]
        logits_SV = runner.step(batch)
        if not all(
            torch.equal(logits_V, alone[slot])
            for logits_V, slot in zip(logits_SV, order, strict=True)
        ):
            wrong.append(size)
    detail = f"batches of {wrong} differ from one alone" if wrong else "all batches agree"
    return SelfTestCheck(name="batches", passed=not wrong, detail=detail)


def _check_generate(engine: Engine, prompt: list[int]) -> SelfTestCheck:
    def digest(ids: list[int]) -> str:
        request = GenerationRequest(prompt_ids=tuple(ids), max_new_tokens=8, stop_ids=frozenset())
        return engine.generate(request).logit_digest

    # The second run finds the first one's keys and values in the prefix cache.
    passed = digest(prompt) == digest(prompt)
    detail = "a repeated generation has " + ("the same" if passed else "another") + " digest"
    return SelfTestCheck(name="repeat", passed=passed, detail=detail)
