"""The projection onto the vocabulary and the best candidates of each row.

Logits are float32 and never rounded: one chain of 16-wide steps over the model width, features on
the rows of a tile and tokens on its columns, the same for every number of rows. Besides the logits
each tile of 128 tokens of the vocabulary leaves its largest: the 32 best logits lie in the tiles of
the 32 largest maxima, of equal ones the first, so that nothing reads all logits again.

A logit that is not finite makes its tile's maximum infinite, so it shows as an infinite first
candidate.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.attention_parts import dot
from kernels.checks import expect
from kernels.launch import (
    has_dependent_launch,
    is_portable,
    let_next_start,
    wait_for_previous,
)

# Dimensions: S rows of the head, T packed tokens, D model width, V vocabulary, N tiles of the
# vocabulary, K candidates, X = 2 (id, bits of the logit), C elements looked at, I and J places of a
# short list.

VOCAB_TILE = 128
CANDIDATES = 32
NUM_CANDIDATES: tl.constexpr = tl.constexpr(CANDIDATES)
TILE_V: tl.constexpr = tl.constexpr(VOCAB_TILE)
# A search settles the 32 bits of a key in steps of 2: one of 4 digits, from the highest.
DIGITS: tl.constexpr = tl.constexpr(4)
DIGIT_BITS: tl.constexpr = tl.constexpr(2)
NUM_DIGITS: tl.constexpr = tl.constexpr(16)
HIGHEST_UNIT: tl.constexpr = tl.constexpr(1 << 30)
# Groups of tiles whose maxima bound the search, and the most keys that are ranked one by one.
SHORT_LIST = 128
LIST_LENGTH: tl.constexpr = tl.constexpr(SHORT_LIST)
NUM_GROUPS: tl.constexpr = tl.constexpr(64)

BLOCK_K = 64
_CANDIDATE_WARPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTile:
    """Rows of a program, its warps and how many steps of 64 columns are on their way at once."""

    tokens: int
    warps: int
    stages: int


# Rows up to which each tile is used; frozen after measurement (benchmarks/kernels).
HEAD_TILES = (
    (16, HeadTile(tokens=16, warps=8, stages=6)),
    (32, HeadTile(tokens=32, warps=4, stages=4)),
    (64, HeadTile(tokens=64, warps=4, stages=4)),
    (128, HeadTile(tokens=128, warps=8, stages=5)),
    (None, HeadTile(tokens=256, warps=8, stages=4)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logits:
    """Logits of some rows and what summarises them.

    Attributes:
        values_SV: float32.
        tile_max_SN: float32, largest logit of each 128 tokens; infinite when one is not finite.
    """

    values_SV: torch.Tensor
    tile_max_SN: torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The best tokens of each row, value descending, lowest id first among equals.

    Attributes:
        pairs_SKX: [S, 32, 2] int32: id, and the bits of its float32 logit, as the R4 chain takes
            them; the first logit is infinite when one of the row is not finite.
        scratch_SI: [S, 128] int32, workspace.
    """

    pairs_SKX: torch.Tensor
    scratch_SI: torch.Tensor

    @property
    def ids(self) -> torch.Tensor:
        """Ids, [S, 32] int32, a view."""
        return self.pairs_SKX[:, :, 0]

    @property
    def values(self) -> torch.Tensor:
        """Logits, [S, 32] float32, a view."""
        return self.pairs_SKX.view(torch.float32)[:, :, 1]


def new_logits(num_rows: int, vocab_size: int, device: torch.device | str) -> Logits:
    """Allocate logits."""
    shape = (num_rows, triton.cdiv(vocab_size, VOCAB_TILE))
    return Logits(
        values_SV=torch.empty(num_rows, vocab_size, dtype=torch.float32, device=device),
        tile_max_SN=torch.empty(shape, dtype=torch.float32, device=device),
    )


def new_candidates(num_rows: int, device: torch.device | str) -> Candidates:
    """Allocate candidates."""
    shape = (num_rows, CANDIDATES)
    return Candidates(
        pairs_SKX=torch.empty(*shape, 2, dtype=torch.int32, device=device),
        scratch_SI=torch.empty(num_rows, SHORT_LIST, dtype=torch.int32, device=device),
    )


