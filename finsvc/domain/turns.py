"""Turns of a model as the agents see them, and what replay needs of each."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTrace:
    """Everything needed to sample the turn again, token for token.

    ``grammar`` is the text of the grammar the mask was built from, empty when unconstrained;
    ``logit_digest`` is the R4 chain in hexadecimal. ``margin`` is the least, over the tokens, of
    the natural logarithm of a token's probability over that of its best alternative, before any
    mask; None where the model did not tell.
    """

    prompt_ids: tuple[int, ...]
    grammar: str
    stop_ids: tuple[int, ...]
    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int
    token_ids: tuple[int, ...]
    logit_digest: str
    finish_reason: str
    cached_tokens: int
    margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedCall:
    """A tool call as the model wrote it: ``arguments`` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTurn:
    """One assistant turn: calls, or a final text, or neither when it was malformed.

    ``repairs`` names what the parser had to mend.
    """

    calls: tuple[RequestedCall, ...]
    final: str | None
    repairs: tuple[str, ...]
    trace: TurnTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Which model answered: its name, fingerprint digest and the fields behind it."""

    name: str
    fingerprint: str
    manifest: Mapping[str, object]
