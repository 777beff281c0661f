"""The draw of one row's token: weights, the cut of top-p, the walk to the number's place.

Functions of one program, called by the kernels of `kernels.sampling`, whose conventions hold.
"""

from __future__ import annotations

import triton
import triton.language as tl

from kernels.head import (
    DIGIT_BITS,
    DIGITS,
    HIGHEST_UNIT,
    NUM_CANDIDATES,
    NUM_DIGITS,
    order_key,
)

# Dimensions: K candidates, C chunks of the vocabulary, B tokens of a chunk, D digits.

CHUNK_TOKENS = 2048
CHUNK: tl.constexpr = tl.constexpr(CHUNK_TOKENS)
# Rounds, multipliers and key increments of Philox4x32-10.
ROUNDS: tl.constexpr = tl.constexpr(10)
MULTIPLIER_A: tl.constexpr = tl.constexpr(0xD2511F53)
MULTIPLIER_B: tl.constexpr = tl.constexpr(0xCD9E8D57)
WEYL_A: tl.constexpr = tl.constexpr(0x9E3779B9)
WEYL_B: tl.constexpr = tl.constexpr(0xBB67AE85)
LOW_WORD: tl.constexpr = tl.constexpr(0xFFFFFFFF)
UNIFORM_UNIT: tl.constexpr = tl.constexpr(2.0**-53)


@triton.jit
def load_pair(pairs_ptr, s, offs_k):
    """Return ids and float32 logits of candidates."""
    pair_ptrs = pairs_ptr + (s * NUM_CANDIDATES + offs_k) * 2
    return tl.load(pair_ptrs), tl.load(pair_ptrs + 1).to(tl.float32, bitcast=True)


@triton.jit
def largest_logit(pairs_ptr, s):
    """Return the first candidate's logit."""
    return tl.load(pairs_ptr + s * NUM_CANDIDATES * 2 + 1).to(tl.float32, bitcast=True)


@triton.jit
def weight_of(logit, largest, coolness):
    """Return exp((logit - largest) * coolness) in float64; coolness is 1 / temperature."""
    return tl.exp((logit.to(tl.float64) - largest.to(tl.float64)) * coolness)


@triton.jit
def is_candidate(logit_B, id_B, pairs_ptr, s):
    """Return which tokens are among the candidates: what is not behind the last of them."""
    last_id, last_logit = load_pair(pairs_ptr, s, NUM_CANDIDATES - 1)
    return (logit_B > last_logit) | ((logit_B == last_logit) & (id_B <= last_id))


@triton.jit
def rest_weights(logits_ptr, pairs_ptr, s, chunk, largest, coolness, vocab_size):
    """Return weights of a chunk's tokens, zero for candidates, with ids and logits."""
    id_B = chunk * CHUNK + tl.arange(0, CHUNK)
    logit_ptrs = logits_ptr + s * vocab_size + id_B
    logit_B = tl.load(logit_ptrs, mask=id_B < vocab_size, other=float("-inf"))
    weight_B = weight_of(logit_B, largest, coolness)
    is_rest_B = (id_B < vocab_size) & (is_candidate(logit_B, id_B, pairs_ptr, s) == 0)
    return tl.where(is_rest_B, weight_B, 0.0), id_B, logit_B


@triton.jit
def uniform_number(seed, position):
    """Return the number in [0, 1) of a seed (int64 bits) and a position, a multiple of 2**-53."""
    low_word = tl.full((), LOW_WORD, tl.uint64)
    counter_a = position.to(tl.uint64)
    counter_b = counter_a * 0
    counter_c = counter_a * 0
    counter_d = counter_a * 0
    key_a = seed.to(tl.uint64, bitcast=True) & low_word
    key_b = seed.to(tl.uint64, bitcast=True) >> 32
    for _ in tl.static_range(ROUNDS):
        product_a = counter_a * MULTIPLIER_A
        product_b = counter_c * MULTIPLIER_B
        counter_a = (product_b >> 32) ^ counter_b ^ key_a
        counter_b = product_b & low_word
        counter_c = (product_a >> 32) ^ counter_d ^ key_b
        counter_d = product_a & low_word
        key_a = (key_a + WEYL_A) & low_word
        key_b = (key_b + WEYL_B) & low_word
    return ((counter_a << 21) | (counter_b >> 11)).to(tl.float64) * UNIFORM_UNIT