def lm_head(
    normed_TD: torch.Tensor,
    unembedding_VD: torch.Tensor,
    *,
    out: Logits,
    rows_S: torch.Tensor | None = None,
    tile: HeadTile | None = None,
) -> None:
    """Write logits and tile maxima of normed rows.

    Twin: `kernels.reference.norm.lm_head`, which norms first. Numerics: one float32 chain over D.

    Args:
        normed_TD: bfloat16, after the final norm; D a multiple of 64.
        unembedding_VD: bfloat16.
        out: For S rows; contiguous.
        rows_S: int32, the packed row of each row of `out`; None when they are the same.
        tile: Instead of the frozen table's, for measurements.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    bf16 = torch.bfloat16
    sizes: dict[str, int] = {}
    expect("normed", normed_TD, "T D", dtype=bf16, sizes=sizes, contiguous=True)
    expect("unembedding", unembedding_VD, "V D", dtype=bf16, sizes=sizes, contiguous=True)
    if rows_S is None:
        sizes["S"] = sizes["T"]
    else:
        expect("rows", rows_S, "S", dtype=torch.int32, sizes=sizes, contiguous=True)
    check_logits(out, sizes)
    num_rows, vocab_size = sizes["S"], sizes["V"]
    tile = tile or next(t for most, t in HEAD_TILES if most is None or num_rows <= most)
    use_pdl = has_dependent_launch(normed_TD)
    grid = (triton.cdiv(num_rows, tile.tokens), triton.cdiv(vocab_size, VOCAB_TILE))
    _head_kernel[grid](
        *(normed_TD, normed_TD if rows_S is None else rows_S, unembedding_VD),
        *(out.values_SV, out.tile_max_SN, num_rows, vocab_size),
        WIDTH=sizes["D"],
        HAS_ROWS=rows_S is not None,
        BLOCK_T=tile.tokens,
        BLOCK_K=BLOCK_K,
        PORTABLE=is_portable(normed_TD),
        USE_PDL=use_pdl,
        num_warps=tile.warps,
        num_stages=tile.stages,
        launch_pdl=use_pdl,
    )


def find_candidates(logits: Logits, *, out: Candidates) -> None:
    """Write the 32 best tokens of each row.

    Twin: `kernels.reference.head.find_candidates`, equal to the bit.

    Args:
        logits: Of S rows with their tile maxima; at least 32 tokens.
        out: For S rows.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = {"K": CANDIDATES, "X": 2}
    check_logits(logits, sizes)
    expect("pairs", out.pairs_SKX, "S K X", dtype=torch.int32, sizes=sizes, contiguous=True)
    sizes["I"] = SHORT_LIST
    expect("scratch", out.scratch_SI, "S I", dtype=torch.int32, sizes=sizes, contiguous=True)
    num_tiles = sizes["N"]
    use_pdl = has_dependent_launch(logits.values_SV)
    _candidates_kernel[(sizes["S"],)](
        *(logits.values_SV, logits.tile_max_SN, out.pairs_SKX, out.scratch_SI),
        *(sizes["V"], num_tiles),
        BLOCK_N=max(NUM_GROUPS.value, triton.next_power_of_2(num_tiles)),
        USE_PDL=use_pdl,
        num_warps=_CANDIDATE_WARPS,
        launch_pdl=use_pdl,
    )


def check_logits(logits: Logits, sizes: dict[str, int]) -> None:
    """Check logits and their tile maxima against known sizes, and complete these."""
    f32 = torch.float32
    expect("logits", logits.values_SV, "S V", dtype=f32, sizes=sizes, contiguous=True)
    sizes["N"] = triton.cdiv(sizes["V"], VOCAB_TILE)
    expect("tile_max", logits.tile_max_SN, "S N", dtype=f32, sizes=sizes, contiguous=True)


