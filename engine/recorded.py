"""Recorded generations and what checking them again finds; free of tensors."""

from __future__ import annotations

from dataclasses import dataclass

from engine.types import GenerationRequest, TokenLogprob


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedGeneration:
    """What was asked of the model and what it gave.

    Attributes:
        request: As it was sampled.
        grammar: Lark text of its masks; empty where it had none.
        token_ids: What was drawn, the stop token included.
    """

    request: GenerationRequest
    grammar: str
    token_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDifference:
    """The first position at which another token is drawn than was recorded.

    Attributes:
        index: Among the drawn tokens, from 0.
        recorded: With its natural-log probability here, before masks.
        derived: The same of the token drawn here.
        is_allowed: Whether the mask allows the recorded token.
    """

    index: int
    recorded: TokenLogprob
    derived: TokenLogprob
    is_allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """A generation checked again.

    Attributes:
        logit_digest: Hex R4 chain (`engine.digest`) over the logits that follow the recorded
            tokens, so that one different token does not change all after it.
        difference: None when the same tokens are drawn.
        is_ended: Whether the recorded tokens end where the model would: at their only stop token,
            or at the limit.
    """

    logit_digest: str
    difference: TokenDifference | None
    is_ended: bool
