"""What the agents need of a language model; an adapter implements it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from finsvc.agents.catalogue import AgentTool
from finsvc.domain.turns import ModelIdentity, ModelTurn

# Of samples and of repeated attempts, which must be able to differ; the seed keeps them repeatable.
SAMPLE_TEMPERATURE = 0.7


class Dialogue(Protocol):
    """One conversation: the model takes turns, results are fed back between them."""

    def next_turn(self, *, attempt: int, may_call: bool) -> ModelTurn:
        """Sample the next turn; a higher ``attempt`` samples the same turn anew.

        With ``may_call`` off the turn must be a final text.
        """

    def add_result(self, *, tool: str, arguments: str, payload: Mapping[str, str]) -> None:
        """Append the accepted call and what it returned to the conversation."""


class LanguageModel(Protocol):
    """A model that can be talked to under a grammar."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is, as the record states it."""

    def open(
        self,
        *,
        instructions: str,
        tools: Sequence[AgentTool],
        user_message: str,
        tenant: str,
        seed: int | None = None,
    ) -> Dialogue:
        """Start a conversation about one question; only the same tenant's may share its prefix.

        With a ``seed`` every turn is sampled, at `SAMPLE_TEMPERATURE`; without, the likeliest words
        are taken.
        """
