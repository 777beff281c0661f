"""Turns of the model derived again: rescored in shared steps, elsewhere sampled again.

An engine on a CPU, in this process or its own, rescores: recorded tokens go through as part of the
prompt, so a turn costs a prefill. Any other engine is asked to sample turns again, many at a time.
Either way a difference names the token, both candidates and their probabilities.
"""

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from audit.canonical import JsonObject
from audit.replay import Comparison, Outcome
from engine.engine import Engine
from engine.errors import EngineError, RequestError
from engine.job import Priority, Terms
from engine.recorded import RecordedGeneration, Rescored, TokenDifference
from engine.rescore import Rescorer
from engine.serving.client import RemoteEngine
from engine.types import Generation, GenerationRequest, Sampling, TokenLogprob
from finsvc.adapters.engine import EngineModel

# Nobody's question waits for a replay, and its prompts are of many principals.
_TERMS = Terms(tenant="replay", priority=Priority.BACKGROUND)
# Alternatives asked for where a turn is sampled again: the recorded token may be among them.
_TOP_LOGPROBS = 20
# Turns sampled again at a time: a batch that a GPU is busy with.
_AT_ONCE = 32
# What a turn was sampled from, and its tokens.
_KEY = ("prompt_ids", "grammar", "stop_ids", "max_new_tokens", "sampling", "token_ids")
# What each part of the manifest stands for, worst first.
_CAUSES = {
    "weights_digest": "other weights",
    "tokenizer_digest": "another tokenizer",
    "config_digest": "another configuration of the network",
    "code_digest": "another build of the kernels",
    "dtype": "another number format",
    "parallelism": "another partition over devices",
    "device": "another device class",
}
_CLASS = frozenset({"device", "dtype", "parallelism", "code_digest"})
_SAME_MODEL = "same model, build and device class: a changed record (see R0) or a faulty machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOutcome:
    """A turn derived again.

    Attributes:
        tokens: The first difference of its tokens; empty where they are the same.
        logit_digest: Derived.
        is_failed: Whether the turn could not be derived at all; `tokens` says why.
    """

    tokens: str
    logit_digest: str
    is_failed: bool = False


class Turns:
    """Derives turns again, each once for the levels that need it; safe from several threads."""

    def __init__(self, model: EngineModel) -> None:
        """Use the model that answers here."""
        self.model = model
        self._rescorer = _rescorer(model)

    def derive(self, parts: Sequence[JsonObject]) -> dict[str, TurnOutcome]:
        """Derive recorded turns again; those that begin alike share work.

        Returns:
            Outcomes by `key` of the turn.
        """
        found: dict[str, TurnOutcome] = {}
        recorded: dict[str, RecordedGeneration] = {}
        for part in parts:
            try:
                recorded[key(part)] = _recorded(part)
            except (KeyError, TypeError, ValueError) as error:
                found[key(part)] = _failed(error)
        if self._rescorer is None:
            # Together, so that the engine runs them in shared steps.
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                outcomes_of = pool.map(self._sample, recorded.values())
                found.update(zip(recorded, outcomes_of, strict=True))
            return found
        outcomes = self._rescorer.rescore(list(recorded.values()))
        for name, outcome in zip(recorded, outcomes, strict=True):
            found[name] = self._rescored(recorded[name], outcome)
        return found

    def sample_again(self, part: JsonObject) -> tuple[int, ...]:
        """What this model says in the place of a recorded turn.

        Raises:
            EngineError: It cannot be run.
        """
        generation = _recorded(part)
        return self.model.sample(generation.request, generation.grammar, terms=_TERMS).token_ids

    def other_model(self, decision: JsonObject) -> tuple[Outcome, str]:
        """Tell another device class or build, and another model, from a true difference.

        Returns:
            Match and nothing for the same model, else the outcome and what differs.
        """
        model = decision.get("model")
        manifest = model.get("manifest") if isinstance(model, dict) else None
        if not isinstance(manifest, dict):
            detail = f"model.manifest: recorded {manifest!r}, expected an object"
            return Outcome.MISMATCH, detail
        current = self.model.identity.manifest
        names = [*_CAUSES, *sorted(current.keys() - _CAUSES.keys())]
        changed = [name for name in names if manifest.get(name) != current.get(name)]
        if not changed:
            return Outcome.MATCH, ""
        details = [
            f"model.{name}: recorded {manifest.get(name)!r}, here {current.get(name)!r} "
            f"({_CAUSES.get(name, name)})"
            for name in changed
        ]
        is_class = set(changed) <= _CLASS
        return Outcome.CLASS_MISMATCH if is_class else Outcome.MISMATCH, ", ".join(details)

    def _rescored(
        self, generation: RecordedGeneration, outcome: Rescored | EngineError
    ) -> TurnOutcome:
        if isinstance(outcome, EngineError):
            return self._impossible(generation, outcome)
        if outcome.difference is not None:
            detail = self._explained(outcome.difference)
        elif not outcome.is_ended:
            count = len(generation.token_ids)
            detail = f"number of tokens: recorded {count}, derived another: no end at the last one"
        else:
            detail = ""
        return TurnOutcome(tokens=detail, logit_digest=outcome.logit_digest)

    def _impossible(self, generation: RecordedGeneration, error: EngineError) -> TurnOutcome:
        """A record that cannot be rescored; without tokens there is still a digest to compare."""
        if generation.token_ids:
            return _failed(error)
        return self._sample(generation)

    def _sample(self, generation: RecordedGeneration) -> TurnOutcome:
        request = generation.request
        asked = GenerationRequest(
            prompt_ids=request.prompt_ids,
            max_new_tokens=request.max_new_tokens,
            stop_ids=request.stop_ids,
            sampling=request.sampling,
            top_logprobs=_TOP_LOGPROBS,
        )
        try:
            derived = self.model.sample(asked, generation.grammar, terms=_TERMS)
        except EngineError as error:
            return _failed(error)
        detail = self._first_difference(generation.token_ids, derived)
        return TurnOutcome(tokens=detail, logit_digest=derived.logit_digest)

    def _first_difference(self, recorded: Sequence[int], derived: Generation) -> str:
        pairs = zip(recorded, derived.token_ids, derived.logprobs, strict=False)
        for index, (left, right, logprobs) in enumerate(pairs):
            if left == right:
                continue
            known = next((item for item in logprobs.top if item.token_id == left), None)
            shown = f"{left} {self._text(left)}" if known is None else self._shown(known)
            return f"token {index}: recorded {shown}, derived {self._shown(logprobs.sampled)}"
        if len(recorded) == len(derived.token_ids):
            return ""
        return f"number of tokens: recorded {len(recorded)}, derived {len(derived.token_ids)}"

    def _explained(self, difference: TokenDifference) -> str:
        forbidden = "" if difference.is_allowed else " (forbidden by the grammar)"
        return (
            f"token {difference.index}: recorded {self._shown(difference.recorded)}{forbidden}, "
            f"derived {self._shown(difference.derived)}"
        )

    def _shown(self, token: TokenLogprob) -> str:
        probability = math.exp(token.logprob)
        return f"{token.token_id} {self._text(token.token_id)} of probability {probability:.4g}"

    def _text(self, token_id: int) -> str:
        tokenizer = self.model.engine.tokenizer
        return repr(tokenizer.decode([token_id])) if token_id < tokenizer.vocab_size else "''"


