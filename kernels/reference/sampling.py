"""The draw of a token by a sort, in the order of the GPU: candidates first, the rest by id."""

from __future__ import annotations

import torch

from kernels.checks import expect

# Dimensions: V vocabulary, S rows, Y words of a mask.

CANDIDATES = 32
_WORD = 0xFFFFFFFF


def uniform(seed: int, position: int) -> float:
    """Return the number in [0, 1) of a seed and a position from Philox4x32-10.

    Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
    """
    a, b, c, d = position & _WORD, position >> 32, 0, 0
    key_a, key_b = seed & _WORD, seed >> 32
    for _ in range(10):
        product_a, product_b = a * 0xD2511F53, c * 0xCD9E8D57
        a, b = (product_b >> 32) ^ b ^ key_a, product_b & _WORD
        c, d = (product_a >> 32) ^ d ^ key_b, product_a & _WORD
        key_a, key_b = (key_a + 0x9E3779B9) & _WORD, (key_b + 0xBB67AE85) & _WORD
    return ((a << 21) | (b >> 11)) * 2.0**-53


def sample(
    logits_V: torch.Tensor, *, temperature: float, top_p: float, seed: int, position: int
) -> int:
    """Return the token of one row, or -1 when the row has none.

    Args:
        logits_V: float32; minus infinity where a token is forbidden.
        temperature: 0 takes the largest logit, lowest id on a tie.
        top_p: Keeps the smallest set of most likely tokens that reaches it, lowest id first.
        seed: Of the generator.
        position: That the token will have.
    """
    expect("logits", logits_V, "V", dtype=torch.float32)
    if logits_V.isnan().any() or logits_V.max().isinf():
        return -1
    values_V, ids_V = torch.sort(logits_V, descending=True, stable=True)
    if temperature == 0:
        return int(ids_V[0])
    scaled_V = values_V.double() / temperature
    weights_V = (scaled_V - scaled_V[0]).exp()
    cumulative_V = weights_V.cumsum(0)
    num_kept = int((cumulative_V < top_p * cumulative_V[-1]).sum()) + 1
    kept_ids, kept_weights = ids_V[:num_kept], weights_V[:num_kept]
    rest = torch.argsort(kept_ids[CANDIDATES:]) + CANDIDATES
    order = torch.cat([torch.arange(min(CANDIDATES, num_kept)), rest])
    running = kept_weights[order].cumsum(0)
    drawn = uniform(seed, position) * cumulative_V[num_kept - 1]
    place = min(int((running <= drawn).sum()), num_kept - 1)
    return int(kept_ids[order[place]])


def mask_logits(
    logits_SV: torch.Tensor, bitmask_SY: torch.Tensor, is_masked_S: torch.Tensor
) -> torch.Tensor:
    """Return logits with the forbidden tokens of masked rows at minus infinity."""
    ids_V = torch.arange(logits_SV.shape[1])
    is_allowed_SV = (bitmask_SY[:, ids_V // 32] >> (ids_V % 32)) & 1 != 0
    is_kept_SV = is_allowed_SV | (is_masked_S == 0)[:, None]
    return torch.where(is_kept_SV, logits_SV, -torch.inf)