@triton.jit
def find_cut(logits_ptr, pairs_ptr, s, largest, coolness, target, vocab_size, num_chunks):
    """Return key, id and mass of the last token that top-p keeps, beyond the candidates."""
    digit_D = tl.arange(0, DIGITS).to(tl.uint32)
    threshold = tl.zeros((1,), tl.uint32)
    unit = tl.full((1,), HIGHEST_UNIT, tl.uint32)
    for _ in range(NUM_DIGITS):
        bound_D = threshold + digit_D * unit
        mass_D = tl.zeros((DIGITS,), tl.float64)
        for chunk in range(num_chunks):
            id_B = chunk * CHUNK + tl.arange(0, CHUNK)
            logit_ptrs = logits_ptr + s * vocab_size + id_B
            logit_B = tl.load(logit_ptrs, mask=id_B < vocab_size, other=float("-inf"))
            weight_B = weight_of(logit_B, largest, coolness)
            is_above_BD = order_key(logit_B)[:, None] >= bound_D[None, :]
            mass_D += tl.sum(tl.where(is_above_BD, weight_B[:, None], 0.0), 0)
        # A sum in another order may miss the target by its rounding: the lowest digit always does.
        reached = tl.maximum(tl.sum((mass_D >= target).to(tl.int32), 0) - 1, 0)
        threshold += reached.to(tl.uint32) * unit
        unit = unit >> DIGIT_BITS
    cut_key = tl.max(threshold, 0)
    above = tl.zeros((), tl.float64)
    weight = tl.zeros((), tl.float64)
    num_equal = tl.zeros((), tl.int32)
    for chunk in range(num_chunks):
        id_B = chunk * CHUNK + tl.arange(0, CHUNK)
        logit_ptrs = logits_ptr + s * vocab_size + id_B
        logit_B = tl.load(logit_ptrs, mask=id_B < vocab_size, other=float("-inf"))
        weight_B = weight_of(logit_B, largest, coolness)
        key_B = order_key(logit_B)
        is_equal_B = (key_B == cut_key) & (id_B < vocab_size)
        above += tl.sum(tl.where(key_B > cut_key, weight_B, 0.0), 0)
        weight = tl.maximum(weight, tl.max(tl.where(is_equal_B, weight_B, 0.0), 0))
        num_equal += tl.sum(is_equal_B.to(tl.int32), 0)
    wanted = tl.where(weight > 0, tl.ceil((target - above) / weight), 1.0).to(tl.int32)
    kept = tl.minimum(tl.maximum(wanted, 1), num_equal)
    cut_id = tl.full((), -1, tl.int32)
    seen = tl.zeros((), tl.int32)
    for chunk in range(num_chunks):
        id_B = chunk * CHUNK + tl.arange(0, CHUNK)
        logit_ptrs = logits_ptr + s * vocab_size + id_B
        logit_B = tl.load(logit_ptrs, mask=id_B < vocab_size, other=float("-inf"))
        is_equal_B = (order_key(logit_B) == cut_key) & (id_B < vocab_size)
        count_B = seen + tl.cumsum(is_equal_B.to(tl.int32), 0)
        cut_id = tl.maximum(cut_id, tl.max(tl.where(is_equal_B & (count_B == kept), id_B, -1), 0))
        seen += tl.sum(is_equal_B.to(tl.int32), 0)
    return cut_key, cut_id, above + kept.to(tl.float64) * weight


@triton.jit
def kept_rest(logits_ptr, pairs_ptr, s, chunk, largest, coolness, cut, vocab_size):
    """Return weights and ids of a chunk's tokens that are kept and no candidates."""
    cut_key, cut_id = cut
    weight_B, id_B, logit_B = rest_weights(
        logits_ptr, pairs_ptr, s, chunk, largest, coolness, vocab_size
    )
    key_B = order_key(logit_B)
    is_kept_B = (key_B > cut_key) | ((key_B == cut_key) & (id_B <= cut_id))
    return tl.where(is_kept_B, weight_B, 0.0), id_B