class TurnReplayer:
    """R3 and R4 over turns that are derived beside the other levels."""

    def __init__(
        self, turns: Turns, derived: Future[dict[str, TurnOutcome]], *, compares_logits: bool
    ) -> None:
        self._turns = turns
        self._derived = derived
        self._compares_logits = compares_logits

    def replay(self, part: JsonObject, decision: JsonObject) -> Comparison:
        """Compare one turn's token ids, or the digest of the logits behind them."""
        outcome = self._derived.result()[key(part)]
        kind, other = self._turns.other_model(decision)
        found = self._difference(part, outcome)
        if kind is not Outcome.MATCH:
            name = "logits" if self._compares_logits else "tokens"
            return Comparison(kind, f"{other}; {found or f'the same {name} all the same'}")
        if not found:
            return Comparison(Outcome.MATCH)
        cause = "" if outcome.is_failed else f"; {_SAME_MODEL}"
        return Comparison(Outcome.MISMATCH, found + cause)

    def _difference(self, part: JsonObject, outcome: TurnOutcome) -> str:
        if not self._compares_logits or outcome.is_failed:
            return outcome.tokens
        recorded = part.get("logit_digest")
        if recorded == outcome.logit_digest:
            return ""
        return f"logit_digest: recorded {recorded!r}, derived {outcome.logit_digest!r}"


def recorded_ids(part: JsonObject) -> tuple[int, ...]:
    """Tokens that a recorded turn sampled."""
    return _integers(part.get("token_ids"))


def key(part: JsonObject) -> str:
    """What makes two turns the same to derive."""
    return json.dumps([part.get(name) for name in _KEY])


class TurnRescorer(Protocol):
    """Checks recorded generations by one pass each."""

    def rescore(
        self, generations: Sequence[RecordedGeneration]
    ) -> Sequence[Rescored | EngineError]:
        """What was found of each, in order."""


def _rescorer(model: EngineModel) -> TurnRescorer | None:
    """What checks recorded turns on a CPU; a GPU has no such pass yet."""
    engine = model.engine
    if isinstance(engine, RemoteEngine):
        device = json.loads(engine.fingerprint.to_json()).get("device")
        return engine if isinstance(device, dict) and device.get("kind") == "cpu" else None
    if not isinstance(engine, Engine):
        return None
    try:
        return Rescorer(engine)
    except RequestError:
        return None


def _failed(error: Exception) -> TurnOutcome:
    detail = f"turn: expected one that can be sampled again, got {error!r}"
    return TurnOutcome(tokens=detail, logit_digest="", is_failed=True)


def _integers(value: object) -> tuple[int, ...]:
    return tuple(int(item) for item in value) if isinstance(value, list) else ()


def _recorded(part: JsonObject) -> RecordedGeneration:
    sampling = part["sampling"]
    options = sampling if isinstance(sampling, Mapping) else {}
    request = GenerationRequest(
        prompt_ids=_integers(part["prompt_ids"]),
        max_new_tokens=int(str(part["max_new_tokens"])),
        stop_ids=frozenset(_integers(part["stop_ids"])),
        sampling=Sampling(
            temperature=float(str(options["temperature"])),
            top_p=float(str(options["top_p"])),
            seed=int(str(options["seed"])),
        ),
    )
    return RecordedGeneration(
        request=request, grammar=str(part["grammar"]), token_ids=_integers(part["token_ids"])
    )
