"""Prefill attention in the interpreter against its twin."""

import pytest
import torch

from kernels.attention_parts import GROUP_HEADS
from kernels.attention_prefill import Chunk, attention_prefill, plan_prefill
from kernels.errors import OperandError
from kernels.reference.paged_attention import attention_prefill as twin
from tests.kernels.pages import Paged, paged, random_bf16

# The output is rounded to bfloat16 and so are the softmax weights: two half-ulps of values near 3.
TOLERANCE = 2e-2


def expected_rows(
    q: torch.Tensor, case: Paged, chunks: list[Chunk], sinks: torch.Tensor, window: int | None
) -> torch.Tensor:
    out = torch.full((q.shape[0], q[0].numel()), float("nan"))
    for chunk in chunks:
        rows = slice(chunk.row, chunk.row + chunk.num_tokens)
        k, v = (part[: chunk.start + chunk.num_tokens] for part in case.rows[chunk.sequence])
        out[rows] = twin(q[rows], (k, v), sinks, window=window)
    return out


def queries(num_tokens: int, num_kv_heads: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    num_heads = num_kv_heads * GROUP_HEADS
    q = random_bf16(generator, num_tokens, num_heads, 64) * 2
    out = torch.full((num_tokens, num_heads * 64), float("nan"), dtype=torch.bfloat16)
    return q, random_bf16(generator, num_heads), out


@pytest.mark.parametrize("start", [0, 1, 63, 64, 250, 256])
def test_prefill_of_chunks_equals_the_twin(start: int) -> None:
    case = paged([start + 40, 5], 2, seed=1)
    chunks = [
        Chunk(row=0, start=start, num_tokens=40, sequence=0),
        Chunk(row=41, start=0, num_tokens=5, sequence=1),
    ]
    q, sinks, out = queries(47, 2)
    tiles = plan_prefill(chunks)
    attention_prefill(q, case.pages, case.table, sinks, tiles_MX=tiles, window=None, out_TO=out)
    expected = expected_rows(q, case, chunks, sinks, None)
    torch.testing.assert_close(out.float(), expected, atol=TOLERANCE, rtol=0, equal_nan=True)


@pytest.mark.parametrize("start", [63, 127, 255])
def test_one_token_at_the_end_of_a_page_sees_the_whole_page(start: int) -> None:
    case = paged([start + 1], 1, seed=5)
    chunks = [Chunk(row=0, start=start, num_tokens=1, sequence=0)]
    q, sinks, out = queries(1, 1)
    tiles = plan_prefill(chunks)
    attention_prefill(q, case.pages, case.table, sinks, tiles_MX=tiles, window=None, out_TO=out)
    expected = expected_rows(q, case, chunks, sinks, None)
    torch.testing.assert_close(out.float(), expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(("start", "num_tokens"), [(0, 200), (1, 20), (100, 70), (330, 5)])
def test_prefill_with_a_window_reads_nothing_behind_it(start: int, num_tokens: int) -> None:
    # The first new token still sees 127 positions before its own.
    case = paged([start + num_tokens], 1, seed=2, window=num_tokens + 127)
    chunks = [Chunk(row=3, start=start, num_tokens=num_tokens, sequence=0)]
    q, sinks, out = queries(num_tokens + 4, 1)
    tiles = plan_prefill(chunks)
    attention_prefill(q, case.pages, case.table, sinks, tiles_MX=tiles, window=128, out_TO=out)
    expected = expected_rows(q, case, chunks, sinks, 128)
    torch.testing.assert_close(out.float(), expected, atol=TOLERANCE, rtol=0, equal_nan=True)


def test_tile_of_no_tokens_does_nothing() -> None:
    case = paged([5], 1, seed=3)
    q, sinks, out = queries(5, 1)
    tiles = torch.tensor([[0, 0, 0, 1 << 20]], dtype=torch.int32)
    attention_prefill(q, case.pages, case.table, sinks, tiles_MX=tiles, window=None, out_TO=out)
    assert out.isnan().all()


def test_plan_covers_each_token_once_with_long_contexts_first() -> None:
    tiles = plan_prefill(
        [
            Chunk(row=0, start=5, num_tokens=33, sequence=1),
            Chunk(row=33, start=0, num_tokens=1, sequence=0),
        ]
    )
    assert tiles.tolist() == [[32, 37, 1, 1], [16, 21, 16, 1], [0, 5, 16, 1], [33, 0, 1, 0]]


def test_tiles_of_another_form_are_refused() -> None:
    case = paged([5], 1, seed=4)
    q, sinks, out = queries(5, 1)
    tiles = torch.zeros(1, 5, dtype=torch.int32)
    with pytest.raises(OperandError, match="operand tiles: expected X=4, got X=5"):
        attention_prefill(q, case.pages, case.table, sinks, tiles_MX=tiles, window=None, out_TO=out)