@triton.jit
def draw_rest(
    logits_ptr, pairs_ptr, mass_ptr, s, largest, coolness, before, drawn, cut, vocab_size,
    num_chunks, BLOCK_C: tl.constexpr,
):  # fmt: skip
    """Return the token that is not a candidate at which the running mass passes `drawn`.

    `before` is the candidates' mass, `cut` the key and id of the last token that is kept.
    """
    offs_c = tl.arange(0, BLOCK_C)
    mass_C = tl.load(mass_ptr + s * num_chunks + offs_c, mask=offs_c < num_chunks, other=0.0)
    is_passed_C = (before + tl.cumsum(mass_C, 0) > drawn) & (mass_C > 0)
    first_chunk = tl.min(tl.where(is_passed_C, offs_c, BLOCK_C), 0)
    # Rounding may leave the draw behind the last mass: then the last token that has any.
    last_chunk = tl.maximum(tl.max(tl.where(mass_C > 0, offs_c, 0), 0), 0)
    chunk = tl.minimum(first_chunk, last_chunk)
    running = before + tl.sum(tl.where(offs_c < chunk, mass_C, 0.0), 0)
    weight_B, id_B = kept_rest(logits_ptr, pairs_ptr, s, chunk, largest, coolness, cut, vocab_size)
    is_passed_B = (running + tl.cumsum(weight_B, 0) > drawn) & (weight_B > 0)
    first = tl.min(tl.where(is_passed_B, id_B, vocab_size), 0)
    return tl.minimum(first, tl.max(tl.where(weight_B > 0, id_B, 0), 0))


@triton.jit
def draw_token(
    logits_ptr, pairs_ptr, mass_ptr, s, coolness, top_p, uniform, vocab_size, num_chunks,
    BLOCK_C: tl.constexpr,
):  # fmt: skip
    """Return the token that a row's number falls on."""
    offs_k = tl.arange(0, NUM_CANDIDATES)
    offs_c = tl.arange(0, BLOCK_C)
    id_K, logit_K = load_pair(pairs_ptr, s, offs_k)
    largest = largest_logit(pairs_ptr, s)
    cumulative_K = tl.cumsum(weight_of(logit_K, largest, coolness), 0)
    before = tl.max(cumulative_K, 0)
    mass_C = tl.load(mass_ptr + s * num_chunks + offs_c, mask=offs_c < num_chunks, other=0.0)
    total = before + tl.sum(mass_C, 0)
    target = top_p * total
    # The cut is the first candidate that reaches the target, if one does.
    num_short = tl.sum((cumulative_K < target).to(tl.int32), 0)
    cut_key = tl.zeros((), tl.uint32)
    cut_id = vocab_size
    kept_mass = total
    last_place = NUM_CANDIDATES - 1
    if num_short < NUM_CANDIDATES:
        last_place = num_short
        kept_mass = tl.max(tl.where(offs_k == num_short, cumulative_K, 0.0), 0)
    elif top_p < 1:
        cut_key, cut_id, kept_mass = find_cut(
            logits_ptr, pairs_ptr, s, largest, coolness, target, vocab_size, num_chunks
        )
        for chunk in range(num_chunks):
            weight_B, _id_B = kept_rest(
                logits_ptr, pairs_ptr, s, chunk, largest, coolness, (cut_key, cut_id), vocab_size
            )
            tl.store(mass_ptr + s * num_chunks + chunk, tl.sum(weight_B, 0))
        tl.debug_barrier()
    drawn = uniform * kept_mass
    place = tl.sum((cumulative_K <= drawn).to(tl.int32), 0)
    if (place < NUM_CANDIDATES) | (num_short < NUM_CANDIDATES):
        place = tl.minimum(place, last_place)
        token = tl.max(tl.where(offs_k == place, id_K, -1), 0)
    else:
        token = draw_rest(
            logits_ptr, pairs_ptr, mass_ptr, s, largest, coolness, before, drawn,
            (cut_key, cut_id), vocab_size, num_chunks, BLOCK_C,
        )  # fmt: skip
    return token
