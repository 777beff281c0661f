"""The next token of each row, and what is reported about it.

A row is greedy, or drawn with the one number that Philox4x32-10 gives for its seed and position, so
a draw depends on nothing that was drawn before. The numbers are those of `engine.sampler`; the
order in which the unit interval is laid out is not: the 32 candidates first, best first, then the
other tokens by id. So no sort of the vocabulary is needed, and where a draw falls on a candidate,
both choose the same token. Probabilities are float64, in sums of a fixed order.

Top-p keeps the smallest set of most likely tokens that reaches it, lowest id first among equals.
Where the candidates do not reach it, one program searches the row's threshold; that is slow, and
only flat distributions come to it.

Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from kernels.checks import expect
from kernels.draw import (
    CHUNK_TOKENS,
    draw_token,
    largest_logit,
    load_pair,
    rest_weights,
    uniform_number,
    weight_of,
)
from kernels.errors import OperandError
from kernels.head import (
    CANDIDATES,
    NUM_CANDIDATES,
    TILE_V,
    VOCAB_TILE,
    Candidates,
    Logits,
    check_logits,
)
from kernels.launch import has_dependent_launch, let_next_start, wait_for_previous

# Dimensions: S rows, V vocabulary, N tiles of the vocabulary, K candidates, C chunks of the
# vocabulary, B tokens of a chunk, Y words of 32 tokens of a mask, X = 2 (id, bits of the logit).

WORD_TOKENS = 32
_CHUNK_WARPS = 4
_SAMPLE_WARPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRows:
    """How each row is drawn.

    Attributes:
        temperature_S: float64; 0 is greedy.
        top_p_S: float64, in (0, 1].
        seed_S: int64, the bits of an unsigned seed.
        position_S: int32, the position that the token will have.
    """

    temperature_S: torch.Tensor
    top_p_S: torch.Tensor
    seed_S: torch.Tensor
    position_S: torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What `sample` fills.

    Attributes:
        token_S: int32; -1 where a logit is not finite or a mask allows nothing.
        logit_S: float32, of the token; not a number where there is none.
        mass_SC: float64, workspace.
    """

    token_S: torch.Tensor
    logit_S: torch.Tensor
    mass_SC: torch.Tensor


def new_sampled(num_rows: int, vocab_size: int, device: torch.device | str) -> Sampled:
    """Allocate tokens and workspace."""
    num_chunks = triton.cdiv(vocab_size, CHUNK_TOKENS)
    return Sampled(
        token_S=torch.empty(num_rows, dtype=torch.int32, device=device),
        logit_S=torch.empty(num_rows, dtype=torch.float32, device=device),
        mass_SC=torch.empty(num_rows, num_chunks, dtype=torch.float64, device=device),
    )


def mask_logits(logits: Logits, bitmask_SY: torch.Tensor, is_masked_S: torch.Tensor) -> None:
    """Set the forbidden tokens of masked rows to minus infinity, in place, and their tile maxima.

    Raw candidates and `log_sum_exp` are to be taken before. Twin:
    `kernels.reference.sampling.mask_logits`, equal to the bit.

    Args:
        logits: Raw logits with tile maxima; the maximum of a tile that is not finite stays so.
        bitmask_SY: int32, bit i of word w allows token 32 w + i.
        is_masked_S: int32, 0 leaves a row alone.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes: dict[str, int] = {}
    check_logits(logits, sizes)
    sizes["Y"] = triton.cdiv(sizes["V"], WORD_TOKENS)
    expect("bitmask", bitmask_SY, "S Y", dtype=torch.int32, sizes=sizes, contiguous=True)
    expect("is_masked", is_masked_S, "S", dtype=torch.int32, sizes=sizes, contiguous=True)
    use_pdl = has_dependent_launch(logits.values_SV)
    _mask_kernel[(sizes["N"], sizes["S"])](
        *(logits.values_SV, logits.tile_max_SN, bitmask_SY, is_masked_S, sizes["V"], sizes["Y"]),
        USE_PDL=use_pdl,
        num_warps=1,
        launch_pdl=use_pdl,
    )


def log_sum_exp(
    logits: Logits, candidates: Candidates, *, out_S: torch.Tensor, mass_SC: torch.Tensor
) -> None:
    """Write the natural logarithm of the sum of exponentials of each row, in float32.

    A row with a logit that is not finite has none: NaN.

    Twin: `torch.logsumexp` in float64. Numerics: float64 in a fixed order, rounded once.

    Args:
        logits: Raw logits.
        candidates: Of the same rows.
        out_S: float32.
        mass_SC: float64, workspace, as in `Sampled`.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = _check_rows(logits, candidates, mass_SC)
    expect("out", out_S, "S", dtype=torch.float32, sizes=sizes, contiguous=True)
    _launch_masses(logits, candidates, None, mass_SC)
    use_pdl = has_dependent_launch(out_S)
    _log_kernel[(sizes["S"],)](
        *(candidates.pairs_SKX, mass_SC, out_S, sizes["C"]),
        BLOCK_C=triton.next_power_of_2(sizes["C"]),
        USE_PDL=use_pdl,
        num_warps=1,
        launch_pdl=use_pdl,
    )


