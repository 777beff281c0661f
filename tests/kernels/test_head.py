"""The head and its candidates in the interpreter against their twins."""

import pytest
import torch

from kernels.errors import OperandError
from kernels.head import (
    VOCAB_TILE,
    HeadTile,
    Logits,
    find_candidates,
    lm_head,
    new_candidates,
    new_logits,
)
from kernels.reference.head import find_candidates as twin
from kernels.reference.head import tile_maxima
from tests.kernels.pages import random_bf16


def logits_of(values_SV: torch.Tensor) -> Logits:
    return Logits(values_SV=values_SV, tile_max_SN=tile_maxima(values_SV, VOCAB_TILE))


def check_candidates(values_SV: torch.Tensor) -> None:
    out = new_candidates(values_SV.shape[0], "cpu")
    find_candidates(logits_of(values_SV), out=out)
    ids, values = twin(values_SV)
    assert torch.equal(out.ids.long(), ids)
    assert torch.equal(out.values, values)


@pytest.mark.parametrize(
    ("num_rows", "width", "vocab"), [(1, 64, 128), (3, 320, 192), (5, 128, 320)]
)
def test_head_equals_a_product_and_its_tile_maxima(num_rows: int, width: int, vocab: int) -> None:
    generator = torch.Generator().manual_seed(1)
    normed = random_bf16(generator, num_rows + 2, width)
    unembedding = random_bf16(generator, vocab, width)
    rows = torch.randperm(num_rows + 2, generator=generator)[:num_rows].int()
    out = new_logits(num_rows, vocab, "cpu")
    out.values_SV.fill_(float("nan"))
    out.tile_max_SN.fill_(float("nan"))
    lm_head(normed, unembedding, out=out, rows_S=rows)
    expected = normed[rows.long()].float() @ unembedding.float().T
    torch.testing.assert_close(out.values_SV, expected, atol=1e-4, rtol=1e-5)
    assert torch.equal(out.tile_max_SN, tile_maxima(out.values_SV, VOCAB_TILE))


def test_head_of_2880_columns_takes_rows_in_place() -> None:
    generator = torch.Generator().manual_seed(2)
    normed, unembedding = random_bf16(generator, 17, 2880), random_bf16(generator, 64, 2880)
    out = new_logits(17, 64, "cpu")
    lm_head(normed, unembedding, out=out, tile=HeadTile(tokens=16, warps=4, stages=2))
    torch.testing.assert_close(
        out.values_SV, normed.float() @ unembedding.float().T, atol=1e-3, rtol=1e-5
    )


def test_head_marks_the_tile_of_a_logit_that_is_not_finite() -> None:
    generator = torch.Generator().manual_seed(3)
    normed, unembedding = random_bf16(generator, 2, 64), random_bf16(generator, 384, 64)
    unembedding[130, 5] = float("nan")
    out = new_logits(2, 384, "cpu")
    lm_head(normed, unembedding, out=out)
    assert out.tile_max_SN.isinf().tolist() == [[False, True, False]] * 2
    candidates = new_candidates(2, "cpu")
    find_candidates(out, out=candidates)
    assert candidates.values[:, 0].isinf().all()


@pytest.mark.parametrize("vocab", [64, 4096, 6400])
def test_candidates_of_random_rows_equal_the_twin(vocab: int) -> None:
    generator = torch.Generator().manual_seed(4)
    check_candidates(torch.randn(3, vocab, generator=generator))


def test_candidates_among_ties_are_the_lowest_ids() -> None:
    generator = torch.Generator().manual_seed(5)
    few_values = torch.randint(-3, 3, (4, 8192), generator=generator).float()
    check_candidates(few_values)
    check_candidates(torch.zeros(1, 5120))
    ascending = torch.arange(5120, dtype=torch.float32)[None]
    check_candidates(ascending)
    check_candidates(-ascending)


def test_candidates_treat_both_zeros_alike() -> None:
    logits = torch.full((1, 256), -1.0)
    logits[0, 100:200] = torch.tensor([0.0, -0.0]).repeat(50)
    out = new_candidates(1, "cpu")
    find_candidates(logits_of(logits), out=out)
    assert out.ids[0].tolist() == list(range(100, 132))


def test_head_refuses_a_wrong_width() -> None:
    with pytest.raises(OperandError, match="operand unembedding: expected D=64, got D=128"):
        lm_head(
            torch.zeros(1, 64, dtype=torch.bfloat16),
            torch.zeros(128, 128, dtype=torch.bfloat16),
            out=new_logits(1, 128, "cpu"),
        )
