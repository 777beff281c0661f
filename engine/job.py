"""One request on its way through the scheduler, and what it reports.

Free of tensors. A job keeps its tokens and its digest whatever happens to its keys and values, so
a preempted job goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from engine.digest import LogitDigest
from engine.errors import EngineError
from engine.types import FinishReason, GenerationRequest, TokenLogprobs, TokenMask


class Priority(IntEnum):
    """Whose turn it is; lower goes first, and may preempt higher."""

    INTERACTIVE = 0
    NORMAL = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which terms a request is served; none of them changes its tokens.

    Attributes:
        tenant: Whose cached prompts it may share; two tenants never share any.
        priority: Its place among those that wait.
        timeout_s: Seconds until it is given up, waiting and running; None means never.
    """

    tenant: str = ""
    priority: Priority = Priority.NORMAL
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEvent:
    """A token of a job.

    Attributes:
        digest: The R4 chain up to and including this token, hex.
        cached_tokens: Prompt tokens that came from the prefix cache.
        finish: Why the job ended with this token; None while it goes on.
    """

    job_id: int
    token_id: int
    digest: str
    cached_tokens: int
    logprobs: TokenLogprobs | None = None
    finish: FinishReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureEvent:
    """The end of a job that cannot go on."""

    job_id: int
    error: EngineError


JobEvent = TokenEvent | FailureEvent


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """State of one request.

    Attributes:
        tokens: The prompt and what was drawn.
        num_fed: How many of them have keys and values.
        pages: Where those lie.
        filled: Digests of the full pages among them, in order, after the tenant's root.
        cached_tokens: None until the job was first admitted.
        deadline: On the scheduler's clock.
    """

    job_id: int
    request: GenerationRequest
    terms: Terms
    mask: TokenMask | None
    arrival: int
    deadline: float | None
    tokens: list[int]
    num_fed: int = 0
    pages: list[int] = field(default_factory=list)
    filled: list[bytes] = field(default_factory=list)
    digest: LogitDigest = field(default_factory=LogitDigest)
    cached_tokens: int | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Order of service: the smallest goes first."""
        return (self.terms.priority, self.arrival)

    @property
    def num_left(self) -> int:
        """Tokens still to be fed before the next one can be drawn; at least 1."""
        return len(self.tokens) - self.num_fed

    @property
    def num_drawn(self) -> int:
        """Tokens drawn so far."""
        return len(self.tokens) - len(self.request.prompt_ids)