@triton.jit
def _head_kernel(
    x_ptr, rows_ptr, weight_ptr, logits_ptr, max_ptr, num_rows, vocab_size,
    WIDTH: tl.constexpr, HAS_ROWS: tl.constexpr, BLOCK_T: tl.constexpr, BLOCK_K: tl.constexpr,
    PORTABLE: tl.constexpr, USE_PDL: tl.constexpr,
):  # fmt: skip
    """See `lm_head`."""
    tile = tl.program_id(1)
    offs_t = tl.program_id(0) * BLOCK_T + tl.arange(0, BLOCK_T)
    offs_v = tile * TILE_V + tl.arange(0, TILE_V)
    offs_k = tl.arange(0, BLOCK_K)
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    # Rows and tokens beyond the last are computed on the last one's data and not stored.
    row_T = tl.minimum(offs_t, num_rows - 1)
    if HAS_ROWS:
        row_T = tl.load(rows_ptr + row_T)
    x_ptrs = x_ptr + row_T.to(tl.int64)[None, :] * WIDTH + offs_k[:, None]
    row_V = tl.minimum(offs_v, vocab_size - 1).to(tl.int64)
    weight_ptrs = weight_ptr + row_V[:, None] * WIDTH + offs_k[None, :]
    logit_VT = tl.zeros((TILE_V, BLOCK_T), tl.float32)
    for _ in range(0, WIDTH, BLOCK_K):
        logit_VT = dot(tl.load(weight_ptrs), tl.load(x_ptrs), logit_VT, PORTABLE)
        weight_ptrs += BLOCK_K
        x_ptrs += BLOCK_K
    mask_VT = (offs_v < vocab_size)[:, None] & (offs_t < num_rows)[None, :]
    row_ptrs = logits_ptr + offs_t.to(tl.int64)[None, :] * vocab_size
    tl.store(row_ptrs + offs_v[:, None], logit_VT, mask=mask_VT)
    is_finite_VT = tl.abs(logit_VT) < float("inf")
    largest_T = tl.max(tl.where(is_finite_VT, logit_VT, float("inf")), 0)
    num_tiles = tl.num_programs(1)
    tl.store(max_ptr + offs_t * num_tiles + tile, largest_T, mask=offs_t < num_rows)


@triton.jit
def order_key(value):
    """Return uint32 keys in the order of float32 values; both zeros alike, none is 0."""
    bits = tl.where(value == 0.0, 0.0, value).to(tl.uint32, bitcast=True)
    is_negative = (bits >> 31) != 0
    return bits ^ tl.where(is_negative, 0xFFFFFFFF, 0x80000000).to(tl.uint32)


@triton.jit
def _select_best(key_C):
    """Return which 32 keys are the largest, of equal ones the first; a key of 0 is no element."""
    digit_B = tl.arange(0, DIGITS).to(tl.uint32)
    threshold = tl.zeros((1,), tl.uint32)
    unit = tl.full((1,), HIGHEST_UNIT, tl.uint32)
    for _ in range(NUM_DIGITS):
        bound_B = threshold + digit_B * unit
        count_B = tl.sum((key_C[:, None] >= bound_B[None, :]).to(tl.int32), 0)
        # Counts fall with the digit: the largest that enough keys reach is the threshold's.
        reached = tl.sum((count_B >= NUM_CANDIDATES).to(tl.int32), 0) - 1
        threshold += reached.to(tl.uint32) * unit
        unit = unit >> DIGIT_BITS
    above_C = key_C > threshold
    equal_C = (key_C == threshold) & (key_C != 0)
    missing = NUM_CANDIDATES - tl.sum(above_C.to(tl.int32), 0)
    return above_C | (equal_C & (tl.cumsum(equal_C.to(tl.int32), 0) <= missing))


