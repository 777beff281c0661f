"""A test double of a language model: it plays the turns it was given.

For behaviour that a trained model cannot be made to show on demand: a wrong argument, a loop that
never ends, output that is no turn at all. Everything around it in these tests is real.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from finsvc.agents.catalogue import AgentTool
from finsvc.domain.turns import ModelIdentity, ModelTurn, RequestedCall, TurnTrace

_SLOT = re.compile(r"\{(?:(?P<call>c[0-9]+)\.)?(?P<field>[a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One turn to play: calls, or a final text, or neither; ``sleep_s`` delays it.

    In a final text ``{c1.var}`` stands for the key of that field as the tool's result offered it,
    ``{var}`` for the last call's; text in ``[[...]]`` is left as it is.
    """

    calls: tuple[RequestedCall, ...] = ()
    final: str | None = None
    sleep_s: float = 0.0


def call(name: str, **arguments: str) -> Step:
    """A turn that calls one tool; ``from_`` stands for the argument ``from``."""
    named = {key.rstrip("_"): value for key, value in arguments.items()}
    return Step(calls=(RequestedCall(name=name, arguments=json.dumps(named)),))


def raw_call(name: str, arguments: str) -> Step:
    """A turn that calls a tool with arguments that may be no JSON."""
    return Step(calls=(RequestedCall(name=name, arguments=arguments),))


def final(text: str) -> Step:
    """A turn that answers."""
    return Step(final=text)


NOTHING = Step()


def _trace(number: int) -> TurnTrace:
    return TurnTrace(
        prompt_ids=(1, 2, 3),
        grammar="",
        stop_ids=(0,),
        max_new_tokens=1,
        temperature=0.0,
        top_p=1.0,
        seed=0,
        token_ids=(number,),
        logit_digest="00" * 32,
        finish_reason="stop",
        cached_tokens=0,
    )


@dataclass(slots=True)
class ScriptedDialogue:
    """Plays the steps in order; the last one is played again when they run out."""

    steps: Sequence[Step]
    payloads: list[Mapping[str, str]] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    _position: int = 0

    def next_turn(self, *, attempt: int, may_call: bool) -> ModelTurn:
        """Play the next step."""
        self.attempts.append(attempt)
        step = self.steps[min(self._position, len(self.steps) - 1)]
        self._position += 1
        time.sleep(step.sleep_s)
        text = None if step.final is None else self._filled(step.final)
        return ModelTurn(calls=step.calls, final=text, repairs=(), trace=_trace(self._position))

    def add_result(self, *, tool: str, arguments: str, payload: Mapping[str, str]) -> None:
        """Remember what may be cited."""
        self.payloads.append(payload)

    def _filled(self, text: str) -> str:
        return _SLOT.sub(lambda match: self._key(match["call"], match["field"]), text)

    def _key(self, call_id: str | None, name: str) -> str:
        number = int(call_id[1:]) if call_id else len(self.payloads)
        for key in self.payloads[number - 1]:
            if key.removeprefix(f"[[c{number}.").split("|")[0].rstrip("]") == name:
                return key
        raise AssertionError(f"{name} is not offered: {list(self.payloads[number - 1])}")


class ScriptedModel:
    """Implements the agents' `LanguageModel`; ``script`` gives the steps of every question."""

    def __init__(self, *steps: Step, script: Callable[[str], Sequence[Step]] | None = None) -> None:
        self._script = script or (lambda _: steps)
        self.dialogues: list[ScriptedDialogue] = []
        self.tools: tuple[str, ...] = ()
        self.seeds: list[int | None] = []

    @property
    def identity(self) -> ModelIdentity:
        """Says plainly what it is."""
        return ModelIdentity(name="scripted", fingerprint="none", manifest={"kind": "test double"})

    def open(
        self,
        *,
        instructions: str,
        tools: Sequence[AgentTool],
        user_message: str,
        tenant: str,
        seed: int | None = None,
    ) -> ScriptedDialogue:
        """Start playing."""
        self.tools = tuple(tool.name for tool in tools)
        self.seeds.append(seed)
        dialogue = ScriptedDialogue(steps=self._script(user_message))
        self.dialogues.append(dialogue)
        return dialogue
