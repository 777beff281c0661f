"""Prefill attention and the ring in the interpreter against their twins."""

import pytest
import torch

from kernels.attention_parts import GROUP_HEADS, KvPages
from kernels.attention_prefill import (
    Chunk,
    WindowKeys,
    attention_prefill,
    plan_prefill,
    ring_write,
)
from kernels.errors import OperandError
from kernels.reference.paged_attention import attention_prefill as twin
from kernels.reference.paged_attention import ring_write as ring_twin
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


def scratch_of(case: Paged, chunks: list[Chunk], num_tokens: int) -> KvPages:
    """Return pages that hold the chunks' keys by packed row and NaN elsewhere."""
    num_kv_heads = case.pages.num_kv_heads
    shape = (-(-num_tokens // 64), num_kv_heads, 64, 64)
    parts = []
    for index in range(2):
        pages = torch.full(shape, float("nan"), dtype=torch.bfloat16)
        for chunk in chunks:
            packed = torch.arange(chunk.row, chunk.row + chunk.num_tokens)
            rows = case.rows[chunk.sequence][index][chunk.start :][: chunk.num_tokens]
            pages[packed // 64, :, packed % 64] = rows
        parts.append(pages)
    return KvPages(k=parts[0], v=parts[1])


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
    attention_prefill(
        q, case.pages, case.table, sinks, plan=plan_prefill(chunks), windowed=None, out_TO=out
    )
    expected = expected_rows(q, case, chunks, sinks, None)
    torch.testing.assert_close(out.float(), expected, atol=TOLERANCE, rtol=0, equal_nan=True)


@pytest.mark.parametrize(
    ("start", "num_tokens"), [(0, 200), (1, 20), (100, 70), (130, 1), (190, 5)]
)
def test_prefill_with_a_window_reads_ring_and_scratch(start: int, num_tokens: int) -> None:
    whole = paged([start + num_tokens, 70], 1, seed=2)
    before = paged([start, 60], 1, seed=2, is_ring=True)
    for sequence in range(2):
        # The ring holds the positions before the chunk, of the same rows as the whole sequence.
        page_of = before.table[sequence].long()
        for position in range(
            max(0, int(before.lengths[sequence]) - 128), before.lengths[sequence]
        ):
            for pages, rows in zip(
                (before.pages.k, before.pages.v), whole.rows[sequence], strict=True
            ):
                pages[page_of[position // 64 % 2], :, position % 64] = rows[position]
    chunks = [
        Chunk(row=3, start=start, num_tokens=num_tokens, sequence=0),
        Chunk(row=num_tokens + 3, start=60, num_tokens=10, sequence=1),
    ]
    total = num_tokens + 13
    q, sinks, out = queries(total, 1)
    plan = plan_prefill(chunks)
    scratch = scratch_of(whole, chunks, total)
    windowed = WindowKeys(window=128, scratch=scratch)
    attention_prefill(
        q, before.pages, before.table, sinks, plan=plan, windowed=windowed, out_TO=out
    )
    expected = expected_rows(q, whole, chunks, sinks, 128)
    torch.testing.assert_close(out.float(), expected, atol=TOLERANCE, rtol=0, equal_nan=True)


def test_ring_takes_the_last_positions_of_each_chunk() -> None:
    case = paged([300, 40, 129], 2, seed=3)
    chunks = [
        Chunk(row=0, start=30, num_tokens=270, sequence=0),
        Chunk(row=270, start=0, num_tokens=40, sequence=1),
        Chunk(row=310, start=1, num_tokens=128, sequence=2),
    ]
    scratch = scratch_of(case, chunks, 438)
    rings = paged([200, 200, 200], 2, seed=4, is_ring=True)
    plan = plan_prefill(chunks)
    expected = [rings.pages.k.clone(), rings.pages.v.clone()]
    for part, ring in zip((scratch.k, scratch.v), expected, strict=True):
        ring_twin(part, ring, rings.table, [tuple(c) for c in plan.chunks_CX.tolist()])
    ring_write(scratch, rings.pages, rings.table, plan=plan)
    for actual, ring in zip((rings.pages.k, rings.pages.v), expected, strict=True):
        assert torch.equal(actual.view(torch.int16), ring.view(torch.int16))


def test_plan_covers_each_token_once_with_long_contexts_first() -> None:
    plan = plan_prefill(
        [
            Chunk(row=0, start=5, num_tokens=33, sequence=1),
            Chunk(row=33, start=0, num_tokens=1, sequence=0),
        ]
    )
    assert plan.tiles_MX.tolist() == [
        [32, 37, 1, 1, 5],
        [16, 21, 16, 1, 5],
        [0, 5, 16, 1, 5],
        [33, 0, 1, 0, 0],
    ]


def test_scratch_that_is_too_small_is_refused() -> None:
    case = paged([70], 1, seed=5, is_ring=True)
    q, sinks, out = queries(70, 1)
    plan = plan_prefill([Chunk(row=0, start=0, num_tokens=70, sequence=0)])
    scratch = KvPages(k=case.pages.k[:1], v=case.pages.v[:1])
    windowed = WindowKeys(window=128, scratch=scratch)
    with pytest.raises(OperandError, match="scratch: expected at least 2 pages, got 1"):
        attention_prefill(
            q, case.pages, case.table, sinks, plan=plan, windowed=windowed, out_TO=out
        )
