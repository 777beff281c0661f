"""Attention, head and sampling on a GPU in the real shapes: equal bits whatever the launch."""

import pytest
import torch

from kernels.attention_decode import (
    DecodeLaunch,
    DecodeSequences,
    attention_decode,
    decode_workspace,
)
from kernels.attention_parts import KvPages
from kernels.attention_prefill import Chunk, attention_prefill, plan_prefill
from kernels.head import Logits, find_candidates, lm_head, new_candidates, new_logits
from kernels.reference.head import tile_maxima
from kernels.reference.paged_attention import attention_decode as decode_twin
from kernels.reference.sampling import sample as sample_twin
from kernels.sampling import SamplingRows, log_sum_exp, new_sampled, sample
from tests.kernels.pages import Paged, paged, random_bf16

pytestmark = pytest.mark.gpu
NUM_KV_HEADS, NUM_HEADS = 8, 64
LENGTHS = [1, 64, 65, 300, 1023, 3000]
VOCAB, WIDTH = 201088, 2880
LAUNCHES = [
    DecodeLaunch(programs=programs, warps=warps, stages=stages)
    for programs in (1, 3, 64)
    for warps in (1, 4)
    for stages in (2, 3)
]


def on_gpu(case: Paged) -> Paged:
    pages = KvPages(k=case.pages.k.cuda(), v=case.pages.v.cuda())
    return Paged(pages, case.table.cuda(), case.lengths.cuda(), case.rows)


def decode(
    case: Paged,
    q_SHW: torch.Tensor,
    sinks_H: torch.Tensor,
    window: int | None,
    launch: DecodeLaunch | None,
) -> torch.Tensor:
    num_sequences = q_SHW.shape[0]
    workspace = decode_workspace(
        num_splits=64,
        num_sequences=num_sequences,
        num_kv_heads=NUM_KV_HEADS,
        device="cuda",
    )
    workspace.values.fill_(float("nan"))
    workspace.sums.fill_(float("nan"))
    out = torch.full((num_sequences, NUM_HEADS * 64), float("nan"), device="cuda").bfloat16()
    attention_decode(
        q_SHW,
        case.pages,
        DecodeSequences(table_SB=case.table, lengths_S=case.lengths),
        sinks_H,
        window=window,
        workspace=workspace,
        out_SO=out,
        launch=launch,
    )
    assert not workspace.arrivals.any()
    return out


@pytest.mark.parametrize("window", [None, 128])
def test_decode_has_the_same_bits_in_every_launch_and_is_near_the_twin(window: int | None) -> None:
    generator = torch.Generator().manual_seed(1)
    host = paged(LENGTHS, NUM_KV_HEADS, seed=1, window=window)
    q = random_bf16(generator, len(LENGTHS), NUM_HEADS, 64) * 2
    sinks = random_bf16(generator, NUM_HEADS)
    case = on_gpu(host)
    out = decode(case, q.cuda(), sinks.cuda(), window, None)
    for launch in LAUNCHES:
        assert torch.equal(decode(case, q.cuda(), sinks.cuda(), window, launch), out), launch
    pages = (host.pages.k, host.pages.v)
    expected = decode_twin(q, pages, host.table, host.lengths, sinks, window=window)
    torch.testing.assert_close(out.cpu().float(), expected, atol=2e-2, rtol=0)


