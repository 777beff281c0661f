"""Sampling in the interpreter against its twin and against the CPU engine's sampler."""

import numpy as np
import pytest
import torch

from engine.sampler import sample as cpu_sample
from engine.sampler import uniform as cpu_uniform
from engine.types import Sampling
from kernels.errors import OperandError
from kernels.head import VOCAB_TILE, Candidates, Logits, find_candidates, new_candidates
from kernels.reference.head import find_candidates as best_of
from kernels.reference.head import tile_maxima
from kernels.reference.sampling import mask_logits as mask_twin
from kernels.reference.sampling import sample as twin
from kernels.reference.sampling import uniform
from kernels.sampling import SamplingRows, log_sum_exp, mask_logits, new_sampled, sample


def prepared(values_SV: torch.Tensor) -> tuple[Logits, Candidates]:
    logits = Logits(values_SV=values_SV, tile_max_SN=tile_maxima(values_SV, VOCAB_TILE))
    candidates = new_candidates(values_SV.shape[0], "cpu")
    find_candidates(logits, out=candidates)
    return logits, candidates


def rows_of(
    temperatures: list[float], top_ps: list[float], seeds: list[int], positions: list[int]
) -> SamplingRows:
    signed = [seed - (1 << 64) if seed >= 1 << 63 else seed for seed in seeds]
    return SamplingRows(
        temperature_S=torch.tensor(temperatures, dtype=torch.float64),
        top_p_S=torch.tensor(top_ps, dtype=torch.float64),
        seed_S=torch.tensor(signed, dtype=torch.int64),
        position_S=torch.tensor(positions, dtype=torch.int32),
    )


def drawn(values_SV: torch.Tensor, rows: SamplingRows) -> list[int]:
    logits, candidates = prepared(values_SV)
    out = new_sampled(*values_SV.shape, "cpu")
    out.mass_SC.fill_(float("nan"))
    sample(logits, candidates, rows, out=out)
    tokens = out.token_S.tolist()
    for s, token in enumerate(tokens):
        if token >= 0:
            assert out.logit_S[s] == values_SV[s, token]
    return tokens


def twins(values_SV: torch.Tensor, rows: SamplingRows) -> list[int]:
    return [
        twin(
            values_SV[s],
            temperature=float(rows.temperature_S[s]),
            top_p=float(rows.top_p_S[s]),
            seed=int(rows.seed_S[s]) & (1 << 64) - 1,
            position=int(rows.position_S[s]),
        )
        for s in range(values_SV.shape[0])
    ]


def test_twin_has_the_numbers_of_the_cpu_sampler() -> None:
    for seed, position in ((0, 0), (1, 7), ((1 << 64) - 1, 131071), (0x9E3779B97F4A7C15, 5)):
        assert uniform(seed, position) == cpu_uniform(seed, position)


@pytest.mark.parametrize("scale", [0.3, 2.0, 12.0])
@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.05])
def test_draws_equal_the_twin(scale: float, top_p: float) -> None:
    generator = torch.Generator().manual_seed(int(scale * 10))
    num_rows = 6
    values = torch.randn(num_rows, 4160, generator=generator) * scale
    rows = rows_of(
        [0.0, 0.7, 1.0, 1.0, 1.3, 1.0],
        [top_p] * num_rows,
        [3, 1 << 63, 11, 12, (1 << 64) - 1, 14],
        [1, 2, 300, 4, 131071, 6],
    )
    assert drawn(values, rows) == twins(values, rows)


def test_draws_that_fall_on_candidates_equal_the_cpu_sampler() -> None:
    generator = torch.Generator().manual_seed(4)
    values = torch.randn(24, 256, generator=generator) * 8
    seeds = list(range(24))
    rows = rows_of([1.0] * 24, [0.95] * 24, seeds, seeds)
    _, candidates = prepared(values)
    agreed = 0
    for s, token in enumerate(drawn(values, rows)):
        sampling = Sampling(temperature=1.0, top_p=0.95, seed=s)
        expected = cpu_sample(values[s].numpy(), sampling, s)
        if expected in candidates.ids[s].tolist():
            assert token == expected
            agreed += 1
    assert agreed > 20


