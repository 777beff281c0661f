"""Requests to the engine and what it returns.

Owns the value types that callers exchange with `engine.engine.Engine`. Imports no tensor library,
so that the service can build requests and read results without loading one. Positions count tokens
from 0; probabilities are natural logarithms of the unmasked, untempered distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class FinishReason(StrEnum):
    """Why a generation ended."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is drawn from the logits.

    Attributes:
        temperature: 0 takes the largest logit (lowest id on a tie); otherwise logits are divided
            by it. Not negative.
        top_p: Keeps the smallest set of most likely tokens whose probability reaches it; in (0, 1].
        seed: Key of the counter-based generator, 0 <= seed < 2**64. The draw at a position
            depends on (seed, position) alone.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One prompt to continue.

    Attributes:
        prompt_ids: Token ids, at least one.
        max_new_tokens: Most tokens to produce, at least 1.
        stop_ids: Tokens that end the generation; the one met is part of the result.
        sampling: How tokens are drawn.
        top_logprobs: Alternatives to report for each token, 0 to 20.
    """

    prompt_ids: tuple[int, ...]
    max_new_tokens: int
    stop_ids: frozenset[int]
    sampling: Sampling = Sampling()
    top_logprobs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """A token and its natural-log probability under the model's raw distribution."""

    token_id: int
    logprob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprobs:
    """The sampled token of one position and its most likely alternatives, best first."""

    sampled: TokenLogprob
    top: tuple[TokenLogprob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What the engine produced for one request.

    Attributes:
        token_ids: Sampled tokens, including the stop token when one was met.
        finish_reason: Why it ended.
        logit_digest: Hex R4 chain over the raw logits of every sampled position (`engine.digest`).
        prompt_tokens: Length of the prompt.
        cached_tokens: Prompt tokens whose keys and values came from the prefix cache.
        logprobs: One entry per sampled token when `top_logprobs` > 0, else empty.
    """

    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    logit_digest: str
    prompt_tokens: int
    cached_tokens: int
    logprobs: tuple[TokenLogprobs, ...] = ()


class TokenMask(Protocol):
    """Which tokens may come next; advanced token by token."""

    def bitmask(self) -> npt.NDArray[np.uint32] | None:
        """Return ceil(V/32) words, bit i of word w allowing token 32*w + i; None allows all."""
        ...

    def allows(self, token_id: int) -> bool:
        """Whether a token may come next, for less than its bit costs; False may mean unknown."""
        ...

    def accept(self, token_id: int) -> None:
        """Advance past a sampled token."""
        ...
