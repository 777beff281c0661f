"""Records of draws, and masks."""

import numpy as np
import pytest
import torch

from engine.digest import pack_candidates
from engine.errors import NonFiniteLogitsError, TokenMaskError
from engine.gpu.draws import DrawnRows, MaskRows
from engine.runner import Draw, Drawn
from engine.sampler import token_logprobs
from engine.types import Sampling

CPU = torch.device("cpu")
GREEDY = Draw(sampling=Sampling())


def record(logits_SV: torch.Tensor) -> DrawnRows:
    rows = DrawnRows.empty(logits_SV.shape[0], pinned=False)
    values, ids = torch.sort(logits_SV, dim=1, descending=True, stable=True)
    rows.token_ids.copy_(ids[:, 0])
    rows.logits.copy_(values[:, 0])
    rows.log_sums.copy_(logits_SV.double().logsumexp(1))
    rows.pairs[:, :, 0] = ids[:, :32]
    rows.pairs[:, :, 1] = values[:, :32].contiguous().view(torch.int32)
    return rows


def test_outcome_has_the_candidates_and_logprobs_of_the_cpu() -> None:
    logits_SV = torch.randn(3, 100, generator=torch.Generator().manual_seed(1))
    draw = Draw(sampling=Sampling(), top_logprobs=5)
    outcomes = record(logits_SV).outcomes([(2, draw, 7), (0, None, 3)])
    assert outcomes[1] is None
    drawn = outcomes[0]
    assert isinstance(drawn, Drawn)
    row_V = logits_SV[2].numpy()
    assert drawn.token_id == int(row_V.argmax())
    assert drawn.candidates == pack_candidates(row_V)
    expected = token_logprobs(row_V, drawn.token_id, 5)
    assert drawn.logprobs is not None
    assert [t.token_id for t in drawn.logprobs.top] == [t.token_id for t in expected.top]
    assert drawn.logprobs.sampled.logprob == pytest.approx(expected.sampled.logprob, abs=1e-5)


def test_row_that_is_not_finite_fails_alone() -> None:
    rows = record(torch.zeros(2, 64))
    rows.pairs.view(torch.float32)[0, 0, 1] = float("inf")
    first, second = rows.outcomes([(0, GREEDY, 9), (1, GREEDY, 9)])
    assert isinstance(first, NonFiniteLogitsError)
    assert first.position == 9
    assert isinstance(second, Drawn)


class Mask:
    def __init__(self, bits: list[int] | None) -> None:
        self.bits = bits

    def bitmask(self) -> np.ndarray | None:
        return None if self.bits is None else np.array(self.bits, dtype=np.uint32)

    def accept(self, token_id: int) -> None:
        raise AssertionError(token_id)


class BrokenMask(Mask):
    def bitmask(self) -> np.ndarray | None:
        raise TokenMaskError(position=3, expected="a grammar", actual="none")


def masked(bits: list[int] | None) -> Draw:
    return Draw(sampling=Sampling(), mask=Mask(bits))


def test_masks_reach_their_rows_and_are_opened_again() -> None:
    masks = MaskRows(3, 64, CPU)
    any_mask, errors = masks.set_rows([(0, masked([1, 0x80000000]), 5), (2, GREEDY, 5)])
    assert any_mask
    assert errors == {}
    assert masks.bits_SY[0].tolist() == [1, -(1 << 31)]
    assert masks.is_masked_S.tolist() == [1, 0, 0]
    any_mask, _ = masks.set_rows([(0, masked(None), 6), (1, None, 6)])
    assert not any_mask
    _, errors = masks.set_rows([(1, masked([3, 3]), 7)])
    assert errors == {}
    assert masks.is_masked_S.tolist() == [0, 1, 0]


def test_masks_that_cannot_be_used_are_errors_of_their_rows() -> None:
    masks = MaskRows(4, 64, CPU)
    broken = Draw(sampling=Sampling(), mask=BrokenMask(None))
    _, errors = masks.set_rows(
        [(0, masked([0, 0]), 5), (1, masked([1]), 5), (2, broken, 5), (3, masked([1, 1]), 5)]
    )
    assert sorted(errors) == [0, 1, 2]
    assert all(isinstance(error, TokenMaskError) for error in errors.values())