def test_equal_logits_are_cut_by_id() -> None:
    values = torch.zeros(8, 2304)
    seeds = list(range(8))
    rows = rows_of([1.0] * 8, [0.5] * 8, seeds, seeds)
    tokens = drawn(values, rows)
    assert tokens == twins(values, rows)
    assert max(tokens) < 1152
    assert max(tokens) > 32


def test_draws_cover_the_distribution() -> None:
    values = torch.log(torch.tensor([0.5, 0.3, 0.2] + [1e-30] * 61)).repeat(64, 1)
    seeds = list(range(64))
    tokens = drawn(values, rows_of([1.0] * 64, [1.0] * 64, seeds, [9] * 64))
    counts = np.bincount(tokens, minlength=3)
    assert counts.sum() == 64
    assert all(abs(count / 64 - p) < 0.15 for count, p in zip(counts, (0.5, 0.3, 0.2), strict=True))


def test_row_with_a_logit_that_is_not_finite_has_no_token() -> None:
    values = torch.zeros(3, 128)
    values[0, 3] = float("nan")
    values[1, 90] = float("inf")
    assert drawn(values, rows_of([0.0, 1.0, 0.0], [1.0] * 3, [0] * 3, [0] * 3)) == [-1, -1, 0]


def test_masked_rows_draw_allowed_tokens_alone() -> None:
    generator = torch.Generator().manual_seed(6)
    values = torch.randn(4, 320, generator=generator)
    raw = values.clone()
    logits, candidates = prepared(values)
    allowed = torch.zeros(4, 10, dtype=torch.int32)
    allowed[:, 9] = -(1 << 31)
    allowed[0, 2] = 0b1001
    allowed[2] = 0
    is_masked = torch.tensor([1, 0, 1, 1], dtype=torch.int32)
    mask_logits(logits, allowed, is_masked)
    assert torch.equal(values, mask_twin(raw, allowed, is_masked))
    assert torch.equal(logits.tile_max_SN[1], tile_maxima(raw, VOCAB_TILE)[1])
    find_candidates(logits, out=candidates)
    rows = rows_of([1.0, 0.0, 1.0, 0.0], [1.0] * 4, [5] * 4, [5] * 4)
    out = new_sampled(4, 320, "cpu")
    sample(logits, candidates, rows, out=out)
    tokens = out.token_S.tolist()
    assert tokens[0] in (64, 67, 319)
    assert tokens[1:] == [int(raw[1].argmax()), -1, 319]
    assert out.logit_S[2].isnan()


def test_log_sum_exp_equals_float64() -> None:
    generator = torch.Generator().manual_seed(7)
    values = torch.randn(4, 4160, generator=generator) * 5
    values[3, 77] = float("nan")
    logits, candidates = prepared(values)
    out = torch.empty(4)
    log_sum_exp(logits, candidates, out_S=out, mass_SC=new_sampled(4, 4160, "cpu").mass_SC)
    assert torch.equal(out[:3], values[:3].double().logsumexp(dim=1).float())
    assert out[3].isnan()


def test_candidates_are_packed_as_the_chain_takes_them() -> None:
    values = torch.randn(2, 192, generator=torch.Generator().manual_seed(8))
    _, candidates = prepared(values)
    ids, best = best_of(values)
    packed = candidates.pairs_SKX.numpy().astype("<i4").tobytes()
    pairs = np.frombuffer(packed, dtype=[("id", "<u4"), ("logit", "<f4")]).reshape(2, 32)
    assert pairs["id"].tolist() == ids.tolist()
    assert pairs["logit"].tolist() == best.tolist()


def test_wrong_dtype_of_the_temperature_is_refused() -> None:
    values = torch.zeros(1, 128)
    rows = rows_of([0.0], [1.0], [0], [0])
    broken = SamplingRows(
        temperature_S=rows.temperature_S.float(),
        top_p_S=rows.top_p_S,
        seed_S=rows.seed_S,
        position_S=rows.position_S,
    )
    with pytest.raises(OperandError, match=r"operand temperature: expected torch\.float64"):
        drawn(values, broken)
