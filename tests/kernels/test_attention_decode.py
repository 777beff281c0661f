"""Decode attention in the interpreter against its twin."""

import pytest
import torch

from kernels.attention_decode import (
    DecodeLaunch,
    DecodeSequences,
    attention_decode,
    decode_workspace,
    full_launch,
)
from kernels.attention_parts import GROUP_HEADS, KvPages
from kernels.errors import OperandError
from kernels.reference.paged_attention import attention_decode as twin
from tests.kernels.pages import Paged, paged, random_bf16

# The output is rounded to bfloat16 and so are the softmax weights: two half-ulps of values near 3.
TOLERANCE = 2e-2


def decode(
    case: Paged, *, window: int | None, programs: int, num_splits: int
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    num_sequences, num_kv_heads = case.table.shape[0], case.pages.num_kv_heads
    num_heads = num_kv_heads * GROUP_HEADS
    q = random_bf16(generator, num_sequences, num_heads, 64) * 2
    sinks = random_bf16(generator, num_heads)
    workspace = decode_workspace(
        num_splits=num_splits,
        num_sequences=num_sequences,
        num_kv_heads=num_kv_heads,
        device="cpu",
    )
    workspace.values.fill_(float("nan"))
    workspace.sums.fill_(float("nan"))
    out = torch.full((num_sequences, num_heads * 64), float("nan"), dtype=torch.bfloat16)
    attention_decode(
        q,
        case.pages,
        DecodeSequences(table_SB=case.table, lengths_S=case.lengths),
        sinks,
        window=window,
        workspace=workspace,
        out_SO=out,
        launch=DecodeLaunch(programs=programs, warps=4, stages=2),
    )
    assert not workspace.arrivals.any()
    pages = (case.pages.k, case.pages.v)
    expected = twin(q, pages, case.table, case.lengths, sinks, window=window)
    return out.float(), expected


@pytest.mark.parametrize(("programs", "num_splits"), [(1, 0), (2, 20), (8, 4)])
def test_decode_of_ragged_lengths_equals_the_twin(programs: int, num_splits: int) -> None:
    case = paged([1, 0, 64, 300, 256, 257, 640], 2, seed=1)
    out, expected = decode(case, window=None, programs=programs, num_splits=num_splits)
    assert torch.equal(out[1], torch.zeros_like(out[1]))
    torch.testing.assert_close(out, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("window", [1, 100, 128])
def test_decode_with_a_window_reads_nothing_behind_it(window: int) -> None:
    case = paged([1, 0, 127, 128, 129, 200, 320], 1, seed=2, window=window)
    out, expected = decode(case, window=window, programs=1, num_splits=0)
    torch.testing.assert_close(out, expected, atol=TOLERANCE, rtol=0)


def test_launch_follows_the_number_of_sequences_alone() -> None:
    assert full_launch(1).programs > full_launch(64).programs >= full_launch(256).programs >= 1


def test_operands_that_do_not_fit_are_refused() -> None:
    case = paged([3], 1, seed=4)
    with pytest.raises(OperandError, match="operand window: expected at least 1, got 0"):
        decode(case, window=0, programs=1, num_splits=0)
    narrow = KvPages(k=case.pages.k[..., :32].contiguous(), v=case.pages.v)
    broken = Paged(narrow, case.table, case.lengths, [])
    with pytest.raises(OperandError, match="operand k_pages: expected W=64, got W=32"):
        decode(broken, window=None, programs=1, num_splits=0)
