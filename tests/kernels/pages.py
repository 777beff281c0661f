"""Sequences of random keys and values on scattered pages; what was never written is NaN."""

from dataclasses import dataclass

import torch

from kernels.attention_parts import PAGE_TOKENS, KvPages


@dataclass(frozen=True, slots=True)
class Paged:
    pages: KvPages
    table: torch.Tensor
    lengths: torch.Tensor
    rows: list[tuple[torch.Tensor, ...]]


def random_bf16(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator).bfloat16()


def paged(lengths: list[int], num_kv_heads: int, seed: int, *, window: int | None = None) -> Paged:
    """Put keys and values of sequences on pages in a random order.

    With a window, what lies before the last `window` positions is NaN and its table entries point
    nowhere.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = [-(-length // PAGE_TOKENS) for length in lengths]
    order = torch.randperm(sum(counts) + 1, generator=generator).int()
    shape = (sum(counts) + 1, num_kv_heads, PAGE_TOKENS, 64)
    k = torch.full(shape, float("nan"), dtype=torch.bfloat16)
    v = k.clone()
    table = torch.full((len(lengths), max(1, *counts)), 1 << 30, dtype=torch.int32)
    rows, used = [], 0
    for s, (length, count) in enumerate(zip(lengths, counts, strict=True)):
        oldest = 0 if window is None else max(0, length - window)
        table[s, oldest // PAGE_TOKENS : count] = order[used : used + count][
            oldest // PAGE_TOKENS :
        ]
        used += count
        k_rows, v_rows = (random_bf16(generator, length, num_kv_heads, 64) for _ in range(2))
        positions = torch.arange(oldest, length)
        page = table[s].long()[positions // PAGE_TOKENS]
        k[page, :, positions % PAGE_TOKENS] = k_rows[positions]
        v[page, :, positions % PAGE_TOKENS] = v_rows[positions]
        rows.append((k_rows, v_rows))
    return Paged(KvPages(k=k, v=v), table, torch.tensor(lengths, dtype=torch.int32), rows)