@triton.jit
def _bound(key_N, BLOCK_N: tl.constexpr):
    """Return a key that at least 32 of the keys reach, and that few others do."""
    group_I = tl.max(tl.reshape(key_N, (BLOCK_N // NUM_GROUPS, NUM_GROUPS)), 0)
    reached_I = tl.sum((group_I[None, :] >= group_I[:, None]).to(tl.int32), 1)
    return tl.max(tl.where(reached_I >= NUM_CANDIDATES, group_I, 0), 0)


@triton.jit
def _shortlist(key_C, id_C, bound, list_ptr):
    """Store the ids of the keys that reach `bound`, in order, and return how many; at most 128.

    Where more do, the 32 best are stored.
    """
    is_listed_C = (key_C >= bound) & (key_C != 0)
    num_listed = tl.sum(is_listed_C.to(tl.int32), 0)
    if num_listed > LIST_LENGTH:
        is_listed_C = _select_best(key_C)
        num_listed = tl.sum(is_listed_C.to(tl.int32), 0)
    place_C = tl.cumsum(is_listed_C.to(tl.int32), 0) - 1
    tl.debug_barrier()
    tl.store(list_ptr + place_C, id_C, mask=is_listed_C)
    tl.debug_barrier()
    return num_listed


@triton.jit
def _rank(list_ptr, from_ptr, num_listed):
    """Return ids, keys and ranks of a short list, whose values lie at `from_ptr`.

    Equal keys rank by their place, so the list must be in the order of its ids.
    """
    offs_i = tl.arange(0, LIST_LENGTH)
    id_I = tl.load(list_ptr + offs_i, mask=offs_i < num_listed, other=0)
    value_I = tl.load(from_ptr + id_I, mask=offs_i < num_listed, other=0.0)
    key_I = tl.where(offs_i < num_listed, order_key(value_I), 0)
    is_earlier_IJ = offs_i[None, :] < offs_i[:, None]
    is_equal_IJ = key_I[None, :] == key_I[:, None]
    is_before_IJ = (key_I[None, :] > key_I[:, None]) | (is_equal_IJ & is_earlier_IJ)
    return id_I, value_I, key_I, tl.sum(is_before_IJ.to(tl.int32), 1)


@triton.jit
def _candidates_kernel(
    logits_ptr, max_ptr, pairs_ptr, scratch_ptr, vocab_size, num_tiles,
    BLOCK_N: tl.constexpr, USE_PDL: tl.constexpr,
):  # fmt: skip
    """See `find_candidates`."""
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    s = tl.program_id(0).to(tl.int64)
    offs_n = tl.arange(0, BLOCK_N)
    offs_k = tl.arange(0, NUM_CANDIDATES)
    scratch_ptr += s * LIST_LENGTH
    logits_ptr += s * vocab_size
    max_ptr += s * num_tiles
    max_N = tl.load(max_ptr + offs_n, mask=offs_n < num_tiles, other=0.0)
    is_bad = tl.max(max_N, 0) == float("inf")
    key_N = tl.where(offs_n < num_tiles, order_key(max_N), 0)
    num_listed = _shortlist(key_N, offs_n, _bound(key_N, BLOCK_N), scratch_ptr)
    tile_I, _max_I, key_I, rank_I = _rank(scratch_ptr, max_ptr, num_listed)
    # The best tiles, in the order of their ids: so are their elements.
    is_best_I = (rank_I < NUM_CANDIDATES) & (key_I != 0)
    bound = tl.min(tl.where(is_best_I, key_I, 0xFFFFFFFF), 0)
    num_best = tl.sum(is_best_I.to(tl.int32), 0)
    bound = tl.where(num_best == NUM_CANDIDATES, bound, 1)
    place_I = tl.cumsum(is_best_I.to(tl.int32), 0) - 1
    tl.debug_barrier()
    tl.store(scratch_ptr + place_I, tile_I, mask=is_best_I)
    tl.debug_barrier()
    tile_K = tl.load(scratch_ptr + offs_k, mask=offs_k < num_best, other=num_tiles)
    id_KV = tile_K[:, None] * TILE_V + tl.arange(0, TILE_V)[None, :]
    id_C = tl.reshape(id_KV, (NUM_CANDIDATES * TILE_V,))
    logit_C = tl.load(logits_ptr + id_C, mask=id_C < vocab_size, other=0.0)
    key_C = tl.where(id_C < vocab_size, order_key(logit_C), 0)
    num_listed = _shortlist(key_C, id_C, bound, scratch_ptr)
    id_I, value_I, _key_I, rank_I = _rank(scratch_ptr, logits_ptr, num_listed)
    is_best_I = rank_I < NUM_CANDIDATES
    shown_I = tl.where(is_bad, float("inf"), value_I)
    pair_ptrs = pairs_ptr + (s * NUM_CANDIDATES + rank_I) * 2
    tl.store(pair_ptrs, id_I, mask=is_best_I)
    tl.store(pair_ptrs + 1, shown_I.to(tl.int32, bitcast=True), mask=is_best_I)
