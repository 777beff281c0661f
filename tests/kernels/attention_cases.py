"""Launches of the attention, head and sampling kernels in the real shapes, to be compiled."""

from collections.abc import Callable

import torch

from kernels.attention_decode import (
    FULL_LAUNCHES,
    DecodeSequences,
    attention_decode,
    decode_workspace,
)
from kernels.attention_parts import KvPages
from kernels.attention_prefill import Chunk, attention_prefill, plan_prefill
from kernels.head import HEAD_TILES, find_candidates, lm_head, new_candidates, new_logits
from kernels.sampling import SamplingRows, log_sum_exp, mask_logits, new_sampled, sample

NUM_KV_HEADS, NUM_HEADS, VOCAB, WIDTH = 8, 64, 201088, 2880


def bf16(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")


def i32(*shape: int) -> torch.Tensor:
    return torch.empty(shape, dtype=torch.int32, device="meta")


def pages() -> KvPages:
    return KvPages(k=bf16(8, NUM_KV_HEADS, 64, 64), v=bf16(8, NUM_KV_HEADS, 64, 64))


def decode(num_sequences: int, window: int | None) -> Callable[[], None]:
    def case() -> None:
        workspace = decode_workspace(
            num_splits=8,
            num_sequences=num_sequences,
            num_kv_heads=NUM_KV_HEADS,
            device="meta",
        )
        sequences = DecodeSequences(table_SB=i32(num_sequences, 8), lengths_S=i32(num_sequences))
        attention_decode(
            bf16(num_sequences, NUM_HEADS, 64),
            pages(),
            sequences,
            bf16(NUM_HEADS),
            window=window,
            workspace=workspace,
            out_SO=bf16(num_sequences, NUM_HEADS * 64),
        )

    return case


def prefill(window: int | None) -> Callable[[], None]:
    def case() -> None:
        tiles = plan_prefill([Chunk(row=0, start=0, num_tokens=64, sequence=0)])
        attention_prefill(
            bf16(64, NUM_HEADS, 64),
            pages(),
            i32(1, 8),
            bf16(NUM_HEADS),
            tiles_MX=tiles,
            window=window,
            out_TO=bf16(64, NUM_HEADS * 64),
        )

    return case


def head(num_rows: int) -> Callable[[], None]:
    def case() -> None:
        logits = new_logits(num_rows, VOCAB, "meta")
        lm_head(bf16(num_rows, WIDTH), bf16(VOCAB, WIDTH), out=logits, rows_S=i32(num_rows))

    return case


def sampling() -> None:
    logits, out = new_logits(4, VOCAB, "meta"), new_sampled(4, VOCAB, "meta")
    candidates = new_candidates(4, "meta")
    find_candidates(logits, out=candidates)
    mask_logits(logits, i32(4, VOCAB // 32), i32(4))
    log_sum_exp(logits, candidates, out_S=out.logit_S, mass_SC=out.mass_SC)
    rows = SamplingRows(
        temperature_S=torch.empty(4, dtype=torch.float64, device="meta"),
        top_p_S=torch.empty(4, dtype=torch.float64, device="meta"),
        seed_S=torch.empty(4, dtype=torch.int64, device="meta"),
        position_S=i32(4),
    )
    sample(logits, candidates, rows, out=out)


CASES: dict[str, Callable[[], None]] = {
    "decode_short": decode(FULL_LAUNCHES[0][0], None),
    "decode_long": decode(256, None),
    "decode_window": decode(64, 128),
    "prefill": prefill(None),
    "prefill_window": prefill(128),
    "head_1": head(HEAD_TILES[0][1].tokens),
    "head_256": head(256),
    "sampling": sampling,
}
