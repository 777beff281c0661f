"""From the events of a job to the generation its caller gets; the same near and far.

Free of tensors. The caller decides when to leave: what it has taken until then is its generation,
whatever the engine drew ahead, so that a cancelled generation does not depend on timing.
"""

from __future__ import annotations

import queue
from collections.abc import Callable

from engine.digest import LogitDigest
from engine.job import FailureEvent, JobEvent
from engine.types import FinishReason, Generation, TokenLogprobs

# How often a caller who waits for a token is asked whether it still wants one: a hundred of them
# that ask more often keep a processor busy.
POLL_S = 0.25


class Collector:
    """Gathers one generation."""

    def __init__(
        self,
        num_prompt_tokens: int,
        on_token: Callable[[int], None] | None,
        on_logprobs: Callable[[TokenLogprobs], None] | None = None,
    ) -> None:
        """Start with nothing; `on_token` is called with each token taken, after `on_logprobs`."""
        self.events: queue.SimpleQueue[JobEvent] = queue.SimpleQueue()
        self._num_prompt_tokens = num_prompt_tokens
        self._on_token = on_token
        self._on_logprobs = on_logprobs
        self._token_ids: list[int] = []
        self._logprobs: list[TokenLogprobs] = []
        self._digest = LogitDigest().hex
        self._cached_tokens = 0

    def take(self, event: JobEvent) -> FinishReason | None:
        """Take an event and return why the generation ended, if it did.

        Raises:
            EngineError: The event reports one.
        """
        if isinstance(event, FailureEvent):
            raise event.error
        self._token_ids.append(event.token_id)
        self._digest = event.digest
        self._cached_tokens = event.cached_tokens
        if event.logprobs is not None:
            self._logprobs.append(event.logprobs)
            if self._on_logprobs is not None:
                self._on_logprobs(event.logprobs)
        if self._on_token is not None:
            self._on_token(event.token_id)
        return event.finish

    def generation(self, reason: FinishReason) -> Generation:
        """Return what was taken."""
        return Generation(
            token_ids=tuple(self._token_ids),
            finish_reason=reason,
            logit_digest=self._digest,
            prompt_tokens=self._num_prompt_tokens,
            cached_tokens=self._cached_tokens,
            logprobs=tuple(self._logprobs),
        )
