"""The engine as its callers see it, in this process or in another.

Free of tensors. `engine.engine.Engine` and `engine.serving.client.RemoteEngine` are both of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.job import Terms
from engine.tokenizer import Tokenizer
from engine.types import Generation, GenerationRequest, TokenLogprobs


class ModelFacts(Protocol):
    """What callers need to know of a model; lengths in tokens."""

    @property
    def name(self) -> str:
        """Name of the checkpoint's folder."""

    @property
    def vocab_size(self) -> int:
        """Width of the logits."""

    @property
    def context_length(self) -> int:
        """Prompt and answer together."""


class ModelFingerprint(Protocol):
    """What the model's bits depend on."""

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hex."""

    def to_json(self) -> str:
        """Return canonical JSON."""


class ModelEngine(Protocol):
    """A loaded model that continues prompts; safe to use from several threads."""

    @property
    def info(self) -> ModelFacts:
        """What the model is."""

    @property
    def fingerprint(self) -> ModelFingerprint:
        """What its bits depend on."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Its vocabulary."""

    @property
    def is_ready(self) -> bool:
        """Whether a request would be taken now."""

    def generate(
        self,
        request: GenerationRequest,
        *,
        grammar: str = "",
        terms: Terms | None = None,
        on_token: Callable[[int], None] | None = None,
        on_logprobs: Callable[[TokenLogprobs], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Generation:
        """Continue a prompt; see `engine.engine.Engine.generate`."""