@pytest.mark.parametrize("window", [None, 128])
@pytest.mark.parametrize("parts", [1, 3])
def test_prefill_in_any_chunks_has_the_bits_of_decode(window: int | None, parts: int) -> None:
    generator = torch.Generator().manual_seed(2)
    case = on_gpu(paged(LENGTHS, NUM_KV_HEADS, seed=2))
    sinks = random_bf16(generator, NUM_HEADS).cuda()
    queries = [random_bf16(generator, n, NUM_HEADS, 64).cuda() * 2 for n in LENGTHS]
    outs = [torch.empty(n, NUM_HEADS * 64, device="cuda").bfloat16() for n in LENGTHS]
    for part in range(parts):
        chunks: list[Chunk] = []
        row = 0
        for s, length in enumerate(LENGTHS):
            low, high = length * part // parts, length * (part + 1) // parts
            if high > low:
                chunks.append(Chunk(row=row, start=low, num_tokens=high - low, sequence=s))
                row += high - low
        spans = [(c, slice(c.start, c.start + c.num_tokens)) for c in chunks]
        q = torch.cat([queries[c.sequence][span] for c, span in spans])
        out = torch.empty(row, NUM_HEADS * 64, device="cuda").bfloat16()
        tiles = plan_prefill(chunks).cuda()
        attention_prefill(
            q, case.pages, case.table, sinks, tiles_MX=tiles, window=window, out_TO=out
        )
        for c, span in spans:
            outs[c.sequence][span] = out[c.row : c.row + c.num_tokens]
    for back in (0, 1, 17, 63, 64, 127, 128, 255, 256, 511):
        lengths = [max(1, n - back) for n in LENGTHS]
        q = torch.stack([queries[s][n - 1] for s, n in enumerate(lengths)])
        lengths_S = torch.tensor(lengths, dtype=torch.int32, device="cuda")
        shorter = Paged(case.pages, case.table, lengths_S, [])
        expected = torch.stack([outs[s][n - 1] for s, n in enumerate(lengths)])
        assert torch.equal(decode(shorter, q, sinks, window, None), expected), back


def test_head_has_the_same_bits_in_every_batch() -> None:
    generator = torch.Generator(device="cuda").manual_seed(3)
    normed = torch.randn(256, WIDTH, generator=generator, device="cuda").bfloat16()
    unembedding = torch.randn(VOCAB, WIDTH, generator=generator, device="cuda").bfloat16()
    whole = new_logits(256, VOCAB, "cuda")
    lm_head(normed, unembedding, out=whole)
    exact = normed[:2].double() @ unembedding.double().T
    relative = (whole.values_SV[:2].double() - exact).norm() / exact.norm()
    # One float32 chain of 2,880 products: about 3e-6 was measured.
    assert relative < 1e-5
    for num_rows in (1, 2, 16, 17, 32, 33, 64, 65, 128, 129):
        rows = torch.arange(256 - num_rows, 256, dtype=torch.int32, device="cuda")
        part = new_logits(num_rows, VOCAB, "cuda")
        lm_head(normed, unembedding, out=part, rows_S=rows)
        assert torch.equal(part.values_SV, whole.values_SV[-num_rows:]), num_rows
        assert torch.equal(part.tile_max_SN, whole.tile_max_SN[-num_rows:]), num_rows


@pytest.mark.parametrize(("scale", "top_p"), [(0.5, 1.0), (3.0, 1.0), (3.0, 0.9)])
def test_candidates_and_draws_equal_their_twins(scale: float, top_p: float) -> None:
    num_rows = 4
    generator = torch.Generator().manual_seed(4)
    values = torch.randn(num_rows, VOCAB, generator=generator) * scale
    logits = Logits(values_SV=values.cuda(), tile_max_SN=tile_maxima(values, 128).cuda())
    candidates = new_candidates(num_rows, "cuda")
    find_candidates(logits, out=candidates)
    best, ids = torch.sort(values, dim=-1, descending=True, stable=True)
    assert torch.equal(candidates.ids.cpu().long(), ids[:, :32])
    assert torch.equal(candidates.values.cpu(), best[:, :32])
    rows = SamplingRows(
        temperature_S=torch.full((num_rows,), 0.8, dtype=torch.float64, device="cuda"),
        top_p_S=torch.full((num_rows,), top_p, dtype=torch.float64, device="cuda"),
        seed_S=torch.arange(num_rows, device="cuda"),
        position_S=torch.arange(num_rows, dtype=torch.int32, device="cuda"),
    )
    out = new_sampled(num_rows, VOCAB, "cuda")
    sample(logits, candidates, rows, out=out)
    expected = [
        sample_twin(values[s], temperature=0.8, top_p=top_p, seed=s, position=s)
        for s in range(num_rows)
    ]
    assert out.token_S.tolist() == expected
    log_sum = torch.empty(num_rows, device="cuda")
    log_sum_exp(logits, candidates, out_S=log_sum, mass_SC=out.mass_SC)
    assert torch.equal(log_sum.cpu(), values.double().logsumexp(dim=1).float())
