"""What decode and prefill attention share: pages, the reduction tree and its pieces.

The tree of a query row, the same in both kernels, so that their bits agree:

* keys come in blocks of 64 at absolute positions, each block one score product over the head width
  and one value product over its keys, ascending, chained through the accumulator;
* without a window, each 256 positions are a split that starts afresh, and the splits are folded in
  ascending order; with one, the blocks that hold the window are one split;
* a softmax denominator is a product with a column of ones, so that its order is the matrix
  instruction's and not that of a layout; a maximum is exact in any order;
* the sink joins last.

A block in which a row sees nothing leaves the row's state as it was, bit for bit: neighbours in a
tile may need it. Fusing multiplications with additions is written out and switched off in the
compiler. Keys and values that a row must not see may be anything, NaN too: loads are masked.

Heads are 64 wide, 8 query heads share a kv head. Scores are in units of log2: the scale holds
log2(e), so does the sink here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.checks import expect
from kernels.errors import OperandError

# Dimensions: S sequences, B pages of a sequence, N pages, G kv heads, W head width, H query heads,
# P positions of a page, R rows of a tile (query tokens times the heads of a group).

PAGE_TOKENS = 64
SPLIT_TOKENS = 256
HEAD_DIM = 64
GROUP_HEADS = 8
SCORE_SCALE = math.log2(math.e) / math.sqrt(HEAD_DIM)

PAGE: tl.constexpr = tl.constexpr(PAGE_TOKENS)
SPLIT_BLOCKS: tl.constexpr = tl.constexpr(SPLIT_TOKENS // PAGE_TOKENS)
WIDTH: tl.constexpr = tl.constexpr(HEAD_DIM)
GROUP: tl.constexpr = tl.constexpr(GROUP_HEADS)
# Columns of the product that sums a row: the fewest that a matrix instruction has.
SUM_COLUMNS: tl.constexpr = tl.constexpr(8)
LOG2_E: tl.constexpr = tl.constexpr(math.log2(math.e))


@dataclass(frozen=True, slots=True, kw_only=True)
class KvPages:
    """Keys and values of one layer.

    Attributes:
        k: [N, G, 64, 64] bfloat16: pages, kv heads, positions, head width.
        v: The same for values.
    """

    k: torch.Tensor
    v: torch.Tensor

    @property
    def num_kv_heads(self) -> int:
        """Kv heads."""
        return self.k.shape[1]


def check_attention(
    queries: torch.Tensor, pages: KvPages, sinks_H: torch.Tensor, window: int | None
) -> dict[str, int]:
    """Check what both kernels take and return the sizes of the dimensions.

    Raises:
        OperandError: A shape, dtype or the window is not what the kernels work on.
    """
    group_heads = pages.num_kv_heads * GROUP_HEADS
    sizes = {"W": HEAD_DIM, "P": PAGE_TOKENS, "H": group_heads, "G": pages.num_kv_heads}
    bf16 = torch.bfloat16
    expect("queries", queries, "T H W", dtype=bf16, sizes=sizes, contiguous=True)
    expect("k_pages", pages.k, "N G P W", dtype=bf16, sizes=sizes, contiguous=True)
    expect("v_pages", pages.v, "N G P W", dtype=bf16, sizes=sizes, contiguous=True)
    expect("sinks", sinks_H, "H", dtype=bf16, sizes=sizes, contiguous=True)
    if window is not None and window < 1:
        raise OperandError("window", expected="at least 1", actual=str(window))
    return sizes


@triton.jit
def dot(a, b, accumulator, PORTABLE: tl.constexpr):
    """Add a product of bfloat16 operands to float32; the interpreter needs them widened."""
    if PORTABLE:
        return tl.dot(a.to(tl.float32), b.to(tl.float32), accumulator, input_precision="ieee")
    return tl.dot(a, b, accumulator)


@triton.jit
def empty_state(ROWS: tl.constexpr):
    """Return maximum [R], denominator [R, 8] and values [R, W] of no key."""
    largest_R = tl.full((ROWS,), float("-inf"), tl.float32)
    total_RC = tl.zeros((ROWS, SUM_COLUMNS), tl.float32)
    value_RW = tl.zeros((ROWS, WIDTH), tl.float32)
    return largest_R, total_RC, value_RW


@triton.jit
def attend_block(
    q_RW, k_WP, v_PW, seen_RP, state, scale, MASKED: tl.constexpr, PORTABLE: tl.constexpr
):
    """Add one block of keys to a split's state.

    Args:
        q_RW: Queries.
        k_WP: Keys, transposed.
        v_PW: Values; finite wherever any row of the tile looks.
        seen_RP: Which keys a row sees; read when `MASKED`.
        state: Maximum, denominator and values of the split so far.
        scale: Factor on scores, in units of log2.
        MASKED: Whether any row may have keys hidden.
        PORTABLE: Whether the interpreter runs this.
    """
    largest_R, total_RC, value_RW = state
    zeros_RP = tl.zeros((q_RW.shape[0], PAGE), tl.float32)
    score_RP = dot(q_RW, k_WP, zeros_RP, PORTABLE)
    if MASKED:
        score_RP = tl.where(seen_RP, score_RP, float("-inf"))
    new_largest_R = tl.maximum(largest_R, tl.max(score_RP, 1) * scale)
    # A row that has seen nothing yet has no maximum to subtract.
    base_R = tl.where(new_largest_R == float("-inf"), 0.0, new_largest_R)
    shrink_R = tl.exp2(largest_R - base_R)
    weight_RP = tl.exp2(tl.fma(score_RP, scale, -base_R[:, None])).to(tl.bfloat16)
    ones_PC = tl.full((PAGE, SUM_COLUMNS), 1.0, tl.float32).to(tl.bfloat16)
    total_RC = dot(weight_RP, ones_PC, total_RC * shrink_R[:, None], PORTABLE)
    value_RW = dot(weight_RP, v_PW, value_RW * shrink_R[:, None], PORTABLE)
    return new_largest_R, total_RC, value_RW


@triton.jit
def fold_split(folded, largest_R, total_R, value_RW):
    """Add a split's maximum, denominator [R] and values to those of the splits before it."""
    old_largest_R, old_total_R, old_value_RW = folded
    new_largest_R = tl.maximum(old_largest_R, largest_R)
    base_R = tl.where(new_largest_R == float("-inf"), 0.0, new_largest_R)
    old_factor_R = tl.exp2(old_largest_R - base_R)
    factor_R = tl.exp2(largest_R - base_R)
    total_R = tl.fma(total_R, factor_R, old_total_R * old_factor_R)
    old_scaled_RW = old_value_RW * old_factor_R[:, None]
    value_RW = tl.fma(value_RW, factor_R[:, None] + tl.zeros_like(value_RW), old_scaled_RW)
    # A split in which the row sees nothing must leave even the sign of a zero alone.
    is_seen_R = largest_R > float("-inf")
    total_R = tl.where(is_seen_R, total_R, old_total_R)
    value_RW = tl.where(is_seen_R[:, None], value_RW, old_value_RW)
    return new_largest_R, total_R, value_RW


@triton.jit
def finish(folded, sink_R):
    """Return the output [R, W] in float32: the sink, in units of log2, joins the denominator."""
    largest_R, total_R, value_RW = folded
    base_R = tl.maximum(largest_R, sink_R)
    factor_R = tl.exp2(largest_R - base_R)
    denominator_R = tl.fma(total_R, factor_R, tl.exp2(sink_R - base_R))
    return value_RW * (factor_R / denominator_R)[:, None]