def sample(logits: Logits, candidates: Candidates, rows: SamplingRows, *, out: Sampled) -> None:
    """Choose the token of each row.

    Twin: `kernels.reference.sampling.sample`; the same tokens unless a draw falls within the
    rounding of a float64 sum.

    Args:
        logits: Raw or masked logits.
        candidates: Of these logits, masked or not as they are.
        rows: How to draw.
        out: Filled.

    Raises:
        OperandError: A shape or dtype is wrong.
    """
    sizes = _check_rows(logits, candidates, out.mass_SC)
    f64, i32 = torch.float64, torch.int32
    expect("temperature", rows.temperature_S, "S", dtype=f64, sizes=sizes, contiguous=True)
    expect("top_p", rows.top_p_S, "S", dtype=f64, sizes=sizes, contiguous=True)
    expect("seed", rows.seed_S, "S", dtype=torch.int64, sizes=sizes, contiguous=True)
    expect("position", rows.position_S, "S", dtype=i32, sizes=sizes, contiguous=True)
    expect("token", out.token_S, "S", dtype=i32, sizes=sizes, contiguous=True)
    expect("logit", out.logit_S, "S", dtype=torch.float32, sizes=sizes, contiguous=True)
    _launch_masses(logits, candidates, rows.temperature_S, out.mass_SC)
    use_pdl = has_dependent_launch(out.token_S)
    _sample_kernel[(sizes["S"],)](
        *(logits.values_SV, candidates.pairs_SKX, out.mass_SC, rows.temperature_S, rows.top_p_S),
        *(rows.seed_S, rows.position_S, out.token_S, out.logit_S, sizes["V"], sizes["C"]),
        BLOCK_C=triton.next_power_of_2(sizes["C"]),
        USE_PDL=use_pdl,
        num_warps=_SAMPLE_WARPS,
        launch_pdl=use_pdl,
    )


def _check_rows(logits: Logits, candidates: Candidates, mass_SC: torch.Tensor) -> dict[str, int]:
    sizes = {"K": CANDIDATES, "X": 2}
    check_logits(logits, sizes)
    if sizes["V"] % VOCAB_TILE and sizes["V"] < CANDIDATES:
        raise OperandError("logits", expected=f"V >= {CANDIDATES}", actual=f"V={sizes['V']}")
    sizes["C"] = triton.cdiv(sizes["V"], CHUNK_TOKENS)
    expect("pairs", candidates.pairs_SKX, "S K X", dtype=torch.int32, sizes=sizes, contiguous=True)
    expect("mass", mass_SC, "S C", dtype=torch.float64, sizes=sizes, contiguous=True)
    return sizes


def _launch_masses(
    logits: Logits,
    candidates: Candidates,
    temperature_S: torch.Tensor | None,
    mass_SC: torch.Tensor,
) -> None:
    num_rows, num_chunks = mass_SC.shape
    use_pdl = has_dependent_launch(mass_SC)
    _mass_kernel[(num_chunks, num_rows)](
        *(logits.values_SV, candidates.pairs_SKX, mass_SC),
        mass_SC if temperature_S is None else temperature_S,
        logits.values_SV.shape[1],
        HAS_TEMPERATURE=temperature_S is not None,
        USE_PDL=use_pdl,
        num_warps=_CHUNK_WARPS,
        launch_pdl=use_pdl,
    )


