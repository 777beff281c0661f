"""Choice of the next token from float32 logits.

Greedy or seeded. A seeded draw at a position uses one number from Philox4x32-10 with the seed as
key and the position as counter, so it depends on nothing that was drawn before: neither on the
batch nor on an interruption. Probabilities are computed in double precision over candidates in one
fixed order, value descending and lowest id first.

Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.digest import top_candidates
from engine.errors import NonFiniteLogitsError, TokenMaskError
from engine.types import Sampling, TokenLogprob, TokenLogprobs

_WORD = 0xFFFFFFFF
_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)


def philox4x32(
    counter: tuple[int, int, int, int], key: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return four 32-bit words of Philox4x32-10."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _WORD, (p0 >> 32) ^ c3 ^ k1, p0 & _WORD
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    return c0, c1, c2, c3


def uniform(seed: int, position: int) -> float:
    """Return the number in [0, 1) that belongs to a seed and a position, a multiple of 2**-53."""
    counter = (position & _WORD, position >> 32, 0, 0)
    high, low, _, _ = philox4x32(counter, (seed & _WORD, seed >> 32))
    return ((high << 21) | (low >> 11)) * 2.0**-53


def apply_mask(
    logits_V: npt.NDArray[np.float32],
    bitmask: npt.NDArray[np.uint32] | None,
    position: int,
) -> npt.NDArray[np.float32]:
    """Return logits with forbidden tokens at minus infinity.

    Raises:
        TokenMaskError: The mask has a wrong number of words or allows no token.
        NonFiniteLogitsError: A raw logit is NaN or infinite.
    """
    if not np.isfinite(logits_V).all():
        raise NonFiniteLogitsError(position)
    if bitmask is None:
        return logits_V
    num_words = -(-logits_V.size // 32)
    if bitmask.shape != (num_words,):
        raise TokenMaskError(
            position=position, expected=f"{num_words} words", actual=f"shape {bitmask.shape}"
        )
    words = np.ascontiguousarray(bitmask, dtype="<u4")
    allowed_V = np.unpackbits(words.view(np.uint8), bitorder="little")[: logits_V.size].view(bool)
    if not allowed_V.any():
        raise TokenMaskError(
            position=position, expected="at least one allowed token", actual="none"
        )
    return np.where(allowed_V, logits_V, np.float32(-np.inf))


def sample(logits_V: npt.NDArray[np.float32], sampling: Sampling, position: int) -> int:
    """Return the token id to put at `position`.

    Args:
        logits_V: Finite logits, or minus infinity for forbidden tokens; at least one is finite.
        sampling: How to draw.
        position: Number of tokens before the one to be drawn.
    """
    if sampling.temperature == 0:
        return int(np.argmax(logits_V))
    ids = top_candidates(logits_V, logits_V.size)
    scaled = logits_V[ids].astype(np.float64) / sampling.temperature
    weights = np.exp(scaled - scaled[0])
    cumulative = np.cumsum(weights)
    kept = int(np.searchsorted(cumulative, sampling.top_p * cumulative[-1])) + 1
    cumulative = cumulative[:kept]
    drawn = np.searchsorted(cumulative, uniform(sampling.seed, position) * cumulative[-1], "right")
    return int(ids[min(int(drawn), cumulative.size - 1)])


def token_logprobs(logits_V: npt.NDArray[np.float32], token_id: int, count: int) -> TokenLogprobs:
    """Return natural-log probabilities of a token and of the `count` best, from raw logits."""
    values = logits_V.astype(np.float64)
    largest = values.max()
    logprobs = values - (largest + np.log(np.exp(values - largest).sum()))
    best = top_candidates(logits_V, min(count, logits_V.size))
    return TokenLogprobs(
        sampled=TokenLogprob(token_id=token_id, logprob=float(logprobs[token_id])),
        top=tuple(TokenLogprob(token_id=int(i), logprob=float(logprobs[i])) for i in best),
    )
