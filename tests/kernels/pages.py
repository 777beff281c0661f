"""Sequences of random keys and values on scattered pages; what was never written is NaN."""

from dataclasses import dataclass

import torch

from kernels.attention_parts import PAGE_TOKENS, RING_PAGES, KvPages


@dataclass(frozen=True, slots=True)
class Paged:
    pages: KvPages
    table: torch.Tensor
    lengths: torch.Tensor
    rows: list[tuple[torch.Tensor, ...]]


def random_bf16(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator).bfloat16()


def paged(lengths: list[int], num_kv_heads: int, seed: int, *, is_ring: bool = False) -> Paged:
    """Put keys and values of sequences on pages in a random order; rings keep the last 128."""
    generator = torch.Generator().manual_seed(seed)
    counts = [RING_PAGES if is_ring else -(-length // PAGE_TOKENS) for length in lengths]
    rows = [
        tuple(random_bf16(generator, length, num_kv_heads, 64) for _ in range(2))
        for length in lengths
    ]
    order = torch.randperm(sum(counts) + 1, generator=generator).int()
    shape = (sum(counts) + 1, num_kv_heads, PAGE_TOKENS, 64)
    k = torch.full(shape, float("nan"), dtype=torch.bfloat16)
    v = k.clone()
    width = RING_PAGES if is_ring else max(1, *counts)
    table = torch.full((len(lengths), width), 1 << 30, dtype=torch.int32)
    used = 0
    for s, (length, count) in enumerate(zip(lengths, counts, strict=True)):
        table[s, :count] = order[used : used + count]
        used += count
        positions = torch.arange(length)
        if is_ring:
            positions = positions[-RING_PAGES * PAGE_TOKENS :]
        if length:
            page = table[s].long()[positions // PAGE_TOKENS % width]
            k[page, :, positions % PAGE_TOKENS] = rows[s][0][positions]
            v[page, :, positions % PAGE_TOKENS] = rows[s][1][positions]
    lengths_S = torch.tensor(lengths, dtype=torch.int32)
    return Paged(KvPages(k=k, v=v), table, lengths_S, rows)