@triton.jit
def _mask_kernel(
    logits_ptr, max_ptr, bitmask_ptr, is_masked_ptr, vocab_size, num_words, USE_PDL: tl.constexpr
):
    """See `mask_logits`."""
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    tile = tl.program_id(0)
    s = tl.program_id(1).to(tl.int64)
    if tl.load(is_masked_ptr + s) != 0:
        id_V = tile * TILE_V + tl.arange(0, TILE_V)
        is_token_V = id_V < vocab_size
        logit_ptrs = logits_ptr + s * vocab_size + id_V
        logit_V = tl.load(logit_ptrs, mask=is_token_V, other=float("-inf"))
        word_V = tl.load(bitmask_ptr + s * num_words + (id_V >> 5), mask=is_token_V, other=0)
        is_allowed_V = ((word_V >> (id_V & 31)) & 1) != 0
        logit_V = tl.where(is_allowed_V, logit_V, float("-inf"))
        tl.store(logit_ptrs, logit_V, mask=is_token_V)
        max_ptrs = max_ptr + s * tl.num_programs(0) + tile
        old_max = tl.load(max_ptrs)
        tl.store(max_ptrs, tl.where(old_max == float("inf"), old_max, tl.max(logit_V, 0)))


@triton.jit
def _mass_kernel(
    logits_ptr, pairs_ptr, mass_ptr, temperature_ptr, vocab_size,
    HAS_TEMPERATURE: tl.constexpr, USE_PDL: tl.constexpr,
):  # fmt: skip
    """Write the weight of each chunk's tokens that are not candidates."""
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    chunk = tl.program_id(0)
    s = tl.program_id(1).to(tl.int64)
    temperature = tl.full((), 1.0, tl.float64)
    if HAS_TEMPERATURE:
        temperature = tl.load(temperature_ptr + s)
    largest = largest_logit(pairs_ptr, s)
    if (temperature > 0) & (tl.abs(largest) < float("inf")):
        weight_B, _id_B, _logit_B = rest_weights(
            logits_ptr, pairs_ptr, s, chunk, largest, 1.0 / temperature, vocab_size
        )
        tl.store(mass_ptr + s * tl.num_programs(0) + chunk, tl.sum(weight_B, 0))


@triton.jit
def _log_kernel(
    pairs_ptr, mass_ptr, out_ptr, num_chunks, BLOCK_C: tl.constexpr, USE_PDL: tl.constexpr
):
    """See `log_sum_exp`."""
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    s = tl.program_id(0).to(tl.int64)
    offs_c = tl.arange(0, BLOCK_C)
    _, logit_K = load_pair(pairs_ptr, s, tl.arange(0, NUM_CANDIDATES))
    largest = largest_logit(pairs_ptr, s)
    one = tl.full((), 1.0, tl.float64)
    if tl.abs(largest) < float("inf"):
        mass_C = tl.load(mass_ptr + s * num_chunks + offs_c, mask=offs_c < num_chunks, other=0.0)
        total = tl.sum(weight_of(logit_K, largest, one), 0) + tl.sum(mass_C, 0)
        tl.store(out_ptr + s, (largest.to(tl.float64) + tl.log(total)).to(tl.float32))
    else:
        tl.store(out_ptr + s, float("nan"))


@triton.jit
def _sample_kernel(
    logits_ptr, pairs_ptr, mass_ptr, temperature_ptr, top_p_ptr, seed_ptr, position_ptr,
    token_ptr, logit_ptr, vocab_size, num_chunks,
    BLOCK_C: tl.constexpr, USE_PDL: tl.constexpr,
):  # fmt: skip
    """See `sample`."""
    let_next_start(USE_PDL)
    wait_for_previous(USE_PDL)
    s = tl.program_id(0).to(tl.int64)
    token, largest = load_pair(pairs_ptr, s, 0)
    temperature = tl.load(temperature_ptr + s)
    if tl.abs(largest) < float("inf"):
        if temperature > 0:
            uniform = uniform_number(tl.load(seed_ptr + s), tl.load(position_ptr + s))
            top_p = tl.load(top_p_ptr + s)
            token = draw_token(
                logits_ptr, pairs_ptr, mass_ptr, s, 1.0 / temperature, top_p, uniform, vocab_size,
                num_chunks, BLOCK_C,
            )  # fmt: skip
        tl.store(token_ptr + s, token)
        tl.store(logit_ptr + s, tl.load(logits_ptr + s * vocab_size + token))
    else:
        tl.store(token_ptr + s, -1)
        tl.store(logit_ptr + s, float("nan"))
